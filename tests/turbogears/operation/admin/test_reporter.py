"""When is reported what, and to whom."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.engine.clients import wait_for
from tgext.socketio.operation.admin import reporter as reporting
from tgext.socketio.operation.admin.reporter import (
    CHANGES,
    PAGE,
    SOCKETS,
    STATISTICS,
    STATS,
    Reporter,
)


class Sockets:
    """What a process would show."""

    def __init__(self) -> None:
        self.lost = False
        self.running = 0
        self.changes: list[Any] = []
        self.all: list[Any] = []

    def start(self) -> None:
        self.running += 1

    def stop(self) -> None:
        self.running -= 1

    def take(self) -> list[Any]:
        taken, self.changes = self.changes, []
        return taken

    def begin_anew(self) -> list[Any]:
        self.lost = False
        self.changes.clear()
        return list(self.all)


class Scene:
    """A reporter that reports when the test says so."""

    def __init__(self) -> None:
        self.sockets = Sockets()
        self.time = 0.0
        self.stopping = False
        self.told: list[Any] = []
        self.reporter = Reporter(
            lambda: {"pid": 1}, self.sockets, lambda: self.stopping, lambda: self.time
        )

    def tell(self, kind: str, content: Any) -> None:
        self.told.append((kind, content))

    def taken(self) -> list[Any]:
        """What is reported now."""
        self.reporter.report()
        taken, self.told = self.told, []
        return taken


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    for name in ("INTERVAL", "ANEW"):
        monkeypatch.setattr(reporting, name, 0.001)
    return Scene()


@pytest.fixture
def read(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """With a reader, and without the greenlet."""
    nothing = SimpleNamespace(spawn=lambda function: object())
    monkeypatch.setattr(reporting, "gevent", nothing)
    scene.reporter.report_to("ann", scene.tell)
    return scene


def test_a_new_reader_is_told_all(read: Scene) -> None:
    read.sockets.all = list(range(PAGE + 1))
    first, rest, stats = read.taken()
    assert first == (SOCKETS, list(range(PAGE)))
    assert rest == (CHANGES, [PAGE])
    assert stats == (STATS, {"pid": 1})
    assert read.taken() == []
    read.sockets.changes = ["a", "b"]
    assert read.taken() == [(CHANGES, ["a", "b"])]


def test_a_reader_that_renews_is_not_new(read: Scene) -> None:
    read.taken()
    read.reporter.report_to("ann", read.tell)
    assert read.taken() == []


def test_where_nothing_is_all_is_told_too(read: Scene) -> None:
    assert read.taken()[0] == (SOCKETS, [])


def test_statistics_come_now_and_then(read: Scene) -> None:
    read.taken()
    read.time += STATISTICS
    assert read.taken() == [(STATS, {"pid": 1})]


def test_lost_changes_are_told_anew_not_too_often(read: Scene) -> None:
    read.taken()
    read.sockets.lost = True
    assert read.taken() == []
    read.time += reporting.ANEW
    assert read.taken()[0] == (SOCKETS, [])


def test_a_reader_that_fails_hides_nothing_from_others(read: Scene) -> None:
    def fail(kind: str, content: Any) -> None:
        raise OSError

    read.reporter.report_to("bob", fail)
    read.reporter.report_to("eve", lambda *told: others.append(told))
    others: list[Any] = []
    assert read.taken() == others


def test_it_runs_while_somebody_reads(scene: Scene) -> None:
    scene.reporter.report_to("ann", scene.tell, seconds=5)
    scene.reporter.report_to("bob", scene.tell)
    wait_for(lambda: len(scene.told) >= 4, "both are told all and the statistics")
    assert scene.sockets.running == 1
    scene.reporter.end_report("bob")
    scene.time = 5.1
    wait_for(lambda: not scene.sockets.running, "nobody reads any more")
    scene.reporter.report_to("ann", scene.tell)
    wait_for(lambda: bool(scene.sockets.running), "somebody reads again")
    scene.stopping = True
    wait_for(lambda: not scene.sockets.running, "the server stops")


def test_a_failure_is_logged_and_not_the_end(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> list[Any]:
        scene.sockets.__dict__.pop("begin_anew")
        raise LookupError

    scene.sockets.__dict__["begin_anew"] = fail
    scene.reporter.report_to("ann", scene.tell)
    wait_for(lambda: (SOCKETS, []) in scene.told, "the next report succeeds")
    assert "Reporting to administrators failed" in caplog.text
    scene.reporter.end_report("ann")
    wait_for(lambda: not scene.sockets.running, "nobody reads any more")
