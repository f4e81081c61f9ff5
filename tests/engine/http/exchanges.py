"""Raw requests and answers, compared byte by byte."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Seen:
    """An application that records its requests, and answers with them."""

    def __init__(self, reads: bool = True) -> None:
        self.requests: list[str] = []
        self._reads = reads

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> list[bytes]:
        body = environ["wsgi.input"].read() if self._reads else b""
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.requests.append(f"{method} {path} {body.decode('latin-1')}".strip())
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [self.requests[-1].encode("latin-1")]


NEXT = b"GET /next HTTP/1.1\r\nHost: here\r\n\r\n"
