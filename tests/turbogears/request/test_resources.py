"""What is closed after events: TurboGears' resources, and those of hooks."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import tg
from tg import MinimalApplicationConfigurator, TGController

from tests.engine.clients import wait_for
from tests.engine.conftest import Live
from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.request.resources import make_close

closed: list[Any] = []


def closes(what: str, error: Exception | None = None) -> Callable[[], None]:
    def close() -> None:
        closed.append(what)
        if error is not None:
            raise error

    return close


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    closed.clear()
    ming, odm = ModuleType("ming"), ModuleType("ming.odm")
    session = SimpleNamespace(close_all=closes("Ming"))
    odm.ThreadLocalODMSession = session  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ming", ming)
    monkeypatch.setitem(sys.modules, "ming.odm", odm)


def database(error: Exception | None = None) -> Any:
    return SimpleNamespace(remove=closes("SQLAlchemy", error))


@pytest.fixture
def hook() -> Iterator[Callable[[Callable[[], Any]], None]]:
    """Registers functions for the hook, until the end of the test."""
    registered: list[Callable[[], Any]] = []

    def register(function: Callable[[], Any]) -> None:
        registered.append(function)
        tg.hooks.register("socketio.event_over", function)

    yield register
    for each in registered:
        tg.hooks.disconnect("socketio.event_over", each)


SQLALCHEMY = {"use_sqlalchemy": True, "DBSession": database()}

CASES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    ({"DBSession": database()}, []),
    (SQLALCHEMY, ["SQLAlchemy"]),
    ({"use_sqlalchemy": True, "SQLASession": database()}, ["SQLAlchemy"]),
    ({"ming.enabled": False}, []),
    ({"ming.enabled": True}, ["Ming"]),
    ({"ming.enabled": "true"}, ["Ming"]),
    ({**SQLALCHEMY, "ming.enabled": True}, ["SQLAlchemy", "Ming"]),
]


@pytest.mark.parametrize(("config", "expected"), CASES)
@pytest.mark.parametrize("hooked", [False, True])
def test_what_the_application_uses_is_closed(
    hook: Any, config: dict[str, Any], expected: list[str], hooked: bool
) -> None:
    if hooked:
        hook(closes("hook"))
        expected = [*expected, "hook"]
    close = make_close(config)
    if close is not None:
        close()
    assert closed == expected
    assert (close is None) is (expected == [])


def test_each_is_closed_when_another_fails(
    hook: Any, caplog: pytest.LogCaptureFixture
) -> None:
    hook(closes("hook", KeyError("a bug")))
    hook(closes("another hook"))
    error = ValueError("no database")
    config = {"use_sqlalchemy": True, "DBSession": database(error)}
    close = make_close({**config, "ming.enabled": True})
    assert close is not None
    with caplog.at_level(logging.ERROR), pytest.raises(ValueError, match="no database"):
        close()
    assert closed == ["SQLAlchemy", "Ming", "hook", "another hook"]
    assert "a bug" in caplog.text


class Lab(SocketIOTGNamespace):
    def on_work(self):
        closed.append("work")
        return "done"

    def on_fail(self):
        raise RuntimeError

    def on_spawn(self, name):
        self.spawn(getattr(self, name))

    def job(self):
        closed.append("job")

    def part(self):
        self.run_in_app(self.job)
        closed.append("part")


class SocketIO(SocketIOController):
    lab = Lab


class RootController(TGController):
    socketio = SocketIO()


@pytest.fixture
def client(serve: Callable[..., Live], hook: Any) -> Any:
    hook(lambda: closed.append(tg.config["mark"]))
    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": RootController(), "mark": "over"})
    application = configurator.make_wsgi_app({}, {})
    made = serve(application=application, resource="socketio").websocket_5()
    made.join("/lab")
    assert made.call("/lab", "work") == ["done"]
    assert closed[-2:] == ["work", "over"]
    closed.clear()
    return made


def test_the_hook_is_called_after_each_event(client: Any) -> None:
    """In its context: ``tg.config`` is that of its application."""
    client.emit("/lab", "fail")
    assert client.event("/lab")[0] == "error"
    assert closed == ["over"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("job", ["over", "job", "over"]),
        ("part", ["over", "job", "over", "part", "over"]),
    ],
)
def test_the_hook_is_called_after_each_job(
    client: Any, name: str, expected: list[str]
) -> None:
    client.emit("/lab", "spawn", name)
    wait_for(lambda: len(closed) >= len(expected), "the end of the job")
    assert closed == expected
