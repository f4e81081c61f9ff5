"""Each program does what it does with gevent-socketio."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from .differences import Logs, expected
from .ways import SOURCES, WAYS

PROGRAMS = sorted(path.stem for path in SOURCES.glob("*.py"))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_behaves_as_with_gevent_socketio(
    name: str,
    way: str,
    oracle: Callable[..., Any],
    perform_here: Callable[..., Any],
) -> None:
    play = import_module(f"tests.programs.plays.{name}")
    theirs = oracle(name, play.play)
    ours = perform_here(name, play.play, way, **getattr(play, "OPTIONS", {}))
    differences = getattr(play, "DIFFERENCES", [])
    assert as_text(ours) == as_text(expected(theirs, differences, way))


def as_text(logs: Logs) -> str:
    """For a readable report of what differs."""
    return "".join(f"{who}: {line}\n" for who in logs for line in logs[who])
