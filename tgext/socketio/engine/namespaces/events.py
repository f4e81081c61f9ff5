"""Names of events, and the methods that handle them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from inspect import CO_VARARGS, getattr_static, unwrap
from types import CodeType
from typing import Any, Final, Protocol, TypeVar

from ...wire.socketio.packet import Packet
from ..hub.counts import OTHER

Method = TypeVar("Method")

#: Applications that override ``process_event`` call its ``match``, so it has anchors.
allowed_event_name_regex = re.compile(r"^[A-Za-z][A-Za-z0-9_ ]*\Z")

#: The most characters of an event's name for which :data:`cached_method_of` is used.
SHORT = 100

#: The attribute of a method that has the names given to :func:`event`.
ALSO_CALLED: Final = "_tgsio_events"


def method_of(name: str) -> str:
    """The name of an event's method, ``on_<name>``; empty when no method has it."""
    if allowed_event_name_regex.match(name) is None:
        return ""
    return "on_" + name.replace(" ", "_")


#: The method of all events that have no other; see :func:`is_catch_all`.
CATCH_ALL: Final = "on_any"

cached_method_of = lru_cache(maxsize=1024)(method_of)


def event(*names: str) -> Callable[[Method], Method]:
    """Let a method of a namespace handle events with these names, whatever they are.

    ::

        @event("chat:message")
        def on_chat_message(self, text): ...

    Without it, a method handles the event that its name says, and names of events have
    letters, digits, ``_`` and spaces. It can be combined with other decorators, in any
    order. ACLs have the name of the method.

    :raises TypeError: when no name is given, or a name is not a ``str``.
    """
    if not names or not all(isinstance(each, str) for each in names):
        raise TypeError("event takes the names of events, as in @event('chat:message')")

    def decorate(method: Method) -> Method:
        function = _function_of(method)
        setattr(function, ALSO_CALLED, (*getattr(function, ALSO_CALLED, ()), *names))
        return method

    return decorate


def is_catch_all(method: Any) -> bool:
    """Whether a method is called for all events that have no method of their own.

    It is ``on_any(self, event, *args)``, with this name of the first argument. With
    other arguments, ``on_any`` handles the event ``any``, as in gevent-socketio.
    """
    function = getattr(method, "__func__", method)
    if getattr(function, "__name__", "") != CATCH_ALL:
        return False
    code = getattr(unwrap(function), "__code__", None)
    if not isinstance(code, CodeType) or not code.co_flags & CO_VARARGS:
        return False
    return code.co_varnames[1 : code.co_argcount] == ("event",)


def events_of(cls: type) -> dict[str, str]:
    """The names of the methods of a class by the names given to :func:`event`.

    A subclass may override a method without the decorator.

    :raises TypeError: when two methods of one class would handle the same event.
    """
    found: dict[str, str] = {}
    for each in reversed(cls.__mro__):
        own = _own_events(each)
        for name, method_name in own.items():
            usual = method_of(name)
            if method_name != usual and hasattr(cls, usual):
                raise _twice(name, cls, method_name, usual)
        found.update(own)
    return found


def _function_of(method: Any) -> Any:
    static = isinstance(method, (staticmethod, classmethod))
    return method.__func__ if static else method


def _own_events(cls: type) -> dict[str, str]:
    own: dict[str, str] = {}
    for method_name, value in vars(cls).items():
        names: Any = getattr_static(_function_of(value), ALSO_CALLED, ())
        for name in names if type(names) is tuple else ():
            if own.setdefault(name, method_name) != method_name:
                raise _twice(name, cls, own[name], method_name)
    return own


def _twice(name: str, cls: type, one: str, other: str) -> TypeError:
    return TypeError(
        f"two methods of {cls.__qualname__} handle the event {name!r}: "
        f"{one} and {other}"
    )


class Handling(Protocol):
    """A namespace that handles events."""

    def _tgsio_method_of(self, name: str, usual: str) -> str: ...


def label_of(namespace: Handling, packet: Packet) -> str:
    """The name by which an event is counted: that of its method in the class.

    Clients choose the names of events. Those without a method are :data:`OTHER`.
    """
    if packet["type"] != "event":
        return str(packet["type"])
    name = packet.get("name")
    if name and len(name) <= SHORT:
        method = namespace._tgsio_method_of(name, method_of(name))
        if method and hasattr(type(namespace), method):
            return method.removeprefix("on_")
    return OTHER
