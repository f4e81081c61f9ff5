"""What a server answers by itself."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

import pytest

from tests.engine.conftest import Serve
from tgext.socketio.engine.http.answers import head_of, refusal
from tgext.socketio.engine.http.errors import TOO_LONG, RequestError


@pytest.mark.parametrize("target", ["*", "/"])
def test_options_of_the_server_and_of_a_page(serve: Serve, target: str) -> None:
    raw = serve({}).raw()
    raw.send_raw(f"OPTIONS {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    reply = raw.receive_reply()
    assert reply.status == (204 if target == "*" else 200)
    assert ("OPTIONS" in reply.headers.get("Allow", "")) is (target == "*")


def test_a_refusal_is_the_last_answer_and_says_why() -> None:
    head, _, body = refusal(RequestError("it is long", TOO_LONG)).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 414 URI Too Long"
    assert "Connection: close" in lines
    assert f"Content-Length: {len(body)}" in lines
    assert body == b"it is long\n"


def test_the_head_of_an_answer_ends_with_the_date() -> None:
    head = head_of("200 OK", [("X-A", "\xe9"), ("X-B", "")])
    begin, end = b"HTTP/1.1 200 OK\r\nX-A: \xe9\r\nX-B: \r\nDate: ", b" GMT\r\n\r\n"
    assert head.startswith(begin)
    assert head.endswith(end)
    told = parsedate_to_datetime(head[len(begin) : -4].decode())
    assert abs(told.timestamp() - time.time()) < 10
