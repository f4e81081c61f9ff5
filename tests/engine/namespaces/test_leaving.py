"""Leaving: which methods are called, and what ends with a namespace."""

from __future__ import annotations

from typing import Any, ClassVar

import gevent
import pytest
from gevent.event import Event

from tgext.socketio.engine.concurrency.interruption import Overdue
from tgext.socketio.engine.namespaces.base import BaseNamespace
from tgext.socketio.engine.session.admission import Admission

from ..clients import DEADLINE, wait_for
from ..conftest import Serve
from ..sample_namespaces import Echo, Holding, Witness, fresh

# Jobs


def test_jobs_are_known_while_they_run(serve: Serve) -> None:
    class Working(BaseNamespace):
        def on_work(self) -> Any:
            job = self.spawn(lambda *args, **kwargs: (args, kwargs), 1, two=2)
            known = [job in self.jobs]
            args, kwargs = job.get()
            gevent.sleep(0)
            return [*known, job in self.jobs, list(args), kwargs]

    client = serve({"/chat": Working}).client()
    client.join("/chat")
    assert client.call("/chat", "work") == [[True, False, [1], {"two": 2}]]


@pytest.mark.parametrize("owner", ["the namespace", "the namespace, anew", "socket"])
def test_a_job_that_has_ended_can_be_removed(serve: Serve, owner: str) -> None:
    """gevent-socketio keeps it in the list."""

    class Removing(BaseNamespace):
        def on_work(self) -> list[int]:
            if owner.endswith("anew"):
                self.jobs = []
            where: Any = self.socket if owner == "socket" else self
            waiting = where.spawn(gevent.sleep, DEADLINE)
            ended = where.spawn(len, "")
            ended.join()
            gevent.sleep(0)
            where.jobs.remove(ended)
            before = len(where.jobs)
            where.jobs.remove(waiting)
            with pytest.raises(ValueError, match="not in list"):
                where.jobs.remove(waiting)
            waiting.kill()
            return [before, len(where.jobs)]

    client = serve({"/chat": Removing}).client()
    client.join("/chat")
    assert client.call("/chat", "work") == [[1, 0]]


class Jobs(Echo):
    """Has a job that notes its end."""

    started: Event
    ended: Event

    def on_start(self) -> None:
        self.spawn(self.work)

    def work(self) -> None:
        try:
            self.started.set()
            gevent.sleep(DEADLINE)
        finally:
            self.ended.set()

    def on_end_jobs(self) -> None:
        self.kill_local_jobs()

    def on_disconnect(self) -> None:
        self.disconnect()

    def on_disconnect_in_job(self) -> None:
        self.spawn(self.disconnect)

    def on_disconnect_in_waiting_job(self) -> None:
        self.spawn(self.disconnect_and_wait)

    def on_remove(self) -> None:
        self.socket.remove_namespace(self.ns_name)

    def disconnect_and_wait(self) -> None:
        self.disconnect()
        # A job that goes on after this is ended where it waits.
        gevent.sleep(DEADLINE)


def test_jobs_end_though_the_end_of_their_namespace_is_interrupted(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of the last namespace ends the connection, which may take too long."""
    namespace = fresh(Jobs)
    namespace.started, namespace.ended = Event(), Event()
    live = serve({"/chat": namespace})
    client = live.client()
    client.join("/chat")
    client.emit("/chat", "start")
    assert namespace.started.wait(DEADLINE)

    def removed(*args: Any) -> None:
        raise Overdue("shutdown_timeout is over")

    monkeypatch.setattr(Admission, "removed", removed)
    with pytest.raises(Overdue):
        live.socket(client).active_ns["/chat"].disconnect()
    assert namespace.ended.wait(DEADLINE)
    monkeypatch.undo()
    live.socket(client).kill()


def jobs() -> type[Jobs]:
    return type("New", (Jobs,), {"started": Event(), "ended": Event()})


@pytest.mark.parametrize(
    "event",
    [
        "end jobs",
        "remove",
        "disconnect",
        "disconnect in job",
        "disconnect in waiting job",
        None,
    ],
)
def test_jobs_end_with_their_namespace(
    serve: Serve, kind: str, event: str | None
) -> None:
    namespace = jobs()
    client = serve({"/chat": namespace}).client(kind)
    client.join("/chat")
    client.emit("/chat", "start")
    assert namespace.started.wait(DEADLINE)
    if event is None:
        client.leave("/chat")
    else:
        client.emit("/chat", event)
    assert namespace.ended.wait(DEADLINE)


def test_a_job_that_fails_harms_no_other_client(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(Echo):
        def on_start(self) -> None:
            self.spawn(self.work)

        def work(self) -> None:
            raise ZeroDivisionError

    live = serve({"/chat": Failing})
    client = live.client()
    client.join("/chat")
    client.emit("/chat", "start")
    wait_for(lambda: "Failing.work failed" in caplog.text, "the job fails")
    assert live.socket(client)["/chat"].jobs == []
    assert client.call("/chat", "echo", 1) == [1]


# Leaving


def test_a_disconnect_packet_handed_to_a_namespace_is_told_once(serve: Serve) -> None:
    """As an application's test calls it, without a connection."""
    namespace = fresh(Witness)
    live = serve({"/chat": namespace, "/other": Echo})
    client = live.client()
    client.join("/other")
    client.join("/chat")
    packet: Any = {"type": "disconnect", "endpoint": "/chat"}
    joined = live.socket(client)["/chat"]
    for _ in range(2):
        joined.process_packet(packet)
    assert len(namespace.left) == 1
    assert "/chat" not in live.socket(client)


class Watching(Echo):
    """Notes each packet, and handles a disconnect packet as ``how`` says."""

    seen: ClassVar[list[Any]] = []
    how: ClassVar[str] = "passes"

    def process_packet(self, packet: Any) -> Any:
        self.seen.append(packet["type"])
        if packet["type"] == "disconnect":
            if self.how == "raises":
                raise KeyError("name")
            if self.how == "takes":
                return None
        return super().process_packet(packet)

    def recv_disconnect(self) -> None:
        self.seen.append(self.disconnect_reason)


@pytest.mark.parametrize("how", ["passes", "takes", "raises"])
def test_an_override_sees_that_its_client_leaves(
    serve: Serve, kind: str, how: str
) -> None:
    watching = fresh(Watching, seen=[], how=how)
    live = serve({"/chat": watching, "/other": Echo})
    client = live.client(kind)
    client.join("/other")
    client.join("/chat")
    client.leave("/chat")
    assert client.call("/other", "echo", 1) == [1]
    # As in gevent-socketio. recv_disconnect is called, whatever disconnect does.
    assert watching.seen[1:] == ["disconnect", "client namespace disconnect"]
    assert "/chat" not in live.socket(client)
    # When the connection ends there is no disconnect packet.
    client.join("/chat")
    del watching.seen[:]
    live.socket(client).kill(reason="bad manners")
    assert watching.seen == ["bad manners"]


def test_an_end_within_the_end_is_told_once(serve: Serve, kind: str) -> None:
    class Slow(Holding):
        def recv_disconnect(self) -> None:
            self.left.append(self.disconnect_reason)
            self.hold()

    live = serve({"/chat": Slow})
    client = live.client(kind)
    client.join("/chat")
    socket = live.socket(client)
    leaving = gevent.spawn(socket["/chat"].disconnect)
    assert Slow.entered.wait(DEADLINE)
    socket.kill(reason="bad manners")
    Slow.go_on.set()
    leaving.get(timeout=DEADLINE)
    assert Slow.left == ["server namespace disconnect"]


@pytest.mark.cites(
    "Socket.IO 4, DISCONNECT 1", "Socket.IO 5, Disconnection from a namespace 1"
)
def test_the_server_leaves_a_namespace(serve: Serve, kind: str) -> None:
    class Parting(Echo):
        def on_part(self, silent: bool) -> None:
            self.disconnect(silent=silent)
            self.disconnect()  # has no effect

    live = serve({"/chat": Parting, "/other": Echo})
    client = live.client(kind)
    client.join("/other")
    for silent in (False, True):
        client.join("/chat")
        client.emit("/chat", "part", silent)
        if not silent:
            assert client.read() == {"type": "disconnect", "endpoint": "/chat"}
        assert client.call("/other", "echo", 1) == [1]
        client.emit("/chat", "echo")
        assert client.event("/chat")[:2] == ["error", "no_such_namespace"]
