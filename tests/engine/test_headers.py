from __future__ import annotations

from io import BytesIO

import pytest

from tgext.socketio.engine.headers import BadHeaders, Headers, read_headers
from tgext.socketio.wire.limits import MAX_HEADER_LINE, MAX_HEADERS

from .conftest import Serve


def read(text: bytes) -> Headers:
    rfile = BytesIO(text + b"\r\nwhat follows")
    headers = read_headers(rfile)
    assert rfile.read() == b"what follows"
    return headers


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        (b"", {}),
        (b"Host: here\r\n", {"HTTP_HOST": "here"}),
        (b"host:here\r\n", {"HTTP_HOST": "here"}),
        (b"Host: here\n", {"HTTP_HOST": "here"}),
        (b"X-Empty:\r\n", {"HTTP_X_EMPTY": ""}),
        (b"X-Padded: \t a b \t \r\n", {"HTTP_X_PADDED": "a b"}),
        (b"X-Colons: a:b: c\r\n", {"HTTP_X_COLONS": "a:b: c"}),
        (b"X-Latin: \xe9\r\n", {"HTTP_X_LATIN": "é"}),
        (b"!#$%&'*+.^`|~-09: x\r\n", {"HTTP_!#$%&'*+.^`|~_09": "x"}),
        # These have variables of their own.
        (b"Content-Type: text/plain\r\nContent-Length: 3\r\n", {}),
        # It would pass for X-User, which a proxy may have set.
        (b"X_User: admin\r\n", {}),
    ],
    ids=lambda value: repr(value) if isinstance(value, bytes) else "",
)
def test_fields_as_wsgi_has_them(text: bytes, variables: dict[str, str]) -> None:
    assert dict(read(text).variables()) == variables


def test_a_name_may_be_in_any_case_and_the_first_value_counts() -> None:
    headers = read(b"Accept: a\r\nACCEPT: b\r\nContent-Type: text/plain\r\n")
    assert headers.get("aCCept") == headers.getheader("accept") == "a"
    assert headers.get("missing") is None
    assert headers.get("missing", "default") == "default"
    assert headers.typeheader == "text/plain"
    assert list(headers.variables()) == [("HTTP_ACCEPT", "a"), ("HTTP_ACCEPT", "b")]


def test_what_is_deleted_is_gone() -> None:
    headers = read(b"Content-Length: 3\r\n")
    del headers["content-length"]
    assert headers.get("Content-Length") is None
    with pytest.raises(KeyError):
        del headers["content-length"]


BAD = {
    "no colon": b"Host here\r\n",
    "no name": b": here\r\n",
    "space before the colon": b"Host : here\r\n",
    "a folded line": b"Host: here\r\n and there\r\n",
    "a NUL": b"Host: he\0re\r\n",
    "a lone CR": b"Host: he\rre\r\n",
    "a name that is none": b"H\xf6st: here\r\n",
    "two lengths": b"Content-Length: 3\r\ncontent-length: 4\r\n",
    "two hosts": b"Host: here\r\nHost: there\r\n",
    "two encodings": b"Transfer-Encoding: a\r\nTransfer-Encoding: chunked\r\n",
    "a long line": b"X: " + b"x" * MAX_HEADER_LINE + b"\r\n",
    "too many": b"X: x\r\n" * (MAX_HEADERS + 1),
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_what_proxies_may_read_in_another_way_is_refused(text: bytes) -> None:
    with pytest.raises(BadHeaders):
        read(text)


def test_headers_that_end_early_are_none() -> None:
    with pytest.raises(BadHeaders):
        read_headers(BytesIO(b"Host: here\r\n"))


def test_as_many_and_as_long_as_there_may_be() -> None:
    line = b"X: " + b"x" * (MAX_HEADER_LINE - 5) + b"\r\n"
    assert len(line) == MAX_HEADER_LINE
    assert len(read(line + b"X: x\r\n" * (MAX_HEADERS - 1)).fields) == MAX_HEADERS


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_a_request_that_is_refused_ends_its_connection(
    serve: Serve, text: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    raw = serve().raw()
    raw.send_raw(b"GET / HTTP/1.1\r\n" + text + b"\r\n")
    assert raw.receive_reply().status == 400
    raw.expect_end()
    assert "Traceback" not in capfd.readouterr().err
