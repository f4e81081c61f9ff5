"""backlash's consoles in tracebacks: ``tg.request`` is there the request that failed.

Each line that is typed comes in a request of its own. TurboGears keeps the context of a
failed request for the greenlet of its connection, and the line may come over another
connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["patch_console"]


def patch_console() -> None:
    """Let consoles run in the context of the failed request, if there is backlash."""
    try:
        from backlash import console
    except ImportError:
        return
    interactive = console._InteractiveConsole
    interactive.runcode = _in_context(interactive.runcode)


def _in_context(runcode: Callable[..., Any]) -> Callable[..., Any]:
    def run(console: Any, code: Any) -> Any:
        # `ctx` is backlash's name for what it knows of the request.
        known = console.globals.get("ctx") or {}
        with _context(known.get("environ", {}).get("tg.locals")):
            return runcode(console, code)

    return run


@contextmanager
def _context(context: Any) -> Iterator[None]:
    """TurboGears' context of a request, or none."""
    if context is None:
        yield
        return
    from tg import request_local

    stacked = (
        (request_local.config, context.config),
        (request_local.context, context),
    )
    for proxy, each in stacked:
        proxy._push_object(each)
    try:
        yield
    finally:
        for proxy, each in stacked:
            proxy._pop_object(each)
