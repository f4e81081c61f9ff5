"""One client sends as fast as it can; another is served, and the process stays small.

``tests/engine/test_floods.py`` measures exactly how long others wait and what is kept.
Here the memory of the whole process is measured, by the system's figures.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from tests.engine.clients import MASK, Client, Raw, WebSocket1, WebSocket5
from tgext.socketio.wire.engineio import v4 as engineio
from tgext.socketio.wire.socketio import v1 as socketio_1
from tgext.socketio.wire.websocket.frames import BINARY, TEXT, encode_frame

from .serving import Server

#: Seconds that others may wait for an answer: many times the usual, since the machine
#: may be busy.
PATIENCE = 2.0

#: Bytes by which the process may grow.
GROWTH = 32 * 1024 * 1024

MB = 1_000_000


class Neighbour:
    """Another client, which has to be answered in time."""

    def __init__(self, server: Server) -> None:
        self._client = WebSocket5(server.port)
        self._client.join("/lab")
        self._greenlet = gevent.spawn(self._run)
        self.answers = 0
        self.longest = 0.0

    def _run(self) -> None:
        while True:
            begin = time.monotonic()
            self._client.emit("/lab", "add", 1, 2, number=1)
            while (text := self._client.receive()) == engineio.PING:
                self._client.send(engineio.PONG)
            assert text == "43/lab,1[3]"
            self.longest = max(self.longest, time.monotonic() - begin)
            self.answers += 1
            gevent.sleep(0.005)

    def close(self) -> None:
        assert not self._greenlet.ready(), "the neighbour is served no longer"
        self._greenlet.kill()
        self._client.close()


def size_of(server: Server) -> int:
    """The resident set of the server's process, in bytes."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    [line] = [each for each in status.splitlines() if each.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024


@pytest.fixture
def flooded(lab: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that clients attack. Others are served, and its memory stays small."""
    monkeypatch.setattr("tests.engine.clients.RESOURCE", "/socketio")
    neighbour = Neighbour(lab)
    gevent.sleep(0.2)
    before = size_of(lab)
    grown = [0]

    def watch() -> None:
        while True:
            grown[0] = max(grown[0], size_of(lab) - before)
            gevent.sleep(0.01)

    watching = gevent.spawn(watch)
    answers = neighbour.answers
    yield lab
    gevent.sleep(0.2)
    watching.kill()
    neighbour.close()
    print(f"grew by {grown[0] >> 10} KiB; {neighbour.longest * 1000:.0f} ms")
    assert neighbour.answers > answers
    assert neighbour.longest < PATIENCE
    assert grown[0] < GROWTH


def waiting(server: Server) -> WebSocket5:
    """A client whose handler waits for its ack, for five seconds."""
    client = WebSocket5(server.port)
    client.join("/lab")
    client.emit("/lab", "wait_for_me", "who?")
    assert client.event("/lab") == ["question", "who?"]
    return client


#: Seconds in which a server that still reads accepts at least some bytes.
STUCK = 0.4


def pour(client: Any, data: bytes, seconds: float = 3.0) -> None:
    """Send over a WebSocket as fast as possible for some time, then leave."""
    taken = 0

    def run() -> None:
        nonlocal taken
        try:
            for start in range(0, len(data), 65536):
                client.websocket.send_raw(data[start : start + 65536])
                taken = start
        except OSError:
            pass

    pouring = gevent.spawn(run)
    end = time.monotonic() + seconds
    before = -1
    # Ends when the server does not read any more.
    while not pouring.dead and time.monotonic() < end and taken > before:
        before = taken
        pouring.join(timeout=STUCK)
    pouring.kill()
    client.websocket.close()


FRAMES = {
    "empty binary": encode_frame(BINARY, b"", MASK),
    "empty text": encode_frame(TEXT, b"", MASK),
    "ping": encode_frame(9, b"", MASK),
    "event": encode_frame(TEXT, b'42/lab,["add",1,2]', MASK),
    "event that asks": encode_frame(TEXT, b'42/lab,["ask_me",1]', MASK),
    "event of nowhere": encode_frame(TEXT, b'42/nowhere,["a"]', MASK),
    "pong": encode_frame(TEXT, b"3", MASK),
    "ack": encode_frame(TEXT, b"43/lab,1[]", MASK),
    "event of no name": encode_frame(TEXT, b'42/lab,["a%"]', MASK),
    "joining and leaving": encode_frame(TEXT, b"40/annex,", MASK)
    + encode_frame(TEXT, b"41/annex,", MASK),
    "joining with a query": encode_frame(
        TEXT, b"40/annex?a=" + b"%41" * 20_000 + b",", MASK
    )
    + encode_frame(TEXT, b"41/annex,", MASK),
    "binary event": encode_frame(
        TEXT, b'451-/lab,["add",{"_placeholder":true,"num":0},1]', MASK
    )
    + encode_frame(BINARY, b"", MASK),
    "fragment": b"\x00\x80" + MASK,
    "large event": encode_frame(
        TEXT, '42/lab,["add","{}",1]'.format("\U0001f600" * 240_000).encode(), MASK
    ),
}

#: The first frame of a fragmented message.
BEGINNINGS = {"fragment": b"\x01\x80" + MASK}


@pytest.mark.parametrize("what", list(FRAMES))
@pytest.mark.parametrize("busy", [False, True])
def test_tiny_messages(flooded: Server, what: str, busy: bool) -> None:
    client = waiting(flooded) if busy else WebSocket5(flooded.port)
    if not busy:
        client.join("/lab")
    frame = FRAMES[what]
    beginning = BEGINNINGS.get(what, b"")
    pour(client, beginning + frame * (40 * MB // len(frame)), 2.0)


#: Seconds in which a body of very many packets is answered on a busy machine. Its
#: handler takes five of them.
ANSWERED = 30.0


def post(client: Any, server: Server, body: bytes) -> gevent.Greenlet[..., Any]:
    """A POST that waits for its answer in a greenlet of its own."""

    def run() -> int:
        raw = Raw(server.port)
        raw.sock.settimeout(ANSWERED)
        head = f"POST {client.target} HTTP/1.1\r\nHost: here\r\n"
        raw.send_raw(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        status = raw.receive_reply().status
        raw.close()
        return status

    return gevent.spawn(run)


class Polling(Client):
    """A session of Engine.IO 4 that only posts."""

    def __init__(self, server: Server) -> None:
        raw = Raw(server.port)
        self.target = "/socketio/?EIO=4&transport=polling"
        raw.send_raw(f"GET {self.target} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        self.target += f"&sid={raw.receive_reply().text.split(chr(34))[3]}"
        raw.close()
        assert post(self, server, b"40/lab,").get() == 200

    def send(self, *messages: str | bytes) -> None:
        raise NotImplementedError

    def receive_any(self) -> str | bytes:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


BODIES = {
    "pongs": b"\x1e".join([b"3"] * 499_000),
    "ends": b"\x1e".join([b"1"] * 499_000),
    "leaves": b"\x1e".join([b"41/lab,"] * 120_000),
    "binary": b"\x1e".join([b"b"] * 499_000),
    "events": b"\x1e".join([b'42/lab,["add",1,2]'] * 50_000),
    "no packets": b"\x1e" * 999_000,
}


@pytest.mark.parametrize("what", list(BODIES))
def test_bodies_of_very_many_packets(flooded: Server, what: str) -> None:
    client = Polling(flooded)
    assert post(client, flooded, b'42/lab,["wait_for_me",1]').get() == 200
    first = post(client, flooded, BODIES[what])
    assert first.get(timeout=ANSWERED) in (200, 400, 413)
    post(client, flooded, b"1").get(timeout=ANSWERED)


def test_posts_at_once(flooded: Server) -> None:
    """POSTs of a 0.9 client, whose session has one handler that waits."""
    raw = Raw(flooded.port)
    raw.send_raw(b"GET /socketio/1/ HTTP/1.1\r\nHost: here\r\n\r\n")
    sid = raw.receive_reply().text.partition(":")[0]
    client = WebSocket1  # its packets
    dialect = client.dialect

    class Session:
        target = f"/socketio/1/xhr-polling/{sid}"

    raw.send_raw(f"GET {Session.target} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
    assert raw.receive_reply().text == socketio_1.CONNECT
    assert post(Session, flooded, b"1::/lab").get() == 200
    asking = dialect.event("/lab", "wait_for_me", (1,), None).encode()
    assert post(Session, flooded, asking).get() == 200
    body = dialect.event("/lab", "add", ("x" * 990_000, 1), None).encode()
    posts = [post(Session, flooded, body) for _ in range(40)]
    gevent.joinall(posts, timeout=ANSWERED)
    assert {each.value for each in posts} <= {200, 400, 503}
    raw.close()


@pytest.mark.parametrize(
    "text",
    [
        '451-/lab,["add",{"_placeholder":true,"num":0},[%s]]',
        '461-/lab,1[[{"_placeholder":true,"num":0},%s]]',
        '42/lab,["add",[%s],1]',
        '40/lab,{"a":[%s]}',
    ],
    ids=["event", "ack", "plain event", "auth"],
)
def test_json_that_is_much_more_than_its_text(flooded: Server, text: str) -> None:
    message = text % ",".join(["{}"] * 300_000)
    client = waiting(flooded)
    client.websocket.send_raw(encode_frame(TEXT, message.encode(), MASK))
    gevent.sleep(1.0)
    client.websocket.close()
