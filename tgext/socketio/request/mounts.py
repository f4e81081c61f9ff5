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
    for path, value in _attributes(config):
        if not isinstance(value, type) and hasattr(value, MARK):
            yield path, value


def mounted_classes(config: Mapping[str, Any]) -> Iterator[tuple[str, type]]:
    """The classes of such controllers that an application has, by mistake, in the place
    of an instance.
    """
    for path, value in _attributes(config):
        if isinstance(value, type) and hasattr(value, MARK):
            yield path, value


def _attributes(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The controllers of an application and of those below, and classes of these."""
    root = _root(config)
    seen = {id(root)}
    waiting = deque([("", root)])
    while waiting:
        path, controller = waiting.popleft()
        for name in dir(controller):
            value = inspect.getattr_static(controller, name, None)
            if id(value) in seen or name.startswith("_"):
                continue
            below = f"{path}/{name}".lstrip("/")
            if isinstance(value, type):
                yield below, value
            elif hasattr(type(value), "_dispatch"):
                seen.add(id(value))
                waiting.append((below, value))
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
