"""The options of ``[server:main]`` that are not those of the server itself."""

from __future__ import annotations

from typing import Any

from paste.deploy.converters import asbool

from .engine.hub import settings
from .engine.hub.checks import shown
from .engine.hub.settings import Kind, Option
from .workers.possible import WORKERS

__all__ = ["APPLICATIONS", "OURS", "PLACE", "WORKERS"]

#: Options of ``[server:main]`` that say where to serve.
PLACE = {
    each.name: each
    for each in (
        Option(
            "host",
            "127.0.0.1",
            settings.PLACE,
            "",
            "address to listen on; or ``unix:`` and a path, or ``fd://3`` (systemd)",
        ),
        Option("port", 8080, settings.PORT, "", "port to listen on"),
        Option(
            "socket_mode",
            0o660,
            settings.MODE,
            "",
            "permissions of the file of ``unix:``",
            shown="0660",
        ),
        Option(
            "socket_owner",
            None,
            settings.PLACE,
            "",
            "its owner: ``user``, ``user:group`` or ``:group``",
            shown="who runs the server",
        ),
        Option(
            "socketio_resource",
            ("socketio",),
            settings.RESOURCES,
            "",
            "paths of the ``SocketIOController``, separated by commas",
            shown="socketio",
        ),
    )
}


def _check_flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name}: {shown(value)} is not true or false")
    return value


FLAG = Kind(asbool, "true or false", _check_flag)

#: Options of ``[server:main]`` about the applications.
APPLICATIONS = {
    each.name: each
    for each in (
        Option(
            "allow_debug",
            False,
            FLAG,
            "",
            "whether the server starts with ``debug = true`` in ``[DEFAULT]``; for "
            "development only",
            shown="false",
        ),
        Option(
            "warn_of_blocking_drivers",
            True,
            FLAG,
            "",
            "whether the log tells, at the start, of database drivers that stop the "
            "whole server while they wait",
            shown="true",
        ),
    )
}

#: Options of ``[server:main]`` that the server itself does not have.
OURS = {**PLACE, WORKERS.name: WORKERS, **APPLICATIONS}
