"""What TurboGears closes after a page in WSGI middleware: closed after events, too.

Events do not pass through the middleware. :data:`RESOURCES` has a function for each
middleware of TurboGears that closes something.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, Final

from tg import hooks
from tg.support.converters import asbool

#: Closes what the running greenlet has opened.
Close = Callable[[], object]

#: The hook for what an application closes in middleware of its own: its functions are
#: called, without arguments, after each event and each job.
EVENT_OVER: Final = "socketio.event_over"


def _of_sqlalchemy(config: Mapping[str, Any]) -> Close | None:
    """``DBSessionRemoverMiddleware``: gives the connection back to its pool."""
    if not config.get("use_sqlalchemy"):
        return None
    session: Any = config.get("SQLASession") or config["DBSession"]
    close: Close = session.remove
    return close


def _of_ming(config: Mapping[str, Any]) -> Close | None:
    """``MingSessionRemoverMiddleware``: forgets the documents that were read."""
    if not asbool(config.get("ming.enabled", False)):
        return None
    from ming.odm import ThreadLocalODMSession

    close: Close = ThreadLocalODMSession.close_all
    return close


#: Each returns None for an application that does not use the resource.
RESOURCES: Final[Sequence[Callable[[Mapping[str, Any]], Close | None]]] = (
    _of_sqlalchemy,
    _of_ming,
)


def make_close(config: Mapping[str, Any]) -> Close | None:
    """What closes all resources of an application.

    :param config: the application's configuration.
    :returns: None when there are none. Otherwise a function that closes each, also when
        another one fails. Failures of hooks are logged.
    """
    found = [make(config) for make in RESOURCES]
    closes = [each for each in found if each is not None]
    if hooks._hooks.get(EVENT_OVER):
        closes.append(partial(hooks.notify, EVENT_OVER, trap_exceptions=True))
    if len(closes) < 2:
        return closes[0] if closes else None
    return partial(_close_all, closes)


def _close_all(closes: Sequence[Close]) -> None:
    with ExitStack() as stack:
        for each in reversed(closes):
            stack.callback(each)
