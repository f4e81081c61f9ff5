"""backlash's reports of what is slow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.turbogears.request.test_failures import Reporter

__all__ = ["Reporter", "reporter"]


@pytest.fixture
def reporter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reporter]:
    """Gets the reports; backlash's greenlets end before the server's tests do."""
    middleware = pytest.importorskip("backlash.tracing.slowrequests.middleware")
    timers: list[Any] = []

    class Timer(middleware.Timer):
        def __init__(self) -> None:
            super().__init__()
            timers.append(self)

    monkeypatch.setattr(middleware, "Timer", Timer)
    yield Reporter()
    for each in timers:
        each.shutdown(cancel_jobs=True)
