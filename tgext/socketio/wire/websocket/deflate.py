"""permessage-deflate, the compression of WebSocket messages (RFC 7692)."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

from ..errors import InvalidFramePayload, MessageTooBig

NAME = "permessage-deflate"

#: The end of the output of a flush, which is not sent (section 7.2.1).
_TAIL = b"\x00\x00\xff\xff"

#: The payload of an empty message, as of an empty fragment (section 7.2.3.6).
_EMPTY = b"\x00"

#: DEFLATE streams in the payload of one frame, at most. A peer may end a stream early
#: (section 7.2.3.4), but each further one costs a copy of the rest of the payload.
_MOST_STREAMS = 16

#: zlib cannot write windows of 8 bits, but reads them.
_LEAST_WRITTEN = 9
_LEAST_READ = 8
_MOST = 15

_BITS = re.compile(r"[89]|1[0-5]")


@dataclass(frozen=True)
class Deflate:
    """The server's preferences for compression, within what a client offers.

    A window of *n* bits is a memory of 2\\ :sup:`n` bytes. Keeping it from message to
    message ("context takeover") compresses similar small messages much better, and
    costs each connection some 300 KiB with windows of the default size.

    :param server_max_window_bits: of the messages sent, 9 to 15.
    :param client_max_window_bits: of the messages received, 8 to 15; without effect on
        clients that do not offer the parameter (section 7.1.2.2).
    :param server_no_context_takeover: begin each message sent with an empty window.
    :param client_no_context_takeover: make the client do so.
    :param level: zlib's, from 1, the fastest, to 9, the smallest.
    :raises ValueError: when an argument is invalid; the message names it.
    """

    server_max_window_bits: int = _MOST
    client_max_window_bits: int = _MOST
    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    level: int = 6

    def __post_init__(self) -> None:
        for name, value, least, most in (
            ("server_max_window_bits", self.server_max_window_bits, 9, _MOST),
            ("client_max_window_bits", self.client_max_window_bits, 8, _MOST),
            ("level", self.level, 1, 9),
        ):
            if not least <= value <= most:
                raise ValueError(f"{name}: {value!r} is not from {least} to {most}")

    def accept(self, offer: dict[str, str | None]) -> Agreement | None:
        """Answer one offer of a client (sections 7 and 7.1).

        :param offer: its parameters.
        :returns: None when the offer has to be declined.
        """
        wanted = _read_offer(offer)
        if wanted is None:
            return None
        server_bits = min(
            self.server_max_window_bits, wanted.get("server_max_window_bits", _MOST)
        )
        if server_bits < _LEAST_WRITTEN:
            return None  # declined: zlib could not write so small a window
        client_bits = _MOST
        # Section 7.1.2.2: only a client that offers the parameter can be told a value.
        if "client_max_window_bits" in wanted:
            client_bits = min(
                self.client_max_window_bits, wanted["client_max_window_bits"]
            )
        return Agreement(
            server_bits,
            client_bits,
            self.server_no_context_takeover or "server_no_context_takeover" in wanted,
            self.client_no_context_takeover or "client_no_context_takeover" in wanted,
            self.level,
            "server_max_window_bits" in wanted,
        )


@dataclass(frozen=True)
class Agreement:
    """The negotiated parameters of one connection.

    :ivar limits_server: whether the client's offer has ``server_max_window_bits``.
    """

    server_max_window_bits: int
    client_max_window_bits: int
    server_no_context_takeover: bool
    client_no_context_takeover: bool
    level: int
    limits_server: bool

    @property
    def header(self) -> str:
        """The value of ``Sec-WebSocket-Extensions`` in the answer."""
        parts = [NAME]
        for name in ("server_no_context_takeover", "client_no_context_takeover"):
            if getattr(self, name):
                parts.append(name)
        # Section 7.1.2.1: a server accepts this parameter of an offer by including it
        # in its answer, whatever the value.
        if self.limits_server or self.server_max_window_bits < _MOST:
            parts.append(f"server_max_window_bits={self.server_max_window_bits}")
        if self.client_max_window_bits < _MOST:
            parts.append(f"client_max_window_bits={self.client_max_window_bits}")
        return "; ".join(parts)

    def deflater(self) -> Deflater:
        """A compressor for the messages that are sent."""
        return Deflater(
            self.server_max_window_bits, not self.server_no_context_takeover, self.level
        )

    def inflater(self) -> Inflater:
        """A decompressor for the messages that are received."""
        return Inflater(
            self.client_max_window_bits, not self.client_no_context_takeover
        )


def _read_offer(offer: dict[str, str | None]) -> dict[str, int] | None:
    """The parameters of an offer; None when section 7 requires to decline it."""
    wanted: dict[str, int] = {}
    for name, value in offer.items():
        if name in ("server_no_context_takeover", "client_no_context_takeover"):
            if value is not None:
                return None
            wanted[name] = 1
        elif name == "client_max_window_bits" and value is None:
            wanted[name] = _MOST
        elif name in ("server_max_window_bits", "client_max_window_bits"):
            if value is None or not _BITS.fullmatch(value):
                return None
            wanted[name] = int(value)
        else:
            return None
    return wanted


class Deflater:
    """Compresses messages.

    :param window_bits: 9 to 15.
    :param keep_context: whether a message may refer to earlier ones.
    :param level: zlib's, 1 to 9.
    """

    __slots__ = ("_encoder", "keep_context", "level", "window_bits")

    def __init__(
        self, window_bits: int = _MOST, keep_context: bool = True, level: int = 6
    ) -> None:
        self.window_bits = window_bits
        self.keep_context = keep_context
        self.level = level
        self._encoder: zlib._Compress | None = None

    def deflate(self, message: bytes) -> bytes:
        """The compressed payload of a message (section 7.2.1)."""
        if not message:
            return _EMPTY
        encoder = self._encoder
        if encoder is None:
            encoder = zlib.compressobj(self.level, wbits=-self.window_bits)
            if self.keep_context:
                self._encoder = encoder
        data = encoder.compress(message) + encoder.flush(zlib.Z_SYNC_FLUSH)
        return data[: -len(_TAIL)]


class Inflater:
    """Decompresses messages, each up to a given size.

    :param window_bits: 8 to 15.
    :param keep_context: whether a message may refer to earlier ones.
    """

    __slots__ = ("_decoder", "_keep_context", "_window_bits")

    def __init__(self, window_bits: int = _MOST, keep_context: bool = True) -> None:
        self._window_bits = window_bits
        self._keep_context = keep_context
        self._decoder = self._begin()

    def _begin(self) -> zlib._Decompress:
        return zlib.decompressobj(wbits=-self._window_bits)

    def inflate(self, data: bytes, room: int, last: bool) -> bytes:
        """Decompress the payload of one frame (section 7.2.2).

        :param room: bytes of the result, at most.
        :param last: whether the frame ends its message.
        :raises MessageTooBig: when the result would exceed ``room``; decompression
            stops there.
        :raises InvalidFramePayload: when the payload is not DEFLATE data.
        """
        if last:
            data += _TAIL
        message = self._inflate(data, room)
        if last and not self._keep_context:
            self._decoder = self._begin()
        return message

    def _inflate(self, data: bytes, room: int) -> bytes:
        message = b""
        for _ in range(_MOST_STREAMS):
            left = room - len(message)
            try:
                message += self._decoder.decompress(data, left + 1)
            except zlib.error as error:
                raise InvalidFramePayload(f"not compressed: {error}") from None
            if len(message) > room:
                raise MessageTooBig("a compressed message exceeds the size limit")
            if not self._decoder.eof:
                return message
            data = self._decoder.unused_data
            self._decoder = self._begin()
        raise InvalidFramePayload("a message of too many DEFLATE streams")
