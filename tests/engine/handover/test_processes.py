"""Tokens, which session ids begin with."""

from __future__ import annotations

import pytest

from tgext.socketio.engine.handover.processes import is_token, make_token, token_of


def test_tokens_differ_and_are_part_of_an_id() -> None:
    tokens = {make_token() for _ in range(100)}
    assert len(tokens) == 100
    for each in tokens:
        assert is_token(each)
        assert token_of(f"{each}{'x' * 22}") == each


@pytest.mark.parametrize("sid", ["", "x" * 8, "x" * 22, "x" * 29, "x" * 31, "x" * 1000])
def test_other_ids_have_none(sid: str) -> None:
    assert token_of(sid) == ""


@pytest.mark.parametrize(
    "text", ["", "x" * 7, "x" * 9, "x/xxxxxx", "xxxxxxx\n", "ä" * 8]
)
def test_other_texts_are_none(text: str) -> None:
    assert not is_token(text)
