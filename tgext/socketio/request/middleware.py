"""``socketio.event_middleware``: functions that see the environment of each event.

An event passes the application's wrappers, but not its WSGI middleware. What such
middleware adds to the environment of a page (a tenant, the user of a token), these
functions add to that of an event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..options import import_named

#: Called with the WSGI environment of an event, which it may change.
EventMiddleware = Callable[[dict[str, Any]], object]

_OPTION = "socketio.event_middleware"


def read_event_middleware(config: Mapping[str, Any]) -> tuple[EventMiddleware, ...]:
    """The functions that the configuration of an application names.

    :param config: ``socketio.event_middleware`` is a function or the dotted name of
        one (``package.module.name`` or ``package.module:name``), or several of them: a
        list, or a text with commas or spaces between the names.
    :returns: in their order; empty by default.
    :raises ValueError: when a name leads to no function.
    """
    given = config.get(_OPTION) or ()
    if isinstance(given, str):
        given = given.replace(",", " ").split()
    listed: Iterable[Any] = [given] if callable(given) else given
    return tuple(map(_resolve, listed))


def _resolve(given: Any) -> EventMiddleware:
    found = import_named(_OPTION, given)
    if not callable(found):
        raise ValueError(f"{_OPTION}: {given!r} is not a function")
    middleware: EventMiddleware = found
    return middleware
