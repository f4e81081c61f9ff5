"""A client that goes from process to process, at random, against a model.

It is sent all that it misses once, in order; what it lost on its way, again.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest
from gevent.event import Event

from tgext.socketio.engine.mixins import BroadcastMixin

from .processes import Start, at, processes, wait_until_written
from .readers import Reader, Readers, Reading

__all__ = ["processes"]

PROCESSES = 3
STEPS = 40


class Job:
    """A handler that emits when the test says so."""

    def __init__(self) -> None:
        self.begun, self.go, self.done = Event(), Event(), Event()


class Chat(Reading, BroadcastMixin):
    works: ClassVar[dict[int, Job]] = {}

    def on_echo(self, number: int) -> None:
        self.emit("echo", number)

    def on_say(self, room: str, number: int) -> None:
        self.emit_to_room(room, "said", number)

    def on_shout(self, number: int) -> None:
        self.broadcast_event_not_me("shouted", number)

    def on_tell(self, sid: str, number: int) -> None:
        self.socket_by_id(sid).emit("told", number)

    def on_work(self, number: int) -> None:
        job = self.works[number]
        job.begun.set()
        job.go.wait()
        self.emit("worked", number)
        job.done.set()

    def on_rooms(self) -> list[str]:
        return sorted(map(str, self.rooms))


class Walk:
    """The client, those that send to it, and what it is to receive.

    :ivar due: all numbers that were sent to it.
    :ivar offsets: its position after each of them that it has received.
    :ivar since: how many it had when it came to its process.
    """

    def __init__(self, servers: list[Readers], seed: int) -> None:
        self.random = random.Random(seed)
        self.servers = servers
        self.senders = [each.join() for each in servers]
        self.client: Reader = servers[0].join()
        wait_until_written(servers[0], len(servers) + 1)
        self.rooms: set[str] = set()
        self.is_here = True
        self.due: list[int] = []
        self.offsets: list[Any] = [None]
        self.since = 0
        self.running: list[int] = []

    def step(self, number: int) -> None:
        steps: list[Any] = [self.say, self.say, self.shout, self.tell, self.finish]
        if self.is_here:
            steps += [self.echo, self.change_room, self.cut, self.leave_work]
        else:
            steps += [self.move] * 3
        step = self.random.choice(steps)
        step(number)

    def sent(self, number: int) -> None:
        self.due.append(number)
        if self.is_here:
            assert self.client.read() == [number]
            self.offsets.append(self.client.offset)

    def say(self, number: int) -> None:
        room = self.random.choice(["lobby", "attic"])
        self.random.choice(self.senders).call("say", room, number)
        if room in self.rooms:
            self.sent(number)

    def shout(self, number: int) -> None:
        sender = self.random.choice(self.senders)
        sender.call("shout", number)
        for each in self.senders:
            assert each is sender or each.read() == [number]
        self.sent(number)

    def tell(self, number: int) -> None:
        self.random.choice(self.senders).call("tell", self.client.sid, number)
        self.sent(number)

    def echo(self, number: int) -> None:
        self.client.client.emit("/chat", "echo", number)
        self.sent(number)

    def change_room(self, number: int) -> None:
        room = self.random.choice(["lobby", "attic"])
        self.client.call("exit" if room in self.rooms else "enter", room)
        self.rooms ^= {room}

    def cut(self, number: int) -> None:
        """Its connection ends; its process does not notice that always."""
        if self.random.random() < 0.7:
            self.client.cut()
        self.is_here = False

    def leave_work(self, number: int) -> None:
        """It has gone before its handler has ended."""
        job = Chat.works[number] = Job()
        self.running.append(number)
        self.client.client.emit("/chat", "work", number)
        job.begun.wait()
        if self.random.random() < 0.5:
            self.client.client.websocket.close()
        self.is_here = False

    def finish(self, number: int) -> None:
        if self.running:
            number = self.running.pop(0)
            job = Chat.works[number]
            job.go.set()
            job.done.wait()
            self.sent(number)

    def move(self, number: int) -> None:
        lost = self.random.choice([0, 0, 0, 1, 2, 5])
        had = max(len(self.offsets) - 1 - lost, self.since)
        self.client.offset = self.offsets[had]
        self.client = back = at(self.random.choice(self.servers), self.client)
        assert back.recovered
        assert back.call("rooms") == sorted(self.rooms)
        missed = self.due[had:]
        back.read(len(missed) - len(back.heard))
        assert back.heard == missed
        self.offsets[had + 1 :] = back.offsets
        self.is_here, self.since = True, had


@contextmanager
def jobs_that_end() -> Iterator[None]:
    Chat.works.clear()
    try:
        yield
    finally:
        for each in Chat.works.values():
            each.go.set()


@pytest.mark.parametrize("seed", range(2))
def test_a_client_on_its_way(processes: Start, seed: int) -> None:
    with jobs_that_end():
        walk = Walk([processes(Chat) for _ in range(PROCESSES)], seed)
        for number in range(STEPS):
            walk.step(number)
