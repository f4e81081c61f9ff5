"""Taps look on at the calls of one object, and leave nothing behind."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.operation.admin.taps import Tap


class Thing:
    def double(self, number: int) -> int:
        return 2 * number


def test_calls_are_seen_and_made() -> None:
    thing, other, seen = Thing(), Thing(), []
    tap = Tap(thing, "double", seen.append)
    assert [thing.double(1), other.double(2)] == [2, 4]
    assert seen == [1]
    tap.remove()
    assert thing.double(3) == 6
    assert (seen, vars(thing)) == ([1], {})


def test_a_look_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def look(number: int) -> None:
        raise ValueError(number)

    thing = Thing()
    Tap(thing, "double", look)
    assert thing.double(1) == 2
    assert "Showing double to an administrator failed" in caplog.text


def test_what_the_object_itself_had_comes_back() -> None:
    thing: Any = Thing()
    thing.double = own = lambda number: number
    tap = Tap(thing, "double", bool)
    assert thing.double(1) == 1
    tap.remove()
    assert thing.double is own


def test_what_was_put_in_its_place_stays() -> None:
    thing: Any = Thing()
    tap = Tap(thing, "double", bool)
    thing.double = later = lambda number: 0
    tap.remove()
    assert thing.double is later
