"""JSON as TurboGears writes it: what ``@expose('json')`` can write, events can."""

from __future__ import annotations

from tg.jsonify import JSONEncoder

from ..wire import json
from ..wire.json import Dumps

__all__ = ["dumps"]

#: Writes JSON. It is configured by the application's ``json.`` options.
dumps: Dumps = json.dumper(JSONEncoder.create_global().default)
