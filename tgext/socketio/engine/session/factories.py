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

#: Called with the environ, the name of the namespace and ``request=``.
Factory = Callable[..., BaseNamespace]


class Asking(Candidate, Protocol):
    """The candidate that a namespace is made for."""

    namespace: BaseNamespace | None

    def drop_namespace(self) -> None: ...


def make(
    factory: Factory,
    environ: dict[str, Any],
    endpoint: str,
    request: Any,
    candidate: Asking,
) -> BaseNamespace:
    """Make a namespace that belongs to a candidate from the beginning.

    :raises TypeError: when the factory returns something else, or the ``__init__`` of
        the namespace is incomplete.
    """
    if is_foreign(factory):
        factory = adapt(factory)
    make_it = _make if isinstance(factory, type) else _call
    namespace = make_it(factory, environ, endpoint, request, candidate)
    if not hasattr(namespace, "jobs"):
        name = name_of(type(namespace))
        raise TypeError(f"{name}.__init__ does not call super().__init__")
    return namespace


def name_of(factory: Any) -> str:
    """The full name of a class or a function, for messages."""
    if not hasattr(factory, "__qualname__"):
        factory = type(factory)
    return f"{factory.__module__}.{factory.__qualname__}"


def _begin(candidate: Asking, namespace: BaseNamespace) -> None:
    namespace._tgsio_candidate = candidate
    namespace._tgsio_diverted = True
    candidate.namespace = namespace
    leaving.guard(namespace)


def _make(
    cls: Any, environ: dict[str, Any], endpoint: str, request: Any, candidate: Asking
) -> BaseNamespace:
    namespace: BaseNamespace = cls.__new__(cls, environ, endpoint, request=request)
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
        candidate.drop_namespace()
        _begin(candidate, namespace)
    return namespace
