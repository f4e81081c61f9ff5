"""What an application gives for a namespace: a class, or a function that makes one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from ..namespaces import leaving
from ..namespaces.base import BaseNamespace
from ..namespaces.beginning import beginning_with
from ..namespaces.client import Candidate
from ..namespaces.foreign import adapt, is_foreign
from ..namespaces.mistakes import warn_of_kept
from ..recovery.recoverable import Recoverable

#: Called with the environ, the name of the namespace and ``request=``.
Factory = Callable[..., BaseNamespace]


class Asking(Candidate, Protocol):
    """The candidate that a namespace is made for."""

    namespace: BaseNamespace | None
    recovery: Recoverable | None

    def drop_namespace(self) -> None: ...


def make(
    factory: Factory,
    environ: dict[str, Any],
    endpoint: str,
    request: Any,
    candidate: Asking,
) -> BaseNamespace:
    """Make a namespace that belongs to a candidate from the beginning.

    :raises TypeError: when the factory returns something else, or an instance again, or
        the ``__init__`` of the namespace is incomplete.
    """
    if is_foreign(factory):
        factory = adapt(factory)
    make_it = _make if isinstance(factory, type) else _call
    namespace = make_it(factory, environ, endpoint, request, candidate)
    if not hasattr(namespace, "jobs"):
        name = name_of(type(namespace))
        raise TypeError(f"{name}.__init__ does not call super().__init__")
    generation = environ["socketio"].generation
    if generation.keeps:
        warn_of_kept(type(namespace), generation.keeps, generation.name)
    return namespace


def name_of(factory: Any) -> str:
    """The full name of a class or a function, for messages."""
    if not hasattr(factory, "__qualname__"):
        factory = type(factory)
    return f"{factory.__module__}.{factory.__qualname__}"


def _begin(candidate: Asking, namespace: BaseNamespace) -> None:
    namespace._tgsio_candidate = candidate
    namespace._tgsio_recovery = candidate.recovery
    namespace._tgsio_diverted = True
    candidate.namespace = namespace
    leaving.guard(namespace)


def _make(
    cls: Any, environ: dict[str, Any], endpoint: str, request: Any, candidate: Asking
) -> BaseNamespace:
    namespace: BaseNamespace = cls.__new__(cls, environ, endpoint, request=request)
    if not isinstance(namespace, BaseNamespace):
        name, kind = name_of(cls), name_of(type(namespace))
        raise TypeError(
            f"{name}.__new__ returned a {kind}: it has to return super().__new__(cls)"
        )
    _begin(candidate, namespace)
    namespace.__init__(environ, endpoint, request=request)  # type: ignore[misc]
    return namespace


def _call(
    factory: Factory,
    environ: dict[str, Any],
    endpoint: str,
    request: Any,
    candidate: Asking,
) -> BaseNamespace:
    def call() -> Any:
        begun = beginning_with(environ, partial(_begin, candidate))
        return factory(begun, endpoint, request=request)

    namespace: BaseNamespace = call()
    if is_foreign(type(namespace)):
        adapt(type(namespace))
        namespace = call()  # the first was made by gevent-socketio's __init__
    if not isinstance(namespace, BaseNamespace):
        name, kind = name_of(factory), name_of(type(namespace))
        raise TypeError(f"{name} returned a {kind}, and has to return a BaseNamespace")
    if candidate.namespace is not namespace:
        _check_unused(factory, namespace, environ["socketio"])
        candidate.drop_namespace()
        _begin(candidate, namespace)
    return namespace


def _check_unused(factory: Factory, namespace: BaseNamespace, socket: Any) -> None:
    """Check that an instance has not been used before.

    Otherwise, a client would send its events as another one.

    :param socket: the session that asks for a namespace.
    :raises TypeError: when the instance is that of another client or namespace, or has
        been one.
    """
    others = getattr(namespace, "socket", socket) is not socket
    used = namespace._tgsio_diverted or any(
        each is namespace for each in socket.active_ns.values()
    )
    if others or used:
        name, kind = name_of(factory), name_of(type(namespace))
        raise TypeError(
            f"{name} returned a {kind} that it returned before, and has to make one "
            "for each client and namespace"
        )
