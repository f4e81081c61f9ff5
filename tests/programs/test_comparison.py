"""What the comparison relies on."""

from __future__ import annotations

import pytest

from .differences import Difference, expected
from .test_programs import PROGRAMS
from .ways import ENGINE, MOUNT, NEW_WAYS, OLD_WAYS, PORTS, SOURCES, WAYS

LOGS = {"ann": ["connect", "hello", "bye"], "server": ["ann", "ann"]}


@pytest.mark.parametrize("host", [ENGINE, MOUNT])
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_port_changes_imports_alone(name: str, host: str) -> None:
    before = (SOURCES / f"{name}.py").read_text()
    after = PORTS[host](before)
    pairs = zip(before.splitlines(), after.splitlines(), strict=True)
    changed = [(old, new) for old, new in pairs if old != new]
    assert changed
    for old, new in changed:
        assert old.startswith("from socketio")
        assert new.startswith("from tgext.socketio")
    assert "\nfrom socketio" not in after


def test_each_play_has_its_program() -> None:
    plays = [each.stem for each in (SOURCES.parent / "plays").glob("[!_]*.py")]
    assert sorted(plays) == PROGRAMS


def test_a_difference_replaces_lines_where_it_holds() -> None:
    known = [Difference("ann", ["hello"], ["hi", "there"], "a reason", NEW_WAYS)]
    changed = {**LOGS, "ann": ["connect", "hi", "there", "bye"]}
    for way in WAYS:
        assert expected(LOGS, known, way) == (changed if way in NEW_WAYS else LOGS)
    assert set(NEW_WAYS) | set(OLD_WAYS) == set(WAYS)


@pytest.mark.parametrize(
    ("who", "theirs"), [("ann", ["bye", "hello"]), ("server", ["ann"])]
)
def test_a_difference_has_one_place(who: str, theirs: list[str]) -> None:
    with pytest.raises(AssertionError, match="a reason"):
        expected(LOGS, [Difference(who, theirs, [], "a reason")], WAYS[0])
