"""JSON as TurboGears writes it: what ``@expose('json')`` can write, events can."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tg.jsonify import JSONEncoder

from .wire import fast

__all__ = ["dumps"]

#: Writes JSON. It is configured by the application's ``json.`` options.
dumps: Callable[[Any], str] = partial(
    fast.dumps, default=JSONEncoder.create_global().default
)
