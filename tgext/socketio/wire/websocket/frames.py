"""WebSocket frames (RFC 6455, section 5)."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from struct import Struct

from ..errors import FrameError, InvalidFramePayload, MessageTooBig
from ..limits import MAX_MESSAGE_SIZE
from ..masking import apply_mask
from .deflate import Inflater

CONTINUATION = 0x0
TEXT = 0x1
BINARY = 0x2
CLOSE = 0x8
PING = 0x9
PONG = 0xA

#: RSV1, which marks a compressed message (RFC 7692, section 6).
COMPRESSED = 0x40

_FIN = 0x80
_RESERVED = 0x70
_OPCODE = 0x0F
_MASKED = 0x80
_LENGTH = 0x7F
_CONTROL = 0x08
MAX_CONTROL = 125

#: The first byte of a text message in one frame.
_WHOLE_TEXT = _FIN | TEXT

#: For fewer bytes, a copy is faster than a view.
_COPY = 2048

Message = tuple[int, "str | bytes"]


class FrameReader:
    """Turns the bytes of a peer into messages.

    :param max_message_size: bytes of a message, at most.
    :param masked: whether the peer is a client. A client masks its frames, a server
        does not (section 5.1).
    :param inflater: decompresses messages, where compression was negotiated.
    """

    __slots__ = (
        "_checked",
        "_compressed",
        "_fragments",
        "_inflater",
        "_masked",
        "_max_size",
        "_opcode",
        "_payload_at",
        "_pending",
        "_utf8",
        "needed",
    )

    def __init__(
        self,
        max_message_size: int = MAX_MESSAGE_SIZE,
        masked: bool = True,
        inflater: Inflater | None = None,
    ) -> None:
        self._max_size = max_message_size
        self._masked = _MASKED if masked else 0
        self._inflater = inflater
        self._pending = bytearray()
        #: Bytes of the incomplete frame, as far as its head tells.
        self.needed = 2
        #: Where the payload of that frame begins, if it is plain text; else 0.
        self._payload_at = 0
        #: Bytes of that payload that have been validated as UTF-8.
        self._checked = 0
        self._utf8: codecs.IncrementalDecoder | None = None
        # The message that began in earlier frames (section 5.4).
        self._opcode = 0
        self._compressed = False
        self._fragments = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield the messages that ``data`` completes.

        A message is its opcode and its content: text as ``str``; binary, ping, pong
        and close as ``bytes``. A control frame within a fragmented message is yielded
        before that message. Exhaust the iterator before feeding again.

        :raises FrameError: when a frame is invalid, after the messages before it.
        """
        if self._pending:
            if len(self._pending) + len(data) < self.needed:
                self._pending += data
                if self._payload_at:
                    self._check_pending_text()
                return
            data = b"".join((self._pending, data))
            self._pending = bytearray()
        at = 0
        end = len(data)
        masked = self._masked
        head = 6 if masked else 2
        short = min(MAX_CONTROL, self._max_size)
        self._payload_at = 0
        while True:
            if end - at < 2:
                self.needed = 2
                break
            first = data[at]
            second = data[at + 1]
            length = second & _LENGTH
            start = at + head
            stop = start + length
            # Nearly all frames are whole text messages of few bytes. Measured: reading
            # them here saves 2 % of an event.
            whole = first == _WHOLE_TEXT and not self._opcode
            if (
                not whole
                or second != masked | length
                or length > short
                or stop > end
                or self._checked
            ):
                found = self._bounds(data, at, end)
                if found is None:
                    break
                start, stop = found
            if not masked:
                payload = data[start:stop]
            elif stop - start < _COPY:
                payload = apply_mask(data[start:stop], data[start - 4 : start])
            else:
                view = memoryview(data)[start:stop]
                payload = apply_mask(view, data[start - 4 : start])
            at = stop
            if whole:
                if self._checked:
                    self._checked = 0
                    self._utf8 = None
                try:
                    text = payload.decode()
                except UnicodeDecodeError:
                    raise InvalidFramePayload(_NOT_UTF8) from None
                yield TEXT, text
            elif first & _CONTROL:
                yield first & _OPCODE, payload
            else:
                yield from self._data_frame(first, payload)
        if at < end:
            self._pending += data[at:]
            if self._payload_at:
                self._check_pending_text()

    def _bounds(self, data: bytes, at: int, end: int) -> tuple[int, int] | None:
        """Where the payload of the frame at ``at`` begins and ends.

        :returns: None when the frame is incomplete; ``needed`` says of how many bytes
            more is known.
        :raises FrameError: when its head is invalid, or its message too large.
        """
        first, second = data[at], data[at + 1]
        length = second & _LENGTH
        self._check(first, second, length)
        start = at + 2
        if length > MAX_CONTROL:
            wide = 2 if length == 126 else 8
            start += wide
            if end < start:
                self.needed = 2 + wide
                return None
            length = int.from_bytes(data[start - wide : start], "big")
        if not first & _CONTROL:
            self._check_size(first, length)
        if self._masked:
            start += 4
        stop = start + length
        if end < stop:
            self.needed = stop - at
            if self._is_plain_text(first):
                self._payload_at = start - at
            return None
        return start, stop

    def _check(self, first: int, second: int, length: int) -> None:
        """Check the first two bytes of a frame.

        :param length: its 7 bits of length.
        """
        opcode = first & _OPCODE
        # Section 5.2: reserved bits are 0 "unless an extension is negotiated". RFC
        # 7692, section 6.1: RSV1 is set in the first frame of a compressed message
        # alone.
        if first & _RESERVED and not (
            first & _RESERVED == COMPRESSED
            and self._inflater is not None
            and opcode in (TEXT, BINARY)
        ):
            raise FrameError("reserved bits are set")
        # Section 5.1: "a client MUST mask all frames", "A server MUST NOT mask any
        # frames".
        if second & _MASKED != self._masked:
            raise FrameError(
                "masking: a client must mask its frames, a server must not"
            )
        if opcode & _CONTROL:
            # Section 5.2: an unknown opcode fails the connection. Section 5.5: control
            # frames have at most 125 bytes and "MUST NOT be fragmented".
            if opcode > PONG:
                raise FrameError(f"unknown opcode {opcode}")
            if not first & _FIN:
                raise FrameError("a control frame is fragmented")
            if length > MAX_CONTROL:
                raise FrameError("a control frame has more than 125 bytes")
        elif opcode > BINARY:
            raise FrameError(f"unknown opcode {opcode}")
        # Section 5.4: the fragments of one message come one after the other.
        elif opcode == CONTINUATION and not self._opcode:
            raise FrameError("a continuation frame has no message to continue")
        elif opcode != CONTINUATION and self._opcode:
            raise FrameError("a new message begins inside a fragmented one")

    def _check_size(self, first: int, length: int) -> None:
        # Section 5.2: "the most significant bit MUST be 0".
        if length >> 63:
            raise FrameError("the most significant bit of a length is set")
        most = self._max_size
        if self._compressed or first & COMPRESSED:
            # Incompressible data grows a little. The inflater checks the exact size.
            most += 64 + (most >> 8)
        if length + len(self._fragments) > most:
            raise MessageTooBig(f"a message of more than {self._max_size} bytes")

    def _data_frame(self, first: int, payload: bytes) -> Iterator[Message]:
        opcode = first & _OPCODE or self._opcode
        final = first & _FIN
        compressed = self._compressed or bool(first & COMPRESSED)
        if compressed:
            assert self._inflater is not None
            room = self._max_size - len(self._fragments)
            payload = self._inflater.inflate(payload, room, bool(final))
        if not final:
            self._opcode = opcode
            self._compressed = compressed
            if opcode == TEXT:
                self._check_text(payload[self._checked :])
                self._checked = 0
            self._fragments += payload
            return
        if self._fragments:
            payload = bytes(self._fragments + payload)
            self._fragments = bytearray()
        self._opcode = self._checked = 0
        self._compressed = False
        self._utf8 = None
        yield opcode, as_text(payload) if opcode == TEXT else payload

    # Section 8.1: invalid UTF-8 fails the connection. It does so at once, without
    # waiting for the rest of the message.

    def _is_plain_text(self, first: int) -> bool:
        if self._compressed or first & COMPRESSED:
            return False
        return (first & _OPCODE or self._opcode) == TEXT

    def _check_pending_text(self) -> None:
        checked, pending = self._checked, self._pending
        begin = self._payload_at + checked
        piece = bytes(pending[begin:])
        if not piece:
            return  # the payload, and perhaps its mask, has not begun
        if self._masked:
            mask = bytes(pending[self._payload_at - 4 : self._payload_at])
            turn = checked % 4
            piece = apply_mask(piece, mask[turn:] + mask[:turn])
        self._checked += len(piece)
        self._check_text(piece)

    def _check_text(self, piece: bytes) -> None:
        if self._utf8 is None:
            self._utf8 = codecs.getincrementaldecoder("utf-8")()
        try:
            self._utf8.decode(piece)
        except UnicodeDecodeError:
            raise InvalidFramePayload(_NOT_UTF8) from None


_NOT_UTF8 = "a text message is not UTF-8"


def as_text(payload: bytes) -> str:
    """The text of a message or of a reason.

    :raises InvalidFramePayload: when it is not UTF-8.
    """
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidFramePayload(_NOT_UTF8) from None


def encode_frame(opcode: int, payload: bytes, mask: bytes = b"") -> bytes:
    """A whole, unfragmented frame.

    :param mask: four bytes for a client's frame; empty for a server's.
    """
    size = len(payload)
    if mask:
        return _head(opcode, _MASKED, size) + mask + apply_mask(payload, mask)
    if size <= MAX_CONTROL and opcode == TEXT:
        return _SHORT_TEXT[size] + payload
    return _head(opcode, 0, size) + payload


def _head(opcode: int, masked: int, size: int) -> bytes:
    if size <= MAX_CONTROL:
        return bytes((_FIN | opcode, masked | size))
    if size <= 0xFFFF:
        return _MEDIUM.pack(_FIN | opcode, masked | 126, size)
    return _LONG.pack(_FIN | opcode, masked | 127, size)


_MEDIUM = Struct("!BBH")
_LONG = Struct("!BBQ")
#: The heads of unmasked short text frames, by size.
_SHORT_TEXT = tuple(_head(TEXT, 0, size) for size in range(MAX_CONTROL + 1))
