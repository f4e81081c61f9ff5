"""IP addresses, written in one way."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address


def plain(address: Address) -> Address:
    """An IPv4 address that is written as one of IPv6 (RFC 4291, 2.5.5.2) as itself."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def normalised(text: str) -> str | None:
    """An address in its shortest form; None if the text is not one.

    A zone (``fe80::1%eth0``) means something on one machine alone, so it is refused.
    """
    if "%" in text:
        return None
    try:
        return str(plain(ip_address(text)))
    except ValueError:
        return None
