"""Candidates: what waits until a client is admitted, and for how long."""

from __future__ import annotations

import logging
from typing import Any

import gevent
import pytest

from ..clients import DEADLINE, wait_for
from ..conftest import Serve
from ..sample_namespaces import Echo, fresh
from .gates import (
    OWN,
    STEPS,
    Gate,
    Scene,
    expect_refusal,
    names_until,
    refused,
    serve_around,
)


@pytest.mark.parametrize("step", STEPS)
def test_who_is_admitted_gets_what_waited_and_then_what_all_get(
    serve: Serve, kind: str, step: str
) -> None:
    scene = Scene(serve, kind, step=step)
    scene.ask()
    scene.attack()
    assert scene.socket.session["rooms"] >= {"/chat_staff"}
    scene.namespace.go_on.set()
    assert names_until(scene.client, OWN[-1]) == ["connect", *OWN]
    assert scene.client.call("/chat", "echo", 1, number=9) == [1]
    for room in ("staff", "late", None):
        assert scene.socket in scene.live.server.rooms.members("/chat", room)
    assert scene.socket not in scene.live.server.rooms.members("/chat", "lobby")
    scene.speaker.call("/chat", "shout to others", 1)
    assert scene.client.event("/chat") == ["shouted", 1]
    scene.speaker.call("/chat", "say", "staff", 2)
    assert scene.client.event("/chat") == ["said", 2]
    assert scene.namespace.calls == ["recv_connect"]
    assert len(scene.socket.ack_callbacks) == 1


# Runners


class Attempts(Gate):
    """Joins, emits and spawns something in each attempt."""

    step = ""

    def initialize(self) -> None:
        self.leave_mark("initialize")

    def recv_connect(self) -> None:
        self.leave_mark("recv_connect")

    def leave_mark(self, step: str) -> None:
        self.calls.append(step)
        mark = f"{step} {self.calls.count(step)}"
        self.join(mark)
        self.emit(mark)
        self.emit(f"asks {mark}", callback=print)
        self.spawn(gevent.sleep, DEADLINE)


@pytest.mark.parametrize("twice", ["_make", "_greet"])
def test_what_an_attempt_left_is_dropped_before_the_next(
    serve: Serve, kind: str, twice: str
) -> None:
    def around(function: Any, *args: Any) -> Any:
        if function.__name__ == twice:
            function(*args)
        return function(*args)

    namespace = fresh(Attempts)
    live = serve_around(serve, namespace, around)
    client = live.client(kind)
    client.join("/chat")
    first = {"_make": "initialize 2", "_greet": "initialize 1"}[twice]
    second = {"_make": "recv_connect 1", "_greet": "recv_connect 2"}[twice]
    for mark in (first, second):
        assert client.event("/chat") == [mark]
        assert client.read()["name"] == f"asks {mark}"
    socket = live.socket(client)
    wait_for(lambda: len(socket["/chat"].jobs) == 2, "the others have ended")
    assert len(socket.ack_callbacks) == 2
    assert socket.session["rooms"] == {f"/chat_{first}", f"/chat_{second}"}
    assert set(live.server.rooms.rooms_of("/chat", socket)) == {None, first, second}
    for each in namespace.instances[:-1]:
        wait_for(lambda each=each: not each.jobs, "the first instance ends")


def test_what_others_say_meanwhile_is_kept_and_in_order(
    serve: Serve, kind: str
) -> None:
    scene = Scene(serve, kind, outcome=staticmethod(refused))
    scene.speaker.join("/other")
    scene.ask()
    for number in range(3):
        scene.speaker.call("/other", "shout to others", number)
    scene.namespace.go_on.set()
    for number in range(3):
        assert scene.client.event("/other") == ["shouted", number]
    expect_refusal(scene.client, kind, "No")


# Ways in without end


def test_a_way_in_that_ends_in_time(serve: Serve, kind: str) -> None:
    class Slow(Echo):
        def recv_connect(self) -> None:
            gevent.sleep(0.3)

    client = serve({"/chat": Slow}, connect_timeout=DEADLINE).client(kind)
    client.join("/chat")
    assert client.call("/chat", "echo", 1) == [1]


def one_line(caplog: pytest.LogCaptureFixture, name: str) -> str:
    lines = [
        each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING
    ]
    assert len(lines) == 1, lines
    assert name in lines[0]
    assert "self.spawn" in lines[0]
    return lines[0]


@pytest.mark.parametrize("stubborn", [False, True])
@pytest.mark.parametrize("method", ["initialize", "recv_connect"])
def test_a_way_in_that_never_ends_is_refused(
    serve: Serve,
    kind: str,
    method: str,
    stubborn: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    interrupted: list[bool] = []

    def loop(self: Any) -> None:
        while True:
            self.emit("tick")
            try:
                gevent.sleep(0.01)
            except BaseException:
                interrupted.append(True)
                if not stubborn or len(interrupted) > 1:
                    raise

    namespace: Any = type("Endless", (Echo,), {method: loop})
    live = serve({"/chat": namespace, "/other": Echo}, connect_timeout=0.2)
    client, other = live.client(kind), live.client()
    for each in (client, other):
        each.join("/other")
    client.send(client.dialect.connect("/chat"))
    assert other.call("/other", "echo", 1) == [1]
    expect_refusal(client, kind, "Internal server error")
    assert client.call("/other", "echo", 1) == [1]
    assert "connect_timeout" in one_line(caplog, "Endless")
    assert "/chat" not in live.socket(client)


@pytest.mark.parametrize("where", ["recv_connect", "job"])
def test_what_waits_on_the_way_in_is_bounded(
    serve: Serve, kind: str, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    def flood(self: Any) -> None:
        for _ in range(100):
            self.emit("flood", "x" * 1000)

    class Flooding(Echo):
        def recv_connect(self) -> None:
            if where == "job":
                self.spawn(flood, self).join()
            else:
                flood(self)

    live = serve({"/chat": Flooding, "/other": Echo}, max_outbox=20_000)
    client = live.client(kind)
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    expect_refusal(client, kind, "Internal server error")
    assert client.call("/other", "echo", 1) == [1]
    assert "max_outbox" in one_line(caplog, "Flooding")


def test_a_client_is_greeted_with_more_than_may_wait_for_ever(
    serve: Serve, kind: str
) -> None:
    class Greeting(Echo):
        def recv_connect(self) -> None:
            for name in "abc":
                self.emit(name, "x" * 40_000)

    client = serve({"/chat": Greeting}, max_outbox=100_000).client(kind)
    client.join("/chat")
    events = [client.event("/chat") for _ in "abc"]
    assert events == [[name, "x" * 40_000] for name in "abc"]
    assert client.call("/chat", "echo", 1) == [1]
