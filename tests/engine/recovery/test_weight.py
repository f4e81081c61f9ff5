"""How much memory values take."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.engine.recovery.weight import MOST_PARTS, weight

LARGE = 10_000


@pytest.mark.parametrize(
    "value",
    [
        "x" * LARGE,
        ["x" * LARGE],
        {"key": "x" * LARGE},
        {"x" * LARGE: 1},
        [{"a": ({"x" * LARGE},)}],
    ],
)
def test_what_is_inside_counts(value: Any) -> None:
    assert LARGE < weight(value) < LARGE + 1500


def test_a_value_that_contains_itself() -> None:
    value: list[Any] = ["x" * LARGE]
    value.append(value)
    assert LARGE < weight(value) < LARGE + 500


def test_many_parts_are_not_all_looked_at() -> None:
    assert weight([str(number) for number in range(50 * MOST_PARTS)]) > MOST_PARTS
