"""The application's wrappers, around events as they are around pages.

TurboGears' ``application_wrappers`` are the session, the identity, the transaction
manager, the cache, the language, and those that an application registers. TurboGears'
own code builds them once more, with an event in the place of the page.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping, MutableMapping
from functools import partial
from typing import Any

from tg.appwrappers.errorpage import ErrorPageApplicationWrapper
from tg.appwrappers.identity import IdentityApplicationWrapper
from tg.appwrappers.session import SessionApplicationWrapper
from tg.appwrappers.transaction_manager import TransactionApplicationWrapper
from tg.wsgiapp import TGApp

from ..engine.logs import get_logger
from .eventwrappers import FOR_EVENTS

log = get_logger(__name__)

#: Runs a function inside the wrappers, and returns their response. Its arguments are
#: the function, which takes an environ and a context and returns a response, and the
#: environ and the context to call it with.
Dispatch = Callable[[Callable[[dict[str, Any], Any], Any], dict[str, Any], Any], Any]

#: It replaces responses by error pages, which only a browser can show.
_NOT_FOR_EVENTS = (ErrorPageApplicationWrapper,)


class _Configuration(ChainMap[str, Any]):
    """An application's configuration with other wrappers in it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.maps[1], name)


class Wrappers:
    """The wrappers of one application.

    :param config: the application's configuration.
    :param left_out: classes of wrappers that are not built.

    :ivar dispatch: runs a function inside the wrappers; None when there are none.
    :ivar transactions: whether TurboGears' transaction manager is among them.
    :ivar identity: whether TurboGears' identity wrapper, which looks up the user, is
        among them.
    :ivar session: whether TurboGears' session wrapper is among them.
    """

    def __init__(
        self, config: MutableMapping[str, Any], left_out: tuple[type, ...] = ()
    ) -> None:
        self._built: list[Any] = []
        left_out = _NOT_FOR_EVENTS + left_out
        wrappers = [
            (key, partial(self._build, wrapper))
            for key, wrapper in config.get("application_wrappers", ())
            if not (isinstance(wrapper, type) and issubclass(wrapper, left_out))
        ]
        app = TGApp(_Configuration({"application_wrappers": wrappers}, config))
        around = [each for each in self._built if getattr(each, "injected", True)]
        self.dispatch: Dispatch | None = app.wrapped_dispatch if around else None
        self.transactions = _has(around, TransactionApplicationWrapper)
        self.identity = _has(around, IdentityApplicationWrapper)
        self.session = _has(around, SessionApplicationWrapper)

    def _build(self, wrapper: Callable[..., Any], *args: Any) -> Any:
        if isinstance(wrapper, type):
            wrapper = FOR_EVENTS.get(wrapper, wrapper)
        built = wrapper(*args)
        self._built.append(built)
        return built


def _has(wrappers: list[Any], cls: type) -> bool:
    return any(isinstance(each, cls) for each in wrappers)


class SessionWatch:
    """Checks what events do to their beaker sessions.

    A session that was only read is not written. For a page, beaker writes it back with
    the time of the access. An event may take long, and would overwrite what a page has
    saved meanwhile.

    An event has no response that could set a cookie. The first time that an event saves
    a session that needs a new cookie, a warning is logged.
    """

    def __init__(self) -> None:
        self._warned = False

    def check(self, session: Any) -> None:
        """Check the session of an event, before the wrapper of sessions persists it."""
        known = getattr(session, "__dict__", {})
        if known.get("_sess") is None:
            return
        options = known["_params"]
        if not (known.get("_dirty") or options.get("auto")):
            known["_sess"] = None
        elif not self._warned:
            self._warn(session, options)

    def _warn(self, session: Any, options: Mapping[str, Any]) -> None:
        if options.get("type") == "cookie":
            reason = _IN_A_COOKIE
        elif session.is_new:
            invalidated = getattr(session._sess, "was_invalidated", False)
            reason = _INVALIDATED if invalidated else _NEW
        else:
            return
        self._warned = True
        log.warning(
            "An event saved the session, which cannot reach the browser: %s", reason
        )


_IN_A_COOKIE = (
    "beaker keeps it in a cookie (session.type = cookie). Set session.type to file, "
    "memory, ext:database, ext:redis or another type that beaker keeps on the server, "
    "and begin the session in a page."
)

_NEW = (
    "it is new, and its id would have to be sent as a cookie. Begin the session in a "
    "page."
)

_INVALIDATED = (
    "after session.invalidate() it is a new one, whose id would have to be sent as a "
    "cookie, and the browser keeps the old one. Empty that with session.clear() and "
    "session.save(), or invalidate it in a page."
)
