"""HTTP answers that are always alike, and the bytes of others."""

from __future__ import annotations

import time
from collections.abc import Iterable
from email.utils import formatdate
from typing import Any

from ..io.reader import InputTimeout
from .errors import RequestError
from .output import HeaderList


def refusal_headers(text: str) -> HeaderList:
    """The headers of an answer that refuses a request, and is the last one."""
    return [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("X-Content-Type-Options", "nosniff"),
        ("Content-Length", str(len(text))),
        ("Connection", "close"),
    ]


def refusal(error: RequestError) -> bytes:
    """The whole answer to a request that cannot be read."""
    text = f"{error.reason}\n"
    fields = [f"{name}: {value}\r\n" for name, value in refusal_headers(text)]
    return f"HTTP/1.1 {error.status}\r\n{''.join(fields)}\r\n{text}".encode()


def answer_options(environ: Any, start_response: Any) -> list[bytes]:
    """``OPTIONS *`` asks whether there is a server (RFC 9110, section 9.3.7)."""
    start_response("204 No Content", [("Allow", "GET, HEAD, POST, OPTIONS")])
    return []


def say_continue(sock: Any, seconds: float) -> None:
    """Tell a client that waits for it to send the body (RFC 9110, section 15.2.1).

    :param sock: the gevent socket.
    :param seconds: for sending.
    :raises OSError: when the connection failed, or the client does not read.
    """
    sock.settimeout(seconds)
    try:
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    except TimeoutError:
        raise InputTimeout from None  # the client does not read earlier answers
    finally:
        sock.settimeout(None)


def head_of(status: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """The head of an answer, with the date added to its headers."""
    lines = [f"{name}: {value}" for name, value in headers]
    lines.append(f"Date: {_date()}\r\n\r\n")
    return "\r\n".join([f"HTTP/1.1 {status}", *lines]).encode("latin-1")


_dated = (0, "")


def _date() -> str:
    """The time as HTTP writes it (RFC 9110, section 5.6.7)."""
    global _dated
    now = int(time.time())
    if _dated[0] != now:
        _dated = (now, formatdate(now, usegmt=True))
    return _dated[1]
