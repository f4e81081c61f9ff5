"""The transports of 0.9 whose GET never ends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tgext.socketio.wire.limits import DEFAULT_LIMITS
from tgext.socketio.wire.socketio import v1 as socketio_1

from ..clients import RESOURCE, Http, Raw, Reply, handshake_1, wait_for
from ..conftest import Live, Serve
from ..sample_namespaces import Echo


def part(text: str) -> bytes:
    """A message as multipart carries it."""
    head = b"Content-Type: text/plain; charset=utf-8\n\n"
    return head + text.encode() + b"\n--socketio\n"


def script(text: str) -> bytes:
    """A message as a page carries it."""
    return f"<script>_({json.dumps(text)});</script>".encode()


CARRIERS = {"htmlfile": script, "xhr-multipart": part}

each_stream = pytest.mark.parametrize("transport", CARRIERS)


class Stream:
    """A GET whose answer does not end, and POSTs on other connections."""

    def __init__(self, live: Live, transport: str) -> None:
        self._posts: Http = live.http()
        self.sid, _ = handshake_1(self._posts)
        self._target = f"{RESOURCE}/1/{transport}/{self.sid}"
        self._carried = CARRIERS[transport]
        self.gets: Raw = live.raw()
        request = f"GET {self._target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        self.gets.send_raw(request.encode())
        self._received = b""

    def post(self, text: str) -> None:
        assert self._posts.post(self._target, text).body == b"1"

    def expect(self, text: str) -> None:
        """Wait until a message has come."""
        self.expect_bytes(self._carried(text))

    def expect_end(self) -> None:
        self.expect_bytes(b"\r\n0\r\n\r\n")

    def expect_head(self, content_type: str) -> None:
        self.expect_bytes(f"Content-Type: {content_type}".encode())

    def expect_bytes(self, wanted: bytes) -> None:
        while wanted not in self._received:
            data = self.gets.sock.recv(65536)
            assert data, f"the end came before {wanted!r}"
            self._received += data


@pytest.mark.cites("Socket.IO 1, Framing 2")
@each_stream
def test_messages_come_one_after_the_other(serve: Serve, transport: str) -> None:
    live = serve({"/chat": Echo})
    stream = Stream(live, transport)
    stream.expect("1::")
    stream.post("1::/chat")
    stream.expect("1::/chat")
    stream.post('5:1+:/chat:{"name":"echo","args":["ä"]}')
    stream.expect('6::/chat:1+["ä"]')
    live.server.sockets[stream.sid].kill()
    stream.expect("7:::1+0")
    stream.expect_end()


def test_a_page_has_a_type_and_its_scripts_cannot_be_ended(serve: Serve) -> None:
    live = serve({"/chat": Echo})
    stream = Stream(live, "htmlfile")
    stream.expect_head("text/html; charset=UTF-8")
    stream.expect("1::")
    stream.post("1::/chat")
    for text in ("</script>", "<!--<script>"):
        event = json.dumps({"name": "echo", "args": [text]})
        stream.post(f"5:1+:/chat:{event}")
        answer = json.dumps(f'6::/chat:1+["{text}"]').replace("<", "\\u003c")
        stream.expect_bytes(f"<script>_({answer});</script>".encode())
    live.server.sockets[stream.sid].kill()
    stream.expect_end()


def test_parts_say_that_they_take_the_place_of_one_another(serve: Serve) -> None:
    live = serve({"/chat": Echo})
    stream = Stream(live, "xhr-multipart")
    stream.expect_head('multipart/x-mixed-replace; boundary="socketio"')
    stream.expect("1::")
    live.server.sockets[stream.sid].kill()
    stream.expect_end()


@each_stream
def test_what_a_stream_could_not_take_is_kept(serve: Serve, transport: str) -> None:
    """A client whose connection broke asks again, by the same name."""
    live = serve({"/chat": Echo})
    stream = Stream(live, transport)
    stream.expect("1::")
    stream.post("1::/chat")
    stream.expect("1::/chat")
    socket = live.server.sockets[stream.sid]
    polling: Any = socket.transport
    wait_for(lambda: polling.polling, "the stream waits")
    stream.gets.close()
    wait_for(lambda: not polling.polling, "the end is noticed")
    for number in range(3):
        socket.active_ns["/chat"].emit("news", number)
    reply = live.http().get(f"{RESOURCE}/1/xhr-polling/{stream.sid}")
    assert [each["args"] for each in events_of(reply)] == [[0], [1], [2]]
    socket.kill(reason="client namespace disconnect")


@each_stream
def test_a_client_that_answers_no_heartbeat_is_gone(
    serve: Serve, transport: str
) -> None:
    """What the server itself writes to the stream is no sign of the client."""
    live = serve({"/chat": Echo}, heartbeat_interval=0.1, heartbeat_timeout=0.3)
    stream = Stream(live, transport)
    stream.expect("1::")
    socket = live.server.sockets[stream.sid]
    wait_for(lambda: socket.disconnect_reason, "the silence is noticed")
    assert socket.disconnect_reason == "ping timeout"
    stream.expect_end()


@each_stream
def test_a_client_that_answers_heartbeats_stays(serve: Serve, transport: str) -> None:
    live = serve({"/chat": Echo}, heartbeat_interval=0.1, heartbeat_timeout=5)
    stream = Stream(live, transport)
    stream.expect("1::")
    socket = live.server.sockets[stream.sid]
    for _ in range(3):
        stream.expect("2::")
        stream.post("2::")
    assert socket.connected
    socket.kill()
    stream.expect_end()


def events_of(reply: Reply) -> list[dict[str, Any]]:
    messages = socketio_1.decode_payload(reply.body, DEFAULT_LIMITS)
    return [json.loads(each.split(":", 3)[3]) for each in messages]
