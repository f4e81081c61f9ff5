"""Forms that are posted to pages: parsed by WebOb, as TurboGears does."""

from __future__ import annotations

from collections.abc import Iterable
from io import BufferedReader, BytesIO
from typing import Any

import gevent
import pytest
from webob import Request

from tgext.socketio.engine.concurrency import fairness
from tgext.socketio.engine.http.body import SizedBody
from tgext.socketio.engine.http.forms import FormBody, asks_with_form
from tgext.socketio.wire.limits import MAX_PART_HEADERS

from ..clients import Raw
from ..conftest import Serve
from .test_body import in_chunks

URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}
IN_PARTS = {"Content-Type": 'multipart/form-data; boundary="x"'}
LARGE = 100_000


def parts(count: int, headers: str = "", content: str = "v") -> bytes:
    """A form in parts."""
    head = f'--x\r\nContent-Disposition: form-data; name="n"\r\n{headers}\r\n'
    return f"{head}{content}\r\n".encode() * count + b"--x--\r\n"


def part_with(headers: int) -> bytes:
    """A form in one part, whose headers have this number of bytes."""
    usual = parts(1).index(b"\r\nv") + len("X: \r\n")
    return parts(1, f"X: {'x' * (headers - usual)}\r\n")


def nested(headers: str) -> bytes:
    """A form whose part has a part with headers."""
    inner = f"--y\r\n{headers}\r\nv\r\n--y--"
    return parts(1, 'Content-Type: multipart/mixed; boundary="y"\r\n', inner)


def form_page(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """A page that answers how many fields a form has, and their characters."""
    found = Request(environ).POST
    size = sum(len(value) for value in found.values() if isinstance(value, str))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{len(found)} fields, {size}".encode()]


FORM_IN_PART = "Content-Type: application/x-www-form-urlencoded\r\n"

TAKEN = {
    "none": (URLENCODED, b"", "0 fields, 0"),
    "one": (URLENCODED, b"a=1", "1 fields, 1"),
    "as many as there may be": (URLENCODED, b"a=1&" * 19 + b"a=1", "20 fields, 20"),
    "without a type": ({}, b"a=1&b=2", "2 fields, 2"),
    "as large as it may be": (
        URLENCODED,
        b"a=" + b"x" * (LARGE - 2),
        f"1 fields, {LARGE - 2}",
    ),
    "one part": (IN_PARTS, parts(1), "1 fields, 1"),
    "as many parts": (IN_PARTS, parts(20), "20 fields, 20"),
    "a part may be larger": (
        IN_PARTS,
        parts(1, content="--\r\n" * 50_000),
        "1 fields, 200000",
    ),
    "as many headers": (IN_PARTS, part_with(MAX_PART_HEADERS - 50), "1 fields, 1"),
    "a form in a part": (IN_PARTS, parts(1, FORM_IN_PART, "a=1&b=2"), "1 fields, 0"),
    "what looks like a form": (
        IN_PARTS,
        parts(1, "", "a&" * 20_000),
        "1 fields, 40000",
    ),
    "a part in a part": (IN_PARTS, nested("X: y\r\n"), "1 fields, 0"),
}
REFUSED = {
    "fields in a part": (
        IN_PARTS,
        parts(1, FORM_IN_PART, "a&" * 20_000),
        "max_form_fields",
    ),
    "a large form in a part": (
        IN_PARTS,
        parts(1, FORM_IN_PART, "a" * LARGE),
        "max_message_size",
    ),
    "a form in a part with its length": (
        IN_PARTS,
        parts(1, FORM_IN_PART + "Content-Length: 40000\r\n", "a&" * 20_000),
        "max_form_fields",
    ),
    "more fields": (URLENCODED, b"a=1&" * 20 + b"a=1", "max_form_fields"),
    "empty fields": (URLENCODED, b"&" * 200_000, "max_message_size|max_form_fields"),
    "without a type": ({}, b"a&" * 21, "max_form_fields"),
    "with a parameter": (
        {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
        b"a&" * 21,
        "max_form_fields",
    ),
    "too large": (URLENCODED, b"a=" + b"x" * (LARGE - 1), "max_message_size"),
    "more parts": (IN_PARTS, parts(21), "max_form_fields"),
    "more headers": (IN_PARTS, part_with(MAX_PART_HEADERS + 50), "headers"),
    "many headers": (IN_PARTS, parts(1, "A: b\r\n" * 10_000), "headers"),
    "more headers in a part of a part": (
        IN_PARTS,
        nested("A: b\r\n" * 10_000),
        "headers",
    ),
}


@pytest.mark.parametrize("chunk", [0, 50_000])
@pytest.mark.parametrize("name", TAKEN)
def test_a_form_within_the_limits(serve: Serve, name: str, chunk: int) -> None:
    headers, body, answer = TAKEN[name]
    raw = with_limits(serve)
    for _ in range(2):
        raw.send_raw(post_of(headers, body, chunk))
        assert raw.receive_reply().text == answer


@pytest.mark.parametrize("chunk", [0, 50_000])
@pytest.mark.parametrize("name", REFUSED)
def test_a_form_past_the_limits_is_refused(serve: Serve, name: str, chunk: int) -> None:
    headers, body, why = REFUSED[name]
    raw = with_limits(serve)
    raw.send_raw(post_of(headers, body, chunk))
    reply = raw.receive_reply()
    assert (reply.status, reply.headers["Connection"]) == (413, "close")
    assert any(each in reply.text for each in why.split("|"))
    raw.expect_end()


def with_limits(serve: Serve) -> Raw:
    """A connection to a server whose limits the tables of this module exceed."""
    options = {"max_form_fields": 20, "max_message_size": LARGE}
    return serve(application=form_page, **options).raw()


def post_of(headers: dict[str, str], body: bytes, chunk: int) -> bytes:
    """A POST; in chunks of a size, or with its length."""
    lines = [f"{name}: {value}" for name, value in headers.items()]
    if chunk:
        lines.append("Transfer-Encoding: chunked")
        body = in_chunks(body, chunk) + b"0\r\n\r\n"
    else:
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join(["POST /page HTTP/1.1", "Host: here", *lines, "", ""])
    return head.encode() + body


@pytest.mark.parametrize(
    ("method", "kind", "is_form"),
    [
        ("POST", "", True),
        ("GET", "", False),
        ("PUT", "multipart/form-data; boundary=x", True),
        ("POST", "application/json", False),
        ("POST", "multipart/mixed; boundary=x", False),
        ("POST", "text/plain", False),
    ],
)
def test_what_is_parsed_as_a_form(method: str, kind: str, is_form: bool) -> None:
    environ = {"REQUEST_METHOD": method, "CONTENT_TYPE": kind}
    assert asks_with_form(environ) is is_form


def stored(data: bytes) -> tuple[FormBody, dict[str, Any]]:
    source = BufferedReader(BytesIO(data))  # type: ignore[arg-type]
    environ = {
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": IN_PARTS["Content-Type"],
        "CONTENT_LENGTH": str(len(data)),
    }
    form = FormBody(SizedBody(source, 1.0, len(data)), 20, LARGE)
    form.take_place(environ)
    return form, environ


def test_others_are_served_while_a_form_is_parsed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fairness, "SLICE", -1.0)
    _, environ = stored(parts(1, content="line\r\n" * 20))
    served: list[int] = []

    def serve_others() -> None:
        while True:
            served.append(1)
            gevent.sleep(0)

    others = gevent.spawn(serve_others)
    assert len(Request(environ).POST["n"]) == 120
    others.kill()
    assert len(served) > 20


def test_it_is_read_as_a_file_is() -> None:
    data = b"one\ntwo\n\nthree"
    form, _ = stored(data)
    assert form.read(2) == b"on"
    assert form.readline(100) == b"e\n"
    assert form.tell() == 4
    assert form.readlines() == [b"two\n", b"\n", b"three"]
    assert form.seek(0) == 0
    assert list(form) == data.splitlines(keepends=True)
    form.seek(0)
    assert form.readline() == b"one\n"
    assert form.readline(None) == b"two\n"
    assert form.read() == b"\nthree"
    form.seek(0)
    assert form.read(None) == data


def test_a_form_in_parts_may_be_read_at_once() -> None:
    """What an application reads itself is none of the parser's business."""
    data = parts(1, content="a&" * LARGE)
    form, environ = stored(data)
    assert form.read() == data
    assert len(Request(environ).POST) == 1
    assert Request(environ).body == data
