"""Admission, compared with a model of what each client receives, and of the rooms."""

from __future__ import annotations

from typing import Any

import gevent
from gevent.queue import Queue
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
)

from tests.wire.strategies import machine_settings
from tgext.socketio.engine.io.traffic import NOTHING
from tgext.socketio.engine.namespaces.base import ConnectionRefused
from tgext.socketio.engine.server import SocketIOServer
from tgext.socketio.engine.virtsocket import Socket
from tgext.socketio.wire.socketio.encoded import Encoded
from tgext.socketio.wire.socketio.generations import SOCKETIO_1, SOCKETIO_5, Generation
from tgext.socketio.wire.socketio.packet import Packet, event_packet

from ..clients import Dialect1, Dialect5
from ..runners import Around
from ..sample_namespaces import Chat

ENDPOINTS = ("/chat", "/game", "/staff")
ROOMS = ("lobby", "hall")
DIALECTS = {SOCKETIO_1: Dialect1(), SOCKETIO_5: Dialect5()}

#: What a client received: the kind of packet, the namespace, the event.
Seen = tuple[str, str, str]


class Retry(Exception):
    """A transaction that is tried again."""


class Guided(Chat):
    """Does what the test says while it is admitted, and records the outcome."""

    orders: Any
    made: list[Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.entered = self.left = 0
        self.started: list[gevent.Greenlet[..., Any]] = []
        self.made.append(self)

    def initialize(self) -> None:
        self.obey()

    def recv_connect(self) -> None:
        self.obey()
        self.entered += 1

    def recv_disconnect(self) -> None:
        self.left += 1
        super().recv_disconnect()

    def obey(self) -> None:
        """Follow orders until one ends this step."""
        while True:
            order, *args = self.socket.session["orders"].get()
            if order == "go on":
                return
            getattr(self, f"do_{order}")(*args)

    def do_emit(self, name: str) -> None:
        self.emit(name)

    def do_ask(self, name: str) -> None:
        self.emit(name, callback=print)

    def do_join(self, room: str) -> None:
        self.join(room)

    def do_leave(self, room: str) -> None:
        self.leave(room)

    def do_spawn(self, name: str) -> None:
        def job() -> None:
            self.emit(name)
            gevent.sleep(3600)

        self.started.append(self.spawn(job))

    def do_tell(self, name: str) -> None:
        self.broadcast_event_not_me(name)

    def do_refuse(self) -> None:
        raise ConnectionRefused("No")

    def do_fail(self) -> None:
        raise KeyError("user")

    def do_retry(self) -> None:
        raise Retry

    def do_disconnect(self) -> None:
        self.disconnect()


class Outbox:
    """Keeps what is sent."""

    size = ease = 0

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.closed = False

    def send(self, encoded: Encoded) -> None:
        if not self.closed:
            self.texts.append(encoded.text)

    send_own = send

    def end_waiting(self) -> None: ...


class Transport:
    """A transport that sends nothing."""

    name = "polling"
    traffic = NOTHING

    def __init__(self) -> None:
        self.outbox = Outbox()

    def expect_ack(self) -> None: ...

    def runs_in(self, greenlet: Any) -> bool:
        return True

    def handling(self) -> tuple[()]:
        return ()

    def close(self, reason: str, code: int) -> None:
        self.outbox.closed = True


def with_retries(function: Any, *args: Any) -> Any:
    while True:
        try:
            return function(*args)
        except Retry:
            continue


class Asking:
    """The model of one admission."""

    def __init__(self) -> None:
        self.greeting = False
        self.rooms: set[str] = set()
        self.output: list[str] = []
        self.kept: tuple[set[str], list[str]] = (set(), [])
        self.leaves = False

    def begin(self) -> None:
        """A step begins, perhaps for the second time."""
        self.rooms, self.output = set(self.kept[0]), list(self.kept[1])
        self.leaves = False


class Person:
    """A client, and the model of it."""

    def __init__(self, server: SocketIOServer, generation: Generation) -> None:
        self.socket = Socket(server, server.config)
        self.socket.generation = generation
        self.socket.environ = {"socketio": self.socket, "QUERY_STRING": ""}
        self.socket.namespaces = dict.fromkeys(ENDPOINTS, Guided)
        self.socket.runner = Around(with_retries)
        self.orders: Any = Queue()
        self.socket.session["orders"] = self.orders
        self.transport = Transport()
        self.socket.attach(self.transport)  # type: ignore[arg-type]
        self.dialect = DIALECTS[generation]  # type: ignore[index]
        self.expected: list[Seen] = []
        self.members: dict[str, set[str]] = {}
        self.asking: tuple[str, Asking] | None = None
        self.greenlet: Any = None
        self.alive = True
        self.was_admitted = False

    @property
    def received(self) -> list[Seen]:
        packets = map(self.dialect.read, self.transport.outbox.texts)
        return [
            (each["type"], each["endpoint"], each.get("name", "")) for each in packets
        ]

    def handle(self, packet: Packet) -> None:
        self.greenlet = gevent.spawn(self.socket.dispatcher.handle, packet)
        settle()

    def order(self, *order: str) -> None:
        self.orders.put(order)
        settle()

    def expect(self, kind: str, endpoint: str, name: str = "") -> None:
        if self.alive:
            self.expected.append((kind, endpoint, name))

    def was_disconnected(self) -> None:
        """The server disconnected a namespace: was it the last of the connection?"""
        if self.socket.generation.ends_by_closing and not self.members:
            self.alive = False


def settle() -> None:
    """Let all greenlets run that can."""
    for _ in range(8):
        gevent.sleep(0)


class Admissions(RuleBasedStateMachine):
    """Clients ask, are admitted, refused and thrown out, while others talk."""

    people = Bundle("people")

    def __init__(self) -> None:
        super().__init__()
        Guided.made = []
        self.server = SocketIOServer(("127.0.0.1", 0), None)
        self.all: list[Person] = []
        self.count = 0

    def name(self) -> str:
        self.count += 1
        return f"event{self.count}"

    @rule(target=people, generation=st.sampled_from(list(DIALECTS)))
    def come(self, generation: Generation) -> Any:
        if len(self.all) > 5:
            return multiple()
        self.all.append(Person(self.server, generation))
        return self.all[-1]

    # The way in

    @rule(person=people, endpoint=st.sampled_from(ENDPOINTS))
    def ask(self, person: Person, endpoint: str) -> None:
        if person.alive and person.asking is None and endpoint not in person.members:
            person.asking = endpoint, Asking()
            person.handle({"type": "connect", "endpoint": endpoint})

    @rule(person=people, order=st.sampled_from(("emit", "ask", "spawn")))
    def begin_something(self, person: Person, order: str) -> None:
        if person.asking is not None:
            name = self.name()
            asking = person.asking[1]
            if not asking.leaves:
                asking.output.append(name)
            person.order(order, name)

    @rule(person=people, room=st.sampled_from(ROOMS), leave=st.booleans())
    def move(self, person: Person, room: str, leave: bool) -> None:
        """Join or leave a room, during the admission or after it."""
        order = "leave" if leave else "join"
        if person.asking is not None:
            asking = person.asking[1]
            if leave:
                asking.rooms.discard(room)
            elif not asking.leaves:
                asking.rooms.add(room)
            person.order(order, room)
        elif person.members:
            endpoint = next(iter(person.members))
            getattr(person.members[endpoint], "discard" if leave else "add")(room)
            getattr(person.socket[endpoint], order)(room)

    @rule(person=people)
    def tell_others_on_the_way_in(self, person: Person) -> None:
        if person.asking is not None:
            name = self.name()
            for each in self.all:
                if person.asking[0] in each.members:
                    each.expect("event", person.asking[0], name)
            person.order("tell", name)

    @rule(person=people)
    def go_on(self, person: Person) -> None:
        if person.asking is None:
            return
        endpoint, asking = person.asking
        if not asking.greeting and not asking.leaves:
            asking.greeting = True
            asking.kept = set(asking.rooms), list(asking.output)
            person.order("go on")
            return
        person.asking = None
        if not asking.greeting:
            person.expect("refused", endpoint)
        else:
            person.expect("connect", endpoint)
            for name in asking.output:
                person.expect("event", endpoint, name)
            if asking.leaves:
                person.expect("disconnect", endpoint)
                person.was_disconnected()
            else:
                person.members[endpoint] = asking.rooms
                person.was_admitted = True
        person.order("go on")

    @rule(person=people, how=st.sampled_from(("refuse", "fail")))
    def refuse(self, person: Person, how: str) -> None:
        if person.asking is not None:
            person.expect("refused", person.asking[0])
            person.asking = None
            person.order(how)

    @rule(person=people)
    def retry(self, person: Person) -> None:
        if person.asking is not None:
            person.asking[1].begin()
            person.order("retry")

    @rule(person=people)
    def leave_on_the_way_in(self, person: Person) -> None:
        if person.asking is not None:
            person.asking[1].leaves = True
            person.order("disconnect")

    @rule(
        person=people,
        endpoint=st.sampled_from(ENDPOINTS),
        orders=st.lists(
            st.sampled_from(("join", "emit", "retry", "go on")), max_size=8
        ),
    )
    def go_the_way_in(self, person: Person, endpoint: str, orders: list[str]) -> None:
        """Several steps at once, which single rules would seldom make in a row."""
        self.ask(person, endpoint)
        for order in orders:
            if order == "join":
                self.move(person, "hall", False)
            elif order == "emit":
                self.begin_something(person, "emit")
            else:
                (self.retry if order == "retry" else self.go_on)(person)

    # Others

    @rule(endpoint=st.sampled_from(ENDPOINTS), room=st.sampled_from((None, *ROOMS)))
    def broadcast(self, endpoint: str, room: str | None) -> None:
        name = self.name()
        for each in self.all:
            rooms = each.members.get(endpoint)
            if rooms is not None and (room is None or room in rooms):
                each.expect("event", endpoint, name)
        self.server.rooms.broadcast(event_packet(endpoint, name, []), room)

    @rule(endpoint=st.sampled_from(ENDPOINTS))
    def walk(self, endpoint: str) -> None:
        """Send to all sockets of a server, as old applications do."""
        name = self.name()
        for each in self.all:
            if endpoint in each.members:
                each.expect("event", endpoint, name)
            each.socket.send_packet(event_packet(endpoint, name, []))

    # The end

    @rule(person=people, endpoint=st.sampled_from(ENDPOINTS), by_server=st.booleans())
    def leave_namespace(self, person: Person, endpoint: str, by_server: bool) -> None:
        if endpoint not in person.members or person.asking is not None:
            return
        if by_server:
            person.expect("disconnect", endpoint)
            person.socket[endpoint].disconnect()
            settle()  # its jobs end in the next turn of the event loop
        else:
            person.handle({"type": "disconnect", "endpoint": endpoint})
        del person.members[endpoint]
        if by_server:
            person.was_disconnected()

    @rule(person=consumes(people), by_another=st.booleans())
    def kill(self, person: Person, by_another: bool) -> None:
        person.alive = False
        person.members.clear()
        was_asking, person.asking = person.asking, None
        person.socket.kill(reason="transport close")
        settle()
        if was_asking is not None:
            # The application goes on for a client that has gone; this has no effect.
            person.order("emit", self.name())
            person.order("join", "lobby")
            person.order("ask", self.name())
            person.order("go on" if by_another else "fail")

    # What holds

    @invariant()
    def each_received_what_it_may(self) -> None:
        for each in self.all:
            assert each.received == each.expected

    @invariant()
    def each_is_where_it_was_admitted(self) -> None:
        rooms = self.server.rooms
        for endpoint in ENDPOINTS:
            inside = [each for each in self.all if endpoint in each.members]
            assert set(rooms.members(endpoint)) == {each.socket for each in inside}
            for room in ROOMS:
                expected = {
                    each.socket for each in inside if room in each.members[endpoint]
                }
                assert set(rooms.members(endpoint, room)) == expected

    @invariant()
    def nothing_is_left_of_who_is_not_in(self) -> None:
        for each in self.all:
            socket = each.socket
            asking = {each.asking[0]} if each.asking is not None else set()
            assert set(socket.admission.asking) == asking
            assert set(socket.active_ns) - asking == set(each.members)
            if not each.was_admitted and not asking:
                assert socket.ack_callbacks == {}
            if not each.members and not asking:
                assert socket.session.get("rooms", set()) == set()
        inside = {
            id(each.socket.active_ns.get(n)) for each in self.all for n in ENDPOINTS
        }
        asking_now = {each.socket for each in self.all if each.asking is not None}
        for namespace in Guided.made:
            if id(namespace) in inside or namespace.socket in asking_now:
                continue
            assert namespace.entered == namespace.left
            assert all(job.dead for job in namespace.started)

    def teardown(self) -> None:
        for each in self.all:
            if each.alive:
                each.socket.kill()
                each.members.clear()
                each.alive, each.asking = False, None
                settle()
                for _ in range(2):
                    each.order("go on")
        settle()
        assert self.server.rooms.statistics() == (0, 0)
        assert all(each.entered == each.left for each in Guided.made)
        assert all(job.dead for each in Guided.made for job in each.started)
        assert not len(self.server.hub.timers)
        self.server.hub.timers.close()


TestAdmissions = Admissions.TestCase
TestAdmissions.settings = machine_settings(80, 40)
