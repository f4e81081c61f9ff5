"""The PROXY protocol: what a proxy writes in front of a connection's bytes.

It tells the client's address where the proxy cannot add a header: in TCP mode, or when
TLS goes through it. Both versions are those of HAProxy's ``proxy-protocol.txt``.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import NamedTuple

from .addresses import normalised, plain

#: How the second version begins (section 2.2). No HTTP request and no TLS does.
SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"

#: The most bytes of a line of the first version, with its end (section 2.1).
LONGEST_LINE = 107

#: The most bytes of a header of the second version: addresses have 216 at most, and
#: what load balancers add to them a few hundred.
LONGEST = 4096

_FIXED = 16
_LINE = re.compile(
    rb"PROXY (?:(TCP[46]) ([0-9A-Fa-f:.]+) ([0-9A-Fa-f:.]+) ([0-9]{1,5}) ([0-9]{1,5})"
    rb"|UNKNOWN(?: [^\r\n]*)?)\r\n"
)

_LOCAL, _PROXY = 0x20, 0x21
#: By family and transport: the bytes of one address, and of all addresses and ports.
_SIZES = {0x11: (4, 12), 0x21: (16, 36)}
_UNSPECIFIED, _UNIX_STREAM = 0x00, 0x31


class ProxyHeaderError(ValueError):
    """The header is invalid. The connection has to be closed."""


class Source(NamedTuple):
    """Whose connection it is.

    :ivar address: the client's, with its port; None if the header does not tell.
    :ivar own: whether the proxy itself is the client, as for its health checks.
    """

    address: tuple[str, int] | None
    own: bool = False


class ProxyHeader:
    """Reads the header of one connection, and nothing after it.

    :ivar source: whose connection it is; None while the header is incomplete.
    """

    def __init__(self) -> None:
        self.source: Source | None = None
        self._data = b""

    def take(self, ahead: bytes) -> int:
        """Take what belongs to the header.

        :param ahead: the bytes that follow those which were taken; at least one.
        :returns: how many of them belong to the header: all, while it is incomplete.
        :raises ProxyHeaderError: when it is invalid.
        """
        known = len(self._data)
        data = self._data + ahead[:LONGEST]
        begin = data[: len(SIGNATURE)]
        if SIGNATURE.startswith(begin):
            end = self._end_of_block(data)
        elif b"PROXY ".startswith(data[:6]):
            end = self._end_of_line(data)
        else:
            raise ProxyHeaderError("there is no PROXY header")
        if end > len(data):
            self._data = data
        else:
            self._data = data[:end]
            self.source = (
                _read_block(self._data)
                if self._data.startswith(SIGNATURE)
                else _read_line(self._data)
            )
        return len(self._data) - known

    @staticmethod
    def _end_of_line(data: bytes) -> int:
        end = data.find(b"\r\n")
        if (len(data) if end < 0 else end + 2) > LONGEST_LINE:
            raise ProxyHeaderError(f"the line has more than {LONGEST_LINE} bytes")
        return len(data) + 1 if end < 0 else end + 2

    @staticmethod
    def _end_of_block(data: bytes) -> int:
        if len(data) < _FIXED:
            return _FIXED
        end = _FIXED + int.from_bytes(data[14:16], "big")
        if end > LONGEST:
            raise ProxyHeaderError(f"the header has more than {LONGEST} bytes")
        return end


def _read_line(line: bytes) -> Source:
    """Read a header of the first version (section 2.1)."""
    match = _LINE.fullmatch(line)
    if match is None:
        raise ProxyHeaderError("the line is not one of the PROXY protocol")
    if match[1] is None:
        return Source(None)
    version = 4 if match[1] == b"TCP4" else 6
    texts = [each.decode("ascii") for each in match.groups()[1:]]
    address, destination = map(normalised, texts[:2])
    if (
        address is None
        or destination is None
        or any((":" in text) != (version == 6) for text in texts[:2])
    ):
        raise ProxyHeaderError(f"an address is not one of TCP{version}")
    for text in texts[2:]:
        if str(int(text)) != text or int(text) > 65535:
            raise ProxyHeaderError("a port is invalid")
    return Source((address, int(texts[2])))


def _read_block(block: bytes) -> Source:
    """Read a header of the second version (section 2.2)."""
    command, family = block[12], block[13]
    if command == _LOCAL:
        return Source(None, own=True)
    if command != _PROXY:
        raise ProxyHeaderError("the version or the command is unknown")
    if family in (_UNSPECIFIED, _UNIX_STREAM):
        return Source(None)
    if family not in _SIZES:
        raise ProxyHeaderError("the address family or the transport is unknown")
    size, all_sizes = _SIZES[family]
    rest = block[_FIXED:]
    if len(rest) < all_sizes:
        raise ProxyHeaderError("the addresses are incomplete")
    port = int.from_bytes(rest[2 * size : 2 * size + 2], "big")
    return Source((str(plain(ip_address(rest[:size]))), port))
