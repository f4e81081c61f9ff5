"""Widgets of ToscaWidgets 2 (tw2), displayed and validated in events.

tw2 keeps what belongs to a request in a dictionary for each thread, which its WSGI
middleware clears before and after a page. Events do not pass through it: the widgets
of an event have a dictionary of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from .context import current

#: The attribute of an event that is its dictionary.
STATE = "widgets"

#: The key that tw2's middleware has in the dictionary.
_MIDDLEWARE = "middleware"


def find_middleware() -> Any:
    """tw2's middleware around the page that is running; None when there is none."""
    core: Any = sys.modules.get("tw2.core.core")
    if core is None:
        return None
    if not isinstance(core.request_local, _RequestLocal):
        core.request_local = _RequestLocal(core.request_local)
    return core.request_local().get(_MIDDLEWARE)


def state_with(middleware: Any) -> dict[str, Any]:
    """The dictionary of an event, as tw2's middleware would begin that of a page."""
    return {} if middleware is None else {_MIDDLEWARE: middleware}


class _RequestLocal:
    """tw2's ``request_local()``: the dictionary of the event, or of the thread."""

    def __init__(self, of_thread: Callable[[], dict[str, Any]]) -> None:
        self._of_thread = of_thread

    def __call__(self) -> dict[str, Any]:
        state: dict[str, Any] | None = getattr(current(), STATE, None)
        return self._of_thread() if state is None else state
