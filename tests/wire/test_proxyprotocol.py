"""The PROXY protocol: the header is read however it is split, and nothing after it."""

from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.wire.addresses import normalised
from tgext.socketio.wire.proxyprotocol import (
    LONGEST,
    LONGEST_LINE,
    SIGNATURE,
    ProxyHeader,
    ProxyHeaderError,
    Source,
)

from .strategies import SOME

AFTER = b"GET / HTTP/1.1\r\n\r\n"


def read(data: bytes, sizes: tuple[int, ...] = ()) -> tuple[Source | None, bytes]:
    """The source, and what is left of the bytes.

    :param sizes: how many bytes come at a time, in a cycle; all by default.
    """
    header, taken, come, turn = ProxyHeader(), 0, 0, 0
    while header.source is None and come < len(data):
        come += sizes[turn % len(sizes)] if sizes else len(data)
        turn += 1
        while header.source is None and taken < min(come, len(data)):
            count = header.take(data[taken:come])
            assert count > 0
            taken += count
    return header.source, data[taken:]


def block(
    command: int, family: int, content: bytes = b"", length: int | None = None
) -> bytes:
    """A header of the second version."""
    size = len(content) if length is None else length
    return SIGNATURE + bytes([command, family]) + size.to_bytes(2, "big") + content


IPV4 = bytes([203, 0, 113, 9, 10, 0, 0, 1]) + b"\x13\x88\x01\xbb"
IPV6 = socket.inet_pton(socket.AF_INET6, "2001:db8::9") * 2 + b"\x13\x88\x01\xbb"
MAPPED = socket.inet_pton(socket.AF_INET6, "::ffff:203.0.113.9") * 2 + b"\0\1\0\2"
CLIENT = Source(("203.0.113.9", 5000))
CLIENT_6 = Source(("2001:db8::9", 5000))
UNKNOWN = Source(None)
OWN = Source(None, own=True)
TLV = b"\x04\x00\x03abc"

HEADERS = [
    (b"PROXY TCP4 203.0.113.9 10.0.0.1 5000 443\r\n", CLIENT),
    (b"PROXY TCP6 2001:db8::9 ::1 5000 443\r\n", CLIENT_6),
    (b"PROXY TCP6 2001:DB8:0::9 ::1 5000 443\r\n", CLIENT_6),
    (b"PROXY TCP6 ::ffff:203.0.113.9 ::1 5000 443\r\n", CLIENT),
    (b"PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n", Source(("0.0.0.0", 0))),
    (b"PROXY UNKNOWN\r\n", UNKNOWN),
    (b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", UNKNOWN),
    (b"PROXY UNKNOWN " + b"x" * (LONGEST_LINE - 16) + b"\r\n", UNKNOWN),
    (block(0x21, 0x11, IPV4), CLIENT),
    (block(0x21, 0x11, IPV4 + TLV), CLIENT),
    (block(0x21, 0x11, IPV4 + b"\x04\xff\xff"), CLIENT),
    (block(0x21, 0x11, IPV4 + bytes(LONGEST - 16 - 12)), CLIENT),
    (block(0x21, 0x21, IPV6), CLIENT_6),
    (block(0x21, 0x21, MAPPED), Source(("203.0.113.9", 1))),
    (block(0x21, 0x31, bytes(216)), UNKNOWN),
    (block(0x21, 0x00), UNKNOWN),
    (block(0x21, 0x00, b"anything"), UNKNOWN),
    (block(0x20, 0x00), OWN),
    (block(0x20, 0x11, IPV4), OWN),
    (block(0x20, 0xFF, b"x"), OWN),
]


@pytest.mark.parametrize("sizes", [(), (1,), (2, 3)], ids=["at once", "bytes", "both"])
@pytest.mark.parametrize(("header", "source"), HEADERS)
def test_a_header_is_read_and_no_more(
    header: bytes, source: Source, sizes: tuple[int, ...]
) -> None:
    assert read(header + AFTER, sizes) == (source, AFTER)
    assert read(header, sizes) == (source, b"")
    for end in (1, 5, len(header) - 1):
        assert read(header[:end], sizes)[0] is None


#: What is no header, and why.
FORGED = [
    (AFTER, "there is no PROXY header"),
    (b"\x16\x03\x01\x02\x00\x01", "there is no PROXY header"),
    (b"proxy TCP4 1.1.1.1 1.1.1.1 1 1\r\n", "there is no PROXY header"),
    (b"\r\n\r\nGET / HTTP/1.1\r\n", "there is no PROXY header"),
    (b"PROXY  TCP4 1.1.1.1 1.1.1.1 1 1\r\n", "the line is not"),
    (b"PROXY TCP4 1.1.1.1 1.1.1.1 1 1 \r\n", "the line is not"),
    (b"PROXY TCP4 1.1.1.1 1.1.1.1 1\r\n", "the line is not"),
    (b"PROXY TCP4\r\n", "the line is not"),
    (b"PROXY UDP4 1.1.1.1 1.1.1.1 1 1\r\n", "the line is not"),
    (b"PROXY TCP4 a.example 1.1.1.1 1 1\r\n", "the line is not"),
    (b"PROXY TCP4 1.1.1.1 1.1.1.1 -1 1\r\n", "the line is not"),
    (b"PROXY TCP4 1.1.1.1\t1.1.1.1 1 1\r\n", "the line is not"),
    (b"PROXY TCP4 1.1.1.1 1.1.1.1 1 1\nx\r\n", "the line is not"),
    (b"PROXY UNKNOWNx\r\n", "the line is not"),
    (b"PROXY UNKNOWN x\ny\r\n", "the line is not"),
    (b"PROXY TCP4 1.1.1 1.1.1.1 1 1\r\n", "an address is not one of TCP4"),
    (b"PROXY TCP4 1.1.1.01 1.1.1.1 1 1\r\n", "an address is not one of TCP4"),
    (b"PROXY TCP4 1.1.1.1 256.1.1.1 1 1\r\n", "an address is not one of TCP4"),
    (b"PROXY TCP4 ::1 ::1 1 1\r\n", "an address is not one of TCP4"),
    (b"PROXY TCP6 1.1.1.1 1.1.1.1 1 1\r\n", "an address is not one of TCP6"),
    (b"PROXY TCP6 ::1::1 ::1 1 1\r\n", "an address is not one of TCP6"),
    (b"PROXY TCP4 1.1.1.1 1.1.1.1 1 65536\r\n", "a port is invalid"),
    (b"PROXY TCP4 1.1.1.1 1.1.1.1 01 1\r\n", "a port is invalid"),
    (b"PROXY UNKNOWN " + b"x" * (LONGEST_LINE - 15) + b"\r\n", "the line has more"),
    (b"PROXY " + b"x" * 5000, "the line has more than 107 bytes"),
    (block(0x11, 0x11, IPV4), "the version or the command is unknown"),
    (block(0x22, 0x11, IPV4), "the version or the command is unknown"),
    (block(0x21, 0x12, IPV4), "the address family or the transport is unknown"),
    (block(0x21, 0x41, IPV4), "the address family or the transport is unknown"),
    (block(0x21, 0x11, IPV4[:-1]), "the addresses are incomplete"),
    (block(0x21, 0x21, IPV6[:-1]), "the addresses are incomplete"),
    (block(0x21, 0x11), "the addresses are incomplete"),
    (block(0x20, 0x00, length=65535), f"the header has more than {LONGEST} bytes"),
    (block(0x21, 0x11, bytes(LONGEST - 15)), "the header has more than"),
    (SIGNATURE[:-1] + b"\r" + IPV4, "there is no PROXY header"),
]


@pytest.mark.parametrize("sizes", [(), (1,)], ids=["at once", "bytes"])
@pytest.mark.parametrize(("data", "why"), FORGED)
def test_what_is_no_header_is_refused(
    data: bytes, why: str, sizes: tuple[int, ...]
) -> None:
    with pytest.raises(ProxyHeaderError, match=f"^{re.escape(why)}"):
        read(data, sizes)


# Properties: the headers are made here once more, by the document


def line(client: IPv4Address | IPv6Address, port: int) -> bytes:
    return f"PROXY TCP{client.version} {client} {client} {port} 80\r\n".encode()


def binary(client: IPv4Address | IPv6Address, port: int, more: bytes) -> bytes:
    ports = port.to_bytes(2, "big") + b"\x00\x50"
    family = 0x11 if client.version == 4 else 0x21
    return block(0x21, family, client.packed * 2 + ports + more)


splits = st.lists(st.integers(1, 40), max_size=6).map(tuple)


@SOME
@given(
    st.ip_addresses(),
    st.integers(0, 65535),
    st.none() | st.binary(max_size=60),
    st.binary(max_size=30),
    splits,
)
def test_what_was_written_is_read_however_it_is_split(
    client: IPv4Address | IPv6Address,
    port: int,
    more: bytes | None,
    after: bytes,
    sizes: tuple[int, ...],
) -> None:
    header = line(client, port) if more is None else binary(client, port, more)
    address = normalised(str(client))
    assert address is not None
    assert read(header + after, sizes) == (Source((address, port)), after)


@SOME
@given(
    st.one_of(
        st.binary(max_size=130),
        st.binary(max_size=40).map(SIGNATURE.__add__),
        st.text("0123456789.:abf TCPUNKOW46\r\n").map(
            lambda each: b"PROXY " + each.encode()
        ),
    ),
    splits,
)
def test_anything_is_read_in_one_way(data: bytes, sizes: tuple[int, ...]) -> None:
    """Bytes, split anyhow, are the same header, or none."""

    def outcome(sizes: tuple[int, ...]) -> object:
        try:
            return read(data, sizes)[0]
        except ProxyHeaderError:
            return "refused"

    assert outcome(sizes) == outcome(()) == outcome((1,))
