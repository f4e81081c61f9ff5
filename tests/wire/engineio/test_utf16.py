"""UTF-16 code units, as JavaScript's ``length`` and ``charCodeAt`` count them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.wire.engineio.utf16 import count_units, take_units
from tgext.socketio.wire.errors import PayloadError

from ...vectors.shapes import EMOJI
from ..strategies import MANY, outcome

ROWS = [
    ("", 0),
    ("abc", 3),
    ("h\u00e9\u6f22\uffff", 4),
    (EMOJI, 2),
    (f"a{EMOJI}\u2603", 4),
    ("\U00010000\U0010ffff", 4),
]


@pytest.mark.parametrize(("text", "units"), ROWS)
def test_a_character_above_16_bits_is_two_units(text: str, units: int) -> None:
    assert count_units(text) == units
    assert take_units(f"x{text}y", 1, units) == (text, 1 + len(text))


@pytest.mark.parametrize(
    ("text", "count"),
    [(EMOJI, 1), (f"a{EMOJI}", 2), (f"{EMOJI}{EMOJI}", 3), ("a", 2), (EMOJI, 3)],
)
def test_half_a_pair_and_missing_units_are_refused(text: str, count: int) -> None:
    assert outcome(lambda: take_units(text, 0, count)) is PayloadError


@MANY
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_pieces_are_found_by_their_units(pieces: list[str]) -> None:
    text, at = "".join(pieces), 0
    for piece in pieces:
        units = len(piece.encode("utf-16-le")) // 2
        assert count_units(piece) == units
        found, at = take_units(text, at, units)
        assert found == piece
    assert at == len(text)
