"""What failures say."""

from __future__ import annotations

import pytest

from tgext.socketio.testing import NotReceived
from tgext.socketio.testing.arrivals import Arrivals


def make(ended: str = "") -> Arrivals:
    return Arrivals("client 1 in /queue", lambda: ended)


def test_a_failure_says_what_has_arrived() -> None:
    arrivals = make()
    arrivals.add("claimed", (7, "ann"))
    arrivals.add("note", ({"text": "x" * 1000},))
    assert arrivals.expect("claimed", 0) == (7, "ann")
    with pytest.raises(NotReceived) as raised:
        arrivals.expect("closed", 0.01)
    first, heading, *events = str(raised.value).splitlines()
    assert first == "client 1 in /queue: 'closed' has not arrived (in 0.01 s)."
    assert heading == "What has arrived:"
    assert events[0] == "  claimed(7, 'ann')  (expected before)"
    assert events[1].startswith("  note({'text': 'xxx")
    assert len(events[1]) < 120


def test_a_failure_says_that_nothing_has() -> None:
    with pytest.raises(NotReceived, match=r"in 0.01 s\)\. Nothing has arrived\."):
        make().expect("closed", 0.01)


def test_a_failure_says_the_latest_of_many() -> None:
    arrivals = make()
    for number in range(25):
        arrivals.add("moved", (number,))
    text = arrivals.failure("it failed", 1)
    assert "15 earlier ones, then:" in text
    assert "moved(14)" not in text
    assert "moved(15)" in text


def test_who_has_gone_is_not_waited_for() -> None:
    with pytest.raises(NotReceived, match="the connection has ended: ping timeout"):
        make("ping timeout").expect("closed", 1000)


def test_what_had_arrived_before_the_end_can_be_expected() -> None:
    arrivals = make("transport close")
    arrivals.add("closed", ())
    assert arrivals.expect("closed", 1000) == ()


def test_what_was_told_otherwise_needs_no_expect() -> None:
    arrivals = make()
    arrivals.add("error", ("a", "b"))
    arrivals.forgive("a", "c")
    assert arrivals.take("error") == ("a", "b")
    arrivals.add("error", ("a", "b"))
    arrivals.forgive("a", "b")
    assert arrivals.take("error") is None
    assert arrivals.named("error") == [("a", "b"), ("a", "b")]
