"""Namespaces that use gevent-socketio's own classes.

An application may still use them (``from socketio.namespace import BaseNamespace``),
with both packages installed. Their methods expect gevent-socketio's server, and call
``inspect.getargspec``, which Python 3.11 removed. A class that uses them is therefore
adapted: a subclass of it is made. In the MRO of the subclass, the class of this package
comes right before the one of gevent-socketio, so that the application calls and
overrides the class of this package, also with ``super()``.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from .base import BaseNamespace
from .mixins import BroadcastMixin, RoomsMixin

#: The package of gevent-socketio.
_PACKAGE = "socketio"

#: The replacements of gevent-socketio's classes, by their names.
_REPLACEMENTS: dict[str, type] = {
    f"{_PACKAGE}.namespace.BaseNamespace": BaseNamespace,
    f"{_PACKAGE}.mixins.RoomsMixin": RoomsMixin,
    f"{_PACKAGE}.mixins.BroadcastMixin": BroadcastMixin,
}

#: The attribute in which a class keeps the class that was adapted from it.
_ADAPTED = "_tgext_socketio_adapted"


def is_foreign(value: Any) -> bool:
    """Whether ``value`` is a namespace class with base classes of gevent-socketio.

    A class that :func:`adapt` returned is not.
    """
    return isinstance(value, type) and _has_foreign_bases(value)


@lru_cache(maxsize=256)  # called at each connection
def _has_foreign_bases(cls: type) -> bool:
    return (
        any(map(_is_foreign_base, cls.__mro__))
        and not issubclass(cls, _Adapted)
        and BaseNamespace in map(_counterpart, cls.__mro__)
    )


def _is_foreign_base(cls: type) -> bool:
    return _replacement(cls) is not None


def _replacement(cls: type) -> type | None:
    return _REPLACEMENTS.get(f"{cls.__module__}.{cls.__name__}")


def _counterpart(cls: type) -> type:
    return _replacement(cls) or cls


class _Adapted:
    """Marks the classes that :func:`adapt` makes.

    Has the attributes that gevent-socketio's ``BaseNamespace.__init__`` does not set,
    since an application may call that one by name.
    """

    auth: Any = None
    disconnect_reason: str | None = None


def adapt(cls: type) -> type[BaseNamespace]:
    """Make a subclass that runs here, for a class with bases of gevent-socketio.

    :returns: the same class each time.
    """
    adapted: type[BaseNamespace] | None = vars(cls).get(_ADAPTED)
    if adapted is None:
        bases = [_in_place_of(each) for each in cls.__mro__ if _is_foreign_base(each)]
        members = {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
        adapted = type(cls.__name__, (cls, *bases, _Adapted), members)
        setattr(cls, _ADAPTED, adapted)
    return adapted


@cache
def _in_place_of(theirs: Any) -> type:
    """A class that comes before one of gevent-socketio in each MRO."""

    class Passed(theirs):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            # Ours has set the attributes that theirs would set.
            super(theirs, self).__init__(*args, **kwargs)

    return type(theirs.__name__, (_counterpart(theirs), Passed), {})
