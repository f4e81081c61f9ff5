"""The life of a WebSocket: its table, and two of them that face each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from tgext.socketio.wire.errors import FrameError, InvalidFramePayload, ProtocolError
from tgext.socketio.wire.websocket.connection import (
    ABNORMAL,
    CLOSE_TIMEOUT,
    NO_CODE,
    PATIENCE,
    Connection,
    Misuse,
)
from tgext.socketio.wire.websocket.deflate import Deflater, Inflater
from tgext.socketio.wire.websocket.frames import (
    BINARY,
    CLOSE,
    COMPRESSED,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    FrameReader,
    Message,
    encode_close,
    encode_frame,
    parse_close,
)
from tgext.socketio.wire.websocket.states import (
    READING,
    SENDING,
    TABLE,
    Effect,
    Input,
    State,
)

from ..strategies import MANY, SOME

#: The time of the tests that do not let it pass.
NOW = 100.0


def made() -> Connection:
    """A connection whose opening handshake is not finished; it takes bare frames."""
    return Connection(FrameReader(1000, masked=False))


def opened() -> Connection:
    connection = made()
    connection.establish()
    return connection


# The table


def act(connection: Connection, what: Input) -> bytes:
    """Have something happen to a connection: the bytes to write."""
    doings: dict[Input, Callable[[], bytes | None]] = {
        Input.ESTABLISHED: connection.establish,
        Input.RECEIVED_PING: lambda: connection.control(PING, b"?", NOW),
        Input.RECEIVED_PONG: lambda: connection.control(PONG, b"!", NOW),
        Input.RECEIVED_CLOSE: lambda: connection.control(CLOSE, b"\x0f\xa0bye", NOW),
        Input.RECEIVED_INVALID: lambda: connection.fail(FrameError("wrong"), NOW),
        Input.RECEIVED_END: lambda: connection.end(NOW),
        Input.SEND: lambda: connection.send(TEXT, b"hello"),
        Input.SEND_CLOSE: lambda: connection.close(4001, "enough", NOW),
        Input.CAUGHT_UP: lambda: connection.caught_up(NOW),
        Input.TIMEOUT: lambda: connection.expire(NOW + 2 * PATIENCE),
        Input.DROP: lambda: connection.drop(NOW),
    }
    return doings[what]() or b""


#: How each state is reached.
WAYS: dict[State, tuple[Input, ...]] = {
    State.CONNECTING: (),
    State.OPEN: (Input.ESTABLISHED,),
    State.ANSWERING: (Input.ESTABLISHED, Input.RECEIVED_CLOSE),
    State.FAILING: (Input.ESTABLISHED, Input.RECEIVED_INVALID),
    State.CUT: (Input.ESTABLISHED, Input.RECEIVED_END),
    State.CLOSING: (Input.ESTABLISHED, Input.SEND_CLOSE),
    State.DISCARDING: (
        Input.ESTABLISHED,
        Input.RECEIVED_INVALID,
        Input.CAUGHT_UP,
    ),
    State.FINISHED: (Input.ESTABLISHED, Input.RECEIVED_CLOSE, Input.CAUGHT_UP),
    State.CLOSED: (Input.ESTABLISHED, Input.DROP),
}


def reached(state: State) -> Connection:
    connection = made()
    for what in WAYS[state]:
        act(connection, what)
    assert connection.state is state
    return connection


#: What a state makes of an input: the state that follows, and what is written. Written
#: down once more, by rows, so that the table is not its own proof.
O, A, F, C = State.OPEN, State.ANSWERING, State.FAILING, State.CUT  # noqa: E741
G, D, N, X = State.CLOSING, State.DISCARDING, State.FINISHED, State.CLOSED
PONGED, SAID, ECHOED = (
    encode_frame(PONG, b"?"),
    encode_frame(TEXT, b"hello"),
    b"\x0f\xa0",
)
OURS = encode_close(4001, "enough")
THEIRS = encode_frame(CLOSE, ECHOED)
WRONG = encode_close(1002, "wrong")
Row = dict[Input, tuple[State, bytes]]


def discards(state: State, **others: tuple[State, bytes]) -> Row:
    """The row of a state in which the peer is not listened to any more."""
    late = ("PING", "PONG", "CLOSE", "INVALID")
    row = {Input[f"RECEIVED_{each}"]: (state, b"") for each in late}
    return {**row, **{Input[name]: value for name, value in others.items()}}


ROWS: dict[State, Row] = {
    State.CONNECTING: {
        Input.ESTABLISHED: (O, b""),
        Input.RECEIVED_END: (X, b""),
        Input.DROP: (X, b""),
    },
    State.OPEN: {
        Input.RECEIVED_PING: (O, PONGED),
        Input.RECEIVED_PONG: (O, b""),
        Input.RECEIVED_CLOSE: (A, b""),
        Input.RECEIVED_INVALID: (F, b""),
        Input.RECEIVED_END: (C, b""),
        Input.SEND: (O, SAID),
        Input.SEND_CLOSE: (G, OURS),
        Input.CAUGHT_UP: (O, b""),
        Input.DROP: (X, b""),
    },
    State.ANSWERING: discards(
        A,
        RECEIVED_END=(A, b""),
        SEND=(A, SAID),
        SEND_CLOSE=(N, THEIRS),
        CAUGHT_UP=(N, THEIRS),
        TIMEOUT=(N, THEIRS),
        DROP=(X, b""),
    ),
    State.FAILING: discards(
        F,
        RECEIVED_END=(A, b""),
        SEND=(F, SAID),
        SEND_CLOSE=(D, WRONG),
        CAUGHT_UP=(D, WRONG),
        TIMEOUT=(D, WRONG),
        DROP=(X, b""),
    ),
    State.CUT: {
        Input.RECEIVED_PING: (C, PONGED),
        Input.RECEIVED_PONG: (C, b""),
        Input.RECEIVED_CLOSE: (A, b""),
        Input.RECEIVED_INVALID: (A, b""),
        Input.RECEIVED_END: (C, b""),
        Input.SEND: (C, SAID),
        Input.SEND_CLOSE: (X, OURS),
        Input.CAUGHT_UP: (X, b""),
        Input.TIMEOUT: (X, b""),
        Input.DROP: (X, b""),
    },
    State.CLOSING: {
        Input.RECEIVED_PING: (G, b""),
        Input.RECEIVED_PONG: (G, b""),
        Input.RECEIVED_CLOSE: (N, b""),
        Input.RECEIVED_INVALID: (D, b""),
        Input.RECEIVED_END: (X, b""),
        Input.SEND_CLOSE: (G, b""),
        Input.CAUGHT_UP: (G, b""),
        Input.TIMEOUT: (X, b""),
        Input.DROP: (X, b""),
    },
    State.DISCARDING: discards(
        D,
        RECEIVED_END=(X, b""),
        SEND_CLOSE=(D, b""),
        CAUGHT_UP=(D, b""),
        TIMEOUT=(X, b""),
        DROP=(X, b""),
    ),
    State.FINISHED: discards(
        N,
        RECEIVED_END=(X, b""),
        SEND_CLOSE=(N, b""),
        CAUGHT_UP=(N, b""),
        TIMEOUT=(X, b""),
        DROP=(X, b""),
    ),
    State.CLOSED: discards(
        X,
        RECEIVED_END=(X, b""),
        SEND_CLOSE=(X, b""),
        CAUGHT_UP=(X, b""),
        DROP=(X, b""),
    ),
}
#: Neither a method nor a row of these: `receive` returns messages as they are.
MESSAGES = (Input.RECEIVED_MESSAGE,)
PAIRS = [(each, what) for each in State for what in Input if what not in MESSAGES]


@pytest.mark.parametrize(("state", "what"), PAIRS)
def test_each_input_in_each_state(state: State, what: Input) -> None:
    connection = reached(state)
    expected = ROWS[state].get(what)
    if expected is not None:
        assert (connection.state, act(connection, what)) == (state, expected[1])
        assert connection.state is expected[0]
    elif what is Input.TIMEOUT:
        # There is no deadline, so it has no effect.
        assert act(connection, what) == b""
        assert connection.state is state
    else:
        with pytest.raises(Misuse, match=what.value):
            act(connection, what)
        assert connection.state is state


@pytest.mark.parametrize("state", State)
def test_the_table_says_what_becomes_of_messages(state: State) -> None:
    row = TABLE.get((state, Input.RECEIVED_MESSAGE))
    if state in (State.OPEN, State.CUT):
        assert row == (Effect.DELIVER, state)
    elif state is State.CONNECTING:
        assert row is None
    else:
        assert row == (Effect.NOTHING, state)


@pytest.mark.parametrize("state", State)
def test_what_may_be_sent_and_read_is_what_the_table_says(state: State) -> None:
    connection = reached(state)
    assert connection.sending == ((state, Input.SEND) in TABLE) == (state in SENDING)
    assert connection.reading == (state in READING)
    if state not in (*READING, State.CONNECTING):
        # Of half a message nothing is kept, and nothing more is decoded.
        assert list(connection.receive(encode_frame(TEXT, b"late"))) == []
        assert connection.missing == 2


@pytest.mark.parametrize("state", State)
def test_a_state_that_waits_for_others_has_a_deadline(state: State) -> None:
    connection = reached(state)
    if state in (State.CONNECTING, State.OPEN, State.CLOSED):
        assert connection.deadline is None
        return
    wait = PATIENCE if state is State.CUT else CLOSE_TIMEOUT
    assert connection.deadline == NOW + wait
    # Before that nothing happens.
    assert connection.expire(NOW + wait / 2) == b""
    assert connection.state is state
    connection.expire(NOW + wait)
    assert connection.state is not state


def test_what_comes_while_it_closes_does_not_delay_the_deadline() -> None:
    connection = opened()
    connection.close(1000, "", NOW)
    connection.control(PING, b"", NOW + 0.5)
    connection.close(1000, "", NOW + 0.6)
    assert connection.deadline == NOW + CLOSE_TIMEOUT


@pytest.mark.parametrize("state", [each for each in State if each in SENDING])
def test_a_close_frame_leads_where_nothing_is_sent(state: State) -> None:
    """Section 5.5.1."""
    for (before, _), (effect, after) in TABLE.items():
        if effect is Effect.CLOSE:
            assert before in SENDING
            assert after not in SENDING
        if effect in (Effect.WRITE, Effect.PONG):
            assert before in SENDING
    connection = reached(state)
    assert connection.close(1000, "", NOW)
    with pytest.raises(Misuse):
        connection.send(TEXT, b"late")
    assert connection.close(1000, "", NOW) == b""


# Codes and reasons


@pytest.mark.parametrize(
    ("payload", "code", "reason", "answer"),
    [
        (b"", NO_CODE, "", 1000),
        (b"\x03\xe8", 1000, "", 1000),
        (b"\x03\xe9leaving", 1001, "leaving", 1001),
        (b"\x0f\xa0" + "ö".encode(), 4000, "ö", 4000),
    ],
)
def test_the_peers_code_is_noted_and_sent_back(
    payload: bytes, code: int, reason: str, answer: int
) -> None:
    """Sections 5.5.1 and 7.1.5."""
    connection = opened()
    assert connection.control(CLOSE, payload, NOW) == b""
    assert connection.caught_up(NOW) == encode_frame(CLOSE, answer.to_bytes(2, "big"))
    assert (connection.close_code, connection.close_reason) == (code, reason)


def test_our_code_is_noted_where_we_close_first() -> None:
    connection = opened()
    assert connection.close(4001, "enough", NOW) == OURS
    connection.control(CLOSE, b"\x03\xe8", NOW)
    assert (connection.close_code, connection.close_reason) == (4001, "enough")


@pytest.mark.parametrize("what", ["the end", "a drop"])
def test_an_end_without_a_close_frame_is_abnormal(what: str) -> None:
    """Section 7.1.5."""
    connection = opened()
    if what == "the end":
        connection.end(NOW)
        assert connection.close_reason == ""
    else:
        connection.drop(NOW, "slow consumer")
        assert connection.close_reason == "slow consumer"
    assert connection.close_code == ABNORMAL


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"\x03", 1002),
        (b"\x03\xed", 1002),
        (b"\x03\xe8\xff", 1007),
    ],
)
def test_an_invalid_close_frame_fails_the_connection(payload: bytes, code: int) -> None:
    """Sections 5.5.1, 7.4.1 and 8.1."""
    connection = opened()
    with pytest.raises(ProtocolError) as raised:
        connection.control(CLOSE, payload, NOW)
    assert connection.state is State.OPEN
    connection.fail(raised.value, NOW)
    said = connection.caught_up(NOW)
    assert parse_close(said[2:]) == (code, raised.value.reason)
    assert connection.close_code == code
    assert connection.state is State.DISCARDING


def test_the_reason_of_a_failure_need_not_be_told() -> None:
    connection = opened()
    connection.fail(InvalidFramePayload("a secret"), NOW, explain=False)
    assert connection.caught_up(NOW) == encode_close(1007)
    assert connection.close_reason == "a secret"


# Messages


def test_messages_are_compressed_where_that_was_negotiated() -> None:
    connection = Connection(FrameReader(masked=False), Deflater())
    connection.establish()
    frame = connection.send(TEXT, b"hello" * 100)
    assert frame[0] & COMPRESSED
    reader = FrameReader(masked=False, inflater=Inflater())
    assert list(reader.feed(frame)) == [(TEXT, "hello" * 100)]
    # RFC 7692, section 5: control frames are not.
    assert connection.send(PING, b"?") == encode_frame(PING, b"?")


def test_what_comes_after_a_close_frame_in_one_read_is_not_decoded() -> None:
    """Section 1.4: it is discarded, however invalid."""
    connection = opened()
    messages = connection.receive(
        encode_frame(TEXT, b"a") + encode_frame(CLOSE, b"\x03\xe8") + b"\xff\xff"
    )
    seen = []
    for opcode, payload in messages:
        seen.append(opcode)
        if opcode == CLOSE:
            assert isinstance(payload, bytes)
            connection.control(opcode, payload, NOW)
            break
    assert seen == [TEXT, CLOSE]
    assert not connection.reading
    assert list(connection.receive(b"\xff\xff")) == []


# An owner, and two connections that face each other


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
        """All that was written, as the peer reads it."""
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
        """Some of what a side has written comes to the other one."""
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
        """Section 5.5.1, and there is one."""
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
        first = self.sides[0]
        first.note(first.connection.close(1000, "", self.now))
        if first.closed_with is None and first.connection.close_code == 1000:
            first.closed_with = 1000
        for _ in range(6):
            for side in range(2):
                self.carry(side, 10_000)
                self.catch_up(side)
            self.carry(0, 1)
            self.carry(1, 1)
            self.wait(1.0)
        self.sides[1].note(self.sides[1].connection.close(1000, "", self.now))
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
    """What a connection makes of its input."""
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
    """But for text that is refused before it is whole (section 8.1)."""
    data = b"".join(frames)
    split: list[bytes] = []
    rest = data
    for cut in cuts:
        split.append(rest[:cut])
        rest = rest[cut:]
    assert outcome([each for each in (*split, rest) if each]) == outcome([data])
    assert outcome(bytes([each]) for each in data) == outcome([data])
