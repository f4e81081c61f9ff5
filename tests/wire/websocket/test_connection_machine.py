"""The closing handshake of two connections that face each other."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from tgext.socketio.wire.errors import ProtocolError
from tgext.socketio.wire.websocket.close import encode_close, parse_close
from tgext.socketio.wire.websocket.connection import (
    ABNORMAL,
    PATIENCE,
    Connection,
    Misuse,
)
from tgext.socketio.wire.websocket.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    FrameReader,
    Message,
    encode_frame,
)
from tgext.socketio.wire.websocket.states import (
    TABLE,
    Effect,
    Input,
    State,
)

from ..strategies import MANY, SOME
from .opened import NOW, opened


class Side:
    """A connection and its owner, who does what the engine's owners do."""

    def __init__(self, connection: Connection | None = None) -> None:
        self.connection = connection or opened()
        self.written = b""
        #: What was written and has not come to the peer.
        self.pipe = b""
        #: Whether no more is written: the peer meets the end after the pipe.
        self.over = False
        self.met_end = False
        self.received: list[Message] = []
        self.closed_with: int | None = None
        self.dropped = False

    def note(self, output: bytes) -> None:
        """Do what a step asks for."""
        if not self.over:
            self.written += output
            self.pipe += output
        if self.connection.state in (State.FINISHED, State.DISCARDING, State.CLOSED):
            self.over = True

    def read(self, data: bytes, now: float) -> None:
        connection = self.connection
        try:
            for opcode, payload in connection.receive(data):
                if opcode > BINARY:
                    assert isinstance(payload, bytes)
                    self.note(connection.control(opcode, payload, now))
                    if not connection.reading:
                        return
                elif (
                    TABLE[connection.state, Input.RECEIVED_MESSAGE][0] is Effect.DELIVER
                ):
                    self.received.append((opcode, payload))
        except ProtocolError as error:
            self.note(connection.fail(error, now))

    def read_end(self, now: float) -> None:
        self.met_end = True
        self.note(self.connection.end(now))

    def frames(self) -> list[Message]:
        """All frames that were written, as the peer reads them."""
        return list(FrameReader(masked=False).feed(self.written))


texts = st.text(max_size=20)


sides = st.sampled_from([0, 1])


codes = st.sampled_from([1000, 1001, 1011, 3000, 4999])


class Handshake(RuleBasedStateMachine):
    """The closing handshake: any order of sends, closes, losses and time."""

    @initialize()
    def begin(self) -> None:
        self.now = NOW
        self.sides = Side(), Side()
        self.plugged = True

    def peer(self, side: Side) -> Side:
        return self.sides[1] if side is self.sides[0] else self.sides[0]

    @rule(side=sides, text=texts)
    def send(self, side: int, text: str) -> None:
        mine = self.sides[side]
        if mine.connection.sending:
            mine.note(mine.connection.send(TEXT, text.encode()))
        else:
            with pytest.raises(Misuse):
                mine.connection.send(TEXT, text.encode())

    @rule(side=sides)
    def ping(self, side: int) -> None:
        mine = self.sides[side]
        if mine.connection.sending:
            mine.note(mine.connection.send(PING, b"?"))

    @rule(side=sides, code=codes, reason=texts)
    def close(self, side: int, code: int, reason: str) -> None:
        mine = self.sides[side]
        if mine.connection.close_code is None:
            mine.closed_with = code
        mine.note(mine.connection.close(code, reason, self.now))

    @rule(side=sides)
    def catch_up(self, side: int) -> None:
        mine = self.sides[side]
        mine.note(mine.connection.caught_up(self.now))

    @rule(side=sides)
    def write_garbage(self, side: int) -> None:
        """A peer that breaks the protocol."""
        mine = self.sides[side]
        if mine.connection.sending:
            mine.pipe += b"\xff\xff"
            mine.over = True

    @rule(side=sides)
    def drop(self, side: int) -> None:
        mine = self.sides[side]
        mine.dropped = True
        mine.connection.drop(self.now)
        mine.note(b"")

    @rule(side=sides, count=st.integers(1, 60))
    def carry(self, side: int, count: int) -> None:
        """Some bytes that a side has written reach the other side."""
        if not self.plugged:
            return
        mine = self.sides[side]
        peer = self.peer(mine)
        data, mine.pipe = mine.pipe[:count], mine.pipe[count:]
        if data:
            peer.read(data, self.now)
        elif mine.over and not peer.met_end:
            peer.read_end(self.now)

    @rule()
    def unplug(self) -> None:
        """From now on nothing arrives, and no end either."""
        self.plugged = False

    @rule(seconds=st.floats(0, 1.5))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        for each in self.sides:
            each.note(each.connection.expire(self.now))

    @invariant()
    def nothing_follows_a_close_frame(self) -> None:
        """Section 5.5.1; there is exactly one close frame."""
        for each in getattr(self, "sides", ()):
            opcodes = [opcode for opcode, _ in each.frames()]
            assert CLOSE not in opcodes[:-1]

    @invariant()
    def what_waits_has_a_deadline(self) -> None:
        for each in getattr(self, "sides", ()):
            waits = each.connection.state not in (State.OPEN, State.CLOSED)
            assert waits == (each.connection.deadline is not None)

    def teardown(self) -> None:
        if not hasattr(self, "sides"):
            return
        self.close(0, 1000, "")
        for _ in range(6):
            for side in range(2):
                self.carry(side, 10_000)
                self.catch_up(side)
            self.carry(0, 1)
            self.carry(1, 1)
            self.wait(1.0)
        self.close(1, 1000, "")
        self.wait(PATIENCE)
        self.wait(PATIENCE)
        self.nothing_follows_a_close_frame()
        for each in self.sides:
            assert each.connection.state is State.CLOSED
            assert each.connection.close_code is not None
            self.check_code(each)

    def check_code(self, mine: Side) -> None:
        """Sections 7.1.5 and 7.1.6."""
        code = mine.connection.close_code
        if code == ABNORMAL:
            assert mine.dropped or mine.met_end
        elif code != 1002 and code != mine.closed_with:
            last = self.peer(mine).frames()[-1]
            assert last[0] == CLOSE
            assert isinstance(last[1], bytes)
            assert code == parse_close(last[1])[0]


TestHandshake = Handshake.TestCase


TestHandshake.settings = settings(SOME, stateful_step_count=40)


def fragments(text: str) -> bytes:
    """A text in two frames, with a ping between them (section 5.4)."""
    data = text.encode()
    half = len(data) // 2
    begin = bytes([TEXT]) + encode_frame(TEXT, data[:half])[1:]
    end = encode_frame(CONTINUATION, data[half:])
    return begin + encode_frame(PING, b"between") + end


pieces = st.one_of(
    texts.map(lambda text: encode_frame(TEXT, text.encode())),
    st.binary(max_size=200).map(lambda data: encode_frame(BINARY, data)),
    texts.map(fragments),
    st.binary(max_size=20).map(lambda data: encode_frame(PING, data)),
    st.binary(max_size=20).map(lambda data: encode_frame(PONG, data)),
    st.just(encode_frame(TEXT, b"\xff")),
    st.just(encode_frame(BINARY, bytes(1001))),
    st.just(encode_close(1001, "leaving")),
    st.binary(max_size=6),
)


def outcome(reads: Iterable[bytes]) -> tuple[object, ...]:
    """The messages of a connection for its input, and its end."""
    side = Side(opened())
    for each in reads:
        side.read(each, NOW)
    side.note(side.connection.caught_up(NOW))
    connection = side.connection
    code, reason = connection.close_code, connection.close_reason
    return side.received, side.written, connection.state, code, reason


@MANY
@given(st.lists(pieces, max_size=8), st.lists(st.integers(0, 60), max_size=12))
def test_how_input_is_split_makes_no_difference(
    frames: list[bytes], cuts: list[int]
) -> None:
    """Except for text that is refused before it is complete (section 8.1)."""
    data = b"".join(frames)
    split: list[bytes] = []
    rest = data
    for cut in cuts:
        split.append(rest[:cut])
        rest = rest[cut:]
    assert outcome([each for each in (*split, rest) if each]) == outcome([data])
    assert outcome(bytes([each]) for each in data) == outcome([data])
