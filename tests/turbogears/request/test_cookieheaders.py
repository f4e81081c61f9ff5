"""Cookies are read as browsers read them (RFC 6265, sections 5.2 and 5.3)."""

from __future__ import annotations

from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.request.cookieheaders import (
    Place,
    plain,
    read_cookies,
    read_named,
    read_set_cookies,
    replace_cookie,
    write_cookies,
)

NAMES = st.text("abcXYZ-_.", min_size=1)
VALUES = st.text("abc019=%+/")


def changed(headers: list[str], page: str = "/", **environ: str) -> Any:
    """What changes for a request when the response to another has such headers."""
    return Place.of(environ).changes(read_set_cookies(headers, page))


@pytest.mark.parametrize(
    ("header", "cookies"),
    [
        ("", {}),
        ("a=1", {"a": "1"}),
        ("a=1; b=2", {"a": "1", "b": "2"}),
        ("a=1;b=2", {"a": "1", "b": "2"}),
        ("a=1=2", {"a": "1=2"}),
        ('a="quoted"', {"a": '"quoted"'}),
        ("a=", {"a": ""}),
        ("no equals sign; a=1", {"a": "1"}),
        ("a=1; a=2", {"a": "2"}),
    ],
)
def test_a_cookie_header_is_read(header: str, cookies: dict[str, str]) -> None:
    assert read_cookies(header) == cookies


@given(st.dictionaries(NAMES, VALUES))
def test_what_is_written_is_read(cookies: dict[str, str]) -> None:
    assert read_cookies(write_cookies(cookies)) == cookies


def test_a_deleted_cookie_is_not_written() -> None:
    assert write_cookies({"a": "1", "b": None, "c": ""}) == "a=1; c="


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("", ""),
        ('""', ""),
        ("abc", "abc"),
        ('"abc"', "abc"),
        (r'"\141bc"', "abc"),
        (r'"a\"c"', 'a"c'),
        (r"\141bc", r"\141bc"),
        ('"abc', '"abc'),
    ],
)
def test_a_value_is_read_as_applications_do(value: str, read: str) -> None:
    assert plain(value) == read


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("", {}),
        ("other=1", {}),
        ("t=1; other=2; s=3", {"t": "1", "s": "3"}),
        ("t=1; t=2", {"t": "2"}),
        ('t="1 2"', {"t": '"1 2"'}),
        # Python separates by spaces, too.
        ("other=1 t=2", {"t": "2"}),
        ("t = 1", {"t": "1"}),
        # It reads none of these; a framework may have a reader of its own.
        ('x={"a": 1}; t=2', {"t": "2"}),
        ("t=é", {"t": "é"}),
        # It raises an error at an attribute of Set-Cookie.
        ("x[]=1; t=2", {"t": "2"}),
        # It reads no further than these.
        ("t=1; t=é", {"t": "1"}),
        ("t=1; $x=1; t=2", {"t": "1"}),
    ],
)
def test_named_cookies_are_those_that_applications_read(
    header: str, named: dict[str, str]
) -> None:
    assert read_named(header, ["t", "s"]) == named


@given(st.text("""t=;, @"\\141,$[é""", max_size=16).map(lambda text: f"t={text}"))
def test_whatever_applications_read_is_read(header: str) -> None:
    cookies = SimpleCookie()
    with suppress(CookieError):
        cookies.load(header)
    if "t" in cookies:
        assert read_named(header, ["t"]) == {"t": cookies["t"].coded_value}


@pytest.mark.parametrize(
    "header",
    ["t=" * 30000 + '"', "t" * 60000 + '"', "t=1 " * 15000 + '"', "t=" + " " * 60000],
)
def test_a_header_is_read_in_time(header: str) -> None:
    """``http.cookies`` takes a minute for the first."""
    read_named(header, ["t"])


@pytest.mark.parametrize("value", ["9", None])
@pytest.mark.parametrize(
    ("header", "replaced"),
    [
        ("", "{}"),
        ("t=1", "{}"),
        (" t = 1 ", "{}"),
        ("a=1", "a=1; {}"),
        ("a=1;", "a=1; {}"),
        ("a=1; t=2; b=3", "a=1; {}; b=3"),
        ("a=1;t=2;b=3", "a=1; {}; b=3"),
        ("t=1; a=2; t=3", "{}; a=2"),
        ("at=1; ta=2; a=t=3; t; t t=4", "at=1; ta=2; a=t=3; t; t t=4; {}"),
    ],
)
def test_one_cookie_is_replaced(header: str, replaced: str, value: str | None) -> None:
    new = "" if value is None else f"t={value}"
    expected = "; ".join(part for part in replaced.format(new).split("; ") if part)
    assert replace_cookie(header, "t", value) == expected


@given(st.dictionaries(NAMES, VALUES), NAMES, st.none() | VALUES)
def test_a_replaced_cookie_leaves_the_others(
    cookies: dict[str, str], name: str, value: str | None
) -> None:
    expected = {**cookies, name: value}
    if value is None:
        del expected[name]
    assert read_cookies(replace_cookie(write_cookies(cookies), name, value)) == expected


@pytest.mark.parametrize(
    "attributes",
    [
        "",
        "; Path=/; HttpOnly; SameSite=Lax",
        "; Partitioned",
        "; unknown=attribute",
        "; Max-Age=60",
        "; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "; Max-Age=soon",
        "; Expires=Fri, 01 Jan 2999 00:00:00 GMT",
        "; Expires=Fri, 01-Jan-2999 00:00:00 GMT",
        "; Expires=no date",
        "; Expires=Fri, 01 Jan 99999999999999999999 00:00:00 GMT",
    ],
)
def test_a_cookie_is_set(attributes: str) -> None:
    assert changed([f"a=1{attributes}"]) == {"a": "1"}


@pytest.mark.parametrize(
    "attributes",
    [
        "; Max-Age=0",
        "; max-age=-1",
        '; Max-Age="0"',
        "; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "; expires=Thu, 01-Jan-1970 00:00:00 GMT",
        "; Max-Age=0; Expires=Fri, 01 Jan 2999 00:00:00 GMT",
        "; Max-Age=soon; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    ],
)
def test_a_cookie_is_deleted(attributes: str) -> None:
    assert changed([f"a=1{attributes}"]) == {"a": None}


def test_the_last_of_several_headers_counts() -> None:
    headers = ["a=1; Max-Age=0", "b=2", " a = 3 ; Path=/", "=nameless", "valueless"]
    assert changed(headers) == {"a": "3", "b": "2"}


@pytest.mark.parametrize(
    ("page", "path", "request_path", "concerns"),
    [
        ("/", "; Path=/", "/a/b", True),
        ("/", "; Path=/a", "/a", True),
        ("/", "; Path=/a", "/a/b", True),
        ("/", "; Path=/a/", "/a/b", True),
        ("/", "; Path=/a/", "/a", False),
        ("/", "; Path=/a", "/ab", False),
        ("/", "; Path=/a", "/", False),
        ("/", "; Path=/b; Path=/a", "/a", True),
        ("/a/page", "", "/a/b", True),
        ("/a/page", "", "/b", False),
        ("/a/page", "; Path=", "/b", False),
        ("/a/page", "; Path=b", "/b", False),
        ("/page", "", "/b", True),
        ("", "", "/b", True),
        ("/", "; path=/a", "/b", False),
    ],
)
@pytest.mark.parametrize("split", [0, 2])
def test_a_cookie_has_a_path(
    page: str, path: str, request_path: str, concerns: bool, split: int
) -> None:
    place = {"SCRIPT_NAME": request_path[:split], "PATH_INFO": request_path[split:]}
    for ends in ("", "; Max-Age=0"):
        assert bool(changed([f"a=1{path}{ends}"], page, **place)) is concerns


@pytest.mark.parametrize(
    ("domain", "host", "concerns"),
    [
        ("example.com", "example.com", True),
        (".example.com", "example.com:8080", True),
        ("example.com", "www.example.com", True),
        ("Example.com", "WWW.example.COM", True),
        ("www.example.com", "example.com", False),
        ("ample.com", "example.com", False),
        ("0.0.1", "127.0.0.1", False),
        (".127.0.0.1", "127.0.0.1:80", True),
        ("[::1]", "[::1]:80", True),
        ("", "example.com", True),
        ("example.com", "", True),
    ],
)
def test_a_cookie_has_a_domain(domain: str, host: str, concerns: bool) -> None:
    """A deletion counts for all: it may be a logout."""
    header = f"a=1; Path=/; Domain={domain}"
    assert bool(changed([header], HTTP_HOST=host)) is concerns
    assert changed([f"{header}; Max-Age=0"], HTTP_HOST=host) == {"a": None}


def test_a_cookie_for_another_place_does_not_replace_the_one_for_this() -> None:
    assert changed(["a=1; Path=/", "a=2; Path=/b"]) == {"a": "1"}
