"""gevent-socketio's functions that start a server, also for a Paste file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..hub.settings import OPTIONS
from ..io.listening import place_of
from .server import SocketIOServer

__all__ = ["serve", "serve_paste"]


def serve(
    app: Any,
    *,
    host: str = "127.0.0.1",
    port: int | str = 6543,
    resource: str | Iterable[str] = "socket.io",
    _quiet: bool = False,
    **options: Any,
) -> None:
    """Serve a WSGI application until the server is stopped.

    :param host: an address, ``unix:`` and a path, or ``fd://3``.
    :param options: those of :class:`SocketIOServer`; texts are converted.
    :param _quiet: don't print the address.
    :raises ValueError: when an option is invalid; the message names it.
    :raises TypeError: when there is no such option.
    """
    read = {
        name: OPTIONS[name].read(value) if name in OPTIONS else value
        for name, value in options.items()
    }
    server = SocketIOServer((host, int(port)), app, resource=resource, **read)
    if not _quiet:
        scheme = "https" if server.ssl_enabled else "http"
        print(f"serving on {place_of(host, int(port)).url(scheme)}")
    server.serve_forever()


def serve_paste(app: Any, global_conf: Mapping[str, str], **options: Any) -> int:
    """Serve an application of a Paste file; see :func:`serve`.

    :param global_conf: the ``[DEFAULT]`` section, which is not used.
    :param options: the ``[server:main]`` section.
    """
    serve(app, **options)
    return 0
