"""What proxies tell about the client: ``X-Forwarded-*``, and ``Forwarded`` (RFC 7239).

A client can send these headers too, and most proxies add to what they receive. So a
header is read from its end: the last entry is that of the proxy which sent the request,
the one before it is that of the proxy from which that one had it, and so on. The first
entry of an address that is not a trusted proxy is the client's; what is left of it was
written by the client, or by somebody whom nobody vouches for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from .addresses import normalised, plain
from .origin import parse_authority

#: The peers of a Unix socket, in the option and in ``X-Forwarded-For`` of nginx.
UNIX = "unix:"

FORWARDED = "HTTP_FORWARDED"
X_FOR = "HTTP_X_FORWARDED_FOR"
X_PROTO = "HTTP_X_FORWARDED_PROTO"
X_HOST = "HTTP_X_FORWARDED_HOST"
X_PORT = "HTTP_X_FORWARDED_PORT"

#: The headers that are read, as variables of a WSGI environment.
READ = (FORWARDED, X_FOR, X_PROTO, X_HOST, X_PORT)

#: Schemes of WebSockets are those of the request that opens them.
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
_PAIR = re.compile(rf"({_NAME})=({_NAME}|{_QUOTED})")
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)

#: What follows a pair, or stands for one that is missing: the next pair of the element,
#: or the next element.
_BETWEEN = re.compile(r";|[ \t]*(?:,[ \t]*)+")

#: A node with brackets or a port (RFC 7239, section 6): its name and its port.
_NODE = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::([0-9]{1,5}|_[A-Za-z0-9._-]+))?")
_OBFUSCATED = re.compile(r"_[A-Za-z0-9._-]+")
_PORT = re.compile(r"[0-9]{1,5}")


class ForwardedError(ValueError):
    """A trusted proxy has sent an invalid header.

    :param header: its name.
    :param problem: what is wrong, without any text of it.
    :param value: the part that is invalid.
    :param allow: what the proxy should do instead.
    """

    def __init__(self, header: str, problem: str, value: str, allow: str) -> None:
        super().__init__(f"{header} {problem}")
        self.header = header
        self.problem = problem
        self.value = value
        self.allow = allow


class Node(NamedTuple):
    """One entry: who has sent the request to a proxy."""

    #: The address, normalised; :data:`UNIX`; None if the proxy does not tell.
    address: str | None
    #: The port, if it is a number; else "".
    port: str = ""


class Client(NamedTuple):
    """What trusted proxies tell; None or "" for what they do not."""

    address: str | None = None
    port: str = ""
    scheme: str | None = None
    #: The host for which the client asked, with its port if that is given.
    host: str | None = None
    #: The port that the client connected to.
    server_port: str = ""


class TrustedProxies:
    """Whose headers are believed.

    :param values: addresses, networks, and ``unix:`` for the peers of a Unix socket.
    :param option: the name of the option, for error messages.
    :raises ValueError: when a value is invalid; the message names the option and the
        value.
    """

    def __init__(self, values: Iterable[str], option: str = "trusted_proxies") -> None:
        self.values = tuple(values)
        self._unix = UNIX in self.values
        self._networks = [
            _network(each, option) for each in self.values if each != UNIX
        ]
        #: Whether the proxies have an address. The same few ones ask all the time.
        self.trusts: Callable[[str], bool] = lru_cache(maxsize=256)(self._trusts)

    def __repr__(self) -> str:
        return f"TrustedProxies({list(self.values)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TrustedProxies) and other.values == self.values

    def __hash__(self) -> int:
        return hash(self.values)

    def _trusts(self, address: str) -> bool:
        if address in ("", UNIX):
            return self._unix
        try:
            parsed = plain(ip_address(address))
        except ValueError:
            return False
        return any(parsed in each for each in self._networks)


def _network(value: str, option: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(value)
    except ValueError:
        pass
    try:
        near = ip_network(value, strict=False)
    except ValueError:
        form = "10.0.0.1, 10.0.0.0/8, 2001:db8::/32 or unix:"
        problem = f"is not an address or a network, such as {form}"
    else:
        problem = f"is an address in the network {near}; which do you mean?"
    raise ValueError(f"{option}: {value[:80]!r} {problem}")


# Entries


def parse_node(text: str) -> Node | None:
    """Read a node of ``Forwarded`` (RFC 7239, section 6); None if it is invalid.

    An IPv6 address has to be in brackets.
    """
    match = _NODE.fullmatch(text)
    if match is None:
        return None
    name, port = match[1], match[2] or ""
    if port.startswith("_"):
        port = ""
    elif port and int(port) > 65535:
        return None
    if name.lower() == "unknown" or _OBFUSCATED.fullmatch(name):
        return Node(None)
    address = normalised(name.strip("[]"))
    if address is None or name.startswith("[") != (":" in name):
        return None
    return Node(address, port)


def parse_x_node(text: str) -> Node | None:
    """Read an entry of ``X-Forwarded-For``; None if it is invalid.

    There is no standard. Most proxies write addresses, some with a port; nginx writes
    ``unix:`` for the peers of a Unix socket.
    """
    if text == UNIX:
        return Node(UNIX)
    address = normalised(text)
    return Node(address) if address is not None else parse_node(text)


def parse_forwarded(text: str) -> list[dict[str, str]] | None:
    """Read ``Forwarded`` (RFC 7239, section 4); None if it is invalid.

    :returns: the elements, each with its parameters, whose names are in lower case.
    """
    elements: list[dict[str, str]] = [{}]
    position, end, between = 0, len(text), True
    while position < end:
        if between and (pair := _PAIR.match(text, position)) is not None:
            name, value = pair[1].lower(), pair[2]
            if name in elements[-1]:
                return None
            if value[0] == '"':
                value = _QUOTED_PAIR.sub(r"\1", value[1:-1])
            elements[-1][name] = value
            position, between = pair.end(), False
            continue
        found = _BETWEEN.match(text, position)
        if found is None:
            return None
        if found[0] != ";":
            elements.append({})
        position, between = found.end(), True
    return [each for each in elements if each]


def _list(value: str) -> list[str]:
    """The members of a list field. Empty ones mean nothing (RFC 9110, 5.6.1.2)."""
    parts = (each.strip(" \t") for each in value.split(","))
    return [each for each in parts if each]


# What they tell together


def read_client(variables: Mapping[str, str], trusts: Callable[[str], bool]) -> Client:
    """What a trusted proxy tells about the client of a request.

    :param variables: the fields of the request, as in a WSGI environment.
    :param trusts: whether an address is that of a trusted proxy.
    :raises ForwardedError: when a header that a trusted proxy has written is invalid,
        or ``Forwarded`` and the other headers differ.
    """
    x_forwarded = any(each in variables for each in (X_FOR, X_PROTO, X_HOST, X_PORT))
    if FORWARDED not in variables:
        return _read_x(variables, trusts) if x_forwarded else Client()
    told = _read_forwarded(variables[FORWARDED], trusts)
    if x_forwarded:
        # A proxy that writes the one and passes on the other lets its clients choose.
        others = _read_x(variables, trusts)
        same = ("address", "scheme", "host")
        if any(getattr(told, each) != getattr(others, each) for each in same):
            raise ForwardedError(
                "Forwarded",
                "and X-Forwarded-* differ",
                variables[FORWARDED],
                "have the proxy remove those that it does not write",
            )
        return told._replace(server_port=others.server_port)
    return told


def _read_forwarded(text: str, trusts: Callable[[str], bool]) -> Client:
    elements = parse_forwarded(text)
    if elements is None:
        raise _invalid("Forwarded", "is not as in RFC 7239", text)
    client = Client()
    for element in reversed(elements):
        node = Node(None)
        if "for" in element:
            found = parse_node(element["for"])
            if found is None:
                raise _invalid("Forwarded", "has an invalid node", element["for"])
            node = found
        scheme = host = None
        if "proto" in element:
            scheme = _scheme("Forwarded", element["proto"])
        if "host" in element:
            host = _host("Forwarded", element["host"])
        address, port = node if node.address is not None else client[:2]
        client = Client(address, port, scheme, host)
        if node.address is None or not trusts(node.address):
            break
    return client


def _read_x(variables: Mapping[str, str], trusts: Callable[[str], bool]) -> Client:
    address, port = _walk(_list(variables.get(X_FOR, "")), trusts)
    scheme, host, server_port = (
        values[-1] if (values := _list(variables.get(name, ""))) else None
        for name in (X_PROTO, X_HOST, X_PORT)
    )
    if scheme is not None:
        scheme = _scheme("X-Forwarded-Proto", scheme)
    if host is not None:
        host = _host("X-Forwarded-Host", host)
    if server_port is not None and (
        not _PORT.fullmatch(server_port) or not 0 < int(server_port) < 65536
    ):
        raise _invalid("X-Forwarded-Port", "is not a port", server_port)
    server_port = str(int(server_port)) if server_port else ""
    return Client(address, port, scheme, host, server_port)


def _walk(entries: list[str], trusts: Callable[[str], bool]) -> Node:
    """The client's entry; if that does not tell, the one before it."""
    last = Node(None)
    for entry in reversed(entries):
        node = parse_x_node(entry)
        if node is None:
            raise _invalid("X-Forwarded-For", "has an invalid address", entry)
        if node.address is None:
            break
        if node.address == UNIX:
            if not trusts(UNIX):
                break
            continue
        last = node
        if not trusts(node.address):
            break
    return last


def _scheme(header: str, value: str) -> str:
    scheme = _SCHEMES.get(value.lower())
    if scheme is None:
        raise _invalid(header, "has a scheme other than http and https", value)
    return scheme


def _host(header: str, value: str) -> str:
    if parse_authority(value, "http") is None:
        raise _invalid(header, "has an invalid host", value)
    return value


def _invalid(header: str, problem: str, value: str) -> ForwardedError:
    allow = "have the proxy set it anew, or remove it, in place of passing it on"
    return ForwardedError(header, problem, value, allow)
