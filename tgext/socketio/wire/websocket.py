"""RFC 6455 frames, and the key of the opening handshake."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from hashlib import sha1

from .errors import FrameError, InvalidFramePayload, MessageTooBig
from .fast import apply_mask
from .limits import MAX_MESSAGE_SIZE

CONTINUATION = 0x0
TEXT = 0x1
BINARY = 0x2
CLOSE = 0x8
PING = 0x9
PONG = 0xA

#: The version this speaks (section 4.1).
VERSION = "13"

_FIN = 0x80
_RESERVED = 0x70
_OPCODE = 0x0F
_MASKED = 0x80
_LENGTH = 0x7F
_CONTROL = 0x08
_MAX_CONTROL = 125

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

Message = tuple[int, "str | bytes"]


class FrameReader:
    """Turns the bytes of a peer into messages.

    :param max_message_size: bytes that a message may have.
    :param masked: whether the peer is a client, whose frames must be masked; a
        server's must not (section 5.1).
    """

    __slots__ = (
        "_fragments",
        "_masked",
        "_max_size",
        "_opcode",
        "_pending",
        "needed",
    )

    def __init__(
        self, max_message_size: int = MAX_MESSAGE_SIZE, masked: bool = True
    ) -> None:
        self._max_size = max_message_size
        self._masked = _MASKED if masked else 0
        self._pending = bytearray()
        #: How many bytes a frame has that has not come whole.
        self.needed = 2
        self._opcode = 0
        self._fragments = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield the messages that ``data`` completes.

        A message is its opcode and its content: text as ``str``; binary, ping, pong
        and close as ``bytes``. Control frames come where they stood. Exhaust the
        iterator before feeding again.

        :raises FrameError: where the input breaks the protocol; what came before has
            been yielded.
        """
        if self._pending:
            self._pending += data
            if len(self._pending) < self.needed:
                return
            data = bytes(self._pending)
            self._pending = bytearray()
        at = 0
        end = len(data)
        while True:
            if end - at < 2:
                self.needed = 2
                break
            first = data[at]
            length = data[at + 1] & _LENGTH
            self._check(first, data[at + 1], length)
            start = at + 2
            if length > _MAX_CONTROL:
                wide = 2 if length == 126 else 8
                start += wide
                if end < start:
                    self.needed = 2 + wide
                    break
                length = int.from_bytes(data[start - wide : start], "big")
            if not first & _CONTROL:
                self._check_size(length)
            if self._masked:
                start += 4
            stop = start + length
            if end < stop:
                self.needed = stop - at
                break
            payload = data[start:stop]
            if self._masked:
                payload = apply_mask(payload, data[start - 4 : start])
            at = stop
            if first == _FIN | TEXT and not self._opcode:
                yield TEXT, _text(payload)
            elif first & _CONTROL:
                yield first & _OPCODE, payload
            else:
                yield from self._data_frame(first, payload)
        if at < end:
            self._pending += data[at:]

    def _check(self, first: int, second: int, length: int) -> None:
        if first & _RESERVED:
            raise FrameError("reserved bits are set")
        if second & _MASKED != self._masked:
            raise FrameError("a client masks its frames, a server does not")
        opcode = first & _OPCODE
        if opcode & _CONTROL:
            if opcode > PONG:
                raise FrameError(f"unknown opcode {opcode}")
            if not first & _FIN:
                raise FrameError("a control frame is not fragmented")
            if length > _MAX_CONTROL:
                raise FrameError("a control frame has at most 125 bytes")
        elif opcode > BINARY:
            raise FrameError(f"unknown opcode {opcode}")
        elif opcode == CONTINUATION and not self._opcode:
            raise FrameError("there is nothing to continue")
        elif opcode != CONTINUATION and self._opcode:
            raise FrameError("a new message begins inside a fragmented one")

    def _check_size(self, length: int) -> None:
        if length >> 63:
            raise FrameError("the most significant bit of a length is set")
        if length + len(self._fragments) > self._max_size:
            raise MessageTooBig(f"a message of more than {self._max_size} bytes")

    def _data_frame(self, first: int, payload: bytes) -> Iterator[Message]:
        opcode = first & _OPCODE or self._opcode
        if self._fragments or not first & _FIN:
            self._fragments += payload
            payload = b""
        if not first & _FIN:
            self._opcode = opcode
            return
        if self._fragments:
            payload = bytes(self._fragments)
            self._fragments = bytearray()
        self._opcode = 0
        yield opcode, _text(payload) if opcode == TEXT else payload


def _text(payload: bytes) -> str:
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidFramePayload("a text message is not UTF-8") from None


def parse_close(payload: bytes) -> tuple[int, str]:
    """The code and the reason of a close frame (section 5.5.1).

    :returns: 1005 and nothing when the frame is empty.
    :raises FrameError: when the code may not be sent.
    :raises InvalidFramePayload: when the reason is not UTF-8.
    """
    if not payload:
        return 1005, ""
    if len(payload) == 1:
        raise FrameError("half a close code")
    code = int.from_bytes(payload[:2], "big")
    if not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
        raise FrameError(f"close code {code} may not be sent")
    return code, _text(payload[2:])


def encode_frame(opcode: int, payload: bytes, mask: bytes = b"") -> bytes:
    """A whole, unfragmented frame.

    :param mask: four bytes, for a client.
    """
    size = len(payload)
    masked = _MASKED if mask else 0
    if size <= _MAX_CONTROL:
        head = bytes((_FIN | opcode, masked | size))
    elif size <= 0xFFFF:
        head = bytes((_FIN | opcode, masked | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((_FIN | opcode, masked | 127)) + size.to_bytes(8, "big")
    if mask:
        return head + mask + apply_mask(payload, mask)
    return head + payload


def encode_close(code: int, reason: str = "") -> bytes:
    """A close frame; the reason is cut to what a control frame takes."""
    cut = reason.encode("utf-8", "replace")[: _MAX_CONTROL - 2]
    whole = cut.decode("utf-8", "ignore").encode("utf-8")
    return encode_frame(CLOSE, code.to_bytes(2, "big") + whole)


def is_key(key: str) -> bool:
    """Whether ``Sec-WebSocket-Key`` is 16 bytes in base64 (section 4.2.1)."""
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


def accept_key(key: str) -> str:
    """The ``Sec-WebSocket-Accept`` for a ``Sec-WebSocket-Key`` (section 4.2.2)."""
    digest = sha1(key.encode("ascii") + _GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()
