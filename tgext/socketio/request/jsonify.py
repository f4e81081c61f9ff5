"""JSON as TurboGears writes it: events can carry what ``@expose('json')`` can."""

from __future__ import annotations

from tg.jsonify import JSONEncoder

from ..wire import json
from ..wire.json import Dumps

__all__ = ["dumps"]

#: Writes JSON, as the application's ``json.`` options say.
dumps: Dumps = json.dumper(JSONEncoder.create_global().default)
