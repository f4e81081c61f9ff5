"""The client's end of a connection: HTTP, then perhaps a WebSocket."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message as Headers
from http.client import parse_headers
from io import BytesIO
from typing import Any

import gevent
from gevent.event import Event

from ..wire.errors import ProtocolError
from ..wire.websocket.close import parse_close
from ..wire.websocket.frames import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    FrameReader,
    Message,
    encode_frame,
)
from .dialects import LIMITS
from .errors import NotReceived

_READ = 65536
_END_OF_HEAD = b"\r\n\r\n"

#: What a client masks its frames with (RFC 6455, section 5.3). There is no proxy that
#: has to be kept from reading them.
_MASK = b"mask"

#: The code of an end without a close frame (RFC 6455, section 7.1.5).
_ABNORMAL = 1006


@dataclass(frozen=True)
class Answer:
    """An HTTP answer.

    :ivar body: empty if its length is not stated.
    """

    status: int
    headers: Headers
    body: bytes = b""

    @property
    def text(self) -> str:
        """What a client shows of it."""
        return self.body.decode("utf-8", "replace").strip()


class Link:
    """One connection.

    :param sock: a gevent socket.
    :param timeout: seconds that an answer may take.

    :ivar close_code: how the WebSocket ended; None while it is open. 1006 if there was
        no close frame.
    :ivar close_reason: the text that goes with it.
    """

    def __init__(self, sock: Any, timeout: float) -> None:
        self._sock = sock
        self._timeout = timeout
        self._rest = b""
        #: Set unless :meth:`freeze` was called.
        self._reads = Event()
        self._reads.set()
        self._closing = False
        self.close_code: int | None = None
        self.close_reason = ""

    # HTTP

    def ask(self, target: str, headers: Mapping[str, str]) -> Answer:
        """Send a GET, and wait for the answer.

        :raises NotReceived: when it has not come in time.
        :raises OSError: when the connection fails.
        """
        try:
            return self._ask(target, headers)
        except TimeoutError:
            path = target.partition("?")[0]
            text = f"GET {path} has not been answered (in {self._timeout:g} s)."
            raise NotReceived(text) from None

    def _ask(self, target: str, headers: Mapping[str, str]) -> Answer:
        lines = [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join([f"GET {target} HTTP/1.1", *lines, "", ""])
        self._sock.settimeout(self._timeout)
        self._sock.sendall(head.encode("latin-1"))
        while _END_OF_HEAD not in self._rest:
            self._rest += self._more()
        head_bytes, _, self._rest = self._rest.partition(_END_OF_HEAD)
        first, _, fields = head_bytes.partition(b"\r\n")
        answered = parse_headers(BytesIO(fields + _END_OF_HEAD))
        status = int(first.split()[1])
        if status == 101:
            return Answer(status, answered)
        return Answer(
            status, answered, self._body(int(answered["Content-Length"] or 0))
        )

    def _body(self, length: int) -> bytes:
        while len(self._rest) < length:
            self._rest += self._more()
        body, self._rest = self._rest[:length], self._rest[length:]
        return body

    def _more(self) -> bytes:
        data: bytes = self._sock.recv(_READ)
        if not data:
            raise ConnectionResetError("the server has closed the connection")
        return data

    def upgrade(
        self, target: str, headers: Mapping[str, str], protocols: str = ""
    ) -> Answer:
        """Ask for a WebSocket; the answer is 101 if there is one, else it is the last.

        :param protocols: the value of ``Sec-WebSocket-Protocol``.
        """
        fields = {
            **headers,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": b64encode(os.urandom(16)).decode(),
        }
        if protocols:
            fields["Sec-WebSocket-Protocol"] = protocols
        answer = self.ask(target, fields)
        if answer.status != 101:
            self.drop()
        return answer

    # WebSocket

    def read(
        self, take: Callable[[str | bytes], object], end: Callable[[], object]
    ) -> None:
        """Read the WebSocket from now on.

        :param take: called with each message.
        :param end: called once at the end of the connection.
        """
        self._sock.settimeout(None)
        gevent.spawn(self._read, take, end)

    def _read(
        self, take: Callable[[str | bytes], object], end: Callable[[], object]
    ) -> None:
        try:
            for opcode, payload in self._frames():
                if opcode in (TEXT, BINARY):
                    take(payload)
                elif opcode == PING:
                    self._send_frame(PONG, payload)  # type: ignore[arg-type]
                elif opcode == CLOSE:
                    assert isinstance(payload, bytes)
                    code, reason = parse_close(payload)
                    if not self._closing:
                        self._send_frame(CLOSE, payload)
                    self.close_code, self.close_reason = code, reason
                    break
        except (OSError, ProtocolError) as error:
            self.close_reason = self.close_reason or str(error)
        finally:
            if self.close_code is None:
                self.close_code = _ABNORMAL
            self._sock.close()
            end()

    def _frames(self) -> Iterator[Message]:
        reader = FrameReader(LIMITS.max_message_size, masked=False)
        data, self._rest = self._rest, b""
        while True:
            yield from reader.feed(data)
            data = self._sock.recv(_READ)
            self._reads.wait()
            if not data:
                return

    @property
    def closed(self) -> bool:
        """Whether the connection has ended."""
        return self.close_code is not None

    def send(self, message: str | bytes) -> None:
        """Send a message.

        :raises OSError: when the connection has ended.
        """
        if isinstance(message, bytes):
            self._send_frame(BINARY, message)
        else:
            self._send_frame(TEXT, message.encode())

    def _send_frame(self, opcode: int, payload: bytes) -> None:
        self._sock.sendall(encode_frame(opcode, payload, _MASK))

    def freeze(self) -> None:
        """Read nothing more: no ping is answered."""
        self._reads.clear()

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Begin the closing handshake; the end of the connection follows."""
        if not self.closed and not self._closing:
            self._closing = True
            self._send_frame(CLOSE, code.to_bytes(2, "big") + reason.encode())

    def drop(self) -> None:
        """End the connection without a word, as when a cable is cut."""
        if self.close_code is None:
            self.close_code = _ABNORMAL
        self._sock.close()  # wakes the reader
        self._reads.set()
