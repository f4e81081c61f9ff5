"""Origins, as browsers and clients send them and as options list them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.wire.origin import (
    Origin,
    Origins,
    bracketed,
    join_port,
    parse_authority,
    parse_origin,
)

from .strategies import MANY

SAME = [
    ("https://x", "https://x:443", "HTTPS://X", "https://x.", "wss://x", "wss://x:443"),
    ("http://x", "http://x:80", "ws://x", "http://x:"),
    ("http://[::1]:8080", "http://[0:0::1]:8080", "http://[::1]:08080"),
    ("http://127.0.0.1", "http://127.0.0.1:80"),
    ("capacitor://localhost", "Capacitor://Localhost"),
    ("file://", "FILE://"),
    ("http://my_app.internal:3000",),
]


@pytest.mark.parametrize("spellings", SAME)
def test_an_origin_has_one_reading(spellings: tuple[str, ...]) -> None:
    read = {parse_origin(each) for each in spellings}
    assert len(read) == 1
    assert None not in read
    for spelling in spellings:
        others = [each[0] for each in SAME if spelling not in each]
        assert Origins([spelling]).lists(spellings[0])
        assert not any(map(Origins([spelling]).lists, others))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "x",
        "x:80",
        "://x",
        "http://",
        "http://.",
        "http://.x",
        "http://x..",
        "http://x..y",
        "http://x:65536",
        "http://x:999999",
        "http://x:8x",
        "http://x/",
        "http://x/path",
        "http://x?q",
        "http://x#f",
        "http://u@x",
        "http://u:p@x",
        "http://x\n",
        "http://x,http://y",
        "http://x http://y",
        "http://[::1",
        "http://[::g]",
        "http://[1.2.3.4]",
        "http://::1",
        "http://*.x",
        "https://\u212aelvin",
        "https://b\xfccher.example",
        "file:///etc",
        "http://" + "x" * 300,
    ],
)
def test_an_invalid_origin_is_none(text: str) -> None:
    assert parse_origin(text) is None
    assert not Origins(["https://x", "https://*.x", "*", "null"]).lists(text)


@pytest.mark.parametrize(
    ("host", "scheme", "port"),
    [("x", "http", 80), ("x", "https", 443), ("x:443", "http", 443), ("x", "a", 0)],
)
def test_a_host_has_the_port_of_its_scheme(host: str, scheme: str, port: int) -> None:
    assert parse_authority(host, scheme) == Origin(scheme, "x", port)


@pytest.mark.parametrize(
    ("listed", "origin", "is_listed"),
    [
        ("https://*.example.org", "https://a.example.org", True),
        ("https://*.example.org", "https://a.b.example.org", True),
        ("https://*.Example.org/", "wss://A.example.ORG:443", True),
        ("https://*.example.org:8443", "https://a.example.org:8443", True),
        ("https://*.example.org", "https://example.org", False),
        ("https://*.example.org", "https://.example.org", False),
        ("https://*.example.org", "https://evil-example.org", False),
        ("https://*.example.org", "https://evilexample.org", False),
        ("https://*.example.org", "https://example.org.evil.com", False),
        ("https://*.example.org", "https://a.example.org.evil.com", False),
        ("https://*.example.org", "https://evil.com/.example.org", False),
        ("https://*.example.org", "https://evil.com#.example.org", False),
        ("https://*.example.org", "https://u@a.example.org", False),
        ("https://*.example.org", "http://a.example.org", False),
        ("https://*.example.org", "https://a.example.org:8443", False),
        ("https://*.example.org:8443", "https://a.example.org", False),
        ("https://example.org", "https://a.example.org", False),
        ("https://example.org/", "https://example.org", True),
        ("file://", "file://", True),
        ("file://", "null", False),
        ("capacitor://localhost", "capacitor://localhost", True),
        ("capacitor://localhost", "http://localhost", False),
        (
            "chrome-extension://abcdefghijklmnop",
            "chrome-extension://abcdefghijklmnop",
            True,
        ),
    ],
)
def test_what_is_listed(listed: str, origin: str, is_listed: bool) -> None:
    assert Origins([listed]).lists(origin) is is_listed
    assert not Origins([]).lists(origin)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("example.org", "has no scheme: an origin is a scheme"),
        ("www.example.org:8080", "has no scheme"),
        ("", "has no scheme"),
        ("**", "has no scheme"),
        ("NULL", "has no scheme"),
        ("htps://example.org", r"has an unknown scheme; did you mean https://\?"),
        ("htp://example.org", r"did you mean http://\?"),
        ("httpss://example.org", r"did you mean https://\?"),
        ("https://example.org/path", "is not an origin: an origin is a scheme"),
        ("https://example.org//", "is not an origin"),
        ("https://example.org/?a=b", "is not an origin"),
        ("https://example.org?a=b", "is not an origin"),
        ("https://example.org#top", "is not an origin"),
        ("https://user:secret@example.org", "is not an origin"),
        ("https://example.org:port", "is not an origin"),
        ("https://example.org:70000", "is not an origin"),
        ("https://", "is not an origin"),
        ("https://*", "is not an origin"),
        ("https://*.", "is not an origin"),
        ("https://*.[::1]", "is not an origin"),
        ("https://a.*.example.org", "is not an origin"),
        ("https://*example.org", "is not an origin"),
        ("*.example.org", "has no scheme"),
        ("file:///home/ada", "is not an origin"),
        ("https://example.org,https://example.com", "is not an origin"),
        ("https://exa mple.org", "is not an origin"),
    ],
)
def test_what_no_page_could_match_is_refused(value: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as raised:
        Origins(["https://fine.example", value], "the_option")
    assert str(raised.value).startswith(f"the_option: {value!r} ")
    assert "\n" not in str(raised.value)


def test_lists_tell_whether_they_have_wildcards() -> None:
    assert (Origins(["*"]).any, Origins(["*"]).opaque) == (True, False)
    assert (Origins(["null"]).any, Origins(["null"]).opaque) == (False, True)
    assert repr(Origins(["https://x/"])) == "Origins(['https://x/'])"


hosts = st.from_regex(
    r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?(\.[a-z]{1,8}){0,3}", fullmatch=True
)
schemes = st.sampled_from(["http", "https"])
ports = st.none() | st.integers(0, 65535)


def spelled(scheme: str, host: str, port: int | None) -> str:
    return f"{scheme}://{host}" if port is None else f"{scheme}://{host}:{port}"


@given(st.tuples(schemes, hosts, ports), st.tuples(schemes, hosts, ports))
@MANY
def test_two_origins_are_the_same_when_all_three_are(
    one: tuple[str, str, int | None], other: tuple[str, str, int | None]
) -> None:
    def whole(origin: tuple[str, str, int | None]) -> tuple[str, str, int]:
        scheme, host, port = origin
        default = 80 if scheme == "http" else 443
        return scheme, host, default if port is None else port

    same = whole(one) == whole(other)
    assert Origins([spelled(*one)]).lists(spelled(*other)) is same


@given(schemes, hosts, ports, hosts)
@MANY
def test_a_wildcard_is_what_ends_with_a_dot_and_the_name(
    scheme: str, host: str, port: int | None, other: str
) -> None:
    wild = Origins([spelled(scheme, f"*.{host}", port)])
    assert wild.lists(spelled(scheme, f"{other}.{host}", port))
    assert wild.lists(spelled(scheme, other, port)) is other.endswith(f".{host}")
    assert not wild.lists(spelled(scheme, f"{other}-{host}", port))
    assert not wild.lists(spelled(scheme, host, port))


@given(st.text(st.characters(), max_size=30) | st.text("htps:/.[]*@x1 ", max_size=30))
@MANY
def test_whatever_a_client_sends_is_read_or_not(text: str) -> None:
    origin = parse_origin(text)
    if origin is not None and origin.host:
        assert parse_origin(f"{origin.scheme}://{origin.host}:{origin.port}") == origin


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("example.org", "example.org"),
        ("", ""),
        ("::1", "[::1]"),
        ("::", "[::]"),
        ("fe80::1%eth0", "[fe80::1%eth0]"),
        ("[::1]", "[::1]"),
    ],
)
def test_an_address_with_colons_is_in_brackets(host: str, shown: str) -> None:
    assert bracketed(host) == shown
    assert join_port(host, 7041) == f"{shown}:7041"
