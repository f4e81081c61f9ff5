"""Ways to send as fast as the kernel accepts the bytes, for each kind of message."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from tests.engine.clients import (
    KINDS,
    MASK,
    Client,
    PollingClient,
    WebSocket,
    WebSocketClient,
)
from tgext.socketio.wire.engineio import v3 as engineio_3
from tgext.socketio.wire.socketio import v1 as socketio_1
from tgext.socketio.wire.websocket.frames import BINARY, PING, TEXT, encode_frame

from .visitors import CHAT

#: About how many bytes are sent by one call.
PIECE = 65536
#: Bytes of a POST: the default limit of the server.
POST = 1_000_000

#: What a flood sends: the next piece, each time.
Pieces = Iterator[bytes]


@dataclass(frozen=True)
class Flood:
    """One way to send.

    :param kind: of client, one of ``KINDS``; empty for a plain WebSocket.
    :param pieces: given the client, what it sends.
    :param first: events that it emits before, with their arguments; the client answers
        none of them.
    :param reads: whether the client reads what it is sent.
    """

    kind: str
    pieces: Callable[[Any], Pieces]
    first: tuple[tuple[Any, ...], ...] = ()
    reads: bool = True

    def client(self, port: int) -> Client | WebSocket:
        """A client that is ready to flood."""
        if not self.kind:
            return WebSocket(port, "/raw")
        client = KINDS[self.kind](port)
        client.join(CHAT)
        for event in self.first:
            client.emit(CHAT, *event, number=1)
        return client


def frame(text: str, opcode: int = TEXT) -> bytes:
    return encode_frame(opcode, text.encode(), MASK)


def again(data: bytes) -> Callable[[Any], Pieces]:
    """The same frames, over and over."""

    def pieces(client: Any) -> Pieces:
        piece = data * max(1, PIECE // len(data))
        while True:
            yield piece

    return pieces


def texts(make: Callable[[Client, int], str]) -> Callable[[Any], Pieces]:
    """Messages that are numbered, on a WebSocket."""

    def pieces(client: WebSocketClient) -> Pieces:
        numbers = count(1)
        while True:
            some = (frame(make(client, next(numbers))) for _ in range(500))
            yield b"".join(some)

    return pieces


def event(name: str, *args: Any, acked: bool = True) -> Callable[[Any], Pieces]:
    """Events; a ``{}`` in an argument becomes the event's number."""

    def make(client: Client, number: int) -> str:
        filled = tuple(
            each.format(number) if isinstance(each, str) else each for each in args
        )
        return client.dialect.event(CHAT, name, filled, number if acked else None)

    return texts(make)


def joining(client: Client, number: int) -> str:
    """Leave a namespace and connect to it again."""
    dialect = client.dialect
    return dialect.leave(CHAT) if number % 2 else dialect.connect(CHAT)


def bodies(*messages: str | bytes) -> Callable[[Any], Pieces]:
    """POSTs that are full of these messages."""

    def pieces(client: PollingClient) -> Pieces:
        body, content_type = payload(client, messages)
        head = (
            f"POST {client.target} HTTP/1.1\r\nHost: here\r\n"
            f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        while True:
            yield head.encode() + body

    return pieces


def payload(client: Client, messages: tuple[str | bytes, ...]) -> tuple[bytes, str]:
    """A body of the largest size that the server accepts, and its type."""
    dialect = client.dialect
    filled = [
        each.replace("EVENT", dialect.event(CHAT, "echo", (1,), None))
        if isinstance(each, str)
        else each
        for each in messages
    ]
    plain = "text/plain;charset=UTF-8"
    kind = type(client).__name__
    if kind == "Polling5":
        texts = [each if isinstance(each, str) else "b" for each in filled]
        one = "\x1e".join(texts)
        return "\x1e".join([one] * (POST // (len(one) + 1))).encode(), plain
    if kind == "Polling1":
        one_payload = socketio_1.encode_payload([str(each) for each in filled] * 2)
        return one_payload * (POST // len(one_payload)), plain
    if any(isinstance(each, bytes) for each in filled):
        one_payload = engineio_3.encode_binary_payload(filled)
        return one_payload * (POST // len(one_payload)), "application/octet-stream"
    one_text = "".join(f"{len(str(each))}:{each!s}" for each in filled).encode()
    return one_text * (POST // len(one_text)), plain


def much(client: PollingClient) -> Pieces:
    """New sessions that leave as much output unread as is allowed, and close."""
    talk = client.dialect.event(CHAT, "talk", (150, 1000), None)
    body = f"{talk}\x1e1".encode()
    head = (
        f"POST {client.target} HTTP/1.1\r\nHost: here\r\n"
        f"Content-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    yield head.encode() + body


def chunks_of_one(client: PollingClient) -> Pieces:
    """A chunked body with a byte in each chunk, just not too large."""
    body = b"".join(b"1\r\n%c\r\n" % each for each in b"3\x1e" * 5000 + b"3")
    head = (
        f"POST {client.target} HTTP/1.1\r\nHost: here\r\n"
        "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    while True:
        yield head.encode() + body + b"0\r\n\r\n"


def requests(client: PollingClient) -> Pieces:
    """Requests for pages, pipelined, with many headers."""
    headers = "".join(f"X-Header-{number}: {'v' * 40}\r\n" for number in range(60))
    one = f"GET / HTTP/1.1\r\nHost: here\r\n{headers}\r\n".encode()
    while True:
        yield one * (PIECE // len(one))


def objects(client: Client, number: int) -> str:
    """An event whose value needs much more memory than its JSON."""
    return client.dialect.event(CHAT, "echo", ([{}] * 30_000,), None)


def half_binary(client: WebSocketClient) -> Pieces:
    """Binary events whose last attachment is large and arrives."""
    holders = '{"_placeholder":true,"num":0}'
    text = frame(f'451-/chat,["echo",{holders}]')
    data = encode_frame(BINARY, client.prefix + b"x" * 900_000, MASK)
    while True:
        yield text + data


def auth(client: Client, number: int) -> str:
    if number % 2:
        return client.dialect.leave(CHAT)
    return f'40{CHAT},{{"token":"{"x" * 900_000}"}}'


#: The event whose handler waits for an ack while the flood arrives.
WAITING = (("ask_me",),)

FLOODS: dict[str, Flood] = {
    "4 events": Flood("4-websocket", event("echo", 1, acked=False)),
    "4 events with acks": Flood("4-websocket", event("echo", "{}")),
    "2 events with acks": Flood("2-websocket", event("echo", "{}")),
    "0.9 events with acks": Flood("0.9-websocket", event("echo", "{}")),
    "4 acks nobody reads": Flood("4-websocket", event("echo", "x" * 200), reads=False),
    "4 output nobody reads": Flood(
        "4-websocket", event("talk", 1000, 1000, acked=False), reads=False
    ),
    "4 empty texts": Flood("4-websocket", again(frame("")), WAITING),
    "4 empty bytes, a handler waits": Flood(
        "4-websocket", again(encode_frame(BINARY, b"", MASK)), WAITING
    ),
    "2 empty bytes, a handler waits": Flood(
        "2-websocket", again(encode_frame(BINARY, b"\x04", MASK)), WAITING
    ),
    "4 pongs, a handler waits": Flood("4-websocket", again(frame("3")), WAITING),
    "2 pings": Flood("2-websocket", again(frame("2"))),
    "2 pings, a handler waits": Flood("2-websocket", again(frame("2")), WAITING),
    "0.9 heartbeats": Flood("0.9-websocket", again(frame("2::"))),
    "4 WebSocket pings": Flood("4-websocket", again(frame("x" * 100, PING))),
    "4 events, a handler waits": Flood(
        "4-websocket", event("echo", 1, acked=False), WAITING
    ),
    "4 asks, a handler waits": Flood(
        "4-websocket", event("ask_me", acked=False), WAITING
    ),
    "4 emits with callbacks": Flood("4-websocket", event("ask_later", 10)),
    "4 acks of nothing": Flood("4-websocket", again(frame(f"43{CHAT},7[]"))),
    "4 rooms": Flood("4-websocket", event("enter", "mine-{}")),
    "4 channels": Flood("4-websocket", event("subscribe", "private", 5)),
    "4 channels of one's own": Flood("4-websocket", event("subscribe", "own", "{}")),
    "4 handlers that send much": Flood("4-websocket", event("talk", 200, 10)),
    "4 polling handlers that send much": Flood("4-polling", much),
    "4 unknown events": Flood("4-websocket", event("nothing")),
    "4 joins and leaves": Flood("4-websocket", texts(joining)),
    "0.9 joins and leaves": Flood("0.9-websocket", texts(joining)),
    "4 unknown namespaces": Flood(
        "4-websocket", texts(lambda client, number: f"40/none-{number},")
    ),
    "4 large auth": Flood("4-websocket", texts(auth)),
    "4 objects": Flood("4-websocket", texts(objects)),
    "4 attachments": Flood("4-websocket", half_binary),
    "4 polling packets": Flood("4-polling", bodies("3")),
    "4 polling empty bytes": Flood("4-polling", bodies("EVENT", b"")),
    "4 polling events": Flood("4-polling", bodies("EVENT")),
    "4 polling closes": Flood("4-polling", bodies("EVENT", "1")),
    "4 polling chunks": Flood("4-polling", chunks_of_one),
    "2 polling packets": Flood("2-polling", bodies("2")),
    "2 polling bytes": Flood("2-polling", bodies("2", b"")),
    "2 polling events": Flood("2-polling", bodies("EVENT")),
    "0.9 polling events": Flood("0.9-xhr-polling", bodies("EVENT")),
    "0.9 polling heartbeats": Flood("0.9-xhr-polling", bodies("2::")),
    "0.9 polling closes": Flood("0.9-xhr-polling", bodies("EVENT", "0::")),
    "requests for pages": Flood("4-polling", requests),
    "plain texts": Flood("", again(frame("x"))),
    "plain empty texts": Flood("", again(frame(""))),
    "plain pings": Flood("", again(frame("", PING))),
    "plain, not read": Flood("", again(frame("x" * 1000)), reads=False),
}
