"""Raw clients: what the tests spell is what goes over the wire.

A :class:`Client` is a session of one generation over one transport, so that a test can
be written once for all; what it sends and receives are messages as its protocol has
them. :class:`Http` and :class:`WebSocket` are what it is made of.
"""

from __future__ import annotations

import base64
import json
import os
import re
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message as Headers
from http.client import HTTPConnection, HTTPSConnection, parse_headers
from io import BytesIO
from typing import Any

import gevent
from gevent import socket
from gevent.ssl import SSLContext

from tgext.socketio.wire.engineio import v3 as engineio_3
from tgext.socketio.wire.engineio import v4 as engineio
from tgext.socketio.wire.engineio.utf16 import count_units
from tgext.socketio.wire.limits import Limits
from tgext.socketio.wire.socketio import v1 as socketio_1
from tgext.socketio.wire.websocket.frames import (
    BINARY,
    CLOSE,
    TEXT,
    FrameReader,
    Message,
    encode_frame,
    parse_close,
)
from tgext.socketio.wire.websocket.handshake import accept_key

#: Seconds after which something that should have happened did not.
DEADLINE = 10.0

#: What clients take; a server may send them more than it takes itself.
READ = Limits(max_message_size=100_000_000)

RESOURCE = "/socket.io"
MASK = b"\x01\x02\x03\x04"


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Wait for what nothing signals."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"waited in vain: {what}"
        gevent.sleep(0.005)


# HTTP


#: Sent by the server while nothing else happens: of Engine.IO 4, and to 0.9.
PINGS = ("2", "2::")


@dataclass(frozen=True)
class Reply:
    """An HTTP answer."""

    status: int
    headers: Headers
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


#: Set where servers speak TLS: what clients trust.
TLS: SSLContext | None = None


class Http:
    """One HTTP connection, kept alive."""

    def __init__(self, port: int) -> None:
        if TLS is None:
            self._connection = HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
        else:
            self._connection = HTTPSConnection(
                "127.0.0.1", port, timeout=DEADLINE, context=TLS
            )

    def request(
        self,
        method: str,
        target: str,
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        data = body.encode() if isinstance(body, str) else body
        self._connection.request(method, target, data, dict(headers or {}))
        answer = self._connection.getresponse()
        return Reply(answer.status, answer.headers, answer.read())

    def get(self, target: str, headers: Mapping[str, str] | None = None) -> Reply:
        return self.request("GET", target, headers=headers)

    def post(
        self,
        target: str,
        body: bytes | str,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        return self.request("POST", target, body, headers)

    def close(self) -> None:
        self._connection.close()


class Raw:
    """One TCP connection, for requests that no HTTP client sends."""

    def __init__(self, port: int, receive_buffer: int = 0) -> None:
        self.sock: Any = socket.socket()
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(DEADLINE)
        self.sock.connect(("127.0.0.1", port))
        if TLS is not None:
            self.sock = TLS.wrap_socket(self.sock, server_hostname="127.0.0.1")
        self._received = b""

    def send_raw(self, data: bytes) -> None:
        self.sock.sendall(data)

    def receive_head(self) -> tuple[int, Headers]:
        """The status and the headers of an answer."""
        while b"\r\n\r\n" not in self._received:
            data = self.sock.recv(65536)
            assert data, f"no answer, but {self._received!r}"
            self._received += data
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        first, _, rest = head.partition(b"\r\n")
        headers = parse_headers(BytesIO(rest + b"\r\n\r\n"))
        return int(first.split()[1]), headers

    def receive_reply(self) -> Reply:
        """A whole answer, whose length is stated."""
        status, headers = self.receive_head()
        length = int(headers.get("Content-Length", "0"))
        while len(self._received) < length:
            data = self.sock.recv(65536)
            assert data, "the answer ends early"
            self._received += data
        body, self._received = self._received[:length], self._received[length:]
        return Reply(status, headers, body)

    def expect_end(self) -> None:
        """The server closes the connection, and sends nothing before."""
        assert self._received == b""
        try:
            assert self.sock.recv(65536) == b""
        except ConnectionResetError:
            pass

    def close(self) -> None:
        self.sock.close()


# WebSocket


class WebSocket(Raw):
    """A WebSocket, or the answer that refused it.

    :param early: bytes that go out together with the handshake.
    :param headers: replace those of the handshake; None leaves one out.
    """

    def __init__(
        self,
        port: int,
        target: str,
        headers: Mapping[str, str | None] | None = None,
        early: bytes = b"",
        method: str = "GET",
        receive_buffer: int = 0,
    ) -> None:
        super().__init__(port, receive_buffer)
        key = base64.b64encode(os.urandom(16)).decode()
        fields: dict[str, str | None] = {
            "Host": f"127.0.0.1:{port}",
            "Upgrade": "websocket",
            "Connection": "keep-alive, Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": key,
            **(headers or {}),
        }
        lines = [f"{name}: {value}" for name, value in fields.items() if value]
        head = "\r\n".join([f"{method} {target} HTTP/1.1", *lines, "", ""])
        self.send_raw(head.encode() + early)
        self.status, self.headers = self.receive_head()
        self._messages: deque[Message] = deque()
        self._reader = FrameReader(READ.max_message_size, masked=False)
        if self.status == 101:
            assert self.headers["Sec-WebSocket-Accept"] == accept_key(key)
            self._messages.extend(self._reader.feed(self._received))
            self._received = b""

    def refusal(self) -> Reply:
        """The rest of the answer to a handshake that failed."""
        length = int(self.headers["Content-Length"])
        while len(self._received) < length:
            self._received += self.sock.recv(65536)
        return Reply(self.status, self.headers, self._received[:length])

    def send_frame(self, opcode: int, payload: bytes) -> None:
        self.send_raw(encode_frame(opcode, payload, MASK))

    def send(self, text: str) -> None:
        self.send_frame(TEXT, text.encode())

    def receive_frame(self) -> Message:
        while not self._messages:
            data = self.sock.recv(65536)
            assert data, "the connection has ended"
            self._messages.extend(self._reader.feed(data))
        return self._messages.popleft()

    def receive(self) -> str:
        opcode, text = self.receive_frame()
        assert opcode == TEXT, f"no text, but opcode {opcode}: {text!r}"
        assert isinstance(text, str)
        return text

    def receive_close(self) -> int:
        """The code of the close frame, the next there is."""
        opcode, payload = self.receive_frame()
        assert opcode == CLOSE, f"no close frame, but opcode {opcode}: {payload!r}"
        assert isinstance(payload, bytes)
        return parse_close(payload)[0]

    def drain(self) -> list[str]:
        """The texts up to the close frame, or the end of the connection."""
        texts: list[str] = []
        while True:
            try:
                opcode, payload = self.receive_frame()
            except (AssertionError, ConnectionResetError):
                return texts
            if opcode == CLOSE:
                return texts
            texts.append(str(payload))

    def send_close(self, code: int = 1000) -> None:
        self.send_frame(CLOSE, code.to_bytes(2, "big"))

    def leave(self) -> None:
        """The closing handshake, begun here."""
        self.send_close()
        assert self.receive_close() == 1000
        self.expect_end()


# Generations


class Dialect(ABC):
    """How a generation writes the packets of a client, and reads those of a server."""

    @abstractmethod
    def connect(self, endpoint: str) -> str: ...

    @abstractmethod
    def leave(self, endpoint: str) -> str: ...

    @abstractmethod
    def event(
        self, endpoint: str, name: str, args: tuple[Any, ...], number: int | None
    ) -> str: ...

    @abstractmethod
    def ack(self, endpoint: str, number: int, args: tuple[Any, ...]) -> str: ...

    @abstractmethod
    def read(self, text: str) -> dict[str, Any]: ...


class Dialect1(Dialect):
    def connect(self, endpoint: str) -> str:
        return f"1::{endpoint}"

    def leave(self, endpoint: str) -> str:
        return f"0::{endpoint}"

    def event(
        self, endpoint: str, name: str, args: tuple[Any, ...], number: int | None
    ) -> str:
        mark = "" if number is None else f"{number}+"
        return f"5:{mark}:{endpoint}:" + json.dumps({"name": name, "args": args})

    def ack(self, endpoint: str, number: int, args: tuple[Any, ...]) -> str:
        return f"6::{endpoint}:{number}" + (f"+{json.dumps(args)}" if args else "")

    def read(self, text: str) -> dict[str, Any]:
        kind, number, endpoint, *rest = text.split(":", 3)
        packet: dict[str, Any] = {"endpoint": endpoint}
        if number:
            packet["id"] = int(number.rstrip("+"))
        data = rest[0] if rest else ""
        if kind == "5":
            event = json.loads(data)
            packet |= {"name": event["name"], "args": event.get("args", [])}
        elif kind == "6":
            number, _, args = data.partition("+")
            packet |= {"number": int(number), "args": json.loads(args or "[]")}
        elif data:
            packet["data"] = data
        names = {"0": "disconnect", "1": "connect", "5": "event", "6": "ack"}
        names |= {"7": "refused", "3": "message", "8": "noop"}
        return {"type": names[kind], **packet}


class Dialect5(Dialect):
    """Of clients 1.x and 2.x too: what they refuse with is any JSON."""

    def _head(self, kind: str, endpoint: str) -> str:
        return f"4{kind}{endpoint}," if endpoint else f"4{kind}"

    def connect(self, endpoint: str) -> str:
        return self._head("0", endpoint)

    def leave(self, endpoint: str) -> str:
        return self._head("1", endpoint)

    def event(
        self, endpoint: str, name: str, args: tuple[Any, ...], number: int | None
    ) -> str:
        mark = "" if number is None else str(number)
        return self._head("2", endpoint) + mark + json.dumps([name, *args])

    def ack(self, endpoint: str, number: int, args: tuple[Any, ...]) -> str:
        return self._head("3", endpoint) + str(number) + json.dumps(args)

    def read(self, text: str) -> dict[str, Any]:
        pattern = r"4([0-6])(?:(\d+)-)?(?:(/[^,]*),?)?(\d+)?(.*)"
        match = re.fullmatch(pattern, text, re.S)
        assert match is not None, f"no Socket.IO packet: {text!r}"
        kind, attachments, endpoint, number, data = match.groups()
        packet: dict[str, Any] = {"endpoint": endpoint or ""}
        if attachments:
            packet["attachments"] = int(attachments)
            kind = {"5": "2", "6": "3"}[kind]
        value = json.loads(data) if data else None
        if kind == "2":
            packet |= {"name": value[0], "args": value[1:]}
            if number:
                packet["id"] = int(number)
        elif kind == "3":
            packet |= {"number": int(number), "args": value}
        elif value is not None:
            packet["data"] = value
        names = {"0": "connect", "1": "disconnect", "2": "event", "3": "ack"}
        return {"type": names.get(kind, "refused"), **packet}


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
        """Leave without a word about namespaces, if still here."""

    def read(self) -> dict[str, Any]:
        """The next message, read."""
        return self.dialect.read(self.receive())

    def join(self, endpoint: str) -> None:
        """Connect to a namespace that accepts."""
        self.send(self.dialect.connect(endpoint))
        text = self.receive()
        while text in PINGS:  # the answer took long
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
        """The next two packets: an event failed, and its ack says so too."""
        told = self.read()
        assert (told["type"], told["endpoint"]) == ("event", endpoint)
        assert [told["name"], *told["args"]] == ["error", name, info]
        ack = self.read()
        assert (ack["type"], ack["endpoint"]) == ("ack", endpoint)
        old = isinstance(self.dialect, Dialect1)
        failed = None if old else {"error": {"name": name, "info": info}}
        assert ack["args"] == [failed]

    def event(self, endpoint: str) -> list[Any]:
        """The name and the arguments of the next message, an event there."""
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

    def __init__(self, port: int, main: bool = True, **options: Any) -> None:
        http = Http(port)
        self.sid, self.handshake = handshake_1(http)
        http.close()
        target = f"{RESOURCE}/1/websocket/{self.sid}"
        self.websocket = WebSocket(port, target, **options)
        if main:
            assert self.receive() == "1::"


class WebSocket5(WebSocketClient):
    """3.x and 4.x over a WebSocket, from the start."""

    dialect = Dialect5()
    version = 4

    def __init__(self, port: int, **options: Any) -> None:
        target = f"{RESOURCE}/?EIO={self.version}&transport=websocket"
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

    def __init__(self, port: int) -> None:
        self.gets = Http(port)
        self.posts = Http(port)
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
    def _say_goodbye(self) -> None: ...

    def close(self) -> None:
        self.gets.close()
        try:
            self._say_goodbye()
        finally:
            self.posts.close()


class Polling1(PollingClient):
    """0.9 over xhr-polling."""

    dialect = Dialect1()

    def __init__(self, port: int, main: bool = True) -> None:
        super().__init__(port)
        self.sid, self.handshake = handshake_1(self.gets)
        self.target = f"{RESOURCE}/1/xhr-polling/{self.sid}"
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

    def _say_goodbye(self) -> None:
        self.posts.get(f"{RESOURCE}/1//{self.sid}")


class PollingOfEngineIO(PollingClient):
    """A client on Engine.IO over polling.

    :cvar version: of Engine.IO, as it says it.
    """

    dialect = Dialect5()
    version: int

    def __init__(self, port: int, query: str = "") -> None:
        super().__init__(port)
        self.target = f"{RESOURCE}/?EIO={self.version}&transport=polling{query}"
        first, *rest = self.poll()
        assert isinstance(first, str)
        self.handshake = opened(first)
        self.sid = self.handshake["sid"]
        self.target += f"&sid={self.sid}"
        self._waiting.extend(rest)

    def poll(self) -> Sequence[str | bytes]:
        reply = self.gets.get(self.target)
        assert reply.status == 200, reply
        return self._split(reply)

    @abstractmethod
    def _split(self, reply: Reply) -> Sequence[str | bytes]:
        """The messages of a payload."""

    def _say_goodbye(self) -> None:
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

    def _split(self, reply: Reply) -> list[str | bytes]:
        return [
            base64.b64decode(each[1:]) if each[:1] == "b" else each
            for each in reply.text.split(engineio.SEPARATOR)
        ]


class Polling4(PollingOfEngineIO):
    """1.x and 2.x over polling."""

    version = 3

    def __init__(self, port: int, main: bool = True, query: str = "") -> None:
        super().__init__(port, query)
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

    def _split(self, reply: Reply) -> list[str | bytes]:
        if reply.headers["Content-Type"] == "application/octet-stream":
            return engineio_3.decode_binary_payload(reply.body, READ)
        return engineio_3.decode_payload(reply.body, READ)


def expect_end_of_session(server: Any, client: Any) -> None:
    """A client on Engine.IO learns that its session was ended for a fault.

    Over polling it is unknown at once, unless a poll waits.
    """
    wait_for(lambda: client.sid not in server.sockets, "the session ends")
    if isinstance(client, PollingClient):
        reply = client.gets.get(client.target)
        assert (reply.status, reply.json["code"]) == (400, 1)
    else:
        assert client.receive() == "1"


def handshake_1(http: Http) -> tuple[str, list[str]]:
    """The session id of a 0.9 handshake, and what stands behind it."""
    reply = http.get(f"{RESOURCE}/1/?t=1700000000000")
    assert reply.status == 200, reply
    sid, *rest = reply.text.split(":")
    return sid, rest


def opened(packet: str) -> dict[str, Any]:
    """What an Engine.IO handshake says."""
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
