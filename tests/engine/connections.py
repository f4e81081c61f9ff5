"""Connections of raw clients: HTTP, bytes, and WebSockets.

They send exactly the bytes that a test writes.
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message as Headers
from http.client import HTTPConnection, HTTPSConnection, parse_headers
from io import BytesIO
from typing import Any

import gevent
from gevent import socket
from gevent.ssl import SSLContext

from tgext.socketio.wire.limits import Limits
from tgext.socketio.wire.websocket.close import parse_close
from tgext.socketio.wire.websocket.frames import (
    CLOSE,
    TEXT,
    FrameReader,
    Message,
    encode_frame,
)
from tgext.socketio.wire.websocket.handshake import accept_key

#: Seconds after which something that should have happened did not.
DEADLINE = 30.0

#: The limits of the clients: a server may send more than it accepts.
READ = Limits(max_message_size=100_000_000)

MASK = b"\x01\x02\x03\x04"


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Wait for a condition, by polling."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"waited in vain: {what}"
        gevent.sleep(0.005)


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


#: The certificates that clients trust, where the servers speak TLS.
TLS: SSLContext | None = None


class Http:
    """One HTTP connection, kept alive.

    :param headers: sent with each request.
    """

    def __init__(self, port: int, headers: Mapping[str, str] | None = None) -> None:
        self.headers = headers or {}
        if TLS is None:
            self.connection = HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
        else:
            self.connection = HTTPSConnection(
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
        fields = {**self.headers, **(headers or {})}
        self.connection.request(method, target, data, fields)
        answer = self.connection.getresponse()
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
        self.connection.close()


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
        self.received = b""

    def send_raw(self, data: bytes) -> None:
        self.sock.sendall(data)

    def receive_head(self) -> tuple[int, Headers]:
        """The status and the headers of an answer."""
        while b"\r\n\r\n" not in self.received:
            data = self.sock.recv(65536)
            assert data, f"no answer, but {self.received!r}"
            self.received += data
        head, _, self.received = self.received.partition(b"\r\n\r\n")
        first, _, rest = head.partition(b"\r\n")
        headers = parse_headers(BytesIO(rest + b"\r\n\r\n"))
        return int(first.split()[1]), headers

    def receive_reply(self) -> Reply:
        """A whole answer, whose length is stated."""
        status, headers = self.receive_head()
        length = int(headers.get("Content-Length", "0"))
        while len(self.received) < length:
            data = self.sock.recv(65536)
            assert data, "the answer ends early"
            self.received += data
        body, self.received = self.received[:length], self.received[length:]
        return Reply(status, headers, body)

    def expect_end(self) -> None:
        """The server closes the connection, and sends nothing before."""
        assert self.received == b""
        try:
            assert self.sock.recv(65536) == b""
        except ConnectionResetError:
            pass

    def close(self) -> None:
        self.sock.close()


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
        self.reader = FrameReader(READ.max_message_size, masked=False)
        if self.status == 101:
            assert self.headers["Sec-WebSocket-Accept"] == accept_key(key)
            self._messages.extend(self.reader.feed(self.received))
            self.received = b""

    def refusal(self) -> Reply:
        """The rest of the answer to a handshake that failed."""
        length = int(self.headers["Content-Length"])
        while len(self.received) < length:
            self.received += self.sock.recv(65536)
        return Reply(self.status, self.headers, self.received[:length])

    def send_frame(self, opcode: int, payload: bytes) -> None:
        self.send_raw(encode_frame(opcode, payload, MASK))

    def send(self, text: str) -> None:
        self.send_frame(TEXT, text.encode())

    def receive_frame(self) -> Message:
        while not self._messages:
            data = self.sock.recv(65536)
            assert data, "the connection has ended"
            self._messages.extend(self.reader.feed(data))
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
        """The texts before the close frame, or before the end of the connection."""
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
