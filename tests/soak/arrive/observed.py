"""What the clients observed: the logs of crowd.js.

A client's *stretch* begins when it connects without being recovered, and goes on as
long as it is recovered each time that it comes back. In a stretch it has *stays* in
rooms: it may leave one and join another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

FOREVER = float("inf")


@dataclass
class Stay:
    """The time that a client is in a room.

    :ivar since: when it may have joined: it had asked.
    :ivar joined: when it had joined.
    :ivar asked: when it asked to leave.
    :ivar left: when it had left.
    """

    since: float
    joined: float = FOREVER
    asked: float = FOREVER
    left: float = FOREVER


@dataclass
class Stretch:
    """What a client observed as long as it was recovered.

    :ivar stays: by room; that of its user, too.
    :ivar received: the numbers that it received, and when, by topic and process.
    :ivar belated: those of messages that arrived with the end of a connection.
        socket.io-client keeps them until it has connected again, and does not know
        their positions when it does: the server sends them once more.
    """

    stays: dict[str, list[Stay]] = field(default_factory=dict)
    belated: dict[tuple[str, str], dict[int, float]] = field(default_factory=dict)
    received: dict[tuple[str, str], list[tuple[int, float]]] = field(
        default_factory=dict
    )

    def stays_in(self, topic: str) -> list[Stay]:
        """The stays in the rooms of a topic."""
        return [stay for room in topic.split("+") for stay in self.stays.get(room, ())]

    def ask(self, room: str, time: float) -> Stay:
        """It asks for a room, or is in it, or has asked before."""
        stays = self.stays.setdefault(room, [])
        if not stays or stays[-1].left < FOREVER:
            stays.append(Stay(time))
        return stays[-1]

    def join(self, room: str, time: float) -> None:
        stay = self.ask(room, time)
        stay.joined = min(stay.joined, time)

    def rooms(self) -> Iterator[tuple[str, Stay]]:
        """The rooms that it is in, and asks to leave at most."""
        for room, stays in self.stays.items():
            joined = stays[-1].joined < FOREVER
            if joined and stays[-1].left == FOREVER and room.startswith("r"):
                yield room, stays[-1]


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
        """Take one line of the log."""
        if kind == "m":
            self._receive(time, *rest[:3])
        elif kind == "c":
            self._connect(rest[0] == "1")
        elif kind == "d":
            self.connected = False
        elif kind == "x":
            self.refused.append(" ".join(rest))
        elif kind == "b":
            for each in rest:
                self.stretches[-1].ask(each, time)
        elif kind == "e":
            for each in rest[1:]:
                self.stretches[-1].join(each, float(rest[0]))
        elif kind == "a":
            stay = self.stretches[-1].stays[rest[0]][-1]
            stay.asked = min(stay.asked, time)
            self.stretches[-1].ask(rest[1], time)
        elif kind == "v":
            self._move(*rest)
        elif kind == "l":
            self._look(rest[0] == "1", set(rest[1:]))

    def _connect(self, recovered: bool) -> None:
        self.connected = True
        self.recoveries += recovered
        if not recovered:
            self.stretches.append(Stretch())

    def _move(self, old: str, left: str, new: str, joined: str) -> None:
        stretch = self.stretches[-1]
        stretch.stays[old][-1].left = float(left)
        stretch.join(new, float(joined))

    def _look(self, recovered: bool, rooms: set[str]) -> None:
        """Compare with what the server knows of a client that was recovered."""
        known = dict(self.stretches[-1].rooms())
        moves = any(stay.asked < FOREVER for stay in known.values())
        if not recovered:
            self.mistaken.append("the server takes it for a new one")
        elif rooms != known.keys() and not moves:
            self.mistaken.append(f"it is in {sorted(known)}, for the server {rooms}")

    def _receive(self, time: float, topic: str, process: str, number: str) -> None:
        if not self.stretches:
            self.mistaken.append(f"{topic} {number} came before it was connected")
            return
        stretch, key = self.stretches[-1], (topic, process)
        if self.connected:
            stretch.received.setdefault(key, []).append((int(number), time))
        else:
            stretch.belated.setdefault(key, {})[int(number)] = time
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
