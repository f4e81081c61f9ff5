"""Heads of requests: what the grammar does not allow is refused."""

from __future__ import annotations

import logging
import time
import tracemalloc

import pytest

from tgext.socketio.engine.http import headers
from tgext.socketio.engine.http.errors import RequestError
from tgext.socketio.engine.http.headers import Head, parse_head
from tgext.socketio.wire.limits import MAX_HEADERS, MAX_SEGMENTS

from ..conftest import Serve

LINE = b"GET / HTTP/1.1\r\n"
HOST = b"Host: here\r\n"


def read(fields: bytes, line: bytes = LINE) -> Head:
    return parse_head(line + fields + b"\r\n")


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        (b"", {}),
        (b"host:there\r\n", {"HTTP_HOST": "there"}),
        (b"X-Empty:\r\n", {"HTTP_X_EMPTY": ""}),
        (b"X-Padded: \t a b \t \r\n", {"HTTP_X_PADDED": "a b"}),
        (b"X-Colons: a:b: c\r\n", {"HTTP_X_COLONS": "a:b: c"}),
        (b"X-Latin: \xe9\x85\xa0\r\n", {"HTTP_X_LATIN": "é\x85\xa0"}),
        (b"!#$%&'*+.^`|~-09: x\r\n", {"HTTP_!#$%&'*+.^`|~_09": "x"}),
        (
            b"Content-Type: text/plain\r\nContent-Length: 3\r\n",
            {"CONTENT_TYPE": "text/plain", "CONTENT_LENGTH": "3"},
        ),
        (b"Accept: a\r\nACCEPT: b\r\n", {"HTTP_ACCEPT": "a,b"}),
        (b"Cookie: a=1\r\nCookie: b=2\r\n", {"HTTP_COOKIE": "a=1; b=2"}),
        (b"Content-Type: a/b\r\nContent-Type: c/d\r\n", {"CONTENT_TYPE": "a/b"}),
        # In the environ they would look like X-User and Content-Length, which a proxy
        # may set.
        (b"X_User: admin\r\nContent_Length: 5\r\nTransfer_Encoding: chunked\r\n", {}),
        (b"Host_: a\r\nX_Y: 1\r\nX_Z: 2\r\n", {}),
    ],
    ids=lambda value: repr(value) if isinstance(value, bytes) else "",
)
def test_fields_as_wsgi_has_them(text: bytes, variables: dict[str, str]) -> None:
    head = read(text if b"host" in text else HOST + text)
    assert head.variables == {"HTTP_HOST": "here", **variables}


@pytest.mark.parametrize(
    ("line", "path", "query"),
    [
        (b"GET / HTTP/1.1", "/", ""),
        (b"GET /a/b?c=d?e HTTP/1.1", "/a/b", "c=d?e"),
        (b"GET /? HTTP/1.0", "/", ""),
        (b"GET /%C3%A9t%c3%a9%2F?%ff HTTP/1.1", "/Ã©tÃ©/", "%ff"),
        (b"GET /%zz% HTTP/1.1", "/%zz%", ""),
        (b"GET //there/a HTTP/1.1", "//there/a", ""),
        (b'GET /{a}|"b" HTTP/1.1', '/{a}|"b"', ""),
        (b"M-SEARCH!#$%&'*+.^_`|~ / HTTP/1.1", "/", ""),
        (b"OPTIONS * HTTP/1.1", "*", ""),
        (b"GET /" + b"x" * 30000 + b" HTTP/1.1", "/" + "x" * 30000, ""),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_request_lines(line: bytes, path: str, query: str) -> None:
    head = parse_head(line + b"\r\n" + HOST + b"\r\n")
    assert (head.path, head.query) == (path, query)
    assert f"{head.method} {head.target} {head.version}".encode() == line


@pytest.mark.parametrize(
    ("target", "path", "query", "host"),
    [
        (b"http://there/a?b", "/a", "b", "there"),
        (b"HTTPS://there:8080", "/", "", "there:8080"),
        (b"http://there?b", "/", "b", "there"),
        (b"http://[::1]:80/", "/", "", "[::1]:80"),
    ],
)
def test_a_target_with_a_host(target: bytes, path: str, query: str, host: str) -> None:
    """RFC 9112, section 3.2.2: the host of the target replaces the field Host."""
    head = read(HOST, b"GET " + target + b" HTTP/1.1\r\n")
    assert (head.path, head.query) == (path, query)
    assert head.variables["HTTP_HOST"] == host


@pytest.mark.parametrize(
    "host",
    [
        "here",
        "here:",
        "here:8080",
        "a_b.example",
        "127.0.0.1:80",
        "[::1]",
        "[::1]:8080",
    ],
)
def test_hosts(host: str) -> None:
    head = read(f"Host: {host}\r\n".encode())
    assert head.variables["HTTP_HOST"] == host


def test_an_older_client_may_leave_out_the_host() -> None:
    assert "HTTP_HOST" not in read(b"", b"GET / HTTP/1.0\r\n").variables


@pytest.mark.parametrize(
    ("version", "connection", "keep_alive"),
    [
        ("1.1", None, True),
        ("1.1", "close", False),
        ("1.1", "Close", False),
        ("1.1", "TE, close", False),
        ("1.1", "keep-alive, Upgrade", True),
        ("1.1", "upgrade", True),
        ("1.0", None, False),
        ("1.0", "Keep-Alive", True),
        ("1.0", "keep-alive, close", False),
        ("1.0", "upgrade", False),
        # A proxy may take what follows for frames.
        ("1.1", "Upgrade\r\nUpgrade: websocket", False),
        ("1.1", "keep-alive, Upgrade\r\nUpgrade: h2c, WebSocket", False),
        ("1.1", "keep-alive\r\nUpgrade: websocket", False),
        ("1.0", "keep-alive\r\nUpgrade: websocket", False),
        ("1.1", "keep-alive\r\nUpgrade: websockets", True),
        ("1.1", "Upgrade\r\nUpgrade: h2c", True),
    ],
)
def test_whether_another_request_may_follow(
    version: str, connection: str | None, keep_alive: bool
) -> None:
    field = "" if connection is None else f"Connection: {connection}\r\n"
    line = f"GET / HTTP/{version}\r\n".encode()
    assert read(HOST + field.encode(), line).keep_alive is keep_alive


@pytest.mark.parametrize(
    ("fields", "length"),
    [
        (b"", 0),
        (b"Content-Length: 0\r\n", 0),
        (b"Content-Length: 007\r\n", 7),
        (b"Transfer-Encoding: chunked\r\n", None),
        (b"Transfer-Encoding: \tCHUNKED \r\n", None),
        # An upgrade does not change where the body ends.
        (b"Connection: upgrade\r\nContent-Length: 5\r\n", 5),
        (b"Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n", 5),
        (b"Upgrade: h2c\r\nTransfer-Encoding: chunked\r\n", None),
        (b"Connection: Upgrade\r\nUpgrade: websocket\r\n", 0),
        (b"Connection: content-length\r\nContent-Length: 5\r\n", 5),
    ],
)
def test_how_long_a_body_is(fields: bytes, length: int | None) -> None:
    for method in (b"GET", b"HEAD", b"POST", b"PUT"):
        assert read(HOST + fields, method + LINE[3:]).length == length


@pytest.mark.parametrize(
    ("line", "fields", "expects"),
    [
        (b"HTTP/1.1", b"Content-Length: 5\r\nExpect: 100-continue\r\n", True),
        (b"HTTP/1.1", b"Transfer-Encoding: chunked\r\nExpect: 100-Continue\r\n", True),
        (b"HTTP/1.1", b"Content-Length: 5\r\n" + b"Expect: 100-continue\r\n" * 2, True),
        (b"HTTP/1.1", b"Content-Length: 0\r\nExpect: 100-continue\r\n", False),
        (b"HTTP/1.1", b"Expect: 100-continue\r\n", False),
        (b"HTTP/1.1", b"Content-Length: 5\r\n", False),
        (b"HTTP/1.0", b"Content-Length: 5\r\nExpect: 100-continue\r\n", False),
        (b"HTTP/1.0", b"Content-Length: 5\r\nExpect: wonders\r\n", False),
    ],
)
def test_who_waits_for_100_continue(line: bytes, fields: bytes, expects: bool) -> None:
    assert read(HOST + fields, b"POST / " + line + b"\r\n").expects is expects


def test_an_empty_line_may_come_before_a_request() -> None:
    assert parse_head(b"\r\n" + LINE + HOST + b"\r\n").path == "/"


LENGTHS = [
    *(b"+5", b"-5", b"-0", b"0_5", b"5_", b"0x5", b"5.0", b"1e3", b"\xa05", b"5\x85"),
    *(b"", b"5,5", b"5, 5", b"5 5", b"five", b"\xb2", b"9" * 20, b"9" * 5000),
]
CODINGS = [
    *(b"gzip, chunked", b"chunked, identity", b"chunked, chunked", b"identity"),
    *(b"xchunked", b"chunked;a=b", b"chunked,", b",chunked", b"'chunked'", b""),
    *(b"\xa0chunked", b"chunked\x85", b"gzip", b"chunke", b"chunked chunked"),
]
#: Request lines, by what is wrong with them.
BAD_LINES = {
    "HTTP/0.9": b"GET / HTTP/0.9\r\n",
    "HTTP/1.1.1": b"GET / HTTP/1.1.1\r\n",
    "HTTP/11.1": b"GET / HTTP/11.1\r\n",
    "HTTP/1": b"GET / HTTP/1\r\n",
    "HTTP/1.": b"GET / HTTP/1.\r\n",
    "HTTP/+1.1": b"GET / HTTP/+1.1\r\n",
    "http/1.1": b"GET / http/1.1\r\n",
    "another protocol": b"GET / ICY/1.1\r\n",
    "no version": b"GET /\r\n",
    "no target": b"GET HTTP/1.1\r\n",
    "no method": b" / HTTP/1.1\r\n",
    "nothing": b"\r\n",
    "two empty lines before it": b"\r\n\r\n" + LINE,
    "a space before it": b" GET / HTTP/1.1\r\n",
    "a space behind it": b"GET / HTTP/1.1 \r\n",
    "two spaces": b"GET  / HTTP/1.1\r\n",
    "a tab": b"GET\t/ HTTP/1.1\r\n",
    "a vertical tab": b"GET\x0b/ HTTP/1.1\r\n",
    "a form feed": b"GET /\x0cHTTP/1.1\r\n",
    "a space in the target": b"GET /a b HTTP/1.1\r\n",
    "a NUL in the target": b"GET /a\0b HTTP/1.1\r\n",
    "a DEL in the target": b"GET /a\x7f HTTP/1.1\r\n",
    "8 bits in the target": b"GET /\xe9 HTTP/1.1\r\n",
    "8 bits in the query": b"GET /?\xe9 HTTP/1.1\r\n",
    "a method that is none": b"G{T / HTTP/1.1\r\n",
    "8 bits in the method": b"G\xc9T / HTTP/1.1\r\n",
    "a bare LF": b"GET / HTTP/1.1\n",
    "a bare CR": b"GET / HTTP/1.1\r",
    "a CR more": b"GET / HTTP/1.1\r\r\n",
    "a path that is not UTF-8": b"GET /%ff HTTP/1.1\r\n",
    "an overlong path": b"GET /%c0%ae%c0%ae/ HTTP/1.1\r\n",
    "a surrogate in the path": b"GET /%ed%a0%80 HTTP/1.1\r\n",
    "a path without a slash": b"GET index HTTP/1.1\r\n",
    "an asterisk": b"GET * HTTP/1.1\r\n",
    "an asterisk and more": b"OPTIONS *a HTTP/1.1\r\n",
    "another scheme": b"GET ftp://here/ HTTP/1.1\r\n",
    "no host in the target": b"GET http:///a HTTP/1.1\r\n",
    "a user in the target": b"GET http://me@here/ HTTP/1.1\r\n",
    "a fragment": b"GET /a#b HTTP/1.1\r\n",
    "a fragment of a query": b"GET /a?b#c HTTP/1.1\r\n",
    "a fragment of a host": b"GET http://here#a/b HTTP/1.1\r\n",
    "an authority": b"GET here:80 HTTP/1.1\r\n",
}
BAD_FIELDS = {
    "no colon": b"Host here\r\n",
    "no name": b": here\r\n",
    "a space before the colon": b"Host : here\r\n",
    "a tab before the colon": b"Host\t: here\r\n",
    "a space before the name": b" Host: here\r\n",
    "a folded line": HOST + b"X: a\r\n b\r\n",
    "a folded line with a tab": HOST + b"X: a\r\n\tb\r\n",
    "a NUL": HOST + b"X: a\0b\r\n",
    "a lone CR": HOST + b"X: a\rb\r\n",
    "a CR more": HOST + b"X: a\r\r\n",
    "a bare LF": HOST + b"X: a\n",
    "an escape": HOST + b"X: a\x1bb\r\n",
    "a vertical tab": HOST + b"X: a\x0bb\r\n",
    "a DEL": HOST + b"X: a\x7fb\r\n",
    "a name that is none": HOST + b"H\xf6st: here\r\n",
    "a NUL in a name": HOST + b"X\0: a\r\n",
    "a name in quotes": HOST + b'"X": a\r\n',
    "no host": b"",
    "two hosts": HOST + b"Host: there\r\n",
    "the same host twice": HOST + HOST,
    "an empty host": b"Host:\r\n",
    "a host with a path": b"Host: here/there\r\n",
    "a host with a user": b"Host: me@here\r\n",
    "a list of hosts": b"Host: here there\r\n",
    "a port that is none": b"Host: here:x\r\n",
    "8 bits in the host": b"Host: h\xe9re\r\n",
    "an address that is none": b"Host: [here]\r\n",
    "two lengths": HOST + b"Content-Length: 3\r\ncontent-length: 4\r\n",
    "the same length twice": HOST + b"Content-Length: 3\r\nContent-Length: 3\r\n",
    "two codings": HOST + b"Transfer-Encoding: a\r\nTransfer-Encoding: chunked\r\n",
    "the same coding twice": HOST + b"Transfer-Encoding: chunked\r\n" * 2,
    "a length and a coding": HOST
    + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
    "a coding and a length": HOST
    + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
    "a length with a vertical tab": HOST + b"Content-Length: \x0b5\r\n",
    "a coding with a vertical tab": HOST + b"Transfer-Encoding: \x0bchunked\r\n",
    **{
        f"length {each[:9]!r}": HOST + b"Content-Length: %b\r\n" % each
        for each in LENGTHS
    },
    **{
        f"coding {each!r}": HOST + b"Transfer-Encoding: %b\r\n" % each
        for each in CODINGS
    },
}
BAD = {
    **{name: line + HOST for name, line in BAD_LINES.items()},
    **{name: LINE + fields for name, fields in BAD_FIELDS.items()},
    "HTTP/1.0 and a coding": b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n",
    "HTTP/1.0 and a bad host": b"GET / HTTP/1.0\r\nHost: a b\r\n",
}
#: Refused with statuses of their own.
OTHERS = {
    "417": LINE + HOST + b"Content-Length: 5\r\nExpect: wonders\r\n",
    "414": b"GET %b HTTP/1.1\r\n" % (b"/" * (MAX_SEGMENTS + 1)) + HOST,
    "414 ": b"GET /%b HTTP/1.1\r\n" % (b"a%2F" * MAX_SEGMENTS) + HOST,
    "414  ": b"GET http://h%b HTTP/1.1\r\n" % (b"/a" * 2 * MAX_SEGMENTS) + HOST,
    "431": LINE + HOST + b"X: x\r\n" * MAX_HEADERS,
    "501": b"CONNECT here:80 HTTP/1.1\r\n" + HOST,
    "501 ": b"CONNECT / HTTP/1.1\r\n" + HOST,
    "501  ": b"CONNECT http://here/ HTTP/1.1\r\n" + HOST,
    "505": b"PRI * HTTP/2.0\r\n",
    "505 ": b"GET / HTTP/1.2\r\n" + HOST,
}
REFUSED = [
    *(pytest.param(each, "400", id=name) for name, each in BAD.items()),
    *(pytest.param(each, name.strip(), id=name) for name, each in OTHERS.items()),
]


@pytest.mark.parametrize(("text", "status"), REFUSED)
def test_what_a_proxy_may_read_in_another_way_is_refused(
    text: bytes, status: str
) -> None:
    with pytest.raises(RequestError) as caught:
        parse_head(text + b"\r\n")
    assert caught.value.status.startswith(status)


def test_as_many_headers_as_there_may_be() -> None:
    assert read(HOST + b"X: x\r\n" * (MAX_HEADERS - 1)).length == 0


def test_as_many_segments_as_there_may_be() -> None:
    path = b"/a" * MAX_SEGMENTS
    line = b"GET %b?%b HTTP/1.1\r\n" % (path, b"/" * 5000)
    assert parse_head(line + HOST + b"\r\n").path == path.decode()


def test_long_names_are_not_kept() -> None:
    for number in range(100):
        read(HOST + b"X-%b-%d: y\r\n" % (b"x" * 60_000, number))
    assert headers.KNOWN * headers.SHORT < 65536
    tracemalloc.start()
    try:
        for number in range(100):
            read(HOST + b"X-%b-%d: y\r\n" % (b"x" * 60_000, number))
        assert tracemalloc.get_traced_memory()[0] < 500_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "fields",
    [
        b"X:" + b" " * 60_000 + b"\0\r\n",
        b"X: " + b"a " * 30_000 + b"\x7f\r\n",
        b"X" * 60_000 + b"\r\n",
        b"X:\r\n" * 200 + b"X:" + b":" * 60_000 + b"\r\r\n",
    ],
    ids=["spaces", "words", "a name", "colons"],
)
def test_a_head_is_read_once_whatever_it_holds(fields: bytes) -> None:
    """Time grows with its length, not with the square of it: that took seconds."""
    begin = time.process_time()
    with pytest.raises(RequestError):
        read(HOST + fields)
    assert time.process_time() - begin < 1.0


@pytest.mark.parametrize(("text", "status"), REFUSED)
def test_a_request_that_is_refused_ends_its_connection(
    serve: Serve,
    text: bytes,
    status: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.INFO)
    raw = serve().raw()
    follows = b"GET /hidden HTTP/1.1\r\nHost: here\r\n\r\n"
    raw.send_raw(text + b"\r\n" + follows)
    reply = raw.receive_reply()
    assert str(reply.status) == status
    assert reply.headers["Connection"] == "close"
    raw.expect_end()
    [record] = caplog.records
    assert record.levelno == logging.INFO
    assert record.getMessage().startswith(f"HTTP request refused, {status} ")
    assert record.getMessage().isprintable()
    assert "hidden" not in record.getMessage()
    assert "Traceback" not in capfd.readouterr().err
