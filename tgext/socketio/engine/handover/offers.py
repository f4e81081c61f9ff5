"""A connection that one process offers to another, as bytes between the two.

Two lengths come first, then the address of the client and the scheme as JSON, and the
bytes that were read from the connection. Its descriptor travels beside the first byte.
The answer is one byte, :data:`TAKEN`.
"""

from __future__ import annotations

import json
import struct
from typing import Any, Final, NamedTuple

#: The answer of a process that goes on with the connection.
TAKEN: Final = b"+"

_LENGTHS: Final = struct.Struct("!HI")

#: The most bytes of the request that have been read.
MOST: Final = 4 * 1024 * 1024

#: The address of a client: host and port, or the path of a Unix socket.
Address = tuple[Any, ...] | str


class OfferError(ValueError):
    """What another process sent is not an offer."""


class Origin(NamedTuple):
    """Where a connection comes from, as the process saw it that accepted it.

    :ivar address: the address of its other end.
    :ivar scheme: ``https`` if it is encrypted, else ``http``.
    """

    address: Address
    scheme: str


class Offer(NamedTuple):
    """What is known of a connection.

    :ivar token: that of the process that should take it.
    :ivar origin: where it comes from.
    :ivar begun: the bytes that were read: the head of a request, and what came with it.
    """

    token: str
    origin: Origin
    begun: bytes


def write_offer(offer: Offer) -> bytes:
    """An offer as bytes."""
    about = json.dumps([offer.token, *offer.origin]).encode()
    return _LENGTHS.pack(len(about), len(offer.begun)) + about + offer.begun


def length_of_offer(data: bytes | bytearray) -> int:
    """The bytes of an offer that begins with some bytes; 0 if there are too few.

    :raises OfferError: when it is too long.
    """
    if len(data) < _LENGTHS.size:
        return 0
    about, begun = _LENGTHS.unpack_from(data)
    if begun > MOST:
        raise OfferError(f"it has {begun} bytes of a request, more than {MOST}")
    return _LENGTHS.size + int(about) + int(begun)


def read_offer(data: bytes | bytearray) -> Offer:
    """The offer that bytes are.

    :raises OfferError: when they are none.
    """
    about, _ = _LENGTHS.unpack_from(data)
    end = _LENGTHS.size + about
    try:
        token, address, scheme = json.loads(data[_LENGTHS.size : end])
    except (TypeError, ValueError, RecursionError):
        raise OfferError("it has no token, address and scheme") from None
    if not isinstance(token, str):
        raise OfferError("its token is no text")
    return Offer(token, origin_of(address, scheme), bytes(data[end:]))


def origin_of(address: Any, scheme: Any) -> Origin:
    """Where a connection comes from, as another process tells.

    :raises OfferError: when that is invalid.
    """
    if scheme not in ("http", "https"):
        raise OfferError("the scheme is neither http nor https")
    return Origin(_address(address), scheme)


def _address(value: Any) -> Address:
    if isinstance(value, str):
        return value
    if (
        isinstance(value, list)
        and len(value) in (2, 4)
        and isinstance(value[0], str)
        and all(type(each) is int for each in value[1:])
    ):
        return tuple(value)
    raise OfferError("the address of the client is invalid")
