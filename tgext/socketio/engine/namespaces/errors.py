"""Errors that an event is answered with."""

from __future__ import annotations

from typing import Any


class EventRefused(Exception):
    """An event is answered with an ``error`` event.

    :param name: the error's name.
    :param info: what is told beside it; JSON.
    """

    def __init__(self, name: str, info: Any) -> None:
        super().__init__(name, info)
        self.name = name
        self.info = info
