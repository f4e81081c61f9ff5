"""HTTP answers without the application: to invalid requests, and to ``OPTIONS *``."""

from __future__ import annotations

from typing import Any

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
