"""JSON: ``orjson`` where it is installed, else the standard library.

``orjson`` comes with the extra ``tgext.socketio[speed]``. Measured on one core with
Python 3.11: a 64-byte event is parsed in 0.5 µs (standard library 2.1) and written in
0.25 (3.0).

The standard library also handles what orjson refuses and JavaScript allows: lone
surrogates, keys that are not strings, and writing integers of more than 64 bits.
(orjson reads such integers as floats, which they are in JavaScript.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Any, NoReturn
from uuid import UUID

from .depth import deepest
from .errors import InvalidJSON
from .nested import PythonDecoder, write

#: Turns a value into JSON text.
Dumps = Callable[[Any], str]
#: Turns JSON text into a value.
Loads = Callable[[str], Any]
Default = Callable[[Any], Any]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decode = json.JSONDecoder(parse_constant=_refuse_constant).decode
_decode_in_python = PythonDecoder(_refuse_constant).decode
_with_null = json.JSONDecoder(parse_constant=lambda name: None)
_COMPACT = (",", ":")

#: Stands for a backslash; JSON text has no such character.
_BACKSLASH = "\0"
#: What is in JSON text outside of its strings, or around them, and how it is escaped.
_STRUCTURE = (('\\"', '"'), ("\\n", "\n"), ("\\r", "\r"), ("\\t", "\t"))


def py_loads(text: str) -> Any:
    """Parse JSON with the standard library.

    :raises InvalidJSON: when ``text`` is not JSON, is nested too deep, or has an
        integer of more digits than Python converts.
    """
    try:
        try:
            return _decode(text)
        except RecursionError:
            return deepest(_decode, _decode_in_python, text)
    except (ValueError, RecursionError) as error:
        raise InvalidJSON(f"invalid JSON: {str(error)[:80]}") from None


def in_ascii(text: str) -> str:
    """JSON text whose characters beyond ASCII are escaped.

    How many there are is up to a client, and nobody else is served meanwhile: no
    character takes a call of its own.
    """
    if text.isascii():
        return text
    # This escapes what JSON is made of, too. A backslash that was there is two now.
    marked = json.dumps(text)[1:-1].replace("\\\\", _BACKSLASH)
    for escape, character in _STRUCTURE:
        marked = marked.replace(escape, character)
    return marked.replace(_BACKSLASH, "\\")


def py_dumper(default: Default | None = None) -> Dumps:
    """A writer of JSON with the standard library; see :func:`dumper`."""

    def fallback(item: Any) -> Any:
        if isinstance(item, Enum):
            return item.value
        if isinstance(item, UUID):
            return str(item)
        if default is not None:
            return default(item)
        raise TypeError(f"{type(item).__name__} {item!r:.60} cannot be written as JSON")

    def dumps(value: Any) -> str:
        try:
            try:
                return _encode(value, fallback)
            except RecursionError:
                return deepest(_encode, _encode_in_python, value, fallback)
        except RecursionError:
            raise TypeError("nested too deep to be written as JSON") from None

    return dumps


py_dumps = py_dumper()


def _encode(value: Any, default: Default) -> str:
    try:
        return _strict(value, default)
    except ValueError as error:
        if "float" not in str(error):
            raise  # a circular reference
    # JavaScript writes null for NaN and the infinities.
    loose = json.JSONEncoder(default=default).encode(value)
    return _strict(_with_null.decode(loose), default)


def _encode_in_python(value: Any, default: Default) -> str:
    return write(value, partial(_encode, default=default))


def _strict(value: Any, default: Default) -> str:
    encoder = partial(
        json.JSONEncoder, separators=_COMPACT, allow_nan=False, default=default
    )
    text = encoder(ensure_ascii=False).encode(value)
    try:
        text.encode()
    except UnicodeEncodeError:  # A lone surrogate leaves as its escape.
        return encoder().encode(value)
    return text


#: Earlier versions end the process when they read deeply nested JSON (CVE-2024-27454).
_SAFE = (3, 9, 15)


def _is_safe(version: str) -> bool:
    """Whether a version of orjson limits its recursion."""
    return tuple(int(each) for each in re.findall("[0-9]+", version)[:3]) >= _SAFE


loads: Loads = py_loads
dumper: Callable[[Default | None], Dumps] = py_dumper
dumps: Dumps = py_dumps

try:
    import orjson

    if not _is_safe(orjson.__version__):
        raise ImportError
except ImportError:
    pass
else:
    # Dates and dataclasses go to `default`, as they do in the standard library.
    _OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
    _orjson_loads = orjson.loads
    _orjson_dumps = orjson.dumps

    def _fast_loads(text: str) -> Any:
        try:
            return _orjson_loads(text)
        except ValueError:
            return py_loads(text)

    def _fast_dumper(default: Default | None = None) -> Dumps:
        slow = py_dumper(default)

        def ask(item: Any) -> Any:
            """Call ``default``, but only for types that JSON does not have."""
            if isinstance(item, tuple):
                return list(item)
            if isinstance(item, float):
                return float(item)
            assert default is not None
            return default(item)

        hook = None if default is None else ask

        def dumps(value: Any) -> str:
            try:
                return _orjson_dumps(value, hook, _OPTIONS).decode()
            except TypeError:
                pass  # the next error is not one "during handling of" this one
            return slow(value)

        return dumps

    loads = _fast_loads
    dumper = _fast_dumper
    dumps = _fast_dumper()

loads.__doc__ = """Parse JSON.

:raises InvalidJSON: when it is invalid.
"""
dumper.__doc__ = """A function that writes a value as JSON.

:param default: converts a value of a type that JSON does not have to one that it has.

The function raises :class:`TypeError` for values that it cannot write.
"""
