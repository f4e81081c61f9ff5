"""Checks that each message arrived once and in order, at each client.

A client's *stretch* begins when it connects without being recovered, and goes on as
long as it is recovered each time that it comes back. In a stretch it must receive each
message that was published in its rooms after it had entered them: up to the end, or, if
a further stretch begins, up to the last one that it received of that process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .ledger import Published, Topic

#: The most numbers that one finding names.
NAMED = 8


@dataclass
class Stretch:
    """What a client observed as long as it was recovered.

    :ivar joined: when it had entered its rooms; None when it was not told.
    :ivar received: the numbers that it received, by room and process.
    """

    begun: float
    joined: float | None = None
    rooms: list[str] = field(default_factory=list)
    received: dict[tuple[str, str], list[int]] = field(default_factory=dict)


@dataclass
class Client:
    """What one client observed.

    :ivar gap: the longest time between two messages, and when it ended.
    """

    number: int
    stretches: list[Stretch] = field(default_factory=list)
    connected: bool = False
    recoveries: int = 0
    messages: int = 0
    refused: list[str] = field(default_factory=list)
    mistaken: list[str] = field(default_factory=list)
    gap: tuple[float, float] = (0.0, 0.0)
    last: float = 0.0

    def take(self, kind: str, time: float, rest: list[str]) -> None:
        """Take one line of the log of crowd.js."""
        if kind == "c":
            self.connected = True
            if rest[0] == "1":
                self.recoveries += 1
            else:
                self.stretches.append(Stretch(time))
        elif kind == "d":
            self.connected = False
        elif kind == "x":
            self.refused.append(" ".join(rest))
        elif kind == "e":
            stretch = self.stretches[-1]
            stretch.joined, stretch.rooms = float(rest[0]), rest[1:]
        elif kind == "l":
            expected = ["1", *sorted(self.stretches[-1].rooms)]
            if rest != expected:
                self.mistaken.append(f"{expected} is {rest} for the server")
        elif kind == "m":
            self._receive(time, rest)

    def _receive(self, time: float, rest: list[str]) -> None:
        room, process, number = rest
        if not self.stretches:
            self.mistaken.append(f"{room} {number} came before it was connected")
            return
        received = self.stretches[-1].received
        received.setdefault((room, process), []).append(int(number))
        self.messages += 1
        if self.last:
            self.gap = max(self.gap, (time - self.last, time))
        self.last = time


def read_clients(logs: Iterable[Path]) -> dict[int, Client]:
    """What all clients observed."""
    clients: dict[int, Client] = {}
    for path in logs:
        with path.open() as lines:
            for line in lines:
                kind, number, time, *rest = line.split()
                client = clients.setdefault(int(number), Client(int(number)))
                client.take(kind, float(time), rest)
    return clients


def check(clients: dict[int, Client], published: Published) -> list[str]:
    """What is wrong, in sentences; nothing if all is as it must be."""
    return [
        f"client {client.number}: {text}"
        for client in clients.values()
        for text in _faults_of(client, published)
    ]


def _faults_of(client: Client, published: Published) -> Iterator[str]:
    yield from client.mistaken
    if not client.connected:
        yield "it is not connected at the end"
    for number, stretch in enumerate(client.stretches, 1):
        is_last = number == len(client.stretches)
        where = f"stretch {number} of {len(client.stretches)}"
        for text in _faults_in(stretch, published, is_last):
            yield f"{where}, {text}"
        if is_last and stretch.joined is None:
            yield f"{where}: it has not entered its rooms"


def _faults_in(stretch: Stretch, published: Published, is_last: bool) -> Iterator[str]:
    for (room, process), numbers in stretch.received.items():
        where = f"room {room}, process {process}"
        topic = published.get((room, process), Topic({}, {}))
        if stretch.joined is not None and room not in stretch.rooms:
            yield f"{where}: not its room"
        for what, found in _disorder(numbers, topic).items():
            yield f"{where}: {what} {_list(found)}"
    if stretch.joined is None:
        return
    for (room, process), topic in published.items():
        if room in stretch.rooms:
            received = stretch.received.get((room, process), [])
            missing = _missing(stretch.joined, received, topic, is_last)
            if missing:
                yield f"room {room}, process {process}: missing {_list(missing)}"


def _disorder(numbers: list[int], topic: Topic) -> dict[str, list[int]]:
    """Messages that were received when they should not, by what is wrong."""
    wrong: dict[str, list[int]] = {
        "doubled": [],
        "reordered": [],
        "never published": [],
    }
    seen: set[int] = set()
    latest = 0
    for each in numbers:
        if each in seen:
            wrong["doubled"].append(each)
        elif each in topic.sure:
            if each < latest:
                wrong["reordered"].append(each)
            latest = max(latest, each)
        elif not topic.knows(each):
            wrong["never published"].append(each)
        seen.add(each)
    return {what: found for what, found in wrong.items() if found}


def _missing(
    joined: float, received: list[int], topic: Topic, is_last: bool
) -> list[int]:
    """The numbers of the messages that did not arrive."""
    seen = set(received)
    # Ends before it: the client may have gone when they were sent.
    end = float("inf") if is_last else max(seen, default=0)
    return [
        number
        for number, begin in topic.sure.items()
        if begin > joined and number <= end and number not in seen
    ]


def _list(numbers: list[int]) -> str:
    """Numbers for a person: the first, and how many there are."""
    shown = ", ".join(map(str, numbers[:NAMED]))
    more = len(numbers) - NAMED
    return f"{shown} and {more} more, up to {numbers[-1]}" if more > 0 else shown
