"""Engine.IO 3: the payloads of polling. Its text packets are those of Engine.IO 4.

https://github.com/socketio/engine.io-protocol, revision 3, "Payload". A text payload is
a sequence of ``<length>:<packet>``. A binary payload, for clients that take bytes, is a
sequence of: 0 or 1 for text or binary, the digits of the length, 255, the packet.

Clients 1.x encode the text of a payload to UTF-8 twice and count bytes; clients 2.x
encode it once and count UTF-16 code units. Both send ``EIO=3``, so the server cannot
tell them apart. It sends them ASCII, and detects the encoding of their text by its
bytes. JSON can be escaped to ASCII, but the name of a namespace cannot. A name that is
not ASCII is sent in a binary payload, which both clients decode in the same way. A
client that does not support binary payloads gets the name in the encoding that it used
itself (``b64``), or in that of 2.x (JSONP).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence

from ..errors import PayloadError, PayloadTooLarge
from ..json import in_ascii
from ..limits import MAX_DIGITS, Limits
from .utf16 import count_units, take_units
from .v4 import BINARY_MARK, TYPES, check_packet, decode_base64

#: Marks a message in base64.
_BASE64 = "b4"
_END_OF_LENGTH = 255

#: A payload with more characters is sent as bytes. In a text payload, a character that
#: is not ASCII takes six, and some JavaScript engines allow 65,536 arguments of a call:
#: see :func:`needs_bytes`.
MOST_TEXT = 10_000

_LENGTH = re.compile(rf"([0-9]{{1,{MAX_DIGITS}}}):")
#: The head of a Socket.IO message, up to the end of its namespace.
_NAMESPACE = re.compile(r"4[0-6](?:[0-9]+-)?/[^,]*")


def needs_bytes(packets: Sequence[str | bytes]) -> bool:
    """Whether a payload should be binary for a client that takes bytes.

    A client 1.x in a browser decodes a text payload with one call that has an argument
    for each byte, which fails above some 125,000 arguments. It decodes a binary payload
    in a loop.
    """
    return sum(map(len, packets)) > MOST_TEXT or any(
        isinstance(each, bytes) or not (each.isascii() or _split(each)[0].isascii())
        for each in packets
    )


def _split(packet: str) -> tuple[str, str]:
    """The head of a packet, which cannot be escaped, and its JSON, which can."""
    match = _NAMESPACE.match(packet)
    end = 0 if match is None else match.end()
    return packet[:end], packet[end:]


def encode_payload(packets: Sequence[str | bytes], twice: bool = False) -> bytes:
    """A text payload; binary messages are in base64.

    :param twice: encode the names of namespaces for clients 1.x, not for 2.x.
    """
    parts = (_framed(each, twice) for each in packets)
    return "".join(parts).encode("utf-8", "replace")


def is_encoded_twice(body: bytes) -> bool:
    """Whether a text payload that is not ASCII is encoded as clients 1.x do."""
    try:
        body.decode("utf-8").encode("latin-1").decode("utf-8", "surrogatepass")
    except UnicodeError:
        return False
    return True


def _framed(packet: str | bytes, twice: bool) -> str:
    if isinstance(packet, bytes):
        text = _BASE64 + base64.b64encode(packet).decode()
    else:
        text = packet
        if not packet.isascii():
            head, json = _split(packet)
            if twice:
                head = head.encode("utf-8", "surrogatepass").decode("latin-1")
            text = head + in_ascii(json)
    return f"{count_units(text)}:{text}"


def encode_binary_payload(packets: Sequence[str | bytes]) -> bytes:
    """A binary payload, for clients that take bytes."""
    parts = []
    for packet in packets:
        binary = isinstance(packet, bytes)
        data = b"\x04" + packet if binary else packet.encode("utf-8", "replace")  # type: ignore[operator, union-attr]
        digits = bytes(map(int, str(len(data))))
        parts.append(bytes((binary,)) + digits + bytes((_END_OF_LENGTH,)) + data)
    return b"".join(parts)


def decode_payload(body: bytes, limits: Limits) -> list[str | bytes]:
    """Split a text payload.

    :returns: packets; binary ones as the bytes of a message.
    :raises PayloadTooLarge: when ``limits.max_message_size`` is exceeded.
    :raises PayloadError: when it is invalid.
    """
    return list(iter_payload(body, limits))


def iter_payload(body: bytes, limits: Limits) -> Iterator[str | bytes]:
    """Yield the packets of :func:`decode_payload`: there may be very many."""
    _check_size(body, limits)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise PayloadError("the payload is not UTF-8") from None
    if not text:
        raise PayloadError("the payload is empty")
    at = 0
    while at < len(text):
        length = _LENGTH.match(text, at)
        if length is None:
            found = text[at : at + MAX_DIGITS].partition(":")[0]
            raise PayloadError(f"the length of a packet is missing: {found!r}")
        packet, at = take_units(text, length.end(), int(length[1]))
        # Nearly all packets are plain, and need no call.
        plain = packet[:1] in TYPES and packet.isascii()
        yield packet if plain else _read(packet)


def _read(packet: str) -> str | bytes:
    if packet[:1] == BINARY_MARK:
        return decode_binary(packet)
    check_packet(packet)
    return _once(packet)


def decode_binary(packet: str) -> bytes:
    """The bytes of a message in base64.

    :raises PayloadError: when it is not a message.
    """
    if not packet.startswith(_BASE64):
        raise PayloadError("a binary packet is not a message")
    return decode_base64(packet[2:])


def _once(text: str) -> str:
    """The text of a packet, whether it was encoded twice (1.x) or once (2.x)."""
    try:
        # These clients encode lone surrogates like other characters.
        return text.encode("latin-1").decode("utf-8", "surrogatepass")
    except UnicodeError:
        return text


def decode_binary_payload(body: bytes, limits: Limits) -> list[str | bytes]:
    """Split a binary payload; see :func:`decode_payload`."""
    return list(iter_binary_payload(body, limits))


def iter_binary_payload(body: bytes, limits: Limits) -> Iterator[str | bytes]:
    """Yield the packets of :func:`decode_binary_payload`."""
    _check_size(body, limits)
    if not body:
        raise PayloadError("the payload is empty")
    at = 0
    while at < len(body):
        # "Payload": 0 for text or 1 for binary, any number of digits, 255, the packet.
        kind = body[at]
        end = body.find(_END_OF_LENGTH, at + 1, at + 2 + MAX_DIGITS)
        digits = body[at + 1 : end]
        if kind > 1 or end <= at + 1 or max(digits) > 9:
            raise PayloadError("the length of a packet is missing")
        start = end + 1
        at = start + int("".join(map(str, digits)))
        if at > len(body):
            raise PayloadError("the payload is shorter than its lengths say")
        yield _read_binary(kind, body[start:at])


def _read_binary(kind: int, data: bytes) -> str | bytes:
    if kind == 1:
        if data[:1] != b"\x04":
            raise PayloadError("a binary packet is not a message")
        return data[1:]
    try:
        packet = data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise PayloadError("a packet is not UTF-8") from None
    if packet[:1] == BINARY_MARK:
        return decode_binary(packet)
    check_packet(packet)
    return packet


def _check_size(body: bytes, limits: Limits) -> None:
    if len(body) > limits.max_message_size:
        raise PayloadTooLarge(f"a payload of {len(body)} bytes")
