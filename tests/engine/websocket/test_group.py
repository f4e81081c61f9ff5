"""Groups: a message is sent to several connections."""

from __future__ import annotations

from typing import Any

import pytest
from gevent.event import Event

from tgext.socketio.engine.websocket.group import Group
from tgext.socketio.engine.websocket.wsgi import WebSocket
from tgext.socketio.wire.websocket import broadcast as wire
from tgext.socketio.wire.websocket.deflate import Deflate, Inflater
from tgext.socketio.wire.websocket.frames import BINARY, FrameReader

from .. import clients
from ..clients import DEADLINE, wait_for
from ..conftest import Live, Serve
from ..plain import Application, serving


class Room:
    """A group that each connection joins until it ends."""

    def __init__(self) -> None:
        self.group = Group()
        self.go_on = Event()

    def __call__(self, websocket: WebSocket) -> None:
        self.group.add(websocket)
        for _ in websocket:
            pass

    def application(self, **options: Any) -> Application:
        return serving(self, **options)

    def enter(self, live: Live, count: int, **options: Any) -> list[clients.WebSocket]:
        before = len(self.group)
        made = [live.websocket("/", **options) for _ in range(count)]
        wait_for(lambda: len(self.group) == before + count, "all have joined")
        return made


def test_all_members_are_sent_the_same(serve: Serve) -> None:
    room = Room()
    members = room.enter(serve(application=room.application()), 3)
    room.group.send("hällo")
    room.group.send(b"\x00")
    room.group.send(b"text", binary=False)
    room.group.send_json({"a": [1]})
    for member in members:
        assert member.receive() == "hällo"
        assert member.receive_frame() == (BINARY, b"\x00")
        assert member.receive() == "text"
        assert member.receive() == '{"a":[1]}'


def test_a_message_is_encoded_once(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Room()
    members = room.enter(serve(application=room.application()), 5)
    encoded: list[bytes] = []
    encode_frame = wire.encode_frame

    def count(opcode: int, payload: bytes, mask: bytes = b"") -> bytes:
        encoded.append(payload)
        return encode_frame(opcode, payload, mask)

    with monkeypatch.context() as patch:
        patch.setattr(wire, "encode_frame", count)
        room.group.send("once")
    assert encoded == [b"once"]
    assert [member.receive() for member in members] == ["once"] * 5


@pytest.mark.parametrize("takeover", [True, False])
def test_members_may_differ_in_compression(serve: Serve, takeover: bool) -> None:
    room = Room()
    deflate = Deflate(server_no_context_takeover=not takeover)
    live = serve(application=room.application(compression=deflate))
    plain = room.enter(live, 2)
    headers = {"Sec-WebSocket-Extensions": "permessage-deflate"}
    compressed = room.enter(live, 3, headers=headers)
    for member in compressed:
        member.reader = FrameReader(masked=False, inflater=Inflater())
    for _ in range(3):
        room.group.send("Hello " * 50)
    for member in [*plain, *compressed]:
        assert [member.receive() for _ in range(3)] == ["Hello " * 50] * 3


@pytest.mark.parametrize("how", ["closes", "vanishes", "is closed"])
def test_a_member_that_ends_leaves(serve: Serve, how: str) -> None:
    room = Room()
    live = serve(application=room.application())
    stays, leaves = room.enter(live, 1)[0], room.enter(live, 1)[0]
    if how == "is closed":
        for member in room.group:
            if member.environ["REMOTE_PORT"] == str(leaves.sock.getsockname()[1]):
                member.close()
    elif how == "closes":
        leaves.send_close()
    else:
        leaves.close()
    wait_for(lambda: len(room.group) == 1, "it has left")
    room.group.send("to the rest")
    assert stays.receive() == "to the rest"


def test_members_can_be_taken_out(serve: Serve) -> None:
    room = Room()
    client = room.enter(serve(application=room.application()), 1)[0]
    [member] = room.group
    assert member in room.group
    room.group.discard(member)
    room.group.discard(member)
    assert member not in room.group
    assert not room.group
    room.group.send("to nobody")
    room.group.add(member)
    room.group.add(member)
    assert len(room.group) == 1
    room.group.send("once")
    client.send_close()
    assert client.drain() == ["once"]


def test_a_connection_that_has_ended_does_not_join(serve: Serve) -> None:
    group = Group()
    done = Event()

    def late(websocket: WebSocket) -> None:
        websocket.close()
        group.add(websocket)
        done.set()

    serve(application=serving(late)).websocket("/")
    assert done.wait(DEADLINE)
    assert len(group) == 0


def test_joining_answers_the_handshake(serve: Serve) -> None:
    group = Group()

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        group.add(environ["wsgi.websocket"])
        group.send("welcome")
        return []

    assert serve(application=application).websocket("/").receive() == "welcome"


def test_a_member_that_does_not_read_holds_nobody_up(serve: Serve) -> None:
    """It is disconnected when it is too far behind; sending never waits."""
    room = Room()
    live = serve(application=room.application(), max_outbox=200_000)
    deaf = room.enter(live, 1, receive_buffer=4096)[0]
    [member] = room.group
    listens = room.enter(live, 1)[0]
    sent = 0
    while member in room.group:
        room.group.send("x" * 50_000)
        sent += 1
        assert len(listens.receive()) == 50_000
    assert (member.close_code, member.close_reason) == (1006, "slow consumer")
    assert sent > 4
    room.group.send("still here")
    assert listens.receive() == "still here"
    deaf.close()


@pytest.mark.parametrize("message", [5, None, {"a": 1}])
def test_an_invalid_message_is_not_sent(serve: Serve, message: Any) -> None:
    room = Room()
    client = room.enter(serve(application=room.application()), 1)[0]
    with pytest.raises(TypeError, match="str or bytes"):
        room.group.send(message)
    room.group.send("alive")
    assert client.receive() == "alive"
