"""Where the controllers of Socket.IO connections are mounted in an application."""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tg.wsgiapp import TGApp

#: An attribute of all controllers that Socket.IO connections go through.
MARK: Final = "_tgsio_application"


def mounted(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The controllers of an application, each with its path.

    Those that ``_lookup`` methods make for a request are not found.

    :param config: the application's configuration.
    """
    root = _root(config)
    seen = {id(root)}
    waiting = deque([("", root)])
    while waiting:
        path, controller = waiting.popleft()
        for name in dir(controller):
            value = inspect.getattr_static(controller, name, None)
            known = id(value) in seen or name.startswith("_")
            if known or not hasattr(type(value), "_dispatch"):
                continue
            seen.add(id(value))
            below = f"{path}/{name}".lstrip("/")
            waiting.append((below, value))
            if hasattr(value, MARK):
                yield below, value


def _root(config: Mapping[str, Any]) -> Any:
    """The root controller of an application, or its class; None when it is unknown."""
    root = config.get("tg.root_controller")
    if root is None:
        try:
            root = TGApp.lookup_controller(config, "root")
        except Exception:  # the application's module may fail in any way
            return None
    return root
