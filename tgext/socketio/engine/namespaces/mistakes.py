"""Mistakes in a namespace class that can be seen before its first client comes.

Each is a warning, never an error: code for gevent-socketio may have them, in a method
that nobody calls.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from inspect import Parameter
from types import FunctionType
from typing import Any, Final
from weakref import WeakSet

from ...wire.socketio.v5 import CLIENTS_OWN
from ..logs import get_logger
from .events import ALSO_CALLED, method_of

log = get_logger(__name__)

#: The classes that :func:`warn_of_kept` has looked at.
_told_of_kept: WeakSet[type] = WeakSet()

_PACKAGE = __name__.partition(".engine.")[0] + "."

#: What a namespace has that was made without arguments.
NO_ENVIRON: Final[dict[str, Any]] = {}

#: The methods that clients, and their coming and going, call, beside ``on_*``.
_CALLED: Final = frozenset(
    (
        "authorize_connect",
        "initialize",
        "recv_connect",
        "recv_disconnect",
        "recv_error",
        "recv_json",
        "recv_message",
    )
)

#: What to define instead of a handler of an event that only clients themselves have.
_INSTEAD: Final = {
    "on_connect": "recv_connect, which runs when a client connects",
    "on_disconnect": "recv_disconnect, which runs when a client leaves",
}

#: What decides which method an event has: an override may allow other names.
_DECIDE: Final = (
    "call_method_with_acl",
    "get_initial_acl",
    "process_event",
    "process_packet",
)

#: Names that people give to the first argument of a method.
_SELVES: Final = frozenset(("cls", "me", "namespace", "ns", "self", "slf", "this"))

_POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)

#: A check: the mistake of a method, or an empty text.
_Check = Callable[[Any, str, FunctionType], str]


def warn_of_mistakes(cls: type) -> None:
    """Log a warning for each mistake in what a class itself defines.

    Called when the class is made. Classes of this package are not checked.
    """
    if cls.__module__.startswith(_PACKAGE):
        return
    for name, function, mistake in _mistakes(cls):
        code = function.__code__
        where = cls.__qualname__, name, code.co_filename, code.co_firstlineno
        log.warning("%s.%s (%s, line %d) %s", *where, mistake)


def warn_of_kept(cls: type, keeps: frozenset[str], clients: str) -> None:
    """Log a warning for handlers that some clients never call, once for a class.

    :param keeps: the names of events that these clients keep to themselves.
    :param clients: their versions.
    """
    if cls in _told_of_kept:
        return
    _told_of_kept.add(cls)
    names = [each for each in sorted(keeps) if hasattr(cls, f"on_{each}")]
    if names:
        log.warning(
            "%s.%s handles %s: clients %s keep events of this name to themselves, and "
            "do not send them. Give them other names, if such clients come",
            cls.__module__,
            cls.__qualname__,
            ", ".join(names),
            clients,
        )


def made_without_client(cls: type) -> TypeError:
    """The error of ``Chat()``, where an application means the class."""
    name = cls.__name__
    return TypeError(
        f"{name}() makes a namespace without a client: the server makes one for each "
        f"client. Mount the class, {name.lower()} = {name}, without parentheses"
    )


def _mistakes(cls: type) -> Iterator[tuple[str, FunctionType, str]]:
    for name, value in list(vars(cls).items()):
        if name == "__new__" and isinstance(value, staticmethod):
            value = value.__func__
        if not inspect.isfunction(value):
            continue  # static methods, and decorators that are objects
        for check in _CHECKS:
            mistake = check(cls, name, value)
            if mistake:
                yield name, value, mistake
                break


def _is_called(name: str) -> bool:
    return name.startswith("on_") or name in _CALLED


def _init_without_super(cls: Any, name: str, function: FunctionType) -> str:
    if name not in ("__init__", "__new__") or hasattr(function, "__wrapped__"):
        return ""
    if name in function.__code__.co_names or "super" in function.__code__.co_names:
        return ""
    return f"does not call super().{name}: every client will be refused"


def _is_async(cls: Any, name: str, function: FunctionType) -> str:
    asynchronous = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(
        function
    )
    if not asynchronous or not _is_called(name):
        return ""
    return (
        "is async def, and nothing awaits it: it does not run. Use def; with gevent, "
        "what waits needs no await"
    )


def _without_self(cls: Any, name: str, function: FunctionType) -> str:
    # The function of a decorator may have any arguments; it has a name of its own.
    if not _is_called(name) or function.__name__ != name:
        return ""
    if hasattr(function, "__wrapped__"):
        return ""
    parameters = list(inspect.signature(function).parameters.values())
    first = parameters[0] if parameters else None
    if first is None or first.kind is Parameter.KEYWORD_ONLY:
        return f"takes no self: define it as def {name}(self, ...)"
    if first.kind not in _POSITIONAL or first.name.strip("_") in {*_SELVES, ""}:
        return ""
    shown = ", ".join(each.name for each in parameters if each.kind in _POSITIONAL)
    return (
        f"takes no self, and {first.name!r} would be the namespace: define it as "
        f"def {name}(self, {shown})"
    )


def _cannot_be_sent(cls: Any, name: str, function: FunctionType) -> str:
    if not name.startswith("on_") or hasattr(function, ALSO_CALLED):
        return ""
    if any(_overrides(cls, each) for each in _DECIDE):
        return ""
    event = name.removeprefix("on_")
    if event in CLIENTS_OWN:
        instead = _INSTEAD.get(name, "an event of another name")
        return (
            f"is called by no client: clients 1.x to 4.x keep {event!r} to themselves. "
            f"Define {instead}"
        )
    if method_of(event):
        return ""
    return (
        "is called by no client: the names of events begin with a letter from a to z "
        "or A to Z, and have these letters, digits, _ and spaces. Name the event with "
        "@event('...') on the method"
    )


def _overrides(cls: Any, name: str) -> bool:
    method = getattr(cls, name, None)
    return not getattr(method, "__module__", _PACKAGE).startswith(_PACKAGE)


_CHECKS: tuple[_Check, ...] = (
    _init_without_super,
    _is_async,
    _without_self,
    _cannot_be_sent,
)
