"""``plug(base_config, 'tgext.socketio')``: mounts a controller, and checks options."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from typing import Any, Final
from weakref import ref

from tg import hooks

from .configuration import ConfigurationError, check_configuration
from .controller import MAIN, SocketIOController
from .engine.hub.checks import shown, unknown
from .options import import_named

__all__ = ["plugme"]

#: The options, but for those of tgext.pluggable, which begin with ``plug_``.
OPTIONS: Final = ("appid", "controller", "namespaces")

#: Checks the configurations of all applications when the server starts.
_SERVER: Final = "tgext.socketio.server"


def plugme(
    configurator: Any, options: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """Mount a controller in an application, and check the application's configuration.

    ::

        plug(base_config, "tgext.socketio", namespaces={"chat": "myapp.lib.chat:Chat"})

    Names are imported when the application is made.

    :param configurator: the ``base_config`` of the application.
    :param options: ``appid``: where it is mounted (default ``socketio``; ``live.io`` is
        ``/live/io``). ``socketio_resource`` of the server has to name the same path.
        ``controller``: a :class:`SocketIOController` or its dotted name.
        ``namespaces``: classes or their dotted names, by the names of the namespaces.
    :raises ConfigurationError: when an option is unknown or missing.
    """
    given = dict(options or {})
    for name in given:
        if name not in OPTIONS and not name.startswith("plug_"):
            raise ConfigurationError(f"plug: {unknown(name, OPTIONS)}")
    namespaces = given.get("namespaces") or {}
    if not isinstance(namespaces, Mapping):
        text = "namespaces: give a dict: their classes, by their names"
        raise ConfigurationError(f"plug: {text}")
    if not given.get("controller") and not namespaces:
        raise ConfigurationError(
            "plug: name the namespaces, as in plug(base_config, 'tgext.socketio', "
            "namespaces={'chat': 'myapp.lib.chat:Chat'}), or the controller"
        )
    appid = given.get("appid") or "socketio"
    # That of an `AppConfig` is in it.
    plugged = ref(getattr(configurator, "_configurator", configurator))
    mount = partial(_mount, plugged, appid, given.get("controller"), namespaces)
    hooks.register("configure_new_app", mount)
    return {"appid": appid}


def _mount(
    plugged: ref[Any],
    appid: str,
    controller: Any,
    namespaces: Mapping[str, Any],
    app: Any,
) -> None:
    """Mount the controller in a new application, if it is of the configurator."""
    if app.config["tg.configurator"]() is not plugged():
        return
    if _SERVER not in sys.modules:
        check_configuration(app.config)
    above, name = _place(app, appid)
    there = getattr(above, name, None)
    if there is None:
        setattr(above, name, _make(appid, controller, namespaces))
    elif not hasattr(there, "_tgsio_plugged"):
        text = f"plug: there is something at {appid} already: {shown(there)}"
        raise ConfigurationError(f"{text}; choose another appid")


def _place(app: Any, appid: str) -> tuple[Any, str]:
    """The controller that the path of an ``appid`` is in, and the last name of it."""
    *path, name = appid.split(".")
    above = app.controller_instances.get("root") or app.find_controller("root")
    for each in path:
        above = getattr(above, each, None)
        if above is None:
            raise ConfigurationError(f"plug: appid {appid}: there is no {each}")
    return above, name


def _make(appid: str, controller: Any, namespaces: Mapping[str, Any]) -> Any:
    try:
        cls = import_named("plug: controller", controller or SocketIOController)
        found = {
            _attribute(name): import_named("plug: namespaces", each)
            for name, each in namespaces.items()
        }
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    if not (isinstance(cls, type) and issubclass(cls, SocketIOController)):
        raise ConfigurationError(
            f"plug: controller: {shown(cls)} is not a subclass of SocketIOController"
        )
    made = type(f"Plugged_{appid.replace('.', '_')}", (cls,), found)()
    made._tgsio_plugged = True
    for name in found:
        if ("" if name == MAIN else f"/{name}") not in made._tgsio_namespaces:
            text = f"{shown(found[name])} is not a namespace class"
            raise ConfigurationError(f"plug: namespaces: {text}")
    return made


def _attribute(name: str) -> str:
    """The attribute that a namespace is mounted as: ``chat`` for ``/chat``."""
    return name.strip("/") or MAIN
