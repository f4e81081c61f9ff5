"""What happens at the beginning of a namespace, before its ``__init__`` has ended.

A namespace class is made by the session, which tells the instance of the client that it
stands for first of all. A function of the application makes the instance by itself; the
WSGI environment that it passes on carries what has to be done.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .mocks import complete

_BEGIN = "tgext.socketio.begin"


def beginning_with(
    environ: dict[str, Any], begin: Callable[[Any], object]
) -> dict[str, Any]:
    """A copy of a WSGI environment: the first namespace that is made with it begins by
    calling a function with itself.
    """
    return {**environ, _BEGIN: begin}


def begin(namespace: Any) -> None:
    """Called by ``__init__`` of a namespace that has its ``environ``."""
    call = namespace.environ.pop(_BEGIN, None)
    if call is not None:
        call(namespace)
    complete(namespace.environ["socketio"])
