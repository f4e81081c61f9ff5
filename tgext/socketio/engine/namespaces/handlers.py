"""The methods that handle events: their arguments, and what is told of wrong ones."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from inspect import Parameter
from types import MethodType
from typing import Any, Final

from .events import is_catch_all

#: What gevent-socketio tells a client of a method without ``self``.
NO_SELF = (
    "The server-side method is invalid, as it doesn't have 'self' as its first argument"
)

#: The attribute of methods and of classes that has their rate limits.
LIMITS: Final = "_tgsio_limits"

#: The most handlers of a class that are cached: a class with ``__getattr__`` may have a
#: handler for any name that a client sends.
_MOST = 1000


class NoSelf(TypeError):
    """A method does not take ``self``."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} takes no self: define it as def {name}(self, ...)")


_POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


def signature_of(method: Callable[..., Any]) -> inspect.Signature:
    """The signature of a bound method as it is called.

    A decorator with ``functools.wraps`` may add or drop arguments, so its own signature
    counts, as in gevent-socketio. ``inspect`` would show that of the decorated method.

    :raises ValueError: when it has none, or takes no ``self``.
    """
    try:
        return inspect.signature(method, follow_wrapped=False)
    except ValueError:
        pass
    function = getattr(method, "__func__", method)
    call = getattr(type(function), "__call__", None)  # noqa: B004
    if inspect.isfunction(call):
        # A decorator that is an object: `inspect` takes it for one of C.
        own: Any = MethodType(call, function)
        if function is not method:
            own = MethodType(own, method.__self__)  # type: ignore[attr-defined]
        return inspect.signature(own, follow_wrapped=False)
    # Those written in C, such as `functools.lru_cache`, have none of their own.
    return inspect.signature(method)


class Handler:
    """A method's name and positional arguments.

    :param method: a bound method.
    """

    def __init__(self, method: Callable[..., Any]) -> None:
        self.function = getattr(method, "__func__", method)
        self.name: str = getattr(method, "__name__", "handler")
        try:
            signature = signature_of(method)
        except ValueError:
            raise NoSelf(self.name) from None
        parameters = list(signature.parameters.values())
        positional = [each for each in parameters if each.kind in _POSITIONAL]
        #: Names of the positional arguments, without ``self``.
        self.names = [each.name for each in positional]
        self.required = sum(each.default is Parameter.empty for each in positional)
        #: Whether it takes any number of arguments.
        self.varargs = any(each.kind is Parameter.VAR_POSITIONAL for each in parameters)
        #: How many arguments it takes at most.
        self.most = sys.maxsize if self.varargs else len(positional)
        self.wants_packet = self.names == ["packet"]
        #: Whether nothing but its arguments decides about a call.
        limited = bool(getattr(method, LIMITS, ()))
        self._direct = not (self.wants_packet or limited or is_catch_all(method))

    def fits(self, method: Callable[..., Any], args: Sequence[Any]) -> bool:
        """Whether ``method`` is the one described here, and may be called with ``args``
        and without further steps.
        """
        return (
            getattr(method, "__func__", method) is self.function
            and self.required <= len(args) <= self.most
            and self._direct
        )

    def mismatch(self, args: Sequence[Any]) -> str:
        """The message for ``args`` that do not fit: what is missing, or too much."""
        given = len(args)
        if given < self.required:
            missing = ", ".join(
                f'"{name}"' for name in self.names[given : self.required]
            )
            return f"{self.name} misses {missing}"
        plural = "" if self.most == 1 else "s"
        return f"{self.name} takes {self.most} argument{plural}, {given} were given"


class Handlers(dict[str, Handler]):
    """The handlers of one namespace class by method name.

    :param make: the class of the handlers.
    """

    def __init__(self, make: type[Handler]) -> None:
        super().__init__()
        self._make = make

    def of(self, method_name: str, method: Callable[..., Any]) -> Handler:
        """The handler of a bound method.

        :raises NoSelf: when the method takes no ``self``.
        """
        handler = self.get(method_name)
        function = getattr(method, "__func__", method)
        if handler is None or handler.function is not function:
            if len(self) >= _MOST:
                self.clear()
            handler = self[method_name] = self._make(method)
        return handler
