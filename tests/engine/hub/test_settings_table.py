"""The table of options: how each is read and checked, without a server."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.engine.hub.settings import OPTIONS, TRANSPORTS, Settings, split
from tgext.socketio.wire.origin import Origins

NUMBERS = [name for name, each in OPTIONS.items() if each.kind.cast in (int, float)]
OTHERS = [name for name in OPTIONS if name not in NUMBERS]

#: A value of each option that is not a number, and what is kept of it.
VALUES: dict[str, tuple[Any, Any]] = {
    "transports": (["polling"], ("polling",)),
    "allowed_origins": (Origins(()), ...),
    "certfile": ("a.pem", "a.pem"),
    "keyfile": ("b.pem", "b.pem"),
    "cookie": ("io", "io"),
    "cookie_samesite": ("strict", "Strict"),
}


def test_each_row_is_a_field_with_a_meaning() -> None:
    assert list(OPTIONS) == [each.name for each in fields(Settings)]
    for name, each in OPTIONS.items():
        assert each.name == name
        assert each.meaning
        assert each.unit in ("", "s", "bytes")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("max_message_size", "1,000,000 bytes"),
        ("slow_timeout", "10 s"),
        ("max_rooms", "1000"),
        ("max_connections", "unlimited"),
        ("heartbeat_timeout", "20 s (0.9: 35 s)"),
        ("cookie_samesite", "Lax"),
    ],
)
def test_documentation_shows_the_default_with_its_unit(name: str, text: str) -> None:
    assert OPTIONS[name].default_text == text
    assert f":param {name}: " in (Settings.__doc__ or "")
    assert f"; by default {text}." in (Settings.__doc__ or "")


def test_a_default_of_none_is_put_in_words() -> None:
    for each in OPTIONS.values():
        assert each.default is not None or each.shown


def test_the_defaults_are_valid() -> None:
    settings = Settings()
    for name, each in OPTIONS.items():
        if name in NUMBERS:
            assert getattr(settings, name) == each.default
    assert settings.transports == TRANSPORTS
    assert isinstance(settings.allowed_origins, Origins)


@pytest.mark.parametrize("name", OPTIONS)
def test_none_is_the_default(name: str) -> None:
    kept = getattr(Settings(**{name: None}), name)
    default = getattr(Settings(), name)
    if name == "allowed_origins":
        assert repr(kept) == repr(default)
    else:
        assert kept == default


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [-1, float("nan"), float("-inf")])
def test_a_number_that_is_too_small_is_named(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"^{name}: {value!r} is "):
        Settings(**{name: value})


@pytest.mark.parametrize("name", NUMBERS)
def test_zero_is_invalid_except_for_attachments(name: str) -> None:
    """A client that may send no attachments is one that may send no bytes."""
    if name == "max_attachments":
        assert Settings(max_attachments=0).max_attachments == 0
        return
    with pytest.raises(ValueError, match=f"^{name}: 0 is not greater than 0$"):
        Settings(**{name: 0})


@pytest.mark.parametrize("name", NUMBERS)
@given(value=st.integers(1, 10**9))
def test_other_numbers_are_kept_as_they_are(name: str, value: int) -> None:
    assert getattr(Settings(**{name: value}), name) == value
    assert OPTIONS[name].read(str(value)) == value


@pytest.mark.parametrize("name", OTHERS)
def test_other_values_are_kept_as_they_are_checked(name: str) -> None:
    value, kept = VALUES[name]
    found = getattr(Settings(**{name: value}), name)
    assert found == (value if kept is ... else kept)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("transports", ["pigeon"], "'pigeon' is not websocket or "),
        ("transports", ["polling", ""], "'' is not websocket or "),
        ("allowed_origins", "*", "'*' is not a list"),
        ("allowed_origins", ["x.org"], "'x.org' has no scheme"),
        ("cookie", "", "'' is not a valid name of a cookie"),
        ("cookie", "a b", "'a b' is not a valid name of a cookie"),
        ("cookie", "a\r\nSet-Cookie: b", "is not a valid name of a cookie"),
        ("cookie_samesite", "", "'' is not Lax, Strict or None"),
        ("cookie_samesite", "sometimes", "'sometimes' is not Lax, Strict or None"),
    ],
)
def test_an_invalid_value_is_named(name: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: ") as raised:
        Settings(**{name: value})
    assert message in str(raised.value)


@pytest.mark.parametrize("value", ["lax", "LAX", "Lax"])
def test_same_site_is_spelled_as_browsers_do(value: str) -> None:
    assert Settings(cookie_samesite=value).cookie_samesite == "Lax"


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().max_rooms = 1  # type: ignore[misc]


def test_an_unknown_option_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="max_roms"):
        Settings(**{"max_roms": 1})


# Texts of a file


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("a", ["a"]),
        ("a, b", ["a", "b"]),
        (" a\n  b ,c", ["a", "b", "c"]),
        (["a, b"], ["a, b"]),
        (("a", "b"), ["a", "b"]),
    ],
)
def test_a_list_has_commas_or_spaces_between(text: Any, words: list[str]) -> None:
    assert split(text) == words


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("text", ["", "many", "1 000", "1kB", None])
def test_a_text_that_is_no_number_is_named(name: str, text: Any) -> None:
    with pytest.raises(
        ValueError, match=rf"^{name}: {text!r} is not a (whole )?number$"
    ):
        OPTIONS[name].read(text)


def test_a_text_is_read_and_not_yet_checked() -> None:
    assert OPTIONS["max_rooms"].read("-5") == -5
    assert OPTIONS["slow_timeout"].read("2.5") == 2.5
    assert OPTIONS["transports"].read("pigeon") == ["pigeon"]
