"""UTF-16 units, as JavaScript's ``length`` and ``charCodeAt`` count them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.wire.errors import PayloadError
from tgext.socketio.wire.units import count_units, join_pairs, split_pairs

from ..vectors.shapes import EMOJI
from .strategies import MANY, outcome

ROWS = [
    ("", ""),
    ("abc", "abc"),
    ("h\u00e9\u6f22\uffff", "h\u00e9\u6f22\uffff"),
    (EMOJI, "\ud83d\ude00"),
    (f"a{EMOJI}\u2603", "a\ud83d\ude00\u2603"),
    ("\U00010000\U0010ffff", "\ud800\udc00\udbff\udfff"),
]


@pytest.mark.parametrize(("text", "units"), ROWS)
def test_a_character_past_16_bits_is_two_units(text: str, units: str) -> None:
    assert split_pairs(text) == units
    assert join_pairs(units) == text
    assert count_units(text) == len(units)


@pytest.mark.parametrize("units", ["\ud83d", "a\ude00", "\ude00\ud83d", "\ud83dx"])
def test_half_a_pair_is_no_text(units: str) -> None:
    assert outcome(lambda: join_pairs(units)) is PayloadError


@MANY
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_text_is_what_its_units_are(text: str) -> None:
    units = split_pairs(text)
    assert join_pairs(units) == text
    assert count_units(text) == len(units) == len(text.encode("utf-16-le")) // 2
