"""Publishing without an application, with valid, invalid or missing settings."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import tg
from anypubsub.backends.memory import MemoryPubSub

from tgext.socketio.backends import choice
from tgext.socketio.messaging.log import log_of_backend
from tgext.socketio.messaging.publishing import publish

MEMORY = {"anypubsub.backend": "memory"}


class Globals:
    """The ``app_globals`` of an application."""

    def __init__(self) -> None:
        self.anypubsub = MemoryPubSub()


@pytest.fixture(autouse=True)
def _no_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "shared_backends", {})


@pytest.fixture
def backend() -> Any:
    """The backend of processes without an application."""
    return choice.shared_backend(MEMORY)


def test_without_an_application_the_settings_say_where(backend: Any) -> None:
    heard = backend.subscribe("news")
    publish("news", {"day": datetime.date(2030, 1, 2)}, MEMORY)
    assert next(iter(heard)) == '{"day":"2030-01-02"}'
    publish("news", "twice", MEMORY)
    assert next(iter(heard)) == '"twice"'


def test_a_script_asks_for_a_history_once(
    backend: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = log_of_backend(backend)
    assert log is not None
    declared: list[str] = []
    monkeypatch.setattr(log, "declare", lambda topic, keep: declared.append(topic))
    for number in range(3):
        publish("news", number, MEMORY, history=2)
    assert [each.message for each in log.latest("news", 5).entries] == ["1", "2"]
    assert declared == ["news"]


def test_publishing_to_memory_from_a_script_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        publish("news", "hello", MEMORY)
    assert "reaches only this process" in caplog.text


@pytest.fixture
def configuration() -> Iterator[dict[str, Any]]:
    """TurboGears' present configuration."""
    settings: dict[str, Any] = {}
    tg.config.push_process_config(settings)
    yield settings
    tg.config.pop_process_config(settings)


@pytest.mark.usefixtures("configuration")
def test_with_neither_it_says_what_to_do() -> None:
    with pytest.raises(LookupError, match="give publish the configuration"):
        publish("news", "hello")


@pytest.fixture
def application(configuration: dict[str, Any]) -> dict[str, Any]:
    configuration["tg.app_globals"] = Globals()
    return configuration


@pytest.mark.parametrize("given", [False, True])
def test_in_an_application_it_is_the_application_s(
    application: dict[str, Any], given: bool
) -> None:
    heard = application["tg.app_globals"].anypubsub.subscribe("news")
    publish("news", "hello", application if given else None)
    assert next(iter(heard)) == '"hello"'


@pytest.mark.parametrize("name", ["", "tgext.socketio/cluster"])
def test_a_name_that_no_channel_can_have_is_told_first(name: str) -> None:
    with pytest.raises(ValueError, match="invalid channel name"):
        publish(name, "hello", MEMORY)


def test_what_is_no_json_is_told_first() -> None:
    with pytest.raises(TypeError):
        publish("news", object(), MEMORY)
