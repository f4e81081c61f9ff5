"""What an application serves: its controllers, namespaces, events, guards, channels."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MethodType
from typing import Any, Final

from tg import require

from ..engine.namespaces.events import events_of
from ..engine.namespaces.handlers import LIMITS, signature_of
from ..request.mounts import mounted

__all__ = ["Call", "Controller", "Namespace", "describe"]

#: What the names of the methods begin with: for events, and for channels.
EVENT: Final = "on_"
CHANNEL: Final = "subscribe_"

#: Class attributes that change what a namespace does, with the values that change
#: nothing.
FEATURES: Final[Mapping[str, Any]] = {
    "recovery": False,
    "history": 0,
    "rewind": 0,
    "pubblication_channel": False,
    "pubblication_position": False,
}

#: Characters of a text that is shown of an object of the application.
_LONGEST: Final = 200


@dataclass(frozen=True)
class Call:
    """An event that clients may send, or a channel that they may subscribe to.

    :ivar arguments: those of the method, as in Python.
    :ivar validators: of ``@validate``, by the names of arguments; one that checks all
        of them has the name ``*``.
    :ivar guards: the predicates of ``@require``, and the limits of ``@rate_limit``.
    :ivar about: the first line of its docstring.
    """

    name: str
    method: str
    arguments: str
    validators: Mapping[str, str] = field(default_factory=dict)
    guards: tuple[str, ...] = ()
    about: str = ""


@dataclass(frozen=True)
class Namespace:
    """A namespace.

    :ivar guards: its ``allow_only``, and the limits of ``@rate_limit``.
    :ivar features: of :data:`FEATURES`, those that are set.
    """

    name: str
    of: str
    guards: tuple[str, ...]
    features: Mapping[str, Any]
    events: tuple[Call, ...]
    channels: tuple[Call, ...]
    about: str = ""


@dataclass(frozen=True)
class Controller:
    """A controller that clients connect to.

    :ivar path: below that of the application.
    :ivar guards: its ``allow_only``.
    """

    path: str
    of: str
    guards: tuple[str, ...]
    namespaces: tuple[Namespace, ...]


def describe(config: Mapping[str, Any]) -> list[Controller]:
    """What clients can reach in an application, sorted by path and name.

    Controllers that ``_lookup`` methods make for a request are not found.

    :param config: the application's configuration.
    """
    found = [_controller(f"/{path}", each) for path, each in mounted(config)]
    return sorted(found, key=lambda each: each.path)


def _controller(path: str, controller: Any) -> Controller:
    namespaces = controller._tgsio_namespaces
    return Controller(
        path,
        _name_of(type(controller)),
        tuple(_guards(getattr(controller, "allow_only", None))),
        tuple(_namespace(name or "/", namespaces[name]) for name in sorted(namespaces)),
    )


def _namespace(name: str, cls: type) -> Namespace:
    given = {each: getattr(cls, each, off) for each, off in FEATURES.items()}
    features = {key: value for key, value in given.items() if value != FEATURES[key]}
    guards = [*_guards(getattr(cls, "allow_only", None)), *_limits(cls)]
    return Namespace(
        name,
        _name_of(cls),
        tuple(guards),
        features,
        tuple(sorted(_events(cls), key=lambda each: each.name)),
        tuple(_calls(cls, CHANNEL)),
        _about(cls),
    )


def _events(cls: type) -> Iterator[Call]:
    yield from _calls(cls, EVENT)
    for name, method in events_of(cls).items():
        yield _call(cls, name, method)


def _calls(cls: type, prefix: str) -> Iterator[Call]:
    for each in sorted(dir(cls)):
        if each.startswith(prefix) and callable(getattr(cls, each, None)):
            yield _call(cls, each.removeprefix(prefix), each)


def _call(cls: type, name: str, method_name: str) -> Call:
    method: Any = getattr(cls, method_name)
    decoration = getattr(method, "decoration", None)
    requirements = getattr(decoration, "requirements", ())
    return Call(
        name,
        method_name,
        _arguments(cls, method),
        _validators(getattr(decoration, "validations", ())),
        (
            *(guard for each in requirements for guard in _guards(each)),
            *_limits(method),
        ),
        _about(method),
    )


def _arguments(cls: type, method: Callable[..., Any]) -> str:
    """Without ``self``; a question mark when they cannot be told."""
    bound: Any = MethodType(method, cls) if inspect.isfunction(method) else method
    try:
        signature = signature_of(bound)
    except (TypeError, ValueError):
        return "?"
    bare = [
        each.replace(annotation=inspect.Parameter.empty)
        for each in signature.parameters.values()
    ]
    return " ".join(str(inspect.Signature(bare)).split())[1:-1]


def _validators(validations: Iterable[Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in validations:
        validators = each.validators
        if isinstance(validators, Mapping):
            found |= {str(name): _text(one) for name, one in validators.items()}
        elif validators is not None:
            found["*"] = _text(validators)
    return found


def _guards(predicate: Any) -> Iterator[str]:
    """A predicate, or that of a ``require``, as a text."""
    # Predicates such as `Not` have an attribute `predicate` too: check the type.
    if isinstance(predicate, require):
        predicate = predicate.predicate
    if predicate is not None:
        yield _predicate(predicate)


def _predicate(predicate: Any) -> str:
    parts = getattr(predicate, "predicates", None)
    if isinstance(parts, (list, tuple)):
        inside = ", ".join(map(_predicate, parts))
        return f"{type(predicate).__name__}({inside})"
    return _text(predicate)


def _limits(target: Any) -> Iterator[str]:
    for each in getattr(target, LIMITS, ()):
        by = ", by='user'" if each.by_user else ""
        yield f"rate_limit({each.text!r}{by})"


def _text(value: object) -> str:
    """An object of the application on one short line."""
    try:
        text = value.__qualname__ if isinstance(value, type) else repr(value)
    except Exception:
        text = f"<{type(value).__qualname__}>"
    text = re.sub(r" at 0x[0-9a-fA-F]+", "", text)
    text = re.sub(r"\btg\.(predicates|validation)\.", "", " ".join(text.split()))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _name_of(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


def _about(target: object) -> str:
    """The first line of a docstring of the object's own."""
    return (getattr(target, "__doc__", None) or "").strip().partition("\n")[0]
