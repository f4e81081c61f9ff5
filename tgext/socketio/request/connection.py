"""What the events of one connection inherit from the request that opened it."""

from __future__ import annotations

from typing import Any
from weakref import proxy

from ..engine.server.opening import PARSED, SOCKETIO
from .application import Application, ControllerPath
from .identity import Lookup, remove_lookup, user_of
from .widgets import find_middleware

#: Keys of the WSGI environment that belong to the opening request alone.
_OPENING_ONLY = frozenset(
    (
        "beaker.cache",
        "beaker.get_session",
        "beaker.session",
        "paste.registry",
        "repoze.tm.active",
        "tg.locals",
        "webob.adhoc_attrs",
        "wsgi.input",
        SOCKETIO,
        *PARSED,
    )
)

#: Attributes set on the opening request that describe the connection.
_INHERITED = ("identity",)


class Connection:
    """What all events of one connection share.

    TurboGears' contexts that an :class:`~tgext.socketio.request.event.Event` does not
    make for itself are attributes here, under the names that TurboGears has for them.

    :param environ: the WSGI environment of the opening request.
    :param tgl: the TurboGears context of the opening request.
    :param application: what all connections of the application share.

    :ivar environ: the WSGI environment that each event gets a copy of.
    :ivar attributes: set on each event's ``tg.request``.
    :ivar controllers: those that the opening request passed, each with its location in
        the path; the first is the root controller.
    :ivar lookup: finds the user of an event.
    :ivar socket: the session.
    """

    def __init__(
        self, environ: dict[str, Any], tgl: Any, application: Application
    ) -> None:
        self.application = application
        self.socket: Any = environ["socketio"]
        # A dict takes less memory when its keys are plain texts; SOCKETIO is none.
        self.environ = {
            name: value for name, value in environ.items() if name not in _OPENING_ONLY
        }
        self.environ[str(SOCKETIO)] = self.socket
        for_each_event = application.wrappers.identity
        ttl, user = application.identity_ttl, user_of(environ)
        self.lookup = Lookup(
            self.environ, for_each_event, ttl, user, application.activity_timeout
        )
        remove_lookup(self.environ, for_each_event)
        attributes = environ.get("webob.adhoc_attrs", {})
        self.attributes = {
            name: attributes[name]
            for name in _INHERITED
            if name in attributes and not for_each_event
        }
        self.controllers = application.shared(_path_of(tgl))
        self.config = tgl.config
        self.app_globals = tgl.app_globals
        self.translator = tgl.translator
        self.session = None if application.wrappers.session else tgl.session
        self.cache = tgl.cache
        self.widgets = find_middleware()
        self.language = getattr(tgl.request, "_language", None)

    def let_go(self) -> None:
        """The connection has ended: refer to it without keeping it."""
        self.socket = self.environ[str(SOCKETIO)] = proxy(self.socket)


def _path_of(tgl: Any) -> ControllerPath:
    state = getattr(tgl.request, "_dispatch_state", None)
    return () if state is None else tuple(state.controller_path)
