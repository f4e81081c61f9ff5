"""Socket.IO on gevent: gevent-socketio's modules and names, for all generations.

To port an application from gevent-socketio, replace ``socketio.`` by
``tgext.socketio.engine.`` in its imports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..wire.json import Dumps, Loads

if TYPE_CHECKING:
    from .session.factories import Factory

__all__ = ["socketio_manage"]


def socketio_manage(
    environ: dict[str, Any],
    namespaces: Mapping[str, Factory],
    request: Any = None,
    error_handler: Callable[..., Any] | None = None,
    json_loads: Loads | None = None,
    json_dumps: Dumps | None = None,
) -> None:
    """Accept the connection that a request opens, with these namespaces.

    Call it from the view at the server's resource. It returns at once: the request
    ends, and the server handles the connection from then on. (gevent-socketio blocked
    here until the connection ended.) The call accepts the connection, whatever the view
    answers then; in a :class:`~tgext.socketio.SocketIOController`, an answer that is an
    error or a redirection refuses it nevertheless. If the view does not call it, the
    connection is refused: with the view's own answer if that is an error, with 401 for
    a redirection, else with 400.

    :param environ: the WSGI environment; the socket is its ``socketio``.
    :param namespaces: the namespace classes by name, ``''`` being the main one; or
        functions, which are called like a class and return an instance of one.
    :param request: kept as ``self.request`` of the namespaces.
    :param error_handler: replaces
        :func:`~tgext.socketio.engine.virtsocket.default_error_handler`.
    :param json_loads: replaces the JSON parser; takes a string.
    :param json_dumps: replaces the JSON writer; returns a string.
    :raises KeyError: when the request opens no connection.
    :raises TypeError: when ``json_dumps`` returns no ``str``, as orjson's does.
    """
    environ["socketio"].accept(
        environ, namespaces, request, error_handler, json_loads, json_dumps
    )
