"""The backend that the options of an application choose."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from anypubsub.backends.memory import MemoryPubSub
from gevent.event import Event

from tests.engine.clients import DEADLINE, wait_for
from tgext.socketio import backends
from tgext.socketio.backends import BackendOptionError, choice


@pytest.fixture
def settings() -> dict[str, Any]:
    """The configuration of an application."""
    return {"tg.app_globals": SimpleNamespace()}


@pytest.fixture
def _no_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "shared_backends", {})


def test_memory_is_the_default(settings: dict[str, Any]) -> None:
    assert isinstance(choice.create_backend({}), MemoryPubSub)
    assert choice.is_local({})
    assert not choice.is_local({"anypubsub.backend": "redis"})
    assert choice.backend_of(settings) is settings["tg.app_globals"].anypubsub


def test_an_application_may_bring_its_own(settings: dict[str, Any]) -> None:
    own = settings["tg.app_globals"].anypubsub = object()
    assert choice.backend_of(settings) is own


@pytest.mark.usefixtures("_no_shared")
def test_without_an_application_equal_options_share_a_backend() -> None:
    first = choice.shared_backend({"other": 1})
    assert choice.shared_backend({"anypubsub.backend": "memory"}) is first
    assert len(choice.shared_backends) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"anypubsub.backend": "pigeons"}, r"anypubsub\.backend: .* 'pigeons'"),
        (
            {"anypubsub.backend": "rdeis"},
            r"anypubsub\.backend: .* 'rdeis' \(did you mean redis\?\); try memory, ",
        ),
        ({"anypubsub.host": "here"}, r"anypubsub\.host: is not an .* memory backend"),
        (
            {"anypubsub.backned": "redis"},
            r"anypubsub\.backned: .* \(did you mean anypubsub\.backend\?\)",
        ),
        (
            {"anypubsub.backend": "redis", "anypubsub.hsot": "here"},
            r"anypubsub\.hsot: .* redis backend \(did you mean anypubsub\.host\?\)",
        ),
    ],
)
def test_an_invalid_option_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BackendOptionError, match=message):
        choice.create_backend(options)


@pytest.mark.parametrize("name", ["redis", "amqp"])
def test_a_backend_whose_library_is_missing_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, f"tgext.socketio.backends.{name}", raising=False)
    monkeypatch.delitem(sys.modules, "tgext.socketio.backends.redis_listener", False)
    message = rf"anypubsub\.backend: {name} needs a library .*pip install .*\[{name}\]"
    with pytest.raises(BackendOptionError, match=message):
        choice.create_backend({"anypubsub.backend": name})


def test_a_backend_is_created_once(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []
    go_on = Event()

    def create(settings: Any) -> Any:
        made.append(settings)
        go_on.wait(DEADLINE)
        return object()

    monkeypatch.setattr(choice, "create_backend", create)
    jobs = [gevent.spawn(choice.backend_of, settings) for _ in range(3)]
    wait_for(lambda: made, "one creates it")
    go_on.set()
    gevent.joinall(jobs, timeout=DEADLINE, raise_error=True)
    assert len({id(job.value) for job in jobs}) == len(made) == 1


def test_a_backend_that_cannot_be_created_is_tried_again(
    settings: dict[str, Any],
) -> None:
    settings["anypubsub.backend"] = "pigeons"
    for _ in range(2):
        with gevent.Timeout(DEADLINE), pytest.raises(BackendOptionError):
            choice.backend_of(settings)
    del settings["anypubsub.backend"]
    with gevent.Timeout(DEADLINE):
        assert isinstance(choice.backend_of(settings), MemoryPubSub)


def test_the_package_has_the_names_of_the_module() -> None:
    for name in ("backend_of", "create_backend", "is_local", "shared_backend"):
        assert getattr(backends, name) is getattr(choice, name)
    with pytest.raises(AttributeError, match="no attribute 'pigeons'"):
        backends.pigeons  # noqa: B018
