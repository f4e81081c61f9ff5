"""Values that cannot be written as JSON: which one it is, and where it was."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Final

from ..json import Dumps
from .binary import take_out

#: The packages that raise a TypeError because of a value. What others raise is a fault
#: of an application's code, such as a ``__json__`` method, and is not explained.
_WRITERS: Final = ("json.", "simplejson.", __name__.removesuffix("socketio.unwritable"))

#: How deep a value is looked for.
_DEEPEST: Final = 20


def explain(
    error: TypeError, what: str, args: Sequence[Any], dumps: Dumps
) -> TypeError | None:
    """An error that names the value which cannot be written as JSON.

    :param error: what ``dumps`` has raised.
    :param what: what the values are: ``event 'claimed'``.
    :param args: the arguments.
    :returns: None when the error has another cause.
    """
    names = [f"argument {number}" for number in range(1, len(args) + 1)]
    return explain_named(error, what, names, args, dumps)


def explain_named(
    error: TypeError,
    what: str,
    names: Sequence[str],
    values: Sequence[Any],
    dumps: Dumps,
) -> TypeError | None:
    """As :func:`explain`, of values that have names of their own."""
    module = _raised_in(error.__traceback__)
    if not f"{module}.".startswith(_WRITERS):
        return None
    try:
        # Bytes are for the generations to decide about.
        found = _find(take_out(list(values), []), dumps)
    except TypeError:
        found = None
    if found is None:
        return None
    path, value = found
    number, *inside = path
    where = names[number]
    if inside:
        where += ", at " + "".join(f"[{each!r:.40}]" for each in inside) + ","
    kind = type(value)
    name = kind.__qualname__
    if kind.__module__ != "builtins":
        name = f"{kind.__module__}.{name}"
    return TypeError(
        f"{what}: {where} is of the type {name}, which cannot be written as JSON. "
        f"{_hint(value)}"
    )


def _raised_in(traceback: TracebackType | None) -> str:
    """The name of the module that raised an error."""
    name = ""
    while traceback is not None:
        name = traceback.tb_frame.f_globals.get("__name__", "")
        traceback = traceback.tb_next
    return name


def _find(value: Any, dumps: Dumps) -> tuple[tuple[Any, ...], Any] | None:
    """Where a value that cannot be written is, and the value itself."""
    path: list[Any] = []
    while len(path) < _DEEPEST:
        for key, item in _items(value):
            if not _is_written(item, dumps):
                path.append(key)
                value = item
                break
        else:
            break
    return (tuple(path), value) if path else None


def _items(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, (list, tuple)):
        yield from enumerate(value)


def _is_written(value: Any, dumps: Dumps) -> bool:
    try:
        dumps(value)
    except TypeError:
        return False
    return True


def _hint(value: Any) -> str:
    if isinstance(value, dict):
        return "Its keys have to be texts"
    if inspect.iscoroutine(value):
        return "Nothing awaits it: define the handler with def, not async def"
    return "Send a dict, or give the class a __json__ method"
