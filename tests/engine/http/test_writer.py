"""Answers that need no WSGI: their bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from gevent import socket

from tgext.socketio.engine.http.headers import parse_head
from tgext.socketio.engine.http.writer import AnswerWriter
from tgext.socketio.engine.io.sockets import below

from ..clients import DEADLINE

TEXT = ("Content-Type", "text/plain")


class Exchange:
    """A request, and what its client receives."""

    def __init__(self, line: bytes = b"GET / HTTP/1.1", fields: bytes = b"") -> None:
        self.ours, self.theirs = socket.socketpair()
        head = parse_head(line + b"\r\nHost: here\r\n" + fields + b"\r\n")
        self.writer = AnswerWriter(self.ours, below(self.ours), head, DEADLINE)

    def answer(self, status: str, headers: Any, body: Any) -> str:
        """The answer, but for its date."""
        self.writer.start(status, list(headers))
        self.writer.write(body)
        self.ours.close()
        data = b"".join(iter(lambda: self.theirs.recv(65536), b""))
        self.theirs.close()
        text, dates = re.subn(r"Date: [^\r]+ GMT\r\n", "", data.decode("latin-1"))
        assert dates == 1
        return text


@pytest.mark.parametrize("body", [[b"a", b"bc"], (b"abc",), [b"abc"]], ids=str)
def test_a_body_that_is_known_has_its_length(body: Any) -> None:
    assert Exchange().answer("200 OK", [TEXT], body) == (
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc"
    )


@pytest.mark.parametrize(
    ("line", "fields", "said"),
    [
        (b"GET / HTTP/1.1", b"", None),
        (b"GET / HTTP/1.1", b"Connection: close\r\n", "close"),
        (b"GET / HTTP/1.0", b"", "close"),
        (b"GET / HTTP/1.0", b"Connection: keep-alive\r\n", "keep-alive"),
        (b"GET / HTTP/1.1", b"Upgrade: websocket\r\n", "close"),
    ],
)
def test_a_client_is_told_what_follows(
    line: bytes, fields: bytes, said: str | None
) -> None:
    exchange = Exchange(line, fields)
    answer = exchange.answer("200 OK", [TEXT], [b"a"])
    assert re.findall(r"\r\nConnection: (.*)\r\n", answer) == ([said] if said else [])
    assert exchange.writer.close == (said == "close")


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_an_answer_that_has_no_body_sends_none(status: str) -> None:
    answer = Exchange().answer(status, [], [b"never"])
    assert answer == f"HTTP/1.1 {status}\r\n\r\n"


def test_head_asks_for_no_body() -> None:
    answer = Exchange(b"HEAD / HTTP/1.1").answer("405 Not Allowed", [TEXT], [b"abc"])
    assert answer.endswith("\r\nContent-Length: 3\r\n\r\n")


def pieces() -> Iterator[bytes]:
    yield b"first"
    yield b"x" * 17


def test_a_body_of_unknown_length_is_chunked() -> None:
    exchange = Exchange()
    assert exchange.answer("200 OK", [TEXT], pieces()) == (
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n"
        f"\r\n5\r\nfirst\r\n11\r\n{'x' * 17}\r\n0\r\n\r\n"
    )
    assert not exchange.writer.close
    assert exchange.writer.sent == 22


def test_its_end_is_that_of_the_connection_for_http_1_0() -> None:
    answer = Exchange(b"GET / HTTP/1.0").answer("200 OK", [TEXT], pieces())
    assert answer == (
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n"
        f"\r\nfirst{'x' * 17}"
    )


def test_an_empty_body_of_unknown_length_has_an_end_too() -> None:
    assert Exchange().answer("200 OK", [], iter(())).endswith("\r\n\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    ("headers", "closes"),
    [
        ([("Content-Length", "7")], False),
        ([("Content-Length", "7"), ("content-length", "8")], False),
        ([("Transfer-Encoding", "chunked")], False),
        ([("Connection", "close"), ("Connection", "Upgrade")], True),
        ([("connection", "Close")], True),
    ],
    ids=str,
)
def test_a_refusal_of_the_application_has_one_end(headers: Any, closes: bool) -> None:
    """Two parsers must not see two ends (RFC 9112, section 6.3)."""
    answer = Exchange().answer("403 Forbidden", [TEXT, *headers], [b"no"])
    said = "Connection: close\r\n" if closes else ""
    assert answer == (
        "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\n"
        f"Content-Length: 2\r\n{said}\r\nno"
    )


@pytest.mark.parametrize(
    ("status", "header"),
    [
        ("101 Switching", TEXT),
        ("403\r\nX: y", TEXT),
        ("403 Forbidden", ("X-A", "b\r\nX-C: d")),
        ("403 Forbidden", ("X-A: b\r\nX-C", "d")),
    ],
    ids=str,
)
def test_an_invalid_refusal_of_the_application_is_not_sent(
    status: str, header: tuple[str, str]
) -> None:
    with pytest.raises(ValueError, match="valid"):
        Exchange().writer.start(status, [header])
