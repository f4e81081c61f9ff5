"""Deeply nested JSON, read and written by Python code alone.

Early releases of Python 3.12 allow 1,500 nested calls of C code, whatever the recursion
limit. This is slow, and only used where the C code of :mod:`json` gives up.
"""

from __future__ import annotations

from collections.abc import Callable
from json import JSONDecoder, decoder, scanner
from typing import Any, Final

#: The most levels that are written. Reading takes two calls for each level and writing
#: one, so more could be written than this process, or another, can read.
LEVELS: Final = 2_500


class PythonDecoder(JSONDecoder):
    """A decoder whose loops over lists and objects are Python's."""

    def __init__(self, parse_constant: Callable[[str], Any]) -> None:
        super().__init__(parse_constant=parse_constant)
        # What the C code replaces is public, but has no type hints.
        python: Any = decoder
        self.parse_array = python.JSONArray
        self.parse_object = python.JSONObject
        python = scanner
        self.scan_once = python.py_make_scanner(self)


def write(value: Any, dumps: Callable[[Any], str], levels: int = LEVELS) -> str:
    """JSON without spaces.

    :param dumps: writes all that is not a list, a tuple or a dict, and keys of dicts.
    :param levels: how deep the value may be nested.
    :raises RecursionError: when it is nested deeper.
    """
    if levels < 0:
        raise RecursionError(f"nested more than {LEVELS} levels deep")
    if isinstance(value, dict):
        members = []
        for key, item in value.items():
            # The writer knows which keys are allowed, and how they are written.
            head = dumps({key: 0})[1:-2]
            members.append(head + write(item, dumps, levels - 1))
        return f"{{{','.join(members)}}}"
    if isinstance(value, (list, tuple)):
        items = []
        for item in value:
            items.append(write(item, dumps, levels - 1))
        return f"[{','.join(items)}]"
    return dumps(value)
