"""A log of a namespace, for tests: a list."""

from __future__ import annotations

from collections.abc import Iterable

from tgext.socketio.engine.hub.selection import Selection
from tgext.socketio.engine.recovery.record import Entry, Missed, Place, Position
from tgext.socketio.wire.socketio.packet import Packet


class ListRecord:
    """Keeps every entry."""

    def __init__(self, epoch: str = "epoch") -> None:
        self.epoch = epoch
        self.entries: list[Entry] = []
        self.complete = True
        self.heard = 0

    def append(self, place: Place, packet: Packet, receivers: Selection) -> Position:
        number = len(self.entries) + 1
        self.entries.append(Entry(number, receivers, packet))
        return self.now()

    def read(self, places: Iterable[Place], after: Position) -> Missed:
        wanted = set(places)
        found = [
            each
            for each in self.entries
            if each.number > after.number and wanted & {*each.receivers.rooms}
        ]
        return Missed(found, self.now(), self.complete)

    def now(self) -> Position:
        return Position(self.epoch, len(self.entries))
