"""``health_path``: whether the server serves, for load balancers and supervisors.

The server answers by itself, before the application and while it stops. The answer
tells nothing else: anybody may ask.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ..http import HeaderList
from .errors import NOSNIFF


def respond(
    stopping: bool, environ: dict[str, Any], start_response: Callable[..., Any]
) -> list[bytes]:
    """Answer a request for ``health_path``.

    200 while new connections are accepted, and 503 while the server stops: a balancer
    then sends it no more. ``live`` says that the event loop runs.

    :param stopping: whether the server stops.
    """
    headers: HeaderList = [("Cache-Control", "no-store"), NOSNIFF]
    if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        allow = [("Allow", "GET, HEAD"), ("Content-Length", "0")]
        start_response("405 Method Not Allowed", [*allow, *headers])
        return []
    body = json.dumps({"live": True, "ready": not stopping}).encode()
    headers.append(("Content-Type", "application/json"))
    headers.append(("Content-Length", str(len(body))))
    start_response("503 Service Unavailable" if stopping else "200 OK", headers)
    return [body]
