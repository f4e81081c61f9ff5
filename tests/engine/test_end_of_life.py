"""Clients that connect, do things and leave, in any order, and leave nothing behind.

A model knows the namespaces that each client was admitted to. ``recv_disconnect`` of
each of them is called once.
"""

from __future__ import annotations

import gc
import os
import struct
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

import gevent
import pytest
from gevent.event import Event
from gevent.pool import Pool
from gevent.util import format_run_info
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from tests.wire.strategies import machine_settings
from tgext.socketio.engine.mixins import BroadcastMixin, RoomsMixin
from tgext.socketio.engine.namespace import BaseNamespace
from tgext.socketio.engine.server import SocketIOServer

from .clients import KINDS, Client, PollingClient, WebSocketClient, wait_for
from .conftest import manage

ENDPOINTS = ("/chat", "/game")

#: The server reads on after 50 ms of a handler, which has 50 ms to end.
OPTIONS: dict[str, Any] = {
    "heartbeat_interval": 0.05,
    "heartbeat_timeout": 10.0,
    "shutdown_timeout": 0.05,
    "handshake_timeout": 10.0,
}


class Lively(RoomsMixin, BroadcastMixin, BaseNamespace):
    """Starts everything that a namespace can start, also when it ends."""

    made: list[Lively]

    def initialize(self) -> None:
        self.told: list[str | None] = []
        self.handled = 0

    def recv_connect(self) -> None:
        self.made.append(self)

    def begin(self) -> None:
        self.join("lobby")
        self.spawn(Event().wait)
        self.socket.spawn(Event().wait)
        self.emit("question", callback=lambda *args: None)
        self.emit("question", callback=lambda *args: None, timeout=60)
        self.broadcast_event("news")

    def on_begin(self) -> None:
        self.begin()
        self.handled += 1

    def on_wait(self) -> None:
        self.handled += 1
        try:
            Event().wait()
        finally:
            self.begin()

    def on_kick_others(self) -> None:
        for other in list(self.socket.server.sockets.values()):
            if other is not self.socket:
                other.disconnect()
        self.handled += 1

    def recv_disconnect(self) -> None:
        self.told.append(self.disconnect_reason)
        self.begin()
        gevent.sleep(0.001)
        self.begin()
        self.disconnect()


class Person:
    """A client, and what the model knows of it."""

    def __init__(self, client: Client, socket: Any) -> None:
        self.client = client
        self.socket = socket
        #: The namespaces that it is in.
        self.inside: dict[str, Lively] = {}
        #: Whether one of its handlers does not return.
        self.blocked = False


def open_sockets() -> int:
    """How many sockets this process has open."""
    count = 0
    for each in os.listdir("/proc/self/fd"):
        try:
            count += os.readlink(f"/proc/self/fd/{each}").startswith("socket:")
        except OSError:
            pass  # it is the one that lists them
    return count


@contextmanager
def all_given_back() -> Iterator[None]:
    """Check that a server and its clients have released all resources."""
    spawned: weakref.WeakSet[Any] = weakref.WeakSet()
    before = open_sockets()
    gevent.Greenlet.add_spawn_callback(spawned.add)
    try:
        yield
        try:
            wait_for(lambda: all(each.dead for each in spawned), "all greenlets end")
        except AssertionError:
            print("\n".join(format_run_info()))
            raise
        wait_for(lambda: open_sockets() <= before, "all sockets are closed")
    finally:
        gevent.Greenlet.remove_spawn_callback(spawned.add)


def expect_nothing_of(server: SocketIOServer, sockets: list[Any]) -> None:
    """Check that nothing is left of clients that have all ended."""
    wait_for(lambda: not server.sockets, "all sessions end")
    server.hub.lingering.clear()  # its last packets are not fetched
    wait_for(lambda: not server.hub.registry.endings, "no handler runs")
    wait_for(lambda: not server.hub.requests.number, "all connections are given back")
    wait_for(lambda: not len(server.hub.timers), "no timer is left")
    assert server.rooms.statistics() == (0, 0)
    assert len(server.connections.upgraded) == 0
    for each in sockets:
        assert (each.jobs, each.ack_callbacks, each.acks.owners) == ([], {}, {})
        assert each.active_ns == {}
        assert each.account.size == 0


class Lives(RuleBasedStateMachine):
    """Clients of one server."""

    def __init__(self) -> None:
        super().__init__()
        self._giving_back = all_given_back()
        self._giving_back.__enter__()
        self.namespace: type[Lively] = type("Lively", (Lively,), {"made": []})
        namespaces = dict.fromkeys(ENDPOINTS, self.namespace)
        application = manage(namespaces)
        self.server = SocketIOServer(("127.0.0.1", 0), application, **OPTIONS)
        self.server.start()
        self.people: list[Person] = []
        #: Those that left, and those that the server disconnected.
        self.gone: list[Person] = []
        #: The namespaces that were left.
        self.left: list[Lively] = []
        self.stopped = False

    def _pick(self, data: Any, *, free: bool = True) -> Person | None:
        found = [each for each in self.people if not (free and each.blocked)]
        return data.draw(st.sampled_from(found)) if found else None

    def _leaves(self, person: Person) -> None:
        """The client has left; the server has not noticed yet."""
        self.people.remove(person)
        self.gone.append(person)
        self.left += person.inside.values()
        sessid = person.socket.sessid
        wait_for(lambda: sessid not in self.server.sockets, "the session ends")

    # Coming

    @initialize(kind=st.sampled_from(list(KINDS)))
    def first(self, kind: str) -> None:
        self._connect(kind)

    @rule(kind=st.sampled_from(list(KINDS)))
    @precondition(lambda self: not self.stopped and len(self.people) < 4)
    def connect(self, kind: str) -> None:
        self._connect(kind)

    def _connect(self, kind: str) -> None:
        client = KINDS[kind](self.server.server_port)
        person = Person(client, self.server.sockets[client.sid])
        self.people.append(person)
        for endpoint in ENDPOINTS:
            self._join(person, endpoint)

    @rule(data=st.data(), endpoint=st.sampled_from(ENDPOINTS))
    def join(self, data: Any, endpoint: str) -> None:
        person = self._pick(data)
        if person is not None and endpoint not in person.inside:
            self._join(person, endpoint)

    def _join(self, person: Person, endpoint: str) -> None:
        count = len(self.namespace.made)
        person.client.send(person.client.dialect.connect(endpoint))
        active = person.socket.active_ns
        wait_for(lambda: len(self.namespace.made) > count, "it is asked")
        made = self.namespace.made[-1]
        asking = person.socket.admission.asking
        wait_for(lambda: endpoint not in asking, "it is admitted")
        assert active[endpoint] is made
        person.inside[endpoint] = made

    # Beginning

    def _inside(self, data: Any) -> tuple[Person, Lively] | None:
        person = self._pick(data)
        if person is None or not person.inside:
            return None
        return person, data.draw(st.sampled_from(list(person.inside.values())))

    def _event(self, person: Person, namespace: Lively, name: str) -> None:
        handled = namespace.handled
        person.client.emit(namespace.ns_name, name)
        wait_for(lambda: namespace.handled > handled, "it is handled")

    @rule(data=st.data())
    def begin(self, data: Any) -> None:
        found = self._inside(data)
        if found is not None:
            self._event(*found, "begin")
            assert found[1].jobs

    @rule(data=st.data())
    def wait(self, data: Any) -> None:
        found = self._inside(data)
        if found is not None:
            self._event(*found, "wait")
            found[0].blocked = True

    @rule(data=st.data())
    @precondition(lambda self: self.left)
    def begin_after_the_end(self, data: Any) -> None:
        namespace = data.draw(st.sampled_from(self.left))
        rooms = self.server.rooms
        before = rooms.members(namespace.ns_name, "lobby")
        namespace.begin()
        assert namespace.spawn(Event().wait).dead
        assert namespace.jobs == []
        assert rooms.members(namespace.ns_name, "lobby") == before

    # Ending

    @rule(data=st.data())
    def leave(self, data: Any) -> None:
        found = self._inside(data)
        if found is not None and len(found[0].inside) == len(ENDPOINTS):
            person, namespace = found
            person.client.leave(namespace.ns_name)
            wait_for(lambda: namespace.told, "it is told")
            active = person.socket.active_ns
            wait_for(lambda: namespace.ns_name not in active, "it is left")
            self.left.append(person.inside.pop(namespace.ns_name))

    @rule(data=st.data())
    def is_sent_away(self, data: Any) -> None:
        person = self._pick(data, free=False)
        if person is not None and len(person.inside) == len(ENDPOINTS):
            endpoint = data.draw(st.sampled_from(ENDPOINTS))
            person.inside[endpoint].disconnect()
            self.left.append(person.inside.pop(endpoint))

    @rule(data=st.data(), how=st.sampled_from(["disconnect", "kill"]))
    def is_thrown_out(self, data: Any, how: str) -> None:
        person = self._pick(data, free=False)
        if person is not None:
            getattr(person.socket, how)()
            self._leaves(person)
            person.client.close()

    @rule(data=st.data())
    def throws_others_out(self, data: Any) -> None:
        found = self._inside(data)
        if found is not None:
            self._event(*found, "kick_others")
            for person in [each for each in self.people if each is not found[0]]:
                self._leaves(person)
                person.client.close()

    @rule(data=st.data())
    def resets(self, data: Any) -> None:
        person = self._pick(data, free=False)
        if person is not None and isinstance(person.client, WebSocketClient):
            sock = person.client.websocket.sock
            sock.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
            self._leaves(person)

    @rule(data=st.data())
    def closes(self, data: Any) -> None:
        person = self._pick(data, free=False)
        if person is not None:
            if isinstance(person.client, PollingClient):
                person.client.say_goodbye()
            else:
                person.client.close()
            self._leaves(person)
            if isinstance(person.client, PollingClient):
                person.client.gets.close()
                person.client.posts.close()

    @rule()
    @precondition(lambda self: not self.stopped and len(self.people) > 1)
    def stops(self) -> None:
        self.stopped = True
        self.server.stop()
        for person in list(self.people):
            self._leaves(person)
            self._close(person)

    def _close(self, person: Person) -> None:
        try:
            person.client.close()
        except (OSError, AssertionError):
            pass  # the server has stopped

    # What holds

    @invariant()
    def each_is_told_once(self) -> None:
        for person in self.people:
            assert person.socket.connected
            for namespace in person.inside.values():
                assert namespace.told == []
                assert person.socket.active_ns[namespace.ns_name] is namespace
        for namespace in self.left:
            assert len(namespace.told) == 1

    @invariant()
    def only_who_is_inside_is_in_rooms(self) -> None:
        sockets = [each.socket for each in self.people]
        inside = 0
        for endpoint in ENDPOINTS:
            for room in (None, "lobby"):
                members = self.server.rooms.members(endpoint, room)
                assert all(each in sockets for each in members)
                inside += bool(members)
        assert self.server.rooms.statistics().rooms == inside

    def teardown(self) -> None:
        try:
            for person in self.people:
                person.socket.kill()
                person.client.close()
            self.left += [
                namespace
                for person in self.people
                for namespace in person.inside.values()
            ]
            for namespace in self.left:
                wait_for(lambda each=namespace: each.told, "it is told")  # type: ignore[misc]
                assert len(namespace.told) == 1
            known = [*self.people, *self.gone]
            expect_nothing_of(self.server, [each.socket for each in known])
        finally:
            self.server.stop(timeout=1)
        self._giving_back.__exit__(None, None, None)


def end_somehow(number: int, person: Person) -> None:
    """End a client, in another way than the ones before."""
    client = person.client
    how = number % 5
    if how == 0:
        person.socket.disconnect()
    elif how == 1:
        person.socket.kill()
    elif how == 2 and isinstance(client, WebSocketClient):
        sock = client.websocket.sock
        sock.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
    elif how == 3:
        for endpoint in ENDPOINTS:
            client.leave(endpoint)
    client.close()


@pytest.mark.usefixtures("small_heap")
def test_two_hundred_clients_leave_nothing() -> None:
    """Each has started something; half of them have a handler that does not return."""
    namespace: type[Lively] = type("Lively", (Lively,), {"made": []})
    kinds = list(KINDS)

    def live_and_end(number: int) -> None:
        client = KINDS[kinds[number % len(kinds)]](server.server_port)
        person = Person(client, server.sockets[client.sid])
        people.append(person)
        active = person.socket.active_ns
        for endpoint in ENDPOINTS:
            client.send(client.dialect.connect(endpoint))
        wait_for(lambda: len(active) == len(ENDPOINTS), "it is in")
        wait_for(lambda: not person.socket.admission.asking, "it is admitted")
        client.emit("/chat", "begin")
        if number % 2:
            client.emit("/game", "wait")
            wait_for(lambda: active["/game"].handled, "a handler waits")
        else:
            wait_for(lambda: active["/chat"].handled, "it has begun things")
        end_somehow(number // 2, person)

    with all_given_back():
        people: list[Person] = []
        application = manage(dict.fromkeys(ENDPOINTS, namespace))
        server = SocketIOServer(("127.0.0.1", 0), application, **OPTIONS)
        server.start()
        pool = Pool(20)
        for _ in pool.imap_unordered(live_and_end, range(200)):
            pass
        expect_nothing_of(server, [each.socket for each in people])
        assert [len(each.told) for each in namespace.made] == [1] * 400
        kept = [weakref.ref(each.socket) for each in people]
        people.clear()
        namespace.made.clear()
        del pool
        gc.collect()
        assert [each() for each in kept if each() is not None] == []
        server.stop(timeout=1)


TestLives = Lives.TestCase
TestLives.settings = machine_settings(15, 12)
