"""Escaping of text from outside, for log lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.wire.escape import SHOWN, escape


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("chat", "chat"),
        ("/été", "/été"),
        ("a\nINFO forged", r"a\nINFO forged"),
        ("\x1b[2J", r"\x1b[2J"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\ud800", r"\ud800"),
        ("\\n", r"\\n"),
        (b"\xff\r\n", r"ÿ\r\n"),
        (7, "7"),
        (None, "None"),
        ("x" * 80, "x" * 80),
        ("x" * 81, "x" * 80 + "..."),
        (b"x" * 300_000, "x" * 80 + "..."),
    ],
)
def test_what_a_log_shows(value: object, shown: str) -> None:
    assert escape(value) == shown


@given(st.text(st.characters()))
def test_any_text_stays_on_one_printable_line(text: str) -> None:
    shown = escape(text)
    assert shown.isprintable()
    assert len(shown) <= 10 * SHOWN + 3


@given(
    st.text(st.characters(), max_size=SHOWN), st.text(st.characters(), max_size=SHOWN)
)
def test_two_values_are_never_shown_alike(one: str, other: str) -> None:
    assert (escape(one) == escape(other)) == (one == other)


class Mute:
    def __str__(self) -> str:
        raise SystemExit


def test_what_has_no_text_is_named_by_its_type() -> None:
    assert escape(Mute()) == "<Mute without a text>"


def test_what_was_escaped_is_quoted_and_not_escaped_again() -> None:
    shown = escape("a\nb")
    assert escape(shown) == shown
    assert repr(shown) == r"'a\nb'"
