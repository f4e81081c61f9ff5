"""Tokens, which session ids begin with."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

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


def test_the_documented_column_takes_the_longest_id() -> None:
    docs = Path(__file__).parents[3] / "docs"
    text = (docs / "coming_from_gevent_socketio.rst").read_text(encoding="utf-8")
    [length] = re.findall(r"user_id = Column\(String\((\d+)\)\)", text)
    token = make_token()
    assert token_of(token + secrets.token_urlsafe(16)) == token
    assert int(length) == len(token + secrets.token_urlsafe(16))
