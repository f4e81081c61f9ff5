"""The application of tests/live/fixtureapps/lab.py, in several processes.

What it keeps in memory is shared by files, and so is how many requests were handed
over.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gevent
import lab

from tgext.socketio.engine.handover.handover import HandOver


class Departure:
    """As the event of one client that has left."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def set(self) -> None:
        self._path.touch()

    def wait(self, seconds: float) -> bool:
        with gevent.Timeout(seconds, False):  # type: ignore[arg-type]
            while not self._path.exists():
                gevent.sleep(0.02)
            return True
        return False


class Departures:
    """As ``lab.departures``, for all processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __getitem__(self, name: str) -> Departure:
        return Departure(self._folder / f"left-{name.encode().hex()}")


def count_what_is_handed_over(file: Path) -> None:
    """Add a byte to a file for each request."""
    give = HandOver.give

    def giving(*args: Any) -> Any:
        with file.open("ab", buffering=0) as counter:
            os.write(counter.fileno(), b".")
        return give(*args)

    HandOver.give = giving  # type: ignore[method-assign]


def make_app(
    global_conf: Mapping[str, str], shared: str, **settings: str
) -> Callable[..., Any]:
    """The application.

    :param shared: a folder for what all processes share.
    """
    lab.departures = Departures(Path(shared))
    count_what_is_handed_over(Path(shared) / "handed-over")
    application: Callable[..., Any] = lab.make_app(global_conf, **settings)
    return application
