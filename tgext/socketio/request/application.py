"""What all events of one TurboGears application share, computed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from tg.appwrappers.identity import IdentityApplicationWrapper

from .cookies import secret_names
from .failures import Report, make_report
from .wrappers import Dispatch, SessionWatch, Wrappers


class Application:
    """What all events of one application share.

    :param config: the application's configuration, ``socketio.identity_ttl`` (seconds
        for which an identity is remembered, 0 by default) included.
    :raises ValueError: when ``socketio.identity_ttl`` is not a number of seconds.

    :ivar dispatch: runs a function inside the application's wrappers; None when the
        application has none.
    :ivar dispatch_known: like ``dispatch``, without the wrapper that looks up the
        identity; None when identities are not remembered.
    :ivar remove_session: closes the database session of the running greenlet, and
        gives its connection back to the pool; None when the application uses none.
    """

    def __init__(self, config: MutableMapping[str, Any]) -> None:
        self.config = config
        self.identity_ttl = _seconds(config, "socketio.identity_ttl")
        self.wrappers = Wrappers(config)
        self.dispatch = self.wrappers.dispatch
        self.dispatch_known: Dispatch | None = None
        if self.identity_ttl > 0 and self.wrappers.identity:
            known = Wrappers(config, (IdentityApplicationWrapper,)).dispatch
            self.dispatch_known = known or _without_wrappers
        self.sessions = SessionWatch()
        self.cookie_names = secret_names(config)
        self.report: Report | None = make_report(config)
        self.remove_session: Callable[[], object] | None = None
        if config.get("use_sqlalchemy"):
            session = config.get("SQLASession")
            self.remove_session = (session or config["DBSession"]).remove


def _seconds(config: Mapping[str, Any], name: str) -> float:
    value = config.get(name) or 0
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = -1.0
    if not seconds >= 0:
        raise ValueError(f"{name}: {value!r} is not a number of seconds")
    return seconds


def _without_wrappers(handle: Any, environ: dict[str, Any], context: Any) -> Any:
    return handle(environ, context)
