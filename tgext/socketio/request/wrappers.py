"""The application's wrappers, put around events as they are put around pages.

``application_wrappers`` of TurboGears are the session, the identity, the transaction
manager, the cache, the language and what an application registers. They are built once
more, by TurboGears' own code, with an event in the place of the page.
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

log = get_logger(__name__)

#: Given a function of environ and context that returns a response, the environ and the
#: context: runs the function inside the wrappers, and returns their response.
Dispatch = Callable[[Callable[[dict[str, Any], Any], Any], dict[str, Any], Any], Any]

#: Makes pages of errors, which an event is none.
_NOT_FOR_EVENTS = (ErrorPageApplicationWrapper,)


class _Configuration(ChainMap[str, Any]):
    """An application's configuration with other wrappers in it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.maps[1], name)


class Wrappers:
    """The wrappers of one application.

    :param config: its configuration.
    :param left_out: classes of wrappers to do without.

    :ivar dispatch: runs a function inside them; None when there are none.
    :ivar transactions: whether a transaction manager is among them.
    :ivar identity: whether one looks up the user.
    :ivar session: whether one provides the session.
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
        built = wrapper(*args)
        self._built.append(built)
        return built


def _has(wrappers: list[Any], cls: type) -> bool:
    return any(isinstance(each, cls) for each in wrappers)


class SessionWatch:
    """Looks after the beaker sessions of an application's events.

    What was read and not saved is not written. For a page beaker writes it back as it
    was read, with the time of the access; an event may have taken long, and a page have
    saved something meanwhile.

    What is saved and will reach no browser is warned of: an event has no response that
    could carry a cookie.
    """

    def __init__(self) -> None:
        self._warned = False

    def look(self, session: Any) -> None:
        """Look at the session that an event had, before it is persisted."""
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
            reason = "beaker keeps it in a cookie (session.type = cookie)"
        elif session.is_new:
            reason = "it is new, and its id would have to be sent as a cookie"
        else:
            return
        self._warned = True
        log.warning(
            "An event saved the session, which cannot reach the browser: %s. Set "
            "session.type to file, memory, ext:database, ext:redis or another type "
            "that beaker keeps on the server, and begin the session in a page.",
            reason,
        )
