"""Clients with rooms and channels that lose their connections, against a model.

Each gets all that was sent where it was, once and in order, however often it is cut.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from gevent.event import Event
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    rule,
    run_state_machine_as_test,
)

from tests.engine.clients import wait_for
from tests.engine.conftest import Live
from tests.wire.strategies import machine_settings

from .readers import Kept, Reader, Readers, Reading

CHANNELS = ("news", "sport")
ROOMS = ("lobby", "hall")


class Person:
    """A client, and what it is to receive.

    :ivar places: its rooms and channels.
    :ivar due: what was sent to it, and it has not received yet.
    :ivar gate: closed while it is being admitted.
    """

    def __init__(self, readers: Readers, name: str) -> None:
        self.readers = readers
        self.reader = readers.join(name=name)
        self.name = name
        self.places: set[str] = set()
        self.due: list[Any] = []
        self.is_here = True
        self.gate: Event | None = None

    @property
    def is_in(self) -> bool:
        """Whether it is connected, as far as it knows."""
        return self.is_here and self.gate is None

    def takes(self) -> None:
        """What it has received is what was due."""
        taken = self.reader.heard[:]
        self.reader.heard.clear()
        assert taken == self.due[: len(taken)]
        del self.due[: len(taken)]

    def call(self, *event: Any) -> Any:
        answer = self.reader.call(*event)
        self.takes()
        return answer

    def read(self, count: int) -> None:
        self.reader.read(min(count, len(self.due)))
        self.takes()

    def cut(self) -> None:
        if self.is_here:
            self.reader.cut()
        self.is_here = False

    def asks(self) -> None:
        """It comes back; its old connection may be there still."""
        self.gate = Reading.gates[self.name] = Event()
        count = len(Reading.asking)
        self.reader = self.reader.asks()
        wait_for(lambda: len(Reading.asking) > count, "the way in has begun")

    def enters(self) -> None:
        if self.gate is not None:
            del Reading.gates[self.name]
            self.gate.set()
            self.gate = None
            self.is_here = True
            assert self.reader.connected().recovered

    def back(self) -> None:
        if not self.is_here and self.gate is None:
            self.asks()
        self.enters()

    def check(self) -> None:
        self.back()
        self.read(len(self.due))
        heard = self.call("channels")
        assert set(heard) == self.places & {*CHANNELS}
        assert self.due == []
        self.reader.client.leave("/chat")


class Losing(RuleBasedStateMachine):
    def __init__(self, readers: Readers, rewind: int) -> None:
        super().__init__()
        self.readers = readers
        self.rewind = rewind
        self.people = [Person(readers, name) for name in ("ann", "bob")]
        self.number = 0
        self.kept: dict[str, deque[str]] = {}
        if rewind:
            # What its first subscriber finds is not of this example.
            for channel in CHANNELS:
                self.kept[channel] = deque(maxlen=rewind)
                for _ in range(rewind):
                    self.publish(channel)
        for person in self.people:
            for place in CHANNELS + ROOMS:
                self.join(person, place)

    people_ = st.integers(0, 1)

    @rule(places=st.lists(st.sampled_from(CHANNELS + ROOMS), min_size=1, max_size=4))
    def send(self, places: list[str]) -> None:
        for each in places:
            (self.publish if each in CHANNELS else self.say)(each)

    def publish(self, channel: str) -> None:
        self._send(channel, self.readers.publish)
        if self.rewind:
            self.kept[channel].append(f"{channel} {self.number}")

    def say(self, room: str) -> None:
        self._send(room, self.readers.say)

    def _send(self, place: str, send: Callable[[str, Any], object]) -> None:
        self.number += 1
        text = f"{place} {self.number}"
        send(place, text)
        for each in self.people:
            if place in each.places:
                each.due.append(text)

    @rule(who=people_)
    def emit(self, who: int) -> None:
        """To one client alone."""
        person = self.people[who]
        if person.is_in:
            self.number += 1
            socket = self.readers.live.socket(person.reader.client)
            socket["/chat"].emit("said", self.number)
            person.due.append(self.number)

    @rule(who=people_, place=st.sampled_from(CHANNELS + ROOMS))
    def move(self, who: int, place: str) -> None:
        """A client subscribes, or enters a room; or leaves it if it is there."""
        person = self.people[who]
        if person.is_in and place in person.places:
            self.leave(person, place)
        elif person.is_in:
            self.join(person, place)

    def join(self, person: Person, place: str) -> None:
        person.places.add(place)
        if place in ROOMS:
            person.call("enter", place)
        else:
            person.due += self.kept.get(place, ())
            assert person.call("subscribe", "any", place) == place

    def leave(self, person: Person, place: str) -> None:
        person.places.discard(place)
        if place in ROOMS:
            person.call("exit", place)
        else:
            assert person.call("unsubscribe", place) is True

    @rule(who=people_, count=st.integers(1, 3))
    def read(self, who: int, count: int) -> None:
        if self.people[who].is_in:
            self.people[who].read(count)

    @rule(who=people_)
    def cut(self, who: int) -> None:
        if self.people[who].gate is None:
            self.people[who].cut()

    @rule(who=people_)
    def ask(self, who: int) -> None:
        """To come back, also where the end of the connection was not noticed."""
        if self.people[who].gate is None:
            self.people[who].asks()

    @rule(who=people_)
    def enter(self, who: int) -> None:
        self.people[who].back()

    @rule(who=people_, place=st.sampled_from(CHANNELS + ROOMS))
    def lose_after_moving(self, who: int, place: str) -> None:
        self.move(who, place)
        self.send([place, *ROOMS])
        self.cut(who)
        self.send([*CHANNELS, place])

    def teardown(self) -> None:
        for each in self.people:
            each.check()


@pytest.fixture
def make(serve: Callable[..., Live]) -> Iterator[Callable[[Any], Readers]]:
    made: list[Readers] = []

    def start(cls: Any) -> Readers:
        made.append(Readers(serve, cls))
        return made[-1]

    yield start
    for each in made:
        each.close()


@pytest.mark.parametrize("cls", [Reading, Kept])
def test_each_client_gets_all_of_it(make: Any, cls: type[Reading]) -> None:
    readers = make(cls)
    rewind: Any = cls.rewind
    if rewind:
        keeper: Reader = readers.join()
        keeper.hear(*CHANNELS)  # the history begins with it
    run_state_machine_as_test(
        lambda: Losing(readers, rewind), settings=machine_settings(12, 40)
    )
