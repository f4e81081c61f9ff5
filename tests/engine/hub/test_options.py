"""How the texts of options are read. The server's: test_settings_table.py."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.engine.hub.options import FLAG, MODE, Option, split


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("a", ["a"]),
        ("a, b", ["a", "b"]),
        (" a\n  b ,c", ["a", "b", "c"]),
    ],
)
def test_a_list_has_commas_or_spaces_between(text: Any, words: list[str]) -> None:
    assert split(text) == words


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), (" Yes", True), ("1", True), ("OFF", False), ("n", False)],
)
def test_true_and_false_are_those_of_pastedeploy(text: str, value: bool) -> None:
    converters = pytest.importorskip("paste.deploy.converters")
    assert FLAG.cast(text) is value is converters.asbool(text)
    for other in ("", "maybe", "2", "true false"):
        with pytest.raises(ValueError, match=r"^x: .* is not true or false$"):
            Option("x", False, FLAG, "", "").read(other)


def test_the_permissions_of_a_file_are_octal() -> None:
    assert MODE.cast("0660") == 0o660
    assert MODE.check("socket_mode", 0o777) == 0o777
