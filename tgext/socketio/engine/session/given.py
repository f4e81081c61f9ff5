"""What an application gives a session when it accepts the connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...wire import json
from ...wire.json import Dumps, Loads
from .decoder import checked_dumps, checked_loads
from .errors import default_error_handler
from .factories import Factory


class Given:
    """What an application gives a session.

    :ivar environ: the WSGI environment of the request that opened the connection.
    :ivar request: the application's object for that request.
    :ivar namespaces: the namespace classes that can be connected to, by name; None
        until the application has accepted the connection.
    :ivar error_handler: tells the client of an error.
    :ivar json_loads: the application's JSON parser.
    :ivar json_dumps: the application's JSON writer.
    """

    def __init__(self, error_handler: Callable[..., Any] | None) -> None:
        self.environ: dict[str, Any] | None = None
        self.request: Any = None
        self.namespaces: Mapping[str, Factory] | None = None
        self.error_handler = error_handler or default_error_handler
        self.json_loads: Loads = json.loads
        self.json_dumps: Dumps = json.dumps

    def accept(
        self,
        environ: dict[str, Any],
        namespaces: Mapping[str, Factory],
        request: Any,
        error_handler: Callable[..., Any] | None = None,
        json_loads: Loads | None = None,
        json_dumps: Dumps | None = None,
    ) -> None:
        """Accept the connection; the parameters are those of ``socketio_manage``."""
        if json_dumps is not None:
            self._set_json_dumps(json_dumps)
        self._set_environ(environ)
        self._set_namespaces(namespaces)
        self._set_request(request)
        if error_handler is not None:
            self._set_error_handler(error_handler)
        if json_loads is not None:
            self._set_json_loads(json_loads)

    # By gevent-socketio's names, which tests of its applications call

    def _set_environ(self, environ: dict[str, Any]) -> None:
        self.environ = environ

    def _set_namespaces(self, namespaces: Mapping[str, Factory]) -> None:
        self.namespaces = namespaces

    def _set_request(self, request: Any) -> None:
        self.request = request

    def _set_error_handler(self, error_handler: Callable[..., Any]) -> None:
        self.error_handler = error_handler

    def _set_json_loads(self, json_loads: Loads) -> None:
        self.json_loads = checked_loads(json_loads)

    def _set_json_dumps(self, json_dumps: Dumps) -> None:
        self.json_dumps = checked_dumps(json_dumps)
