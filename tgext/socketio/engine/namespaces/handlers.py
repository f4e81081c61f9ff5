"""What is known of a handler without an event: its name and arguments."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from inspect import Parameter
from typing import Any


class NoSelf(TypeError):
    """A method takes no ``self``."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} takes no self: define it as def {name}(self, ...)")


_POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


class Handler:
    """A method's name and positional arguments.

    :param method: a bound method.
    """

    def __init__(self, method: Callable[..., Any]) -> None:
        self.function = getattr(method, "__func__", method)
        self.name: str = getattr(method, "__name__", "handler")
        try:
            signature = inspect.signature(method)
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

    def fits(self, method: Callable[..., Any], args: Sequence[Any]) -> bool:
        """Whether ``method`` is the one that this is known of, and takes ``args``."""
        return (
            getattr(method, "__func__", method) is self.function
            and self.required <= len(args) <= self.most
            and not self.wants_packet
        )

    def mismatch(self, args: Sequence[Any]) -> str:
        """What is missing or unexpected among ``args``, which do not fit."""
        given = len(args)
        if given < self.required:
            missing = ", ".join(
                f'"{name}"' for name in self.names[given : self.required]
            )
            return f"{self.name} misses {missing}"
        plural = "" if self.most == 1 else "s"
        return f"{self.name} takes {self.most} argument{plural}, {given} were given"
