"""A line for what is skipped, and not one for each of a flood."""

from __future__ import annotations

import logging

import pytest

from tgext.socketio.messaging.skipping import PERIOD, Skipping


def test_of_each_kind_there_is_a_line_at_once_and_then_one_in_a_while(
    caplog: pytest.LogCaptureFixture,
) -> None:
    time = 100.0
    skipping = Skipping(logging.getLogger("test"), lambda: time)
    for number in range(1000):
        skipping.warn("a", f"a {number}")
    skipping.warn("b", "b")
    assert caplog.messages == ["a 0", "b"]
    time += PERIOD
    skipping.warn("a", "a again")
    skipping.warn("b", "b again")
    assert caplog.messages[2:] == [
        "a again (and 999 more since the last line about it)",
        "b again",
    ]
