"""Raw clients, which send exactly the text that a test writes.

A :class:`Client` is a session of one generation over one transport, so that one test
can run for all of them. It sends and receives messages in the form of its protocol. It
uses :mod:`.connections` and :mod:`.dialects`.
"""

from __future__ import annotations

import base64
import json
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tgext.socketio.wire.engineio import v3 as engineio_3
from tgext.socketio.wire.engineio import v4 as engineio
from tgext.socketio.wire.engineio.utf16 import count_units
from tgext.socketio.wire.socketio import v1 as socketio_1
from tgext.socketio.wire.websocket.frames import (
    BINARY,
    TEXT,
    encode_frame,
)

from .connections import DEADLINE, MASK, READ, Http, Raw, Reply, WebSocket, wait_for
from .dialects import Dialect, Dialect1, Dialect5

__all__ = [
    "BINARY_KINDS",
    "DEADLINE",
    "KINDS",
    "MASK",
    "PINGS",
    "READ",
    "RESOURCE",
    "Client",
    "Dialect",
    "Dialect1",
    "Dialect5",
    "Http",
    "Polling1",
    "Polling4",
    "Polling5",
    "PollingClient",
    "PollingOfEngineIO",
    "Raw",
    "Reply",
    "WebSocket",
    "WebSocket1",
    "WebSocket4",
    "WebSocket5",
    "WebSocketClient",
    "expect_end_of_session",
    "handshake_1",
    "kinds",
    "opened",
    "wait_for",
]

RESOURCE = "/socket.io"

#: The server's pings, of Engine.IO 4 and of 0.9.
PINGS = ("2", "2::")


class Client(ABC):
    """A session over one transport.

    :ivar sid: the session id.
    :ivar dialect: the generation's packets.
    """

    sid: str
    dialect: Dialect

    @abstractmethod
    def send(self, *messages: str | bytes) -> None:
        """Send messages, in one body or segment."""

    @abstractmethod
    def receive_any(self) -> str | bytes:
        """The next message."""

    def receive(self) -> str:
        """The next message, which is text."""
        message = self.receive_any()
        assert isinstance(message, str), message
        return message

    def receive_bytes(self) -> bytes:
        """The next message, which is bytes."""
        message = self.receive_any()
        assert isinstance(message, bytes), message
        return message

    @abstractmethod
    def close(self) -> None:
        """Close without disconnect packets, if not closed yet."""

    def read(self) -> dict[str, Any]:
        """The packet of the next message."""
        return self.dialect.read(self.receive())

    def join(self, endpoint: str) -> None:
        """Connect to a namespace that accepts."""
        self.send(self.dialect.connect(endpoint))
        text = self.receive()
        while text in PINGS:  # the answer took longer than an interval
            text = self.receive()
        packet = self.dialect.read(text)
        assert (packet["type"], packet["endpoint"]) == ("connect", endpoint)

    def leave(self, endpoint: str) -> None:
        self.send(self.dialect.leave(endpoint))

    def emit(
        self, endpoint: str, name: str, *args: Any, number: int | None = None
    ) -> None:
        self.send(self.dialect.event(endpoint, name, args, number))

    def ack(self, endpoint: str, number: int, *args: Any) -> None:
        self.send(self.dialect.ack(endpoint, number, args))

    def failure(self, endpoint: str, name: str, info: Any) -> None:
        """Expect two packets: the error of an event, and its ack with the error."""
        told = self.read()
        assert (told["type"], told["endpoint"]) == ("event", endpoint)
        assert [told["name"], *told["args"]] == ["error", name, info]
        ack = self.read()
        assert (ack["type"], ack["endpoint"]) == ("ack", endpoint)
        old = isinstance(self.dialect, Dialect1)
        failed = None if old else {"error": {"name": name, "info": info}}
        assert ack["args"] == [failed]

    def event(self, endpoint: str) -> list[Any]:
        """The name and the arguments of the next message, an event of a namespace."""
        packet = self.read()
        assert (packet["type"], packet["endpoint"]) == ("event", endpoint), packet
        return [packet["name"], *packet["args"]]

    def call(self, endpoint: str, name: str, *args: Any, number: int = 1) -> list[Any]:
        """Emit an event, and take its ack, the next message."""
        self.emit(endpoint, name, *args, number=number)
        packet = self.read()
        assert packet["type"] == "ack", packet
        assert (packet["endpoint"], packet["number"]) == (endpoint, number)
        answer: list[Any] = packet["args"]
        return answer


class WebSocketClient(Client):
    """A session over a WebSocket.

    :ivar websocket: what it goes over.
    :cvar prefix: what stands before the bytes of a message.
    """

    websocket: WebSocket
    prefix = b""

    def send(self, *messages: str | bytes) -> None:
        self.websocket.send_raw(b"".join(map(self._frame, messages)))

    def _frame(self, message: str | bytes) -> bytes:
        if isinstance(message, bytes):
            return encode_frame(BINARY, self.prefix + message, MASK)
        return encode_frame(TEXT, message.encode(), MASK)

    def receive_any(self) -> str | bytes:
        opcode, message = self.websocket.receive_frame()
        assert opcode in (TEXT, BINARY), f"no message, but opcode {opcode}: {message!r}"
        if isinstance(message, bytes):
            assert message.startswith(self.prefix)
            return message[len(self.prefix) :]
        return str(message)

    def close(self) -> None:
        self.websocket.close()


class WebSocket1(WebSocketClient):
    """0.9 over a WebSocket."""

    dialect = Dialect1()

    def __init__(
        self, port: int, main: bool = True, query: str = "", **options: Any
    ) -> None:
        http = Http(port, options.get("headers"))
        self.sid, self.handshake = handshake_1(http, query)
        http.close()
        target = f"{RESOURCE}/1/websocket/{self.sid}{query and '?' + query}"
        self.websocket = WebSocket(port, target, **options)
        if main:
            assert self.receive() == "1::"


class WebSocket5(WebSocketClient):
    """3.x and 4.x over a WebSocket, from the start."""

    dialect = Dialect5()
    version = 4

    def __init__(self, port: int, query: str = "", **options: Any) -> None:
        target = f"{RESOURCE}/?EIO={self.version}&transport=websocket"
        target += query and f"&{query}"
        self.websocket = WebSocket(port, target, **options)
        assert self.websocket.status == 101, self.websocket.refusal()
        self.handshake = opened(self.receive())
        self.sid = self.handshake["sid"]


class WebSocket4(WebSocket5):
    """1.x and 2.x over a WebSocket, from the start."""

    version = 3
    prefix = b"\x04"

    def __init__(self, port: int, main: bool = True, **options: Any) -> None:
        super().__init__(port, **options)
        if main:
            assert self.receive() == "40"


class PollingClient(Client):
    """A session over polling: one connection for GETs, one for POSTs.

    :ivar target: where its requests go.
    """

    target: str

    def __init__(self, port: int, headers: Mapping[str, str] | None = None) -> None:
        self.gets = Http(port, headers)
        self.posts = Http(port, headers)
        self._waiting: deque[str | bytes] = deque()

    def send(self, *messages: str | bytes) -> None:
        reply = self.post(*messages)
        assert reply.status == 200, reply

    def receive_any(self) -> str | bytes:
        while not self._waiting:
            self._waiting.extend(self.poll())
        return self._waiting.popleft()

    @abstractmethod
    def post(self, *messages: str | bytes) -> Reply:
        """A POST, with its answer."""

    @abstractmethod
    def poll(self) -> Sequence[str | bytes]:
        """A GET: the messages it brings."""

    @abstractmethod
    def say_goodbye(self) -> None: ...

    def close(self) -> None:
        self.gets.close()
        try:
            self.say_goodbye()
        finally:
            self.posts.close()


class Polling1(PollingClient):
    """0.9 over xhr-polling."""

    dialect = Dialect1()

    def __init__(
        self, port: int, main: bool = True, query: str = "", **options: Any
    ) -> None:
        super().__init__(port, **options)
        self.sid, self.handshake = handshake_1(self.gets, query)
        self.target = f"{RESOURCE}/1/xhr-polling/{self.sid}{query and '?' + query}"
        if main:
            first, *rest = self.poll()
            assert first == "1::"
            self._waiting.extend(rest)

    def post(self, *messages: str | bytes) -> Reply:
        texts = [each for each in messages if isinstance(each, str)]
        return self.posts.post(self.target, socketio_1.encode_payload(texts))

    def poll(self) -> list[str]:
        reply = self.gets.get(self.target)
        assert reply.status == 200, reply
        return socketio_1.decode_payload(reply.body, READ)

    def say_goodbye(self) -> None:
        self.posts.get(f"{RESOURCE}/1//{self.sid}")


class PollingOfEngineIO(PollingClient):
    """A client on Engine.IO over polling.

    :cvar version: of Engine.IO, as it says it.
    """

    dialect = Dialect5()
    version: int

    def __init__(self, port: int, query: str = "", **options: Any) -> None:
        super().__init__(port, **options)
        self.target = f"{RESOURCE}/?EIO={self.version}&transport=polling"
        self.target += query and f"&{query}"
        first, *rest = self.poll()
        assert isinstance(first, str)
        self.handshake = opened(first)
        self.sid = self.handshake["sid"]
        self.target += f"&sid={self.sid}"
        self._waiting.extend(rest)

    def poll(self) -> Sequence[str | bytes]:
        reply = self.gets.get(self.target)
        assert reply.status == 200, reply
        return self.split(reply)

    @abstractmethod
    def split(self, reply: Reply) -> Sequence[str | bytes]:
        """The messages of a payload."""

    def say_goodbye(self) -> None:
        self.post(engineio.CLOSE)


class Polling5(PollingOfEngineIO):
    """3.x and 4.x over polling."""

    version = 4

    def post(self, *messages: str | bytes) -> Reply:
        texts = [
            each if isinstance(each, str) else f"b{base64.b64encode(each).decode()}"
            for each in messages
        ]
        return self.posts.post(self.target, engineio.SEPARATOR.join(texts))

    def split(self, reply: Reply) -> list[str | bytes]:
        return [
            base64.b64decode(each[1:]) if each[:1] == "b" else each
            for each in reply.text.split(engineio.SEPARATOR)
        ]


class Polling4(PollingOfEngineIO):
    """1.x and 2.x over polling."""

    version = 3

    def __init__(
        self, port: int, main: bool = True, query: str = "", **options: Any
    ) -> None:
        super().__init__(port, query, **options)
        if main:
            assert self.receive() == "40"

    def post(self, *messages: str | bytes) -> Reply:
        if any(isinstance(each, bytes) for each in messages):
            body = engineio_3.encode_binary_payload(messages)
            headers = {"Content-Type": "application/octet-stream"}
        else:
            # As 2.x clients do: lengths are UTF-16 units.
            body = "".join(
                f"{count_units(str(each))}:{each!s}" for each in messages
            ).encode()
            headers = {"Content-Type": "text/plain;charset=UTF-8"}
        return self.posts.post(self.target, body, headers)

    def split(self, reply: Reply) -> list[str | bytes]:
        if reply.headers["Content-Type"] == "application/octet-stream":
            return engineio_3.decode_binary_payload(reply.body, READ)
        return engineio_3.decode_payload(reply.body, READ)


def expect_end_of_session(server: Any, client: Any) -> None:
    """Expect that the server has ended an Engine.IO session for a client's fault.

    Over polling it is unknown at once, unless a poll waits.
    """
    wait_for(lambda: client.sid not in server.sockets, "the session ends")
    if isinstance(client, PollingClient):
        reply = client.gets.get(client.target)
        assert (reply.status, reply.json["code"]) == (400, 1)
    else:
        assert client.receive() == "1"


def handshake_1(http: Http, query: str = "") -> tuple[str, list[str]]:
    """The session id of a 0.9 handshake, and the text after it."""
    target = f"{RESOURCE}/1/?{query and query + '&'}t=1700000000000"
    reply = http.get(target)
    assert reply.status == 200, reply
    sid, *rest = reply.text.split(":")
    return sid, rest


def opened(packet: str) -> dict[str, Any]:
    """The data of an Engine.IO handshake."""
    assert packet[:1] == engineio.OPEN, packet
    handshake: dict[str, Any] = json.loads(packet[1:])
    return handshake


#: All ways to be a client, by generation and transport.
KINDS: dict[str, Callable[..., Client]] = {
    "0.9-websocket": WebSocket1,
    "0.9-xhr-polling": Polling1,
    "2-websocket": WebSocket4,
    "2-polling": Polling4,
    "4-websocket": WebSocket5,
    "4-polling": Polling5,
}

#: The kinds that send and take bytes.
BINARY_KINDS = [each for each in KINDS if not each.startswith("0.9")]


def kinds(ending: str) -> list[str]:
    """The kinds over a transport: ``websocket`` or ``polling``."""
    return [each for each in KINDS if each.endswith(ending)]
