"""The options of ``[server:main]`` that are not those of the server itself."""

from __future__ import annotations

from .engine.hub import options as kinds
from .engine.hub.options import Option
from .workers.possible import WORKERS

__all__ = ["APPLICATIONS", "OURS", "PLACE", "WORKERS"]

#: Options of ``[server:main]`` that say where to serve.
PLACE = {
    each.name: each
    for each in (
        Option(
            "host",
            "127.0.0.1",
            kinds.PLACE,
            "",
            "address to listen on; or ``unix:`` and a path, or ``fd://3`` (systemd)",
        ),
        Option("port", 8080, kinds.PORT, "", "port to listen on"),
        Option(
            "socket_mode",
            0o660,
            kinds.MODE,
            "",
            "permissions of the file of ``unix:``",
            shown="0660",
        ),
        Option(
            "socket_owner",
            None,
            kinds.PLACE,
            "",
            "its owner: ``user``, ``user:group`` or ``:group``",
            shown="who runs the server",
        ),
        Option(
            "socketio_resource",
            ("socketio",),
            kinds.RESOURCES,
            "",
            "paths of the ``SocketIOController``, separated by commas",
            shown="socketio",
        ),
    )
}


#: Options of ``[server:main]`` about the applications.
APPLICATIONS = {
    each.name: each
    for each in (
        Option(
            "allow_debug",
            False,
            kinds.FLAG,
            "",
            "whether the server starts with ``debug = true`` in ``[DEFAULT]``; for "
            "development only",
            shown="false",
        ),
        Option(
            "warn_of_blocking_drivers",
            True,
            kinds.FLAG,
            "",
            "whether the log tells, at the start, of database drivers that stop the "
            "whole server while they wait",
            shown="true",
        ),
    )
}

#: Options of ``[server:main]`` that the server itself does not have.
OURS = {**PLACE, WORKERS.name: WORKERS, **APPLICATIONS}
