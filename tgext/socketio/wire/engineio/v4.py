"""Engine.IO 4: packets, and the payloads of polling.

https://github.com/socketio/engine.io-protocol, revision 4. A packet is a digit for its
type and its data; a polling payload is packets with a record separator between them.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from string import ascii_letters, digits
from typing import Any

from .. import json
from ..errors import PayloadError, PayloadTooLarge
from ..limits import Limits

OPEN = "0"
CLOSE = "1"
PING = "2"
PONG = "3"
MESSAGE = "4"
UPGRADE = "5"
NOOP = "6"

TYPES = frozenset((OPEN, CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP))

SEPARATOR = "\x1e"

#: The data of the ping and pong that test a WebSocket before the upgrade to it
#: ("Upgrade").
PROBE = "probe"

#: Marks a packet of a polling payload as base64 ("Packet encoding", "HTTP
#: long-polling").
BINARY_MARK = "b"

#: Translates the alphabet for URLs (RFC 4648, section 5) to that of section 4.
_SAME_DIGITS = bytes.maketrans(b"-_", b"+/")
#: The bytes that are no digits of base64.
_NO_DIGITS = bytes(range(256)).translate(None, f"{ascii_letters}{digits}+/-_".encode())


def encode_open(
    sid: str,
    upgrades: list[str],
    ping_interval: float,
    ping_timeout: float,
    max_payload: int,
) -> str:
    """The packet that answers a handshake ("Handshake").

    :param ping_interval: seconds between the server's pings.
    :param ping_timeout: seconds in which a pong must come.
    :param max_payload: bytes that a polling body may have.
    """
    handshake: dict[str, Any] = {
        "sid": sid,
        "upgrades": upgrades,
        "pingInterval": round(ping_interval * 1000),
        "pingTimeout": round(ping_timeout * 1000),
        "maxPayload": max_payload,
    }
    return OPEN + json.dumps(handshake)


def check_packet(text: str) -> str:
    """The type of a packet, which is its first character.

    :raises PayloadError: when it is empty or its type unknown.
    """
    kind = text[:1]
    if kind not in TYPES:
        raise PayloadError(f"unknown Engine.IO packet type {kind!r}")
    return kind


def encode_payload(packets: Iterable[str | bytes]) -> bytes:
    """The body that carries ``packets``; binary messages are in base64."""
    return SEPARATOR.join(map(_text, packets)).encode("utf-8", "replace")


def _text(packet: str | bytes) -> str:
    if isinstance(packet, str):
        return packet
    return BINARY_MARK + base64.b64encode(packet).decode()


def decode_payload(body: bytes, limits: Limits) -> list[str | bytes]:
    """Split the body of a POST into packets; binary messages become bytes.

    :raises PayloadTooLarge: when ``limits.max_message_size`` is exceeded.
    :raises PayloadError: when it is not UTF-8, or one of its packets is invalid.
    """
    return list(iter_payload(body, limits))


def iter_payload(body: bytes, limits: Limits) -> Iterator[str | bytes]:
    """Yield the packets of :func:`decode_payload`: there may be very many."""
    if len(body) > limits.max_message_size:
        raise PayloadTooLarge(f"a payload of {len(body)} bytes")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise PayloadError("the payload is not UTF-8") from None
    start = 0
    # "Packet encoding", "HTTP long-polling": packets are separated by \x1e.
    while (end := text.find(SEPARATOR, start)) >= 0:
        yield _packet(text[start:end])
        start = end + 1
    yield _packet(text[start:])


def _packet(text: str) -> str | bytes:
    if not text.startswith(BINARY_MARK):
        check_packet(text)
        return text
    return decode_base64(text[1:])


def decode_base64(text: str) -> bytes:
    """The bytes of a binary packet, for any text.

    As Node's ``Buffer.from(text, "base64")``: the alphabet for URLs is accepted too,
    the padding ends the text and may be missing, and all other characters (line ends of
    Java clients, for example) are left out.
    """
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        pass
    data = text.partition("=")[0].encode("ascii", "ignore")
    data = data.translate(_SAME_DIGITS, _NO_DIGITS)
    if len(data) % 4 == 1:
        data = data[:-1]  # six bits are no byte
    return base64.b64decode(data + b"=" * (-len(data) % 4))
