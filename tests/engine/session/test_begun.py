"""What a namespace has begun for a client: undone, kept, or begun in the end."""

from __future__ import annotations

import pytest

from tgext.socketio.engine.session.begun import Begun


def begun() -> tuple[Begun, list[str]]:
    """Two steps: one of before :meth:`keep`, and one of after."""
    begun, done = Begun("/chat"), []
    for step in ("first", "second"):
        begun.undoes(lambda step=step: done.append(f"undo {step}"))
        begun.when_admitted(lambda step=step: done.append(f"begin {step}"))
        if step == "first":
            begun.keep()
    return begun, done


def test_who_is_admitted_begins_what_waits_in_order() -> None:
    it, done = begun()
    it.begin()
    it.begin()
    assert done == ["begin first", "begin second"]


def test_who_is_not_admitted_undoes_all() -> None:
    it, done = begun()
    it.undo()
    it.begin()
    assert done == ["undo second", "undo first"]


def test_a_second_attempt_begins_at_what_was_kept() -> None:
    it, done = begun()
    it.rewind()
    assert done == ["undo second"]
    it.begin()
    assert done == ["undo second", "begin first"]


@pytest.mark.parametrize(
    ("end", "line"),
    [
        ("begin", "Beginning what /chat asked for failed"),
        ("undo", "Undoing what /chat began failed"),
    ],
)
def test_a_step_that_fails_does_not_stop_the_others(
    end: str, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    it, done = begun()
    it.when_admitted(lambda: done.append(1 / 0))  # type: ignore[arg-type]
    it.when_admitted(lambda: done.append("last"))
    it.undoes(lambda: done.append(1 / 0))  # type: ignore[arg-type]
    getattr(it, end)()
    assert len(done) == (3 if end == "begin" else 2)
    assert line in caplog.text
