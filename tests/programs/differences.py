"""What is known to differ from gevent-socketio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .ways import WAYS

#: For each client, and for the server, lines in their order.
Logs = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Difference:
    """Lines of a log that are others here.

    :ivar who: whose log.
    :ivar theirs: the lines with gevent-socketio, which follow each other.
    :ivar ours: the lines here.
    :ivar reason: why.
    :ivar ways: where.
    """

    who: str
    theirs: Sequence[str]
    ours: Sequence[str]
    reason: str
    ways: Sequence[str] = tuple(WAYS)

    def apply(self, logs: dict[str, list[str]]) -> None:
        lines = logs[self.who]
        size = len(self.theirs)
        starts = [
            n
            for n in range(len(lines) - size + 1)
            if lines[n : n + size] == list(self.theirs)
        ]
        assert len(starts) == 1, f"gevent-socketio has {starts}: {self}"
        lines[starts[0] : starts[0] + size] = self.ours


def expected(
    oracle: Logs, differences: Sequence[Difference], way: str
) -> dict[str, list[str]]:
    """The logs that a way must have."""
    logs = {who: list(lines) for who, lines in oracle.items()}
    for each in differences:
        if way in each.ways:
            each.apply(logs)
    return logs
