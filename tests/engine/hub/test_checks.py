"""The checks of options, each by itself; with the table: test_settings_table.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tgext.socketio.engine.hub import checks

ALL: list[Callable[[str, Any], Any]] = [
    value for name, value in vars(checks).items() if name.startswith("check_")
]

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.complex_numbers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@pytest.mark.parametrize("check", ALL)
@given(value=anything)
@example(value="")
@example(value=" / ")
@example(value=None)
@example(value="10.0.0.1:9000")
@example(value="[::1]")
@example(value="0")
def test_a_check_returns_a_value_that_it_accepts_or_names_the_option(
    check: Callable[[str, Any], Any], value: Any
) -> None:
    try:
        kept = check("the_option", value)
    except ValueError as error:
        text = str(error)
        assert text.startswith("the_option: ")
        assert len(text.splitlines()) == 1
        assert len(text) < 2000
    else:
        again = check("the_option", kept)
        assert again == kept


@pytest.mark.parametrize("port", [0, 1, 65535])
def test_ports(port: int) -> None:
    assert checks.check_port("port", port) == port
    with pytest.raises(ValueError, match=r"^port: 65536 is more than 65535$"):
        checks.check_port("port", 65536)


@pytest.mark.parametrize("value", ["0.0.0.0", "::1", "/etc/a b.pem", "é", Path("/a")])
def test_places(value: Any) -> None:
    assert checks.check_place("host", value) == str(value)


@pytest.mark.parametrize("value", ["", " ", " a", "a\n", "\0", "\ud800", "\u202e"])
def test_an_invalid_host_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"^host: .* is not a name$"):
        checks.check_place("host", value)


def test_a_value_is_shown_short_and_on_one_line() -> None:
    class Odd:
        def __repr__(self) -> str:
            raise RuntimeError

    assert checks.shown("a\nb") == r"'a\nb'"
    assert checks.shown("a" * 1000) == "'" + "a" * 79 + "..."
    assert checks.shown(10**5000) == "<int>"
    assert checks.shown(Odd()) == "<Odd>"
