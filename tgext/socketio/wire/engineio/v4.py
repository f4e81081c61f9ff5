"""Engine.IO 4: packets, and the payloads of polling.

https://github.com/socketio/engine.io-protocol, revision 4. A packet is a digit for its
type and its data; a polling payload is packets with a record separator between them.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
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

_NOT_PLAIN = re.compile(r"[-_\s]")
#: Translates the alphabet for URLs (RFC 4648, section 5) to that of section 4, and
#: removes spaces and line ends.
_UNUSUAL = str.maketrans("-_", "+/", " \t\n\v\f\r")


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
    """The bytes of a binary packet.

    As lenient as Node: the alphabet for URLs is accepted too, the padding may be
    missing, and there may be spaces and line ends.

    :raises PayloadError: when ``text`` is not base64.
    """
    digits = text.translate(_UNUSUAL) if _NOT_PLAIN.search(text) else text
    digits = digits.rstrip("=")
    try:
        return base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise PayloadError("a binary packet is not base64") from None
