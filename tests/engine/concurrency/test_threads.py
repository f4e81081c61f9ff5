"""Calls of native threads run in the server's thread, or raise."""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Callable
from typing import Any

import gevent
import pytest
from gevent.event import Event
from gevent.monkey import get_original

from tests.native import STARTERS, Outcome, start_native
from tgext.socketio.engine.concurrency import threads
from tgext.socketio.engine.concurrency.interruption import Overdue
from tgext.socketio.engine.concurrency.threads import (
    WrongThread,
    get_ident,
    home,
    where_served,
)
from tgext.socketio.engine.namespace import BaseNamespace
from tgext.socketio.engine.server import SocketIOServer
from tgext.socketio.engine.websocket.group import Group
from tgext.socketio.engine.websocket.wsgi import WebSocket, WebSocketError
from tgext.socketio.wire.websocket.frames import PING

from ..clients import DEADLINE, wait_for
from ..conftest import Live, Serve
from ..plain import serving
from ..sample_namespaces import Chat

native_sleep = get_original("time", "sleep")

Start = Callable[[Callable[[], Any]], Outcome]


@pytest.fixture(params=STARTERS.values(), ids=STARTERS)
def start(request: pytest.FixtureRequest) -> Start:
    function: Start = request.param
    return function


class Talk(Chat):
    """Keeps its instances, so that threads can use them."""

    here: dict[str, BaseNamespace] = {}

    def on_name(self, name: str) -> str:
        self.here[name] = self
        self.session["name"] = name
        return name

    def recv_disconnect(self) -> None:
        self.here[f"{self.session['name']} left"] = self
        self.broadcast_event("left")
        self.disconnect(silent=True)


@pytest.fixture
def live(serve: Serve) -> Live:
    Talk.here = {}
    return serve({"/talk": Talk})


def enter(live: Live, name: str, kind: str = "4-websocket") -> tuple[Any, Any]:
    """A client, and its namespace."""
    client = live.client(kind)
    client.join("/talk")
    client.call("/talk", "name", name)
    return client, Talk.here[name]


CALLS: dict[str, tuple[Callable[[Any], object], list[Any], list[Any]]] = {
    # The call; what its client gets, and what another client gets.
    "emit": (lambda ns: ns.emit("a", 1, [b"x"][1:]), ["a", 1, []], []),
    "error": (lambda ns: ns.error("a", "b"), ["error", "a", "b"], []),
    "broadcast_event": (lambda ns: ns.broadcast_event("a", 1), ["a", 1], ["a", 1]),
    "broadcast_event_not_me": (lambda ns: ns.broadcast_event_not_me("a"), [], ["a"]),
    "emit_to_room": (lambda ns: ns.emit_to_room("A", "a"), [], ["a"]),
    "rooms": (
        lambda ns: ns.socket.server.rooms.broadcast(
            {"type": "event", "name": "a", "args": [], "endpoint": "/talk"}, "A"
        ),
        [],
        ["a"],
    ),
}


@pytest.mark.parametrize("kind", ["4-websocket", "4-polling", "0.9-websocket"])
@pytest.mark.parametrize("call", CALLS)
def test_what_is_sent_arrives(live: Live, start: Start, call: str, kind: str) -> None:
    function, own, others = CALLS[call]
    (client, namespace), (other, its) = enter(live, "ann", kind), enter(live, "ben")
    its.join("A")
    for _ in range(3):
        start(lambda: function(namespace)).get()
    for receiver, expected in ((client, own), (other, others)):
        if expected:
            assert [receiver.event("/talk") for _ in range(3)] == [expected] * 3
        assert receiver.call("/talk", "echo", "served") == ["served"]


def test_a_message_arrives(live: Live, start: Start) -> None:
    client, namespace = enter(live, "ann")
    start(lambda: namespace.send("hello")).get()
    assert client.event("/talk") == ["message", "hello"]


def test_each_thread_s_calls_happen_in_their_order(live: Live) -> None:
    client, namespace = enter(live, "ann")
    count = 1500  # more than the limit of calls under way

    def talk(name: str) -> None:
        for number in range(count):
            if number % 500 == 7:
                namespace.broadcast_event("said", name, number)
            else:
                namespace.emit("said", name, number)

    outcomes = [start_native(lambda name=name: talk(name)) for name in "abc"]
    heard: dict[str, list[int]] = {"a": [], "b": [], "c": []}
    for _ in range(3 * count):
        _, name, number = client.event("/talk")
        heard[name].append(number)
    assert list(heard.values()) == [list(range(count))] * 3
    for outcome in outcomes:
        outcome.get()


def test_an_ack_comes_to_the_thread_that_serves(live: Live, start: Start) -> None:
    client, namespace = enter(live, "ann")
    acks: list[Any] = []

    def ask() -> None:
        namespace.emit(
            "q", callback=lambda *args: acks.append((get_ident(), args)), timeout=60
        )

    start(ask).get()
    packet = client.read()
    assert packet["name"] == "q"
    client.ack("/talk", packet["id"], "yes")
    wait_for(lambda: acks, "the ack arrives")
    assert acks == [(get_ident(), ("yes",))]


def test_joining_and_leaving_are_done_when_they_return(
    live: Live, start: Start
) -> None:
    _, namespace = enter(live, "ann")
    rooms, key = live.server.rooms, ("/talk", "A")

    def join() -> list[Any]:
        namespace.join("A")
        return rooms.members(*key)

    def leave() -> list[Any]:
        namespace.leave("A")
        return rooms.members(*key)

    assert start(join).get() == [namespace.socket]
    assert start(leave).get() == []


@pytest.mark.parametrize("what", ["namespace", "socket", "kill"])
def test_disconnecting_is_complete(live: Live, start: Start, what: str) -> None:
    client, namespace = enter(live, "ann")
    other, _ = enter(live, "ben")
    call = {
        "namespace": namespace.disconnect,
        "socket": namespace.socket.disconnect,
        "kill": namespace.socket.kill,
    }[what]
    start(call).get()
    assert Talk.here["ann left"] is namespace
    assert other.event("/talk") == ["left"]
    assert "/talk" not in namespace.socket.active_ns
    client.close()


BAD_CALLS: dict[str, tuple[Callable[[Any], object], type[Exception]]] = {
    "call": (lambda ns: ns.call("q"), WrongThread),
    "spawn": (lambda ns: ns.spawn(print), WrongThread),
    "spawn of the connection": (lambda ns: ns.socket.spawn(print), WrongThread),
    "what is no JSON": (lambda ns: ns.emit("a", object()), TypeError),
    "what is no JSON, to all": (
        lambda ns: ns.broadcast_event("a", object()),
        TypeError,
    ),
    "what is no JSON, with an ack": (
        lambda ns: ns.emit("a", object(), callback=print),
        TypeError,
    ),
    "no room": (lambda ns: ns.join(None), TypeError),
}


@pytest.mark.parametrize("call", BAD_CALLS)
def test_invalid_calls_raise_at_once(live: Live, start: Start, call: str) -> None:
    client, namespace = enter(live, "ann")
    function, error = BAD_CALLS[call]
    with pytest.raises(error):
        start(lambda: function(namespace)).get()
    namespace.emit("after")
    assert client.event("/talk") == ["after"]
    assert namespace.jobs == []
    assert namespace.socket.ack_callbacks == {}


def test_a_handler_may_wait_for_a_thread_that_sends(serve: Serve) -> None:
    class Working(Chat):
        def on_work(self) -> str:
            pool = gevent.get_hub().threadpool
            result: str = pool.apply(self.work)
            return result

        def work(self) -> str:
            self.emit("progress", 1)
            self.join("A")
            self.broadcast_event("progress", 2)
            return "done"

    live = serve({"/work": Working})
    client = live.client()
    client.join("/work")
    client.emit("/work", "work", number=1)
    assert client.event("/work") == ["progress", 1]
    assert client.event("/work") == ["progress", 2]
    assert client.read()["args"] == ["done"]


def test_to_who_has_gone_nothing_is_sent_and_nothing_fails(
    live: Live, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    client, namespace = enter(live, "ann")
    client.close()
    wait_for(lambda: not live.server.sockets, "the client has gone")
    start(lambda: namespace.emit("a")).get()
    start(namespace.disconnect).get()
    assert caplog.messages == []
    assert live.server.rooms.members("/talk") == []


# Plain WebSockets


class Plain:
    """Keeps the connections, each until the client leaves."""

    def __init__(self) -> None:
        self.open: list[WebSocket] = []
        self.group = Group()

    def __call__(self, websocket: WebSocket) -> None:
        self.open.append(websocket)
        for message in websocket:
            websocket.send(message)


@pytest.fixture
def plain(serve: Serve) -> tuple[Live, Plain]:
    handle = Plain()
    return serve(application=serving(handle)), handle


def test_plain_websockets_are_sent_to(plain: tuple[Live, Plain], start: Start) -> None:
    live, handle = plain
    client, other = live.websocket("/"), live.websocket("/")
    wait_for(lambda: len(handle.open) == 2, "both are there")
    first, group = handle.open[0], handle.group

    def talk() -> None:
        for websocket in handle.open:
            group.add(websocket)
        group.send("all")
        group.send_json(["all"])
        first.send("one")
        first.send_json(["one"])
        first.ping(b"?")
        group.discard(first)
        first.close(4000, "enough")

    start(talk).get()
    for each in (client, other):
        assert [each.receive(), each.receive()] == ["all", '["all"]']
    assert [client.receive(), client.receive()] == ["one", '["one"]']
    assert client.receive_frame() == (PING, b"?")
    assert client.receive_close() == 4000
    other.send("still there")
    assert other.receive() == "still there"


def test_a_plain_websocket_is_received_from_where_it_is_served(
    plain: tuple[Live, Plain], start: Start
) -> None:
    live, handle = plain
    client = live.websocket("/")
    wait_for(lambda: handle.open, "it is there")
    with pytest.raises(WrongThread, match="waiting for a message"):
        start(handle.open[0].receive).get()
    client.send("hello")
    assert client.receive() == "hello"
    client.leave()
    wait_for(lambda: handle.open[0].closed, "it is closed")
    with pytest.raises(WebSocketError):
        start(lambda: handle.open[0].send("late")).get()


# The mechanism


def test_a_call_of_another_thread_leaves_the_loop_s_references_alone() -> None:
    """Changed without a lock, their count drifts until the loop ends."""
    here = home()
    counts: list[int] = []
    called: list[str] = []

    def call() -> None:
        counts.append(here.loop.activecnt)
        here.post(called.append, "called")
        counts.append(here.loop.activecnt)

    start_native(call)
    deadline = time.monotonic() + DEADLINE
    while len(counts) < 2 and time.monotonic() < deadline:
        native_sleep(0.001)  # the event loop does not run meanwhile
    before, after = counts
    assert after == before
    wait_for(lambda: called == ["called"], "the call is made")


def test_in_the_thread_that_serves_a_call_is_a_call() -> None:
    assert where_served(get_ident) == get_ident()
    assert home() is home()


def test_without_a_server_a_call_is_made_where_it_is() -> None:
    def find() -> bool:
        return where_served(get_ident) == get_ident()

    assert start_native(find).get() is True


def test_with_a_server_it_is_made_there(live: Live) -> None:
    assert start_native(lambda: where_served(get_ident)).get() == get_ident()


def test_in_a_process_that_was_forked_nothing_is_carried(live: Live) -> None:
    def fork() -> int:
        child: int = get_original("os", "fork")()
        if child == 0:
            # Otherwise it would wait for a thread that the child does not have.
            os._exit(0 if where_served(get_ident) == get_ident() else 1)
        status: int = get_original("os", "waitpid")(child, 0)[1]
        return status

    with warnings.catch_warnings():
        # Python warns of a fork with threads; this child does nothing.
        warnings.simplefilter("ignore", DeprecationWarning)
        assert start_native(fork).get() == 0


def test_what_nobody_waits_for_is_logged_when_it_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    here = home()

    def fail() -> None:
        raise RuntimeError("no")

    start_native(lambda: here.post(fail)).get()
    wait_for(lambda: "A call from another thread failed" in caplog.text, "a line")
    with pytest.raises(RuntimeError, match="no"):
        start_native(lambda: here.ask(fail)).get()


def test_calls_behind_one_that_is_interrupted_are_made() -> None:
    here, made = home(), []

    def interrupted() -> None:
        raise Overdue

    def work() -> int:
        here.post(interrupted)
        here.post(made.append, 1)
        return here.ask(len, made)

    assert start_native(work).get() == 1
    wait_for(lambda: not here.callers, "all calls are made")


def test_a_call_that_waits_keeps_no_other_thread_waiting() -> None:
    here, go_on = home(), Event()
    waiting = start_native(lambda: here.ask(go_on.wait, DEADLINE))
    gevent.sleep(0)
    assert start_native(lambda: here.ask(int)).get() == 0
    assert not waiting.done
    go_on.set()
    assert waiting.get() is True


def test_waiting_for_the_thread_of_the_loop_times_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threads, "PATIENCE", 0.05)
    here, made = home(), []
    outcome = start_native(lambda: here.ask(made.append, 1))
    end = time.monotonic() + DEADLINE
    while not outcome.done and time.monotonic() < end:
        native_sleep(0.01)  # the event loop does not run
    with pytest.raises(TimeoutError, match="it waits for this thread"):
        outcome.get()
    gevent.sleep(0.01)
    assert made == []


def test_a_server_in_a_thread_of_its_own_is_found_there(serve: Serve) -> None:
    """Nothing has to know in which thread a server runs."""
    ready: list[Any] = []

    def run() -> None:
        server = SocketIOServer(("127.0.0.1", 0), lambda *args: [])
        server.start()
        ready.append((server, get_ident()))
        while len(ready) < 2:
            gevent.sleep(0.01)
        server.stop()

    outcome = start_native(run)
    wait_for(lambda: ready, "it serves")
    server, ident = ready[0]
    assert where_served(get_ident) == ident
    assert server.rooms.home.ident == ident
    ready.append("stop")
    outcome.get()
    assert where_served(get_ident) == get_ident()


def test_a_server_that_stops_leaves_the_others_as_they_are(live: Live) -> None:
    idle = SocketIOServer(("127.0.0.1", 0), lambda *args: [])
    idle.stop()  # it was never started
    for _ in range(2):
        idle.start()
    idle.stop()
    idle.stop()
    assert start_native(lambda: where_served(get_ident)).get() == get_ident()
    live.server.stop(timeout=1)
    assert start_native(lambda: where_served(get_ident) == get_ident()).get() is True


def test_a_server_can_be_stopped_from_another_thread(live: Live, start: Start) -> None:
    client, _ = enter(live, "ann")
    start(lambda: live.server.stop(1)).get()
    assert Talk.here["ann left"].disconnect_reason == "server shutting down"
    assert not live.server.started
    client.close()
