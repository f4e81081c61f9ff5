"""The table of options: how each is read and checked, without a server."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.engine.hub.checks import (
    LEAST_SECONDS,
    MOST_NUMBER,
    MOST_SECONDS,
    TRANSPORTS,
)
from tgext.socketio.engine.hub.settings import OPTIONS, Settings
from tgext.socketio.engine.server.server import SocketIOServer
from tgext.socketio.wire.forwarded import TrustedProxies
from tgext.socketio.wire.origin import Origins

NUMBERS = [name for name, each in OPTIONS.items() if each.kind.cast in (int, float)]
OTHERS = [name for name in OPTIONS if name not in NUMBERS]
TIMES = [name for name, each in OPTIONS.items() if each.unit == "s"]

#: A value of each option that is not a number, and the value that is stored.
VALUES: dict[str, tuple[Any, Any]] = {
    "transports": (["polling"], ("polling",)),
    "allowed_origins": (Origins(()), ...),
    "health_path": ("/up", "/up"),
    "trusted_proxies": (["10.0.0.0/8"], TrustedProxies(["10.0.0.0/8"])),
    "proxy_protocol": (False, False),
    "certfile": ("a.pem", "a.pem"),
    "keyfile": ("b.pem", "b.pem"),
    "cookie": ("io", "io"),
    "cookie_samesite": ("strict", "Strict"),
    "internal_address": ("10.0.0.1:9000", ("10.0.0.1", 9000)),
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


def test_a_default_of_none_has_a_description() -> None:
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
def test_zero_is_invalid_where_it_has_no_meaning(name: str) -> None:
    """Without attachments, clients cannot send bytes; 0 events are any number, and no
    event is slow with 0.
    """
    if name in ("max_attachments", "max_events_per_second", "slow_event"):
        assert getattr(Settings(**{name: 0}), name) == 0
        return
    with pytest.raises(ValueError, match=f"^{name}: 0 is not greater than 0$"):
        Settings(**{name: 0})


@pytest.mark.parametrize("name", NUMBERS)
@given(value=st.integers(1, MOST_SECONDS))
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
        ("transports", [], "it is empty; name websocket or "),
        ("allowed_origins", "*", "'*' is not a list"),
        ("allowed_origins", ["x.org"], "'x.org' has no scheme"),
        ("trusted_proxies", "::1", "'::1' is not a list"),
        ("trusted_proxies", ["x"], "'x' is not an address or a network"),
        ("trusted_proxies", ["::1/8"], "is an address in the network ::/8"),
        ("proxy_protocol", "true", "'true' is not true or false"),
        ("proxy_protocol", True, "it is true, and trusted_proxies is not set: list"),
        ("cookie", "", "'' is not a valid name of a cookie"),
        ("cookie", "a b", "'a b' is not a valid name of a cookie"),
        ("cookie", "a\r\nSet-Cookie: b", "is not a valid name of a cookie"),
        ("health_path", "health", "'health' is not a path that begins with /"),
        ("health_path", "/a b", "'/a b' is not a path that begins with /"),
        ("health_path", "/h\u00e9", "is not a path that begins with /"),
        ("health_path", "/a?b", "'/a?b' has ?, # or %"),
        ("slow_event", -1, "-1 is not greater than 0"),
        ("slow_event", False, "False is not a number"),
        ("certfile", "", "'' is not a name"),
        ("certfile", " ", "' ' is not a name"),
        ("keyfile", "a\0", "'a\\x00' is not a name"),
        ("keyfile", "\ud800", "'\\ud800' is not a name"),
        ("cookie_samesite", "", "'' is not Lax, Strict or None"),
        ("cookie_samesite", "sometimes", "'sometimes' is not Lax, Strict or None"),
        ("internal_address", "", "'' is not a name"),
        ("internal_address", "0.0.0.0", "is not an address that other machines reach"),
        ("internal_address", "[::]:9000", "is not an address that other machines"),
        ("internal_address", "10.0.0.1:x", "is not an address that other machines"),
        ("internal_address", "10.0.0.1:65536", "is not an address that other machin"),
    ],
)
def test_an_invalid_value_is_named(name: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: ") as raised:
        Settings(**{name: value})
    assert message in str(raised.value)


#: Values that are invalid for all options, for numbers, and for all but numbers.
WRONG = [b"1", 1j, {}, object(), len, [1], [None], True, False]
NO_NUMBERS = ["", "1", "abc", [], (), ["websocket"]]
NO_TEXTS = [0, 1, 1.5, float("nan"), 10**5000]


#: gevent-socketio accepted texts for these times, too.
TEXTS_TOO = "heartbeat_interval", "heartbeat_timeout", "close_timeout"


@pytest.mark.parametrize("name", OPTIONS)
def test_a_value_of_another_type_is_named_in_one_line(name: str) -> None:
    """As a keyword argument; values in a file are always text."""
    others = NO_NUMBERS if name in NUMBERS else NO_TEXTS
    for value in (*WRONG, *others):
        if name in ("allowed_origins", "trusted_proxies") and value == {}:
            continue
        if name in TEXTS_TOO and value == "1":
            continue
        if name == "proxy_protocol" and value is False:
            continue
        with pytest.raises(ValueError, match=f"^{name}: .*$") as raised:
            SocketIOServer(("127.0.0.1", 0), **{name: value})
        assert len(str(raised.value)) < 250


@pytest.mark.parametrize("name", [each for each in NUMBERS if each not in TIMES])
def test_the_largest_number_and_larger_ones(name: str) -> None:
    assert getattr(Settings(**{name: MOST_NUMBER}), name) == MOST_NUMBER
    for value in (MOST_NUMBER + 1, 10**5000):
        with pytest.raises(
            ValueError, match=rf"^{name}: .* is more than {MOST_NUMBER}$"
        ):
            Settings(**{name: value})
    for fraction in (1.5, 1e6, float("inf")):
        with pytest.raises(ValueError, match=rf"^{name}: .* is not a whole number$"):
            Settings(**{name: fraction})


@pytest.mark.parametrize("name", TIMES)
def test_the_longest_and_the_shortest_time_and_those_beyond(name: str) -> None:
    """A time without an end failed with each client:
    ``OverflowError: cannot convert float infinity to integer``.
    """
    for bound in (LEAST_SECONDS, MOST_SECONDS):
        assert getattr(Settings(**{name: bound}), name) == bound
    for value in (float("inf"), 1e308, 10**400, MOST_SECONDS + 1):
        with pytest.raises(ValueError, match=rf"^{name}: .* is more than 1000000$"):
            Settings(**{name: value})
    for value in (5e-324, 0.0009):
        with pytest.raises(ValueError, match=rf"^{name}: .* is less than 0.001$"):
            Settings(**{name: value})


def test_a_path_may_be_a_path() -> None:
    assert Settings(certfile=Path("a.pem")).certfile == "a.pem"  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["", " "])
def test_an_empty_path_is_none(value: str) -> None:
    assert Settings(health_path=value).health_path is None


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


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("text", ["", "many", "1 000", "1kB", "9" * 5000 + "x"])
def test_a_text_that_is_no_number_is_named(name: str, text: Any) -> None:
    with pytest.raises(ValueError, match=r" is not a (whole )?number$") as raised:
        OPTIONS[name].read(text)
    assert str(raised.value).startswith(f"{name}: {repr(text)[:80]}")
    assert len(str(raised.value)) < 200


def test_a_text_is_read_and_not_yet_checked() -> None:
    assert OPTIONS["max_rooms"].read("-5") == -5
    assert OPTIONS["slow_timeout"].read("2.5") == 2.5
    assert OPTIONS["transports"].read("pigeon") == ["pigeon"]
    assert OPTIONS["transports"].read(("a", "b c")) == ("a", "b c")
    assert OPTIONS["max_rooms"].read(1.5) == 1.5
