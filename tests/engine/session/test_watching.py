"""Log lines of slow events."""

from __future__ import annotations

import logging
from typing import Any

import gevent
import pytest

from tgext.socketio.engine.lines import SLOW
from tgext.socketio.engine.namespaces.base import BaseNamespace
from tgext.socketio.engine.session.watching import SAMPLE

from ..clients import Client, wait_for
from ..conftest import Live, Serve

#: Seconds that a handler takes, and those that count as slow.
SLEEP, LIMIT = 0.05, 0.02


class Lazy(BaseNamespace):
    def on_wait(self) -> str:
        gevent.sleep(SLEEP)
        return "done"

    def on_fail(self) -> None:
        gevent.sleep(SLEEP)
        raise LookupError

    def recv_message(self, data: Any) -> None:
        gevent.sleep(SLEEP)

    def on_quick(self) -> str:
        return "done"


def slow(caplog: pytest.LogCaptureFixture) -> list[Any]:
    return [each for each in caplog.records if each.name == SLOW]


def joined(serve: Serve, kind: str = "4-websocket", **options: Any) -> tuple[Live, Any]:
    live = serve({"/chat": Lazy}, **options)
    client: Client = live.client(kind)
    client.join("/chat")
    return live, client


def test_a_slow_event_leaves_one_line(
    serve: Serve, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tgext.socketio")
    live, client = joined(serve, kind, slow_event=LIMIT)
    assert client.call("/chat", "wait") == ["done"]
    wait_for(lambda: slow(caplog), "the line")
    name = live.socket(client).log_name
    [record] = slow(caplog)
    seconds = f"{record.socketio_duration:.1f}"
    assert record.getMessage() == (
        f"Slow event wait of /chat: {seconds} s, more than slow_event, 0.02 s "
        f"(anonymous, session {name}, 127.0.0.1)"
    )
    assert record.socketio_event == "wait"
    assert record.socketio_duration >= SLEEP - 0.01


def test_an_event_that_fails_slowly_is_slow(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tgext.socketio")
    _, client = joined(serve, slow_event=LIMIT)
    client.emit("/chat", "fail")
    wait_for(lambda: slow(caplog), "the line")
    assert slow(caplog)[0].socketio_event == "fail"


@pytest.mark.parametrize(
    ("option", "level"), [(0, logging.INFO), (LIMIT, logging.WARNING), (60, 0)]
)
def test_otherwise_there_is_none(
    serve: Serve, option: float, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(level or logging.INFO, "tgext.socketio")
    live, client = joined(serve, slow_event=option)
    assert client.call("/chat", "wait") == ["done"]
    assert client.call("/chat", "quick") == ["done"]
    assert slow(caplog) == []
    assert (not live.server.hub.watches) is (option != 60)


def test_a_name_of_a_client_is_escaped_and_cut(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    class Any_(BaseNamespace):
        def process_packet(self, packet: Any) -> Any:
            if packet["type"] == "event":
                gevent.sleep(SLEEP)
            return super().process_packet(packet)

    caplog.set_level(logging.INFO, "tgext.socketio")
    client = serve({"/chat": Any_}, slow_event=LIMIT).joined()
    client.emit("/chat", "a\n" + "b" * 500)
    wait_for(lambda: slow(caplog), "the line")
    [record] = slow(caplog)
    assert "\n" not in record.getMessage()
    assert record.socketio_event == "a\\n" + "b" * 78 + "..."


@pytest.mark.parametrize("option", [0, 60])
def test_each_sixteenth_event_of_its_kind_is_timed(
    serve: Serve, option: float, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tgext.socketio")
    live = serve({"/chat": Lazy, "/other": Lazy}, slow_event=option)
    live.server.hub.counts.events = tallies = {}
    client = live.joined()
    client.join("/other")
    for number in range(SAMPLE + 2):
        for endpoint in ("/chat", "/other"):
            assert client.call(endpoint, "quick", number=number) == ["done"]
    assert client.call("/chat", "wait") == ["done"]
    found = {key: (each.number, sum(each.buckets)) for key, each in tallies.items()}
    assert found == {
        ("/chat", "quick"): (SAMPLE + 2, 2),
        ("/other", "quick"): (SAMPLE + 2, 2),
        ("/chat", "wait"): (1, 1),
    }
    assert tallies["/chat", "wait"].seconds >= SLEEP - 0.01


def test_a_slow_event_is_told_of_where_events_are_counted(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tgext.socketio")
    live = serve({"/chat": Lazy}, slow_event=LIMIT)
    live.server.hub.counts.events = {}
    client = live.joined()
    for number in range(3):
        assert client.call("/chat", "wait", number=number) == ["done"]
    wait_for(lambda: len(slow(caplog)) == 3, "a line of each")
