"""Namespaces that subclass gevent-socketio's own ``BaseNamespace``.

An application may keep them (``from socketio.namespace import BaseNamespace``) with
gevent-socketio installed beside this package. Its methods expect its own server, and
call ``inspect.getargspec``, gone in Python 3.11: they are replaced by those of the same
names here, while all that the application defines stays.
"""

from __future__ import annotations

from typing import Any, cast
from weakref import WeakKeyDictionary

from .handlers import Handler
from .mixins import BroadcastMixin, RoomsMixin
from .namespace import BaseNamespace

#: The package of gevent-socketio. python-socketio has it too, but no such class there.
_PACKAGE = "socketio"
_BASE = f"{_PACKAGE}.namespace"

#: By the class of gevent-socketio that has them, what takes the place of its methods.
_REPLACEMENTS = {
    _BASE: BaseNamespace,
    f"{_PACKAGE}.mixins.RoomsMixin": RoomsMixin,
    f"{_PACKAGE}.mixins.BroadcastMixin": BroadcastMixin,
}


def is_foreign(value: Any) -> bool:
    """Whether ``value`` is a namespace class of gevent-socketio."""
    return isinstance(value, type) and any(map(_is_base, value.__mro__))


def _is_base(cls: type) -> bool:
    return cls.__module__ == _BASE and cls.__name__ == "BaseNamespace"


_adapted: WeakKeyDictionary[type, type[BaseNamespace]] = WeakKeyDictionary()


def adapt(cls: type) -> type[BaseNamespace]:
    """A subclass of a namespace class of gevent-socketio that runs on this engine."""
    adapted = _adapted.get(cls)
    if adapted is None:
        adapted = _adapted[cls] = _adapt(cls)
    return adapted


def _adapt(cls: type) -> type[BaseNamespace]:
    members: dict[str, Any] = {}
    for each in reversed(cls.__mro__):
        replacement = _replacement(each)
        if replacement is not None:
            members.update(_methods(replacement))
        elif each is not object:
            # What the application defines comes before what it derives from.
            for name in vars(each):
                members.pop(name, None)

    def __init__(
        self: Any, environ: dict[str, Any], ns_name: str, request: Any = None
    ) -> None:
        self.auth = self.disconnect_reason = None
        self._told_disconnect = self._disconnecting = False
        cls.__init__(self, environ, ns_name, request=request)  # type: ignore[misc]

    members.update(
        __init__=__init__,
        __module__=cls.__module__,
        _handlers={},
        _handler_class=Handler,
    )
    return cast("type[BaseNamespace]", type(cls.__name__, (cls,), members))


def _replacement(cls: type) -> type | None:
    if _is_base(cls):
        return BaseNamespace
    return _REPLACEMENTS.get(f"{cls.__module__}.{cls.__name__}")


def _methods(cls: type) -> dict[str, Any]:
    return {name: each for name, each in vars(cls).items() if not name.startswith("__")}
