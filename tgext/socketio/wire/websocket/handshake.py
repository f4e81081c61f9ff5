"""The header fields of the opening handshake (RFC 6455, sections 4 and 9.1)."""

from __future__ import annotations

import base64
import binascii
import re
from hashlib import sha1

#: The version of the protocol (section 4.1).
VERSION = "13"

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER = re.compile(rf'({_NAME})(?:\s*=\s*(?:({_NAME})|"({_NAME})"))?')

Offer = tuple[str, dict[str, "str | None"]]


def parse_tokens(value: str) -> list[str]:
    """The tokens of ``Sec-WebSocket-Protocol`` (section 4.1).

    :raises ValueError: when it is not a list of tokens, or has a token twice.
    """
    if not value.strip(" \t,"):
        return []
    tokens = [each.strip(" \t") for each in value.split(",")]
    tokens = [each for each in tokens if each]
    if not all(re.fullmatch(_NAME, each) for each in tokens):
        raise ValueError(f"{value[:80]!r} is not a list of tokens")
    if len(set(tokens)) < len(tokens):
        raise ValueError(f"{value[:80]!r} names a token twice")
    return tokens


def parse_extensions(value: str) -> list[Offer]:
    """The offers of ``Sec-WebSocket-Extensions`` (section 9.1).

    :returns: names with their parameters. An offer with a parameter twice is left out,
        since no extension accepts it.
    :raises ValueError: when it is not a list of extensions.
    """
    offers: list[Offer] = []
    for each in value.split(","):
        if not each.strip(" \t"):
            continue
        parts = [_PARAMETER.fullmatch(part.strip(" \t")) for part in each.split(";")]
        found = [part.groups() for part in parts if part is not None]
        if len(found) < len(parts) or found[0][1:] != (None, None):
            raise ValueError(f"{value[:80]!r} is not a list of extensions")
        parameters = {name: token or quoted for name, token, quoted in found[1:]}
        if len(parameters) == len(found) - 1:
            offers.append((found[0][0], parameters))
    return offers


def is_key(key: str) -> bool:
    """Whether a ``Sec-WebSocket-Key`` is 16 bytes in base64 (section 4.2.1)."""
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


def accept_key(key: str) -> str:
    """The ``Sec-WebSocket-Accept`` for a ``Sec-WebSocket-Key`` (section 4.2.2)."""
    digest = sha1(key.encode("ascii") + _GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()
