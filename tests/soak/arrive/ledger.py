"""What was published, written so that it survives the process.

A line is written when a call that publishes has ended: ``topic number begin end how``.
How: ``ok``, or the name of the exception that it raised. What a process published last,
and could not write here any more, has no line. A topic is a room, two rooms with a plus
between them, or a user. Each process of the application has a file; one that is started
again is a new process.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

SUFFIX = ".ledger"


class Ledger:
    """The ledger of one process."""

    def __init__(self, directory: Path, name: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._file = os.open(directory / f"{name}{SUFFIX}", flags, 0o600)

    def write(
        self, topic: str, number: int, begin: float, end: float, how: str
    ) -> None:
        # Not buffered: the process may be killed at any time.
        os.write(self._file, f"{topic} {number} {begin!r} {end!r} {how}\n".encode())


class Call(NamedTuple):
    """One message that was published."""

    begin: float
    end: float
    how: str

    @property
    def is_sure(self) -> bool:
        """Whether it has to arrive. If publishing it failed, it may be missing."""
        return self.how == "ok"


#: What one process has published in one topic, by number.
Numbers = dict[int, Call]

#: By topic and process.
Published = dict[tuple[str, str], Numbers]


def read_ledgers(directory: Path) -> Published:
    """What all processes have published."""
    published: Published = {}
    for path in sorted(directory.glob(f"*{SUFFIX}")):
        for line in path.read_text().splitlines():
            fields = line.split()
            if len(fields) != 5:
                continue  # the process was killed meanwhile
            topic, number, begin, end, how = fields
            call = Call(float(begin), float(end), how)
            published.setdefault((topic, path.stem), {})[int(number)] = call
    return published
