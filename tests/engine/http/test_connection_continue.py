"""100 (Continue): when the server asks for the body (RFC 9110, section 10.1.1)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from ..clients import Raw
from ..conftest import Live, Serve
from .exchanges import NEXT, Seen

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def expecting(live: Live, version: str, body: bytes = b"", length: int = 5) -> Raw:
    raw = live.raw()
    raw.send_raw(
        f"POST / HTTP/{version}\r\nHost: here\r\nConnection: keep-alive\r\n"
        f"Content-Length: {length}\r\nExpect: 100-continue\r\n\r\n".encode()
        + body
    )
    return raw


def test_a_client_is_told_to_continue_once_its_body_is_wanted(serve: Serve) -> None:
    raw = expecting(serve(application=Seen()), "1.1")
    assert raw.sock.recv(65536) == CONTINUE
    raw.send_raw(b"hello" + NEXT)
    assert raw.receive_reply().text == "POST / hello"
    assert raw.receive_reply().text == "GET /next"


def test_clients_of_http_1_0_get_no_continue(serve: Serve) -> None:
    raw = expecting(serve(application=Seen()), "1.0", b"hello")
    assert raw.receive_reply().text == "POST / hello"


@pytest.mark.parametrize("body", [b"", b"hello" + NEXT], ids=["waits", "sends"])
def test_a_client_whose_body_nobody_wants_is_answered_and_that_is_all(
    serve: Serve, body: bytes
) -> None:
    """It may send the body or not: what follows could be either."""
    seen = Seen(reads=False)
    raw = expecting(serve(application=seen), "1.1", body)
    reply = raw.receive_reply()
    assert (reply.text, reply.headers["Connection"]) == ("POST /", "close")
    raw.expect_end()
    assert seen.requests == ["POST /"]


def test_who_reads_the_body_while_answering_sends_no_100_in_between(
    serve: Serve,
) -> None:
    def application(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Length", "10")])
        yield b"begun"
        yield environ["wsgi.input"].read()

    raw = expecting(serve(application=application), "1.1", b"hello")
    assert raw.receive_reply().text == "begunhello"
    raw.expect_end()


def test_an_answer_before_the_body_has_come(serve: Serve) -> None:
    def application(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Length", "10")])
        yield b"begun"
        yield environ["wsgi.input"].read()

    live = serve(application=application)
    raw = live.raw()
    head = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n\r\n"
    for _ in range(2):
        raw.send_raw(head)
        raw.receive_head()
        raw.send_raw(b"hello")
        while len(raw.received) < 10:
            raw.received += raw.sock.recv(65536)
        assert raw.received == b"begunhello"
        raw.received = b""
