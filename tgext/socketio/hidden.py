"""Namespaces and pages of a controller that hide each other, as they have one name.

Python keeps the last of them and says nothing. What a class has only once in the end is
read in its source.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakSet

from .engine.logs import get_logger
from .engine.namespaces.base import BaseNamespace

__all__ = ["warn_of_hidden"]

log = get_logger(__name__)

#: The classes that have been looked at.
_seen: WeakSet[type] = WeakSet()

#: Whether a value is a namespace class.
IsNamespace = Callable[[Any], bool]


def warn_of_hidden(cls: type, is_namespace: IsNamespace) -> None:
    """Log a warning for each attribute of a controller class that is not served."""
    if cls in _seen:
        return
    _seen.add(cls)
    for mistake in _mistakes(cls, is_namespace):
        log.warning("%s.%s: %s", cls.__module__, cls.__qualname__, mistake)


def _mistakes(cls: type, is_namespace: IsNamespace) -> Iterator[str]:
    lines = _lines_of(cls)
    for name in dir(cls):
        value = inspect.getattr_static(cls, name, None)
        if isinstance(value, BaseNamespace):
            kind = type(value).__name__
            yield (
                f"{name} is an instance of {kind}, and no client connects to it. Mount "
                f"the class, {name} = {kind}, without parentheses"
            )
        elif is_namespace(value) or _is_page(value):
            first, *others = lines.get(name, [0])
            if others:
                yield (
                    f"{name} in line {others[-1]} replaces that in line {first}, and "
                    "is served alone. Give one of them another name"
                )
        if is_namespace(value):
            for base in cls.__mro__[1:]:
                if _is_page(vars(base).get(name)):
                    yield (
                        f"the namespace {name} hides the page {name} of "
                        f"{base.__qualname__}. Give one of them another name"
                    )


def _is_page(value: Any) -> bool:
    is_exposed = inspect.isfunction(value) and hasattr(value, "decoration")
    return is_exposed or hasattr(type(value), "_dispatch")


def _lines_of(cls: type) -> dict[str, list[int]]:
    """The lines in which a class sets its attributes, except those of methods alone."""
    try:
        lines, first = inspect.getsourcelines(cls)
        [found] = ast.parse(textwrap.dedent("".join(lines))).body
    except (OSError, TypeError, ValueError, SyntaxError):
        return {}  # it has no source, such as a class made with type()
    set_in: dict[str, list[int]] = {}
    assigned = set()
    for node in found.body if isinstance(found, ast.ClassDef) else []:
        if isinstance(node, ast.FunctionDef):
            names = [node.name]
        elif isinstance(node, ast.ClassDef):
            names = [node.name]
            assigned.update(names)
        elif isinstance(node, ast.Assign):
            names = [each.id for each in node.targets if isinstance(each, ast.Name)]
            assigned.update(names)
        else:
            continue
        for name in names:
            set_in.setdefault(name, []).append(first + node.lineno - 1)
    return {name: lines for name, lines in set_in.items() if name in assigned}
