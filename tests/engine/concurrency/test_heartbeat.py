"""The timer wheel, heartbeats and deadlines."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from socket import SO_SNDBUF, SOL_SOCKET
from typing import Any

import gevent
import pytest
from gevent.event import Event

from tgext.socketio.engine.concurrency.heartbeat import (
    LAST_CHANCE,
    Deadline,
    Heartbeat,
    Wheel,
)

from ..clients import DEADLINE, KINDS, Client, wait_for
from ..conftest import Serve
from ..sample_namespaces import Holding, fresh

PING = {"0.9": "2::", "4": "2"}
PONG = {"0.9": "2::", "4": "3"}
#: Clients 1.x and 2.x ping by themselves.
pinged = pytest.mark.parametrize("kind", [each for each in KINDS if each[0] != "2"])
pinging = pytest.mark.parametrize("kind", [each for each in KINDS if each[0] == "2"])
SHORT: dict[str, float] = {"heartbeat_interval": 0.1, "heartbeat_timeout": 0.15}


# Clients


def ping_and_pong(kind: str) -> tuple[str, str]:
    generation = kind.partition("-")[0]
    return PING[generation], PONG[generation]


def receive_but(client: Client, ping: str) -> str:
    """The next message that is not a ping."""
    while True:
        text = client.receive()
        if text != ping:
            return text


@pytest.mark.cites("Engine.IO 4, Heartbeat 1", "Socket.IO 1, Heartbeat 1")
@pinged
def test_a_client_that_answers_stays(serve: Serve, kind: str) -> None:
    ping, pong = ping_and_pong(kind)
    namespace = fresh(Holding)
    client = serve({"/chat": namespace}, **SHORT).client(kind)
    client.join("/chat")
    for _ in range(4):
        assert client.receive() == ping
        client.send(pong)
    client.emit("/chat", "note", "still here", number=1)
    answer = client.dialect.read(receive_but(client, ping))
    assert answer["args"] == ["still here"]
    assert namespace.left == []


@pinged
def test_any_message_shows_that_a_client_lives(serve: Serve, kind: str) -> None:
    ping, _ = ping_and_pong(kind)
    namespace = fresh(Holding)
    client = serve({"/chat": namespace}, **SHORT).client(kind)
    client.join("/chat")
    for number in range(4):
        assert client.receive() == ping
        client.emit("/chat", "note", number)
    wait_for(lambda: len(namespace.notes) == 4, "all is handled")
    assert namespace.left == []


@pytest.mark.cites("Engine.IO 3, Anatomy 2", "Engine.IO 3, Packet 3")
@pinging
@pytest.mark.parametrize(("ping", "pong"), [("2", "3"), ("2probe", "3probe")])
def test_a_client_that_pings_stays(
    serve: Serve, kind: str, ping: str, pong: str
) -> None:
    namespace = fresh(Holding)
    client = serve({"/chat": namespace}, **SHORT).client(kind)
    client.join("/chat")
    end = time.monotonic() + 2 * sum(SHORT.values())
    while time.monotonic() < end:
        client.send(ping)
        assert client.receive() == pong
        gevent.sleep(SHORT["heartbeat_interval"])
    assert client.call("/chat", "echo", 1) == [1]
    assert namespace.left == []


@pinging
def test_a_client_that_pings_is_not_pinged_and_may_be_silent_for_both_times(
    serve: Serve, kind: str
) -> None:
    namespace = fresh(Holding)
    live = serve({"/chat": namespace}, **SHORT)
    client = live.client(kind)
    client.join("/chat")
    began = time.monotonic()
    # The client receives nothing before the end.
    assert client.receive() == "1"
    assert time.monotonic() - began > sum(SHORT.values()) - 0.1
    assert namespace.left == ["ping timeout"]


@pinging
def test_a_ping_is_answered_while_a_handler_waits_for_its_client(
    serve: Serve, kind: str
) -> None:
    """Otherwise a client that answers late would disconnect from the server."""

    class Asking(Holding):
        def on_ask(self) -> None:
            self.notes.append(self.call("question", timeout=1))

    namespace = fresh(Asking)
    client = serve({"/chat": namespace}).client(kind)
    client.join("/chat")
    client.emit("/chat", "ask")
    number = client.read()["id"]
    client.send("2")
    assert client.receive() == "3"
    assert namespace.notes == []
    client.ack("/chat", number, "fine")
    wait_for(lambda: namespace.notes, "the ack is handled")
    assert namespace.notes == ["fine"]


@pytest.mark.cites("Real clients, Heartbeats 1")
@pytest.mark.cites("Engine.IO 3, Timeouts 1")
@pinging
def test_pings_are_answered_while_a_handler_takes_long(serve: Serve, kind: str) -> None:
    """Otherwise the client would disconnect, although no answer of it is due."""
    namespace = fresh(Holding)
    times = {"heartbeat_interval": 0.3, "heartbeat_timeout": 0.3}
    live = serve({"/chat": namespace}, **times)
    client = live.client(kind)
    client.join("/chat")
    client.send(
        client.dialect.event("/chat", "hold", (), None),
        client.dialect.event("/chat", "note", (0,), None),
    )
    assert namespace.entered.wait(DEADLINE)
    began = time.monotonic()
    number = 0
    # Longer than the client would wait for a pong.
    while time.monotonic() < began + sum(times.values()):
        number += 1
        client.emit("/chat", "note", number)
        client.send("2")
        assert client.receive() == "3"
        gevent.sleep(0.1)
    assert namespace.notes == []
    namespace.go_on.set()
    assert client.call("/chat", "note", "last") == ["last"]
    assert namespace.notes == [*range(number + 1), "last"]
    # The same again.
    namespace.entered.clear()
    namespace.go_on.clear()
    client.emit("/chat", "hold", number=3)
    assert namespace.entered.wait(DEADLINE)
    client.send("2")
    assert client.receive() == "3"
    namespace.go_on.set()
    assert client.read()["number"] == 3


def test_no_more_is_kept_of_what_comes_behind_a_long_handler_than_one_message_may_have(
    serve: Serve,
) -> None:
    """Beyond that all input has to wait, pings too: TCP holds all of it back."""
    namespace = fresh(Holding)
    times = {"heartbeat_interval": 0.1, "heartbeat_timeout": 0.1}
    live = serve({"/chat": namespace}, max_message_size=500, **times)
    client = live.websocket_4()
    client.join("/chat")
    client.emit("/chat", "hold")
    assert namespace.entered.wait(DEADLINE)
    client.send("2")
    assert client.receive() == "3"
    client.websocket.sock.setsockopt(SOL_SOCKET, SO_SNDBUF, 65536)
    dialect, padding = client.dialect, "x" * 400
    texts = [dialect.event("/chat", "note", (n, padding), None) for n in range(5000)]
    sending = gevent.spawn(client.send, *texts, "2")
    gevent.sleep(0.3)
    assert not sending.ready()
    assert namespace.notes == []
    namespace.go_on.set()
    sending.get(timeout=DEADLINE)
    # What was read ahead is answered before the events that came before it are handled.
    assert client.receive() == "3"
    wait_for(lambda: namespace.notes == list(range(5000)), "all events are handled")


@pytest.mark.parametrize("kind", [each for each in KINDS if "websocket" in each])
def test_a_handler_that_takes_longer_than_a_heartbeat_is_read_ahead_of(
    serve: Serve, kind: str
) -> None:
    """The server notices that a client has left only if it reads."""
    namespace = fresh(Holding)
    live = serve({"/chat": namespace}, heartbeat_interval=0.1)
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "hold")
    assert namespace.entered.wait(DEADLINE)
    transport: Any = live.socket(client).transport
    wait_for(lambda: transport.heartbeat.listening, "it is read ahead")
    client.emit("/chat", "note", 1)
    namespace.go_on.set()
    wait_for(lambda: namespace.notes == [1], "what came meanwhile is handled")


@pytest.mark.cites("Engine.IO 4, Heartbeat 2", "Socket.IO 1, Heartbeat 1")
def test_a_silent_client_is_given_up(serve: Serve, kind: str) -> None:
    namespace = fresh(Holding)
    live = serve({"/chat": namespace}, **SHORT)
    client = live.client(kind)
    client.join("/chat")
    wait_for(lambda: not live.server.sockets, "the server gives the client up")
    assert namespace.left == ["ping timeout"]


def test_a_silent_client_is_told_when_it_wakes_up(serve: Serve) -> None:
    namespace = fresh(Holding)
    live = serve({"/chat": namespace}, **SHORT)
    clients = [live.websocket_1(), live.websocket_5()]
    wait_for(lambda: not live.server.sockets, "the server gives the clients up")
    # After a disconnect packet they would not reconnect.
    old, new = (each.websocket.drain() for each in clients)
    assert (old[0], old[-1]) == ("2::", "7:::1+0")
    assert (new[0], new[-1]) == ("2", "1")


def test_a_poll_that_waits_is_no_answer_for_ever(serve: Serve) -> None:
    """A client that has gone leaves its poll behind."""
    live = serve({}, **SHORT)
    client = live.polling_5()
    assert client.receive() == "2"
    client.gets.close()
    wait_for(lambda: not live.server.sockets, "the server gives the client up")


@pinged
def test_a_long_handler_is_no_missed_heartbeat(serve: Serve, kind: str) -> None:
    ping, pong = ping_and_pong(kind)
    namespace = fresh(Holding)
    client = serve({"/chat": namespace}, **SHORT).client(kind)
    client.join("/chat")
    client.emit("/chat", "hold", number=1)
    assert namespace.entered.wait(DEADLINE)
    for _ in range(4):
        assert client.receive() == ping
        client.send(pong)
    namespace.go_on.set()
    answer = client.dialect.read(receive_but(client, ping))
    assert (answer["type"], answer["number"]) == ("ack", 1)
    client.send(pong)
    client.emit("/chat", "note", 1, number=2)
    answer = client.dialect.read(receive_but(client, ping))
    assert (answer["type"], answer["number"]) == ("ack", 2)
    assert namespace.left == []


def test_the_end_is_noticed_after_a_long_handler(serve: Serve, kind: str) -> None:
    namespace = fresh(Holding)
    live = serve({"/chat": namespace}, **SHORT)
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "hold")
    assert namespace.entered.wait(DEADLINE)
    namespace.go_on.set()
    wait_for(lambda: not live.server.sockets, "the server gives the client up")
    assert namespace.left == ["ping timeout"]


# One heartbeat, whose clock the test sets


#: The time of the clock when the heartbeat begins.
START = 1000.0


class Line:
    """A heartbeat with an interval of 10 s and a timeout of 5 s, and what it does."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.heartbeat = Heartbeat(
            10,
            5,
            lambda: self.done.append("ping"),
            lambda: self.done.append("expire"),
            START,
        )

    def at(self, seconds: float) -> float | None:
        return self.heartbeat.on_timer(START + seconds)

    def hear(self) -> None:
        self.heartbeat.heard = True


def test_pings_go_out_at_each_interval_while_they_are_answered() -> None:
    line = Line()
    assert line.at(4) == pytest.approx(6)
    assert line.done == []
    for number in range(1, 4):
        # The answer is due in 5 s, and the next ping 5 s later.
        assert line.at(number * 10) == pytest.approx(5)
        line.hear()
        assert line.at(number * 10 + 5) == pytest.approx(5)
    assert line.done == ["ping"] * 3


def test_an_unanswered_ping_gets_a_last_chance_and_then_ends_it() -> None:
    line = Line()
    line.at(10)
    assert line.at(15) == 0
    assert line.done == ["ping"]
    assert line.at(15.1) is None
    assert line.done == ["ping", "expire"]


def test_what_lay_unread_is_heard_at_the_last_chance() -> None:
    line = Line()
    line.at(10)
    assert line.at(15) == 0
    line.hear()
    assert line.at(15.1) == pytest.approx(4.9)
    # The next silence, too, expires only at the second look.
    line.at(20)
    assert line.at(25) == 0
    assert line.done == ["ping", "ping"]


def test_a_second_ping_does_not_prolong_the_first() -> None:
    done: list[str] = []
    heartbeat = Heartbeat(
        10, 25, lambda: done.append("ping"), lambda: done.append("expire"), START
    )
    for seconds in (10, 20, 30, 35):
        heartbeat.on_timer(START + seconds)
    assert heartbeat.on_timer(START + 35.1) is None
    assert done == ["ping", "ping", "ping", "expire"]


def test_silence_while_a_handler_runs_counts_from_its_end() -> None:
    line = Line()
    line.heartbeat.busy = True
    for seconds in (10, 15, 20, 25, 30):
        assert line.at(seconds) is not None
    line.heartbeat.busy = False
    # The ping of second 30 is open since then.
    assert line.at(34) == pytest.approx(1)
    assert line.at(35) == 0
    assert line.at(35.1) is None
    assert line.done == ["ping", "ping", "ping", "expire"]


def test_a_busy_process_gives_a_peer_longer_to_be_read() -> None:
    line = Line()
    line.at(10)
    assert line.at(15.3) == LAST_CHANCE
    line.hear()
    assert line.at(15.4) is not None
    assert line.done == ["ping"]


@pytest.mark.parametrize("kind", ["4-polling", "4-websocket"])
def test_short_timers_are_kept_well(serve: Serve, kind: str) -> None:
    """Coarser timers would be 0.15 s later than one of the event loop."""
    namespace = fresh(Holding)
    live = serve({"/chat": namespace}, heartbeat_interval=0.3, heartbeat_timeout=0.2)
    client = live.client(kind)
    client.join("/chat")
    heartbeat: Any = live.socket(client).transport.heartbeat  # type: ignore[union-attr]
    expire, ended = heartbeat.expire, []

    def expired() -> None:
        ended.append(time.monotonic())
        expire()

    heartbeat.expire = expired
    assert client.receive() == "2"
    exact = gevent.spawn_later(
        heartbeat.unanswered + 0.2 - time.monotonic(), time.monotonic
    )
    wait_for(lambda: namespace.left, "it is given up")
    assert namespace.left == ["ping timeout"]
    # A busy machine delays both.
    assert abs(ended[0] - exact.get(timeout=DEADLINE)) < 0.1


# The wheel


class Fed:
    """An entry that records its calls, and then does what a test wants."""

    def __init__(
        self, *delays: float | None, then: Callable[[], object] = lambda: None
    ) -> None:
        self.slot = -1
        self.calls: list[float] = []
        self.called = Event()
        self._delays = iter(delays)
        self._then = then

    def on_timer(self, now: float) -> float | None:
        self.calls.append(now)
        self.called.set()
        self._then()
        return next(self._delays, None)


@pytest.fixture
def wheel() -> Iterator[Wheel]:
    wheel = Wheel(tick=0.005)
    yield wheel
    wheel.close()


def test_an_entry_is_called_once_unless_it_wants_more(wheel: Wheel) -> None:
    once, thrice = Fed(), Fed(0.01, 0.0)
    wheel.add(once, 0.01)
    wheel.add(thrice, 0.01)
    assert len(wheel) == 2
    wait_for(lambda: not len(wheel), "all are done")
    assert (len(once.calls), len(thrice.calls)) == (1, 3)
    assert once.slot == thrice.slot == -1


def test_entries_are_called_in_the_order_of_their_times(wheel: Wheel) -> None:
    order: list[int] = []
    entries = [Fed(then=lambda delay=delay: order.append(delay)) for delay in range(6)]
    for delay in (3, 0, 5, 1, 4, 2):
        wheel.add(entries[delay], delay * 0.02)
    wait_for(lambda: not len(wheel), "all are done")
    assert order == list(range(6))


def test_an_entry_is_never_called_early(wheel: Wheel) -> None:
    entry = Fed()
    start = time.monotonic()
    wheel.add(entry, 0.03)
    assert entry.called.wait(DEADLINE)
    assert entry.calls[0] - start >= 0.03


def test_a_discarded_entry_is_not_called(wheel: Wheel) -> None:
    gone, stays = Fed(), Fed()
    wheel.add(gone, 0.01)
    wheel.add(stays, 0.02)
    wheel.discard(gone)
    wheel.discard(gone)
    assert len(wheel) == 1
    assert stays.called.wait(DEADLINE)
    assert gone.calls == []


def test_an_entry_can_be_added_again(wheel: Wheel) -> None:
    entry = Fed()
    wheel.add(entry, DEADLINE)
    wheel.discard(entry)
    assert len(wheel) == 0
    wheel.add(entry, 0.0)
    assert entry.called.wait(DEADLINE)
    wait_for(lambda: not len(wheel), "it is done")
    wheel.add(entry, 0.0)
    wait_for(lambda: len(entry.calls) == 2, "it is called again")


def test_an_entry_that_is_due_can_be_discarded_by_another(wheel: Wheel) -> None:
    """The one that is called first discards the other."""
    entries: list[Fed] = []

    def discard_both() -> None:
        for each in entries:
            wheel.discard(each)

    entries += [Fed(then=discard_both), Fed(then=discard_both)]
    for each in entries:
        wheel.add(each, 0.01)
    wait_for(lambda: not len(wheel), "both are gone")
    assert sum(len(each.calls) for each in entries) == 1
    # The wheel still works.
    after = Fed()
    wheel.add(after, 0.0)
    assert after.called.wait(DEADLINE)


def test_an_entry_can_be_moved_by_another_that_is_due_with_it(wheel: Wheel) -> None:
    entries: list[Fed] = []

    def postpone_other(number: int) -> None:
        other = entries[1 - number]
        if not other.calls:
            wheel.discard(other)
            wheel.add(other, 0.03)

    entries += [
        Fed(then=lambda: postpone_other(0)),
        Fed(then=lambda: postpone_other(1)),
    ]
    for each in entries:
        wheel.add(each, 0.01)
    wait_for(lambda: not len(wheel), "both are done")
    assert [len(each.calls) for each in entries] == [1, 1]
    assert abs(entries[0].calls[0] - entries[1].calls[0]) >= 0.03


def test_an_entry_that_raises_stops_no_other(wheel: Wheel) -> None:
    def fail() -> None:
        raise RuntimeError

    failing, other = Fed(0.0, then=fail), Fed(0.01)
    wheel.add(failing, 0.0)
    wheel.add(other, 0.0)
    wait_for(lambda: not len(wheel), "both are done")
    assert (len(failing.calls), len(other.calls)) == (1, 2)


def test_a_late_wheel_catches_up(wheel: Wheel) -> None:
    entries = [Fed() for _ in range(10)]
    for number, entry in enumerate(entries):
        wheel.add(entry, number * 0.01)
    # A handler that computes lets no other greenlet run.
    end = time.monotonic() + 0.12
    while time.monotonic() < end:
        pass
    gevent.sleep(0.006)
    assert [len(each.calls) for each in entries] == [1] * 10


def test_a_closed_wheel_calls_nobody_and_can_be_used_again(wheel: Wheel) -> None:
    entries = [Fed() for _ in range(3)]
    for number, entry in enumerate(entries):
        wheel.add(entry, number * 0.01)
    wheel.close()
    wheel.close()
    assert len(wheel) == 0
    for entry in entries:
        wheel.discard(entry)
    again = Fed()
    wheel.add(again, 0.04)
    assert again.called.wait(DEADLINE)
    assert [each.calls for each in entries] == [[], [], []]


def test_an_entry_can_close_the_wheel(wheel: Wheel) -> None:
    entries = [Fed(then=wheel.close) for _ in range(3)]
    for entry in entries:
        wheel.add(entry, 0.01)
    wait_for(lambda: any(each.calls for each in entries), "one is called")
    assert len(wheel) == 0
    assert sum(len(each.calls) for each in entries) == 1


def test_a_deadline_calls_its_function_once(wheel: Wheel) -> None:
    calls: list[Any] = []
    missed, kept = Deadline(lambda: calls.append(1)), Deadline(lambda: calls.append(2))
    wheel.add(missed, 0.01)
    wheel.add(kept, 0.01)
    wheel.discard(kept)
    wait_for(lambda: not len(wheel), "one is done")
    assert calls == [1]
