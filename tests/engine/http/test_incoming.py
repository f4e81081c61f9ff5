"""Bodies that have come with the head, and others; and what follows them."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.engine.http.body import DRAINED
from tgext.socketio.engine.http.headers import parse_head
from tgext.socketio.engine.http.incoming import Incoming
from tgext.socketio.engine.hub.settings import Settings

from ..conftest import Ends

SIZED = b"Content-Length: 3\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
LARGE = b"Content-Length: %d\r\n" % (DRAINED + 1)
NEXT = b"GET /next"


def incoming(ours: Any, fields: bytes = b"", rest: bytes = b"") -> Incoming:
    head = parse_head(b"POST / HTTP/1.1\r\nHost: here\r\n" + fields + b"\r\n")
    return Incoming(ours, head, rest, Settings(body_timeout=0.1))


def test_a_request_without_a_body_has_ended(ends: Ends) -> None:
    request = incoming(ends[0], rest=NEXT)
    assert request.ended
    assert not request.close_after_answer()
    request.discard()
    assert request.rest == NEXT


def test_a_body_that_has_come_is_taken_without_reading(ends: Ends) -> None:
    request = incoming(ends[0], SIZED, b"abc" + NEXT)
    assert request.take() == b"abc"
    assert request.ended
    assert request.rest == NEXT


@pytest.mark.parametrize(
    ("fields", "coded"),
    [(SIZED, b"abc"), (CHUNKED, b"3\r\nabc\r\n0\r\n\r\n")],
    ids=["sized", "chunked"],
)
@pytest.mark.parametrize("come", [0, 2])
def test_a_body_that_has_not_come_is_read(
    ends: Ends, fields: bytes, coded: bytes, come: int
) -> None:
    ours, theirs = ends
    request = incoming(ours, fields, coded[:come])
    assert request.take() is None
    theirs.sendall(coded[come:] + NEXT)
    assert request.body.read() == b"abc"
    assert request.take() is None  # it has been read
    assert not request.close_after_answer()
    request.discard()
    assert request.ended
    assert request.rest == NEXT


def test_a_body_that_nobody_reads_is_discarded(ends: Ends) -> None:
    request = incoming(ends[0], SIZED, b"abc" + NEXT)
    assert not request.close_after_answer()
    request.discard()
    assert request.ended
    assert request.rest == NEXT


@pytest.mark.parametrize(
    ("fields", "closes"), [(LARGE, True), (SIZED, False)], ids=["too long", "missing"]
)
def test_a_body_that_is_not_read_is_the_last(
    ends: Ends, fields: bytes, closes: bool
) -> None:
    request = incoming(ends[0], fields, b"ab")
    assert request.close_after_answer() is closes
    request.discard()
    assert not request.ended
    assert request.rest == b""
    request.linger()
    assert ends[1].recv(1) == b""
