"""The transports of Socket.IO 0.9 whose GET never ends: one answer, many messages.

``htmlfile`` was for Internet Explorer, ``xhr-multipart`` for old Firefoxes. Messages to
the server are posted as for ``xhr-polling``.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from ..io.hangup import has_gone
from .polling import PollingTransport

#: Bytes of a page that browsers wait for before they run its scripts.
_PADDING = 256

_SCRIPT = "var _ = function (msg) { parent.s._(msg, document); };"
_PAGE = f"<html><body><script>{_SCRIPT}</script>"

_BOUNDARY = b"--socketio\n"


def htmlfile(transport: PollingTransport, sock: Any) -> Iterator[bytes]:
    """A page to which each message adds a script."""
    yield _PAGE.ljust(_PADDING).encode()
    for payload in _payloads(transport, sock):
        # A string in a script must not contain `</script>`, which ends the element, or
        # `<!--<script>`, which hides its end (HTML, "Restrictions for contents of
        # script elements").
        text = json.dumps(payload.decode()).replace("<", "\\u003c")
        yield f"<script>_({text});</script>".encode()


def multipart(transport: PollingTransport, sock: Any) -> Iterator[bytes]:
    """A document of many parts; a browser replaces each with the next one."""
    yield _BOUNDARY
    for payload in _payloads(transport, sock):
        yield (
            b"Content-Type: text/plain; charset=utf-8\n\n" + payload + b"\n" + _BOUNDARY
        )


def _payloads(transport: PollingTransport, sock: Any) -> Iterator[bytes]:
    """Each message as a payload, until the session or the HTTP connection ends.

    Messages that cannot be sent are kept for the client's next request.
    """
    generation = transport.socket.generation
    take = transport.poll
    while (not transport.closed or len(transport.outbox)) and not has_gone(sock):
        messages = deque(take(sock))
        take = transport.more  # no request: it does not tell that the client is there
        try:
            while messages:
                transport.answer_begins(sock)
                yield generation.encode_payload([messages[0]])
                messages.popleft()
                transport.answer_ends(sock)
        finally:
            if messages:
                transport.put_back(list(messages))
                transport.answer_ends(sock)


#: By transport: the type of its answer, and the function that yields the body.
STREAMS: dict[str, tuple[str, Callable[[PollingTransport, Any], Iterator[bytes]]]] = {
    "htmlfile": ("text/html; charset=UTF-8", htmlfile),
    "xhr-multipart": ('multipart/x-mixed-replace; boundary="socketio"', multipart),
}
