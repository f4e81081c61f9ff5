"""JSON as TurboGears writes it: events can carry what ``@expose('json')`` can.

With one exception: of an object of a database, TurboGears writes all columns. Those
that an application hides, such as a quickstart's ``_password``, are left out here.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakSet

from tg.jsonify import JSONEncoder
from tg.util.ming import is_mingobject
from tg.util.sqlalchemy import is_saobject

from ..engine.logs import get_logger
from ..wire import json
from ..wire.json import Dumps

__all__ = ["dumps"]

log = get_logger(__name__)

_encoder = JSONEncoder.create_global()

#: The classes that the log has a warning of.
_reported: WeakSet[type] = WeakSet()

#: The id of a document in MongoDB, which is no secret.
_ID = "_id"


def _default(value: Any) -> Any:
    """What TurboGears writes for a value that JSON does not have."""
    written = _encoder.default(value)
    if type(written) is not dict or not _is_of_database(value):
        return written
    hidden = [each for each in written if _is_hidden(each)]
    if not hidden or _says_itself(value):
        return written
    if type(value) not in _reported:
        _reported.add(type(value))
        log.warning(
            "%s has columns that are not sent to clients: %s. To say what is sent, "
            "give the class a __json__ method, or send a dict",
            type(value).__qualname__,
            ", ".join(hidden),
        )
    return {name: item for name, item in written.items() if name not in hidden}


def _is_of_database(value: Any) -> bool:
    return bool(is_saobject(value) or is_mingobject(value))


def _is_hidden(column: Any) -> bool:
    name = str(column)
    return (name.startswith("_") and name != _ID) or "password" in name.lower()


def _says_itself(value: Any) -> bool:
    """Whether the application says what is written for an object."""
    types = _encoder._registered_types_list
    return isinstance(value, types) or callable(getattr(value, "__json__", None))


#: Writes JSON, as the application's ``json.`` options say.
dumps: Dumps = json.dumper(_default)
