"""Of many warnings of one kind, one line in each period is logged."""

from __future__ import annotations

import logging

import pytest

from tgext.socketio.messaging.throttle import PERIOD, ThrottledWarnings


def test_each_kind_has_a_line_at_once_and_then_one_in_each_period(
    caplog: pytest.LogCaptureFixture,
) -> None:
    time = 100.0
    warnings = ThrottledWarnings(logging.getLogger("test"), lambda: time)
    for number in range(1000):
        warnings.warn("a", f"a {number}")
    warnings.warn("b", "b")
    assert caplog.messages == ["a 0", "b"]
    time += PERIOD
    warnings.warn("a", "a again")
    warnings.warn("b", "b again")
    assert caplog.messages[2:] == [
        "a again (and 999 more since the last line about it)",
        "b again",
    ]
