"""The options of an application."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tgext.socketio.options import APPLICATION_OPTIONS, SECTION, read_option

ROOT = Path(__file__).parents[2]

#: What begins like an option and is none: keys of the WSGI environment, a hook, a
#: module, and attributes of spans.
OTHERS = {
    "socketio.anonymous",
    "socketio.answered_by",
    "socketio.error",
    "socketio.event",
    "socketio.event_over",
    "socketio.namespace",
    "socketio.resources",
    "socketio.session",
    "socketio.unwritable",
}


def test_each_option_that_is_read_is_in_the_table() -> None:
    modules = (ROOT / "tgext/socketio").rglob("*.py")
    found = re.findall(
        rf'"({re.escape(SECTION)}\w+)"', "".join(map(Path.read_text, modules))
    )
    assert set(found) - OTHERS == set(APPLICATION_OPTIONS)


@pytest.mark.parametrize("name", APPLICATION_OPTIONS)
def test_each_option_is_documented(name: str) -> None:
    text = (ROOT / "docs/turbogears_features.rst").read_text()
    [_, table] = text.split("Options of the application\n---")
    assert f"\n``{name}``" in table


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("socketio.identity_ttl", None, 0.0),
        ("socketio.identity_ttl", " ", 0.0),
        ("socketio.identity_ttl", "2.5", 2.5),
        ("socketio.activity_timeout", None, None),
        ("socketio.activity_timeout", "0", 0.0),
        ("socketio.recheck_interval", None, 30.0),
        ("socketio.recheck_interval", 60, 60.0),
        ("socketio.cluster", None, False),
        ("socketio.cluster", "on", True),
        ("socketio.cluster", True, True),
    ],
)
def test_what_is_read(name: str, value: Any, read: Any) -> None:
    assert read_option({name: value}, name) == read


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("socketio.cluster", "maybe", "'maybe' is not true or false"),
        ("socketio.cluster", "", "'' is not true or false"),
        ("socketio.recheck_interval", "soon", "'soon' is not a number of seconds"),
        ("socketio.recheck_interval", "-1", "-1.0 is not a number of seconds"),
        ("socketio.identity_ttl", "nan", "nan is not a number of seconds"),
        ("socketio.identity_ttl", [1], "[1] is not a number of seconds"),
    ],
)
def test_what_is_invalid_is_named(name: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"{name}: {message}")):
        read_option({name: value}, name)
