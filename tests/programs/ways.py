"""The ways to run a program: with gevent-socketio, the engine, and in TurboGears."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import tgext.socketio.server  # noqa: F401  before anything that imports tg

from tg import MinimalApplicationConfigurator, TGController  # isort: skip

from tgext.socketio import SocketIOController

SOURCES = Path(__file__).parent / "sources"

#: How a way's name begins: where the program runs.
ORACLE = "gevent-socketio"
ENGINE = "engine"
MOUNT = "mount"

#: How it ends: its clients, as :data:`tests.engine.clients.KINDS` names them.
ORACLES_KIND = "0.9-websocket"
WEBSOCKETS = [ORACLES_KIND, "4-websocket"]
POLLING = ["0.9-xhr-polling", "4-polling"]

#: What is compared with gevent-socketio.
WAYS = [f"{host}, {kind}" for host in (ENGINE, MOUNT) for kind in WEBSOCKETS]
WAYS += [f"{ENGINE}, {kind}" for kind in POLLING]
OLD_WAYS = [each for each in WAYS if ", 0.9" in each]
NEW_WAYS = [each for each in WAYS if each not in OLD_WAYS]

#: The path that its clients use.
RESOURCES = {ORACLE: "socket.io", ENGINE: "socket.io", MOUNT: "socketio"}

#: The name of the module that a program becomes, and of its logger.
PROGRAM = "program"


def for_engine(source: str) -> str:
    """The program with its imports changed as the documentation tells."""
    return re.sub(
        r"^(from|import) socketio\b", r"\1 tgext.socketio.engine", source, flags=re.M
    )


def for_mount(source: str) -> str:
    """The program with namespaces of TurboGears."""
    return for_engine(source).replace(
        "from tgext.socketio.engine.namespace import BaseNamespace",
        "from tgext.socketio import SocketIOTGNamespace as BaseNamespace",
    )


PORTS = {ORACLE: str, ENGINE: for_engine, MOUNT: for_mount}


def load(name: str, host: str) -> ModuleType:
    """A fresh module of the program."""
    path = SOURCES / f"{name}.py"
    module = ModuleType(PROGRAM)
    code = compile(PORTS[host](path.read_text()), str(path), "exec")
    exec(code, module.__dict__)
    return module


def application(program: ModuleType, host: str) -> Any:
    """The WSGI application of a program."""
    if host == MOUNT:
        return mounted(program.namespaces)
    return program.application


def mounted(namespaces: Mapping[str, Any]) -> Any:
    """An application of TurboGears with these namespaces at ``/socketio``."""
    attributes = {
        name.lstrip("/") or "global_namespace": each
        for name, each in namespaces.items()
    }
    controller = type("SocketIO", (SocketIOController,), attributes)

    class RootController(TGController):
        socketio = controller()

    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": RootController()})
    return configurator.make_wsgi_app({}, {})
