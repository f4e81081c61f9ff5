"""Positions, as clients give them back."""

from __future__ import annotations

import pytest

from tgext.socketio.engine.recovery.record import Position


@pytest.mark.parametrize("position", [Position("e", 0), Position("b1", 10**18 - 1, 7)])
def test_a_position_is_read_as_it_was_written(position: Position) -> None:
    assert Position.read(str(position)) == position


@pytest.mark.parametrize(
    "text",
    ["", "e", "-", "e-", "-1", "e-x", "e-1 ", "e-²", "e-" + "1" * 19, "e-1-", "e-1-x"],
)
def test_what_is_no_position(text: str) -> None:
    with pytest.raises(ValueError, match="position"):
        Position.read(text)
