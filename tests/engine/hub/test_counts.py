"""What a server counts for its operators."""

from __future__ import annotations

from typing import Any

import gevent
import pytest

from tgext.socketio.engine.hub import counts
from tgext.socketio.engine.hub.counts import BOUNDS, ERRORS, REASONS, Counts, Timing
from tgext.socketio.engine.namespaces.base import BaseNamespace, ConnectionRefused

from ..clients import DEADLINE, wait_for
from ..conftest import Live, Serve
from ..sample_namespaces import Echo


class Moody(BaseNamespace):
    def on_ask(self, value: Any = None) -> Any:
        return value

    def on_two_words(self) -> None: ...

    def on_fail(self) -> None:
        raise LookupError

    def on_tell(self) -> None:
        self.error("of my own", "text")

    def on_call(self) -> Any:
        return self.call("what")


class Refusing(BaseNamespace):
    def initialize(self) -> None:
        raise ConnectionRefused("no")


def timed(serve: Serve) -> Live:
    """A server whose events are counted."""
    live = serve({"/chat": Moody, "/no": Refusing, "/other": Echo})
    live.server.hub.counts.events = {}
    return live


def numbers(live: Live) -> dict[tuple[str, str], int]:
    events = live.server.hub.counts.events
    assert events is not None
    return {key: each.number for key, each in events.items()}


@pytest.mark.parametrize(
    ("seconds", "bucket"),
    [(0, 0), (0.001, 0), (0.0011, 1), (0.3, 8), (10, 12), (10.1, 13), (1e9, 13)],
)
def test_a_time_is_in_the_first_bucket_that_it_fits(
    seconds: float, bucket: int
) -> None:
    timing = Timing()
    timing.add(seconds)
    assert timing.buckets.index(1) == bucket
    assert timing.cumulative == [int(each >= bucket) for each in range(14)]
    assert len(timing.cumulative) == len(BOUNDS) + 1
    both = Timing()
    both.include(timing)
    both.include(timing)
    assert both.cumulative[-1] == 2
    assert both.seconds == 2 * seconds


def test_connections_are_counted_from_their_first_transport_to_their_end(
    serve: Serve, kind: str
) -> None:
    live = serve({"/chat": Echo})
    counted = live.server.hub.counts
    client = live.joined(kind)
    socket = live.socket(client)
    transport = kind.partition("-")[2].removeprefix("xhr-")
    assert counted.opened == {(socket.generation.name, transport): 1}
    assert counted.closed == {}
    gevent.spawn(socket.kill, reason="ping timeout").join(DEADLINE)
    assert counted.closed == {"ping timeout": 1}
    assert counted.traffic.received >= 1
    assert counted.traffic.sent_bytes > counted.traffic.sent >= 1


def test_reasons_of_an_application_share_a_name(serve: Serve) -> None:
    live = serve({"/chat": Echo})
    for reason in ("a\n", "b", "transport close"):
        gevent.spawn(live.socket(live.joined()).kill, reason=reason).join(DEADLINE)
    assert live.server.hub.counts.closed == {"other": 2, "transport close": 1}
    assert {"transport close", "slow consumer", "user changed"} < REASONS


def test_refusals_are_counted_by_what_was_refused(serve: Serve) -> None:
    live = timed(serve)
    http, target = live.http(), "/socket.io/?EIO=4&transport="
    assert http.get(target + "pigeon").status == 400
    foreign = {"Origin": "http://elsewhere.example"}
    assert http.get(target + "polling", foreign).status == 403
    raw = live.raw()
    raw.send_raw(b"GET / HTTP/1.1\r\nHost : x\r\n\r\n")
    assert raw.receive_head()[0] == 400
    client = live.websocket_5()
    client.send("40/no,")
    client.send("40/nowhere,")
    wait_for(lambda: live.server.hub.counts.refused["namespace", ""] == 2, "both")
    assert live.server.hub.counts.refused == {
        ("request", "400"): 1,
        ("origin", "403"): 1,
        ("http", "400"): 1,
        ("namespace", ""): 2,
    }


def test_events_are_counted_by_their_methods(serve: Serve, kind: str) -> None:
    live = timed(serve)
    client = live.joined(kind)
    for number in range(3):
        client.call("/chat", "ask", number, number=number + 1)
    for name in ("two words", "two_words", "two words"):
        client.emit("/chat", name)
    for name in ("unheard", "a:b", "x" * 500, "", "ask!"):
        client.emit("/chat", name)
    client.emit("/chat", "fail")
    wait_for(lambda: ("/chat", "fail") in numbers(live), "the last")
    assert numbers(live) == {
        ("/chat", "ask"): 3,
        ("/chat", "two_words"): 3,
        ("/chat", "other"): 5,
        ("/chat", "fail"): 1,
    }
    assert live.server.hub.counts.acks_sent == 3


def test_a_class_that_has_any_method_has_one_name_for_all(serve: Serve) -> None:
    class Anything(BaseNamespace):
        def __getattr__(self, name: str) -> Any:
            if name.startswith("on_"):
                return lambda *args: name
            raise AttributeError(name)

    live = serve({"/chat": Anything})
    live.server.hub.counts.events = {}
    client = live.joined()
    for number in range(20):
        client.emit("/chat", f"name{number}")
    wait_for(lambda: numbers(live).get(("/chat", "other")) == 20, "all")
    assert len(numbers(live)) == 1


def test_errors_are_counted_by_the_names_that_are_known(serve: Serve) -> None:
    live = timed(serve)
    client = live.joined()
    for name in ("tell", "fail", "unheard", "tell"):
        client.emit("/chat", name)
    wait_for(lambda: live.server.hub.counts.errors["other"] == 2, "the last")
    told = {"other": 2, "internal_error": 1, "no_such_method": 1}
    assert live.server.hub.counts.errors == told
    assert "rate_limited" in ERRORS


def test_acks_of_clients_are_counted(serve: Serve) -> None:
    live = timed(serve)
    client = live.joined()
    client.emit("/chat", "call", number=1)
    asked = client.read()
    client.ack("/chat", asked["id"], "answer")
    assert client.read()["args"] == ["answer"]
    counted = live.server.hub.counts
    assert (counted.acks_received, counted.acks_sent) == (1, 1)


def test_nobody_counts_events_before_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(counts, "_timed", False)
    before = Counts()
    assert before.events is None
    counts.time_events()
    after = Counts()
    assert before.events == after.events == {}
