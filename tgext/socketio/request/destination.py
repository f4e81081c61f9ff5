"""Where TurboGears' dispatch takes a request that opens a connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tg import request_local
from tg.support.registry import Registry

from ..engine.server.opening import ANSWERED_BY
from .mounts import MARK, mounted

StartResponse = Callable[..., Any]

#: Added to the WSGI environment of a request that opens a connection, so that its
#: client gets the status of the response. For a page, TurboGears replaces a response
#: 401 by the login form, and 403 by an error page.
NO_CHALLENGES = {"tg.wsgi.skip_auth_challenge": True, "tg.status_code_redirect": False}


class Destinations:
    """A WSGI middleware that helps requests which open a connection to a controller.

    TurboGears takes the end of ``/socket.io/`` for the extension of a page, and would
    look for a controller ``socket``. The middleware prevents that. When no controller
    has accepted the connection, it tells the server what answered instead.

    :param application: the application.
    """

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self.application = application

    def __call__(
        self, environ: dict[str, Any], start_response: StartResponse
    ) -> Iterable[bytes]:
        if "socketio" not in environ:
            return self.application(environ, start_response)
        environ["paste.registry"] = registry = _OpeningRegistry()
        try:
            return self.application(environ, start_response)
        finally:
            context, registry.context = registry.context, None
            if environ["socketio"].namespaces is None and context is not None:
                environ[ANSWERED_BY] = _describe(context)


class _OpeningRegistry(Registry):
    """Sees TurboGears' context of a request, which is made before the dispatch.

    :ivar context: the context; None before it is made, or without TurboGears.
    """

    context: Any = None

    def register(self, stacked: Any, obj: Any) -> None:
        super().register(stacked, obj)
        if stacked is request_local.context:
            self.context = obj
            if not obj.config.get("disable_request_extensions", False):
                _hide_extension(obj.request.environ)


def _hide_extension(environ: dict[str, Any]) -> None:
    """Append to a path such as ``/socket.io/`` what clients 0.9 have there."""
    path = environ.get("PATH_INFO", "").rstrip("/")
    if "." in path.rpartition("/")[2]:
        environ["PATH_INFO"] = f"{path}/1/"


def _describe(context: Any) -> tuple[str, str]:
    """What answered a request, and what would lead it to a controller of Socket.IO."""
    prefix = context.request.script_name
    paths = [f"{prefix}/{path}"[1:] for path, _ in mounted(context.config)]
    where = f"them at {', '.join(paths)}" if paths else "none"
    hint = (
        "socketio_resource must be the path of a SocketIOController; "
        f"the application has {where}"
    )
    # It is missing when the dispatch failed.
    state = getattr(context.request, "_dispatch_state", None)
    if state is None:
        return "TurboGears", hint
    action = getattr(state.action, "__name__", "")
    if hasattr(state.controller, MARK) and action == "_default":
        hint = "it must return super()._default(*args, **kwargs)"
    return f"{type(state.controller).__qualname__}.{action}", hint
