"""What proxies tell about clients: read strictly, and no further than they are trusted.

The properties at the end build headers as proxies do: each of a chain adds one entry to
what it received, and the first received what the client has written.
"""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.wire.forwarded import (
    FORWARDED,
    READ,
    UNIX,
    X_FOR,
    X_HOST,
    X_PORT,
    X_PROTO,
    Client,
    ForwardedError,
    Node,
    TrustedProxies,
    parse_forwarded,
    parse_node,
    parse_x_node,
    read_client,
)

from .strategies import SOME

TRUSTED = TrustedProxies(["10.0.0.0/8", "192.0.2.1", "2001:db8:1::/48"])


def read(**fields: str) -> Client:
    """What a proxy tells; the fields are named as headers, with underscores."""
    variables = {f"HTTP_{name.upper()}": value for name, value in fields.items()}
    return read_client(variables, TRUSTED.trusts)


# The option


@pytest.mark.parametrize(
    ("address", "trusted"),
    [
        ("10.1.2.3", True),
        ("192.0.2.1", True),
        ("2001:db8:1::5", True),
        ("2001:db8:1:0:0:0:0:5", True),
        ("::ffff:10.1.2.3", True),
        ("192.0.2.2", False),
        ("11.0.0.1", False),
        ("2001:db8:2::5", False),
        ("::1", False),
        ("", False),
        ("unix:", False),
        ("localhost", False),
        ("010.1.2.3", False),
        ("10.1.2.3:80", False),
        ("10.1.2.3 ", False),
    ],
)
def test_addresses_and_networks_are_trusted(address: str, trusted: bool) -> None:
    assert TRUSTED.trusts(address) is trusted
    assert TrustedProxies([]).trusts(address) is False


def test_the_peers_of_a_unix_socket_are_trusted_if_they_are_listed() -> None:
    for address in ("", UNIX):
        assert TrustedProxies([UNIX]).trusts(address)
        assert not TrustedProxies(["0.0.0.0/0", "::/0"]).trusts(address)


def test_a_link_local_address_is_in_its_network_whatever_its_zone() -> None:
    assert TrustedProxies(["fe80::/10"]).trusts("fe80::1%eth0")


def test_equal_lists_are_equal() -> None:
    assert TrustedProxies(["::1"]) == TrustedProxies(["::1"])
    assert len({TrustedProxies(["::1"]), TrustedProxies(["::1"])}) == 1
    assert TrustedProxies(["::1"]) != TrustedProxies(["::2"])
    assert repr(TrustedProxies(["::1"])) == "TrustedProxies(['::1'])"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("localhost", "is not an address or a network, such as 10.0.0.1, "),
        ("", "is not an address or a network"),
        ("*", "is not an address or a network"),
        ("10.0.0.1:80", "is not an address or a network"),
        ("10.0.0.0/33", "is not an address or a network"),
        ("unix:/run/x", "is not an address or a network"),
        ("10", "is not an address or a network"),
        ("10.0.0.1/8", "is an address in the network 10.0.0.0/8; which do you mean?"),
        ("x" * 5000, "is not an address or a network"),
    ],
)
def test_a_value_that_is_neither_is_named(value: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^trusted_proxies: '.*' {problem}") as raised:
        TrustedProxies([value])
    assert len(str(raised.value)) < 250


# Entries


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("192.0.2.43", Node("192.0.2.43")),
        ("192.0.2.43:47011", Node("192.0.2.43", "47011")),
        ("192.0.2.43:_port", Node("192.0.2.43")),
        ("[2001:db8:cafe::17]", Node("2001:db8:cafe::17")),
        ("[2001:DB8:cafe:0::17]:4711", Node("2001:db8:cafe::17", "4711")),
        ("[::ffff:192.0.2.43]", Node("192.0.2.43")),
        ("unknown", Node(None)),
        ("Unknown:80", Node(None)),
        ("_hidden", Node(None)),
        ("_SEVKISEK.x-y_z:_a", Node(None)),
    ],
)
def test_nodes_are_those_of_the_standard(text: str, node: Node) -> None:
    assert parse_node(text) == node


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a.example",
        "192.0.2",
        "192.0.2.43.1",
        "192.0.2.043",
        "192.0.2.43:",
        "192.0.2.43:x",
        "192.0.2.43:65536",
        "192.0.2.43:123456",
        "192.0.2.43 ",
        "[192.0.2.43]",
        "2001:db8::1",
        "[2001:db8::1",
        "2001:db8::1]",
        "[[::1]]",
        "[::1]x",
        "[fe80::1%eth0]",
        "[]",
        "_",
        "_a b",
        "_a\n",
        "192.0.2.43\n",
        "unix:",
        "\uff11.2.3.4",
    ],
)
def test_other_nodes_are_invalid(text: str) -> None:
    assert parse_node(text) is None


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("2001:db8::1", Node("2001:db8::1")),
        ("[2001:db8::1]", Node("2001:db8::1")),
        ("[2001:db8::1]:80", Node("2001:db8::1", "80")),
        ("192.0.2.43:80", Node("192.0.2.43", "80")),
        ("::ffff:192.0.2.43", Node("192.0.2.43")),
        ("unknown", Node(None)),
        ("unix:", Node(UNIX)),
        ("fe80::1%eth0", None),
        ("192.0.2.043", None),
        ("a.example", None),
    ],
)
def test_x_forwarded_for_has_addresses_as_proxies_write_them(
    text: str, node: Node | None
) -> None:
    assert parse_x_node(text) == node


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("", []),
        (",", []),
        (" , ,", []),
        (";", []),
        ("for=192.0.2.60", [{"for": "192.0.2.60"}]),
        (
            "for=192.0.2.60;proto=http;by=203.0.113.43",
            [{"for": "192.0.2.60", "proto": "http", "by": "203.0.113.43"}],
        ),
        ('For="[2001:db8::17]:4711"', [{"for": "[2001:db8::17]:4711"}]),
        ("for=_a, for=_b", [{"for": "_a"}, {"for": "_b"}]),
        ("for=_a ,\t, for=_b,", [{"for": "_a"}, {"for": "_b"}]),
        ("for=_a;;PROTO=https;", [{"for": "_a", "proto": "https"}]),
        (r'secret="a\"b\\c,;=\d"', [{"secret": 'a"b\\c,;=d'}]),
        ('host=""', [{"host": ""}]),
        ('x="\xe4"', [{"x": "\xe4"}]),
    ],
)
def test_elements_are_those_of_the_standard(
    text: str, elements: list[dict[str, str]]
) -> None:
    assert parse_forwarded(text) == elements


@pytest.mark.parametrize(
    "text",
    [
        "for",
        "for=",
        "=a",
        "for =a",
        "for= a",
        "for=a; proto=http",
        "for=a ;proto=http",
        "for=a proto=http",
        "for=1.2.3.4:80",
        "for=[::1]",
        'for="a',
        'for="a\\"',
        'for="a"b',
        'for=a"b"',
        'for="a\nb"',
        "for=a;for=b",
        "for=a;FOR=b",
        "for=\xe4",
        "for=a,\x0bfor=b",
    ],
)
def test_what_is_not_of_the_standard_is_invalid(text: str) -> None:
    assert parse_forwarded(text) is None
    with pytest.raises(ForwardedError, match="Forwarded is not as in RFC 7239"):
        read(forwarded=text)


# The client


@pytest.mark.parametrize(
    ("fields", "client"),
    [
        ({}, Client()),
        ({"x_forwarded_for": ""}, Client()),
        ({"x_forwarded_for": "203.0.113.9"}, Client("203.0.113.9")),
        ({"x_forwarded_for": "203.0.113.9:5000"}, Client("203.0.113.9", "5000")),
        ({"x_forwarded_for": "203.0.113.9, 10.0.0.2"}, Client("203.0.113.9")),
        ({"x_forwarded_for": "203.0.113.9,,10.0.0.2, ,"}, Client("203.0.113.9")),
        # The client has written the first.
        ({"x_forwarded_for": "10.0.0.1, 203.0.113.9"}, Client("203.0.113.9")),
        ({"x_forwarded_for": "<script>, 203.0.113.9"}, Client("203.0.113.9")),
        ({"x_forwarded_for": "1.1.1.1, 203.0.113.9, 10.0.0.2"}, Client("203.0.113.9")),
        # All are trusted: the first request came from a proxy.
        ({"x_forwarded_for": "10.0.0.3, 10.0.0.2"}, Client("10.0.0.3")),
        # Nobody vouches for what is before an unknown one.
        ({"x_forwarded_for": "203.0.113.9, unknown"}, Client()),
        ({"x_forwarded_for": "203.0.113.9, unknown, 10.0.0.2"}, Client("10.0.0.2")),
        ({"x_forwarded_for": "203.0.113.9, unix:"}, Client()),
        (
            {"x_forwarded_proto": "https", "x_forwarded_port": "0443"},
            Client(scheme="https", server_port="443"),
        ),
        ({"x_forwarded_proto": "WSS"}, Client(scheme="https")),
        ({"x_forwarded_proto": "ws"}, Client(scheme="http")),
        # Only the last is the trusted proxy's.
        ({"x_forwarded_proto": "gopher, https"}, Client(scheme="https")),
        ({"x_forwarded_host": "evil/, a.example:8443"}, Client(host="a.example:8443")),
        ({"x_forwarded_host": "[::1]:80"}, Client(host="[::1]:80")),
        ({"x_forwarded_port": "0, 8443"}, Client(server_port="8443")),
        ({"forwarded": "for=203.0.113.9"}, Client("203.0.113.9")),
        (
            {"forwarded": 'for="[2001:db8::1]:80";proto=https;host="a.example:8443"'},
            Client("2001:db8::1", "80", "https", "a.example:8443"),
        ),
        # What the proxy at the edge has seen, not those behind it.
        (
            {
                "forwarded": "for=1.1.1.1;host=evil, for=203.0.113.9;proto=https;"
                "host=a,for=10.0.0.2;proto=http;host=b"
            },
            Client("203.0.113.9", "", "https", "a"),
        ),
        ({"forwarded": "for=1.1.1.1, for=_b;proto=https"}, Client(scheme="https")),
        ({"forwarded": "for=1.1.1.1, proto=https"}, Client(scheme="https")),
        (
            {"forwarded": "for=1.1.1.1, for=unknown, for=10.0.0.2"},
            Client("10.0.0.2"),
        ),
        ({"forwarded": "secret=x;by=_y"}, Client()),
        # Both, and they agree.
        (
            {
                "forwarded": "for=203.0.113.9;proto=https;host=a",
                "x_forwarded_for": "203.0.113.9",
                "x_forwarded_proto": "https",
                "x_forwarded_host": "a",
                "x_forwarded_port": "8443",
            },
            Client("203.0.113.9", "", "https", "a", "8443"),
        ),
    ],
)
def test_the_client_is_the_last_that_is_not_trusted(
    fields: dict[str, str], client: Client
) -> None:
    assert read(**fields) == client


def test_proxies_on_one_machine_may_use_a_unix_socket() -> None:
    variables = {X_FOR: "1.1.1.1, 203.0.113.9, unix:"}
    assert (
        read_client(variables, TrustedProxies([UNIX]).trusts).address == "203.0.113.9"
    )
    assert read_client(variables, TRUSTED.trusts).address is None


#: What no proxy writes that sets its headers itself: header, value, what is invalid.
FORGED = [
    ({"x_forwarded_for": "a.example"}, "X-Forwarded-For", "a.example"),
    ({"x_forwarded_for": "1.1.1.1, a b"}, "X-Forwarded-For", "a b"),
    ({"x_forwarded_for": "1.1.1.1;10.0.0.2"}, "X-Forwarded-For", "1.1.1.1;10.0.0.2"),
    ({"x_forwarded_for": "x, 10.0.0.2"}, "X-Forwarded-For", "x"),
    ({"x_forwarded_for": "127.1"}, "X-Forwarded-For", "127.1"),
    ({"x_forwarded_for": "2130706433"}, "X-Forwarded-For", "2130706433"),
    ({"x_forwarded_for": "0x7f.0.0.1"}, "X-Forwarded-For", "0x7f.0.0.1"),
    ({"x_forwarded_for": "_a_ b"}, "X-Forwarded-For", "_a_ b"),
    ({"x_forwarded_for": "::1%lo"}, "X-Forwarded-For", "::1%lo"),
    ({"x_forwarded_for": "'; DROP TABLE"}, "X-Forwarded-For", "'; DROP TABLE"),
    ({"x_forwarded_proto": "javascript"}, "X-Forwarded-Proto", "javascript"),
    ({"x_forwarded_proto": "https;"}, "X-Forwarded-Proto", "https;"),
    ({"x_forwarded_proto": "https http"}, "X-Forwarded-Proto", "https http"),
    ({"x_forwarded_host": "a/b"}, "X-Forwarded-Host", "a/b"),
    ({"x_forwarded_host": "a@b"}, "X-Forwarded-Host", "a@b"),
    ({"x_forwarded_host": "http://a"}, "X-Forwarded-Host", "http://a"),
    ({"x_forwarded_host": "a:65536"}, "X-Forwarded-Host", "a:65536"),
    ({"x_forwarded_host": "[::1"}, "X-Forwarded-Host", "[::1"),
    ({"x_forwarded_host": "a b"}, "X-Forwarded-Host", "a b"),
    ({"x_forwarded_port": "0"}, "X-Forwarded-Port", "0"),
    ({"x_forwarded_port": "65536"}, "X-Forwarded-Port", "65536"),
    ({"x_forwarded_port": "+1"}, "X-Forwarded-Port", "+1"),
    ({"x_forwarded_port": "443:80"}, "X-Forwarded-Port", "443:80"),
    ({"forwarded": "for=a.example"}, "Forwarded", "a.example"),
    ({"forwarded": 'for="1.1.1.1,10.0.0.2"'}, "Forwarded", "1.1.1.1,10.0.0.2"),
    ({"forwarded": "for=_a;proto=file"}, "Forwarded", "file"),
    ({"forwarded": 'host="a/b"'}, "Forwarded", "a/b"),
    ({"forwarded": 'host=""'}, "Forwarded", ""),
    # The client opens a quotation that shall swallow what the proxy adds.
    ({"forwarded": 'x=", for=203.0.113.9'}, "Forwarded", 'x=", for=203.0.113.9'),
    *(
        ({"forwarded": "for=203.0.113.9;host=a", **others}, "Forwarded", "for=203")
        for others in (
            {"x_forwarded_for": "203.0.113.9"},
            {"x_forwarded_for": "203.0.113.8", "x_forwarded_host": "a"},
            {"x_forwarded_for": "203.0.113.9", "x_forwarded_host": "b"},
            {"x_forwarded_proto": "https"},
            {"x_forwarded_port": "80"},
        )
    ),
]


@pytest.mark.parametrize(("fields", "header", "value"), FORGED)
def test_what_is_invalid_is_named_with_what_the_proxy_should_do(
    fields: dict[str, str], header: str, value: str
) -> None:
    with pytest.raises(ForwardedError) as raised:
        read(**fields)
    assert raised.value.header == header
    assert raised.value.value.startswith(value)
    assert raised.value.allow.startswith("have the proxy ")
    assert value not in str(raised.value) or not value


# Properties

addresses = st.ip_addresses().map(str)
proxies = st.integers(0, 2**24 - 1).map(lambda n: str(ip_address(10 * 2**24 + n)))
clients = addresses.filter(lambda each: not TRUSTED.trusts(each))
ports = st.one_of(st.just(""), st.integers(0, 65535).map(str))
#: What a client writes into a header.
written = st.text(
    st.one_of(st.sampled_from('for=,;:"[]\\_ \t.10'), st.characters(max_codepoint=255))
)


def plain(address: str) -> str:
    parsed = ip_address(address)
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


@SOME
@given(written, clients, st.lists(proxies, max_size=3))
def test_a_client_cannot_choose_its_address(
    forged: str, client: str, chain: list[str]
) -> None:
    field = ", ".join([forged, client, *chain])
    assert read(x_forwarded_for=field) == Client(plain(client))


@SOME
@given(written, clients, ports, st.lists(proxies, max_size=3))
def test_nor_with_the_header_of_the_standard(
    forged: str, client: str, port: str, chain: list[str]
) -> None:
    """If what it writes is invalid, the request is."""
    name = f"[{client}]" if ":" in client else client
    node = f'"{name}:{port}"' if port else f'"{name}"'
    field = ", ".join([forged, f"for={node};proto=https", *(f"for={c}" for c in chain)])
    try:
        found = read(forwarded=field)
    except ForwardedError:
        assert parse_forwarded(forged) is None
    else:
        assert found == Client(plain(client), port, "https")


tokens = st.text("!#$%&'*+.^_`|~09azAZ-", min_size=1, max_size=6)
printable = st.characters(min_codepoint=32, max_codepoint=126)
values = st.one_of(tokens, st.text(printable, max_size=8))


def quoted(value: str, quotes: bool) -> str:
    if quotes or not value or set(value) & set(' "(),/:;<=>?@[\\]{}'):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return value


@SOME
@given(
    st.lists(
        st.dictionaries(tokens.map(str.lower), values, min_size=1, max_size=3),
        min_size=1,
        max_size=3,
    ),
    st.booleans(),
    st.sampled_from([",", ", ", " ,\t", ",, "]),
    st.booleans(),
)
def test_what_was_written_is_read(
    elements: list[dict[str, str]], quotes: bool, comma: str, upper: bool
) -> None:
    text = comma.join(
        ";".join(
            f"{name.upper() if upper else name}={quoted(value, quotes)}"
            for name, value in element.items()
        )
        for element in elements
    )
    assert parse_forwarded(text) == elements


@SOME
@given(st.dictionaries(st.sampled_from(READ), written))
def test_anything_is_read_or_invalid(fields: dict[str, str]) -> None:
    try:
        client = read_client(fields, TRUSTED.trusts)
    except ForwardedError:
        return
    assert client.address is None or plain(client.address) == client.address
    assert client.scheme in (None, "http", "https")
    assert client.port == "" or 0 <= int(client.port) < 65536
    assert {X_HOST, FORWARDED} & set(fields) or client.host is None
    assert X_PORT in fields or client.server_port == ""
    assert {X_PROTO, FORWARDED} & set(fields) or client.scheme is None
