"""What all events of one TurboGears application share, computed once."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from tg.appwrappers.identity import IdentityApplicationWrapper

from ..options import read_option
from .browsers import secret_names
from .failures import Report, make_report
from .middleware import read_event_middleware
from .rechecks import Rechecks
from .resources import make_close
from .slowevents import make_slow_events
from .wrappers import Dispatch, SessionWatch, Wrappers

#: Controllers, each with its location in the path.
ControllerPath = tuple[tuple[str, Any], ...]


class Application:
    """What all events of one application share.

    :param config: the application's configuration, with these options:
        ``socketio.identity_ttl``, seconds for which an identity is remembered (0 by
        default); ``socketio.activity_timeout``, seconds for which an event keeps a user
        logged in whose ticket has expired (by default the time-out of tickets);
        ``socketio.recheck_interval``, seconds after which an idle client is asked again
        whether it may stay (0: never); and ``socketio.event_middleware``, see
        :mod:`.middleware`.
    :raises ValueError: when an option is invalid.

    :ivar activity_timeout: the option; None when it is not set.
    :ivar rechecks: asks idle clients again.
    :ivar event_middleware: sees the environment of each event.
    :ivar dispatch: runs a function inside the application's wrappers; None when the
        application has none.
    :ivar dispatch_known: like ``dispatch``, without the wrapper that looks up the
        identity; None when identities are not remembered.
    :ivar close_resources: closes what TurboGears closes after a page, such as the
        database session of the running greenlet; None when there is nothing to close.
    """

    def __init__(self, config: MutableMapping[str, Any]) -> None:
        self.config = config
        self.identity_ttl = read_option(config, "socketio.identity_ttl")
        self.activity_timeout = read_option(config, "socketio.activity_timeout")
        self.rechecks = Rechecks(read_option(config, "socketio.recheck_interval"))
        self.event_middleware = read_event_middleware(config)
        self.wrappers = Wrappers(config)
        self.dispatch = self.wrappers.dispatch
        self.dispatch_known: Dispatch | None = None
        if self.identity_ttl > 0 and self.wrappers.identity:
            known = Wrappers(config, (IdentityApplicationWrapper,)).dispatch
            self.dispatch_known = known or _without_wrappers
        self.sessions = SessionWatch()
        self._controllers: ControllerPath = ()
        self.cookie_names = secret_names(config)
        self.report: Report | None = make_report(config)
        self.slow_events = make_slow_events(config)
        self.close_resources = make_close(config)

    def shared(self, controllers: ControllerPath) -> ControllerPath:
        """The last path of controllers, if it is the same, so that one is kept."""
        if controllers != self._controllers:
            self._controllers = controllers
        return self._controllers


def _without_wrappers(handle: Any, environ: dict[str, Any], context: Any) -> Any:
    return handle(environ, context)
