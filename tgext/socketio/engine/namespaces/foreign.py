"""Namespaces that use gevent-socketio's own classes.

An application may still use them (``from socketio.namespace import BaseNamespace``),
with both packages installed. Their methods expect gevent-socketio's server, and call
``inspect.getargspec``, which Python 3.11 removed. So the classes of the application are
changed: the class of this package comes right before the one of gevent-socketio in
their MRO, and the application calls and overrides its methods, also with ``super()``.
A method that the application calls by the name of gevent-socketio's class
(``RoomsMixin.join(self, room)``) is that of this package, too.

No copies of the classes are made: ``self.__class__``, ``type(self)`` and the registries
of metaclasses are about the application's own classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, lru_cache, wraps
from inspect import isfunction
from typing import Any

from .base import BaseNamespace
from .events import CATCH_ALL, events_of, is_catch_all
from .handlers import Handlers
from .mistakes import warn_of_mistakes
from .mixins import BroadcastMixin, RoomsMixin
from .names import give_way

#: The package of gevent-socketio.
_PACKAGE = "socketio"

#: The replacements of gevent-socketio's classes, by their names.
_REPLACEMENTS: dict[str, type] = {
    f"{_PACKAGE}.namespace.BaseNamespace": BaseNamespace,
    f"{_PACKAGE}.mixins.RoomsMixin": RoomsMixin,
    f"{_PACKAGE}.mixins.BroadcastMixin": BroadcastMixin,
}


def is_foreign(value: Any) -> bool:
    """Whether ``value`` is a namespace class with base classes of gevent-socketio.

    A class that was adapted is not.
    """
    return isinstance(value, type) and _has_foreign_bases(value)


@lru_cache(maxsize=256)  # called at each connection
def _has_foreign_bases(cls: type) -> bool:
    mro = cls.__mro__
    return BaseNamespace in map(_counterpart, mro) and any(
        _replacement(each) is not None and _in_place_of(each) not in mro for each in mro
    )


def _replacement(cls: type) -> type | None:
    return _REPLACEMENTS.get(f"{cls.__module__}.{cls.__name__}")


def _counterpart(cls: type) -> type:
    return _replacement(cls) or cls


def adapt(cls: Any) -> type[BaseNamespace]:
    """Let a class with bases of gevent-socketio run here.

    :returns: the class, with other bases; if it is gevent-socketio's own, a subclass.
    :raises TypeError: when its bases cannot be changed.
    """
    if _replacement(cls) is None:
        for each in cls.__mro__[::-1]:
            _change_bases(each)
        _has_foreign_bases.cache_clear()
    adapted: type[BaseNamespace] = _adapted_base(cls)
    return adapted


def _change_bases(cls: Any) -> None:
    bases: tuple[type, ...] = cls.__bases__
    if _Passed not in bases and any(map(_replacement, bases)):
        cls.__bases__ = tuple(map(_adapted_base, bases))
        for changed in _with_subclasses(cls):
            _prepare(changed)


def _adapted_base(cls: type) -> Any:
    if _replacement(cls) is None:
        return cls
    _redirect(cls)
    return _in_place_of(cls)


def _with_subclasses(cls: Any) -> Iterator[type]:
    yield cls
    for each in cls.__subclasses__():
        yield from _with_subclasses(each)


def _prepare(cls: Any) -> None:
    """Give a class what :meth:`.BaseNamespace.__init_subclass__` would have."""
    if issubclass(cls, BaseNamespace):
        cls._tgsio_handlers = Handlers(cls._tgsio_handler_class)
        cls._tgsio_events = events_of(cls)
        cls._tgsio_catches = is_catch_all(getattr(cls, CATCH_ALL, None))
        give_way(cls)
        warn_of_mistakes(cls)


class _Passed:
    """Marks the classes whose ``__init__`` passes that of gevent-socketio."""


@cache
def _in_place_of(theirs: Any) -> Any:
    """A class that comes before one of gevent-socketio in each MRO."""

    class Passed(theirs, _Passed):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            # Ours has set the attributes that theirs would set.
            super(theirs, self).__init__(*args, **kwargs)

    return type(theirs.__name__, (_counterpart(theirs), Passed), {})


@cache  # once
def _redirect(theirs: Any) -> None:
    """Make the methods of one of gevent-socketio's classes call ours, for our objects.

    Its own objects, which gevent-socketio's server makes, are not concerned.
    """
    ours = _counterpart(theirs)
    for name, function in list(vars(theirs).items()):
        if isfunction(function) and hasattr(ours, name):
            setattr(theirs, name, _redirected(function, ours, name))


def _redirected(
    function: Callable[..., Any], ours: type, name: str
) -> Callable[..., Any]:
    @wraps(function)
    def redirected(self: Any, *args: Any, **kwargs: Any) -> Any:
        method = getattr(ours, name) if isinstance(self, ours) else function
        return method(self, *args, **kwargs)

    return redirected
