"""Publishing from pages, greenlets and scripts; the backend."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import gevent
import pytest

from tests.engine.clients import DEADLINE, KINDS
from tests.engine.conftest import Live
from tests.ports import free_port
from tgext.socketio.backends import BackendOptionError, choice
from tgext.socketio.pubsub import publish

from .conftest import (
    App,
    connect,
    subscribe,
)

# Publishing from elsewhere


def test_a_page_publishes(live: Live) -> None:
    client = connect(live)
    subscribe(client, "news")
    assert live.http().get("/announce?text=hello").text == "announced"
    assert client.event("/chat") == ["pubblication", "hello"]


def test_a_greenlet_of_the_application_publishes(live: Live, app: App) -> None:
    client = connect(live)
    subscribe(client, "news")
    gevent.spawn(publish, "news", "hello", app.config).get(timeout=DEADLINE)
    assert client.event("/chat") == ["pubblication", "hello"]


def test_dates_travel_as_in_pages(live: Live, app: App) -> None:
    import datetime

    client = connect(live)
    subscribe(client, "news")
    publish("news", datetime.date(2030, 1, 2), app.config)
    assert client.event("/chat") == ["pubblication", "2030-01-02"]


@pytest.fixture
def _no_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "shared_backends", {})


@pytest.mark.usefixtures("_no_shared")
def test_without_an_application_memory_reaches_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    publish("news", "hello", {})
    assert "reaches only this process" in caplog.text
    assert len(choice.shared_backends) == 1
    publish("news", "hello", {"anypubsub.backend": "memory"})
    assert len(choice.shared_backends) == 1


def test_without_an_application_nor_settings_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tgext.socketio.messaging.publishing.config", {})
    with pytest.raises(LookupError, match="give publish the configuration"):
        publish("news", "hello")


def test_values_that_json_cannot_hold_are_named(app: App) -> None:
    said = r"channel 'news': the message, at \['at'\], is of the type object, which"
    with pytest.raises(TypeError, match=said):
        publish("news", {"at": object()}, app.config)


# The backend


def test_a_broker_that_is_away_is_told_and_waited_for(
    serve: Callable[..., Live], caplog: pytest.LogCaptureFixture
) -> None:
    options = {"anypubsub.backend": "redis", "anypubsub.port": str(free_port())}
    app = App(**options)
    client = connect(serve(application=app.wsgi, resource="socketio"))
    assert subscribe(client, "news") == "news"
    assert subscribe(client, "room", "5") == "room-5"
    told = [each for each in caplog.messages if "Redis at localhost" in each]
    assert len(told) == 1
    assert "is not there, connecting" in told[0]


def test_the_backend_is_kept_where_it_always_was(live: Live, app: App) -> None:
    subscribe(connect(live), "news")
    backend = app.config["tg.app_globals"].anypubsub
    assert type(backend).__module__ == "anypubsub.backends.memory"
    assert app.channels.backend is backend


def test_an_application_may_bring_its_own_backend(live: Live, app: App) -> None:
    from anypubsub.backends.memory import MemoryPubSub

    own = app.config["tg.app_globals"].anypubsub = MemoryPubSub()
    client = connect(live)
    subscribe(client, "news")
    own.publish("news", '"hello"')
    assert client.event("/chat") == ["pubblication", "hello"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"anypubsub.backend": "carrier pigeons"},
            r"anypubsub\.backend: there is no backend 'carrier pigeons'",
        ),
        (
            {"anypubsub.host": "localhost"},
            r"anypubsub\.host: is not an option of the memory backend",
        ),
    ],
)
def test_a_wrong_option_is_named_and_leaves_nothing_locked(
    options: dict[str, Any], message: str
) -> None:
    app = App(**options)
    for _ in range(2):
        with gevent.Timeout(DEADLINE), pytest.raises(BackendOptionError, match=message):
            publish("news", "hello", app.config)
    del app.config[next(iter(options))]
    with gevent.Timeout(DEADLINE):
        publish("news", "hello", app.config)


#: Messages that programs without this package may publish.
RAW_MESSAGES: dict[str, Any] = {
    "nothing": "",
    "text": "hello",
    "bytes that are no text": b"\xff\xfe",
    "a number": 5,
    "None": None,
    "not a number": "NaN",
    "infinity": "[-Infinity]",
    "a number too long to read": "9" * 5000,
    "deep": "[" * 100_000,
    "deep to the end": "[" * 100_000 + "]" * 100_000,
    "deep objects": '{"a":' * 50_000 + "1" + "}" * 50_000,
    "a control character": '"\x00"',
    "half a surrogate pair": b'"\xed\xa0\x80"',
    "an escaped half of a surrogate pair": '"\\ud800"',
    "an escaped NUL": '"\\u0000"',
    "line separators": '"\u2028\\u2029"',
    "a number past 64 bits": str(2**70),
    "a number past all": "1e999",
    "a placeholder": '{"_placeholder":true,"num":0}',
    "a key twice": '{"a":1,"a":2}',
    "nested": "[" * 200 + "]" * 200,
    "what ends a frame of 0.9": '"\ufffd5\ufffd5:::x"',
}


def test_whatever_is_published_nobody_is_disconnected(live: Live, app: App) -> None:
    clients = [connect(live, kind) for kind in KINDS]
    for client in clients:
        assert subscribe(client, "news") == "news"
    for raw in RAW_MESSAGES.values():
        app.channels.backend.publish("news", raw)
    app.channels.publish("news", "end")
    for client in clients:
        heard = []
        while not heard or heard[-1] != ["pubblication", "end"]:
            heard.append(client.event("/chat"))
        # Messages that are not JSON were skipped.
        assert 5 < len(heard) < len(RAW_MESSAGES)
        assert client.call("/chat", "heard", number=9) == [["news"]]
