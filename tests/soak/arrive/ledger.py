"""What was published, written so that it survives the process.

A line is written when a call that publishes has returned: ``room number begin ok``, or
``room number begin`` and the name of the exception that it raised. What a process
published last, and could not write here any more, has no line. Each process of the
application has a file; one that is started again is a new process.
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

    def published(self, room: str, number: int, begin: float) -> None:
        self._write(f"{room} {number} {begin!r} ok")

    def failed(self, room: str, number: int, begin: float, error: Exception) -> None:
        self._write(f"{room} {number} {begin!r} {type(error).__name__}")

    def _write(self, line: str) -> None:
        # Not buffered: the process may be killed at any time.
        os.write(self._file, f"{line}\n".encode())


class Topic(NamedTuple):
    """What one process has published in one room.

    :param sure: the numbers of messages that have to arrive, with the time when
        publishing began.
    :param unsure: those that may be missing: publishing them failed.
    """

    sure: dict[int, float]
    unsure: dict[int, str]

    def knows(self, number: int) -> bool:
        """Whether the message was, or may have been, published."""
        # The one after the last may have been published by a process that was killed.
        last = max(self.sure | self.unsure, default=0)
        return number in self.sure or number in self.unsure or number == last + 1


#: By room and process.
Published = dict[tuple[str, str], Topic]


def read_ledgers(directory: Path) -> Published:
    """What all processes have published."""
    published: Published = {}
    for path in sorted(directory.glob(f"*{SUFFIX}")):
        for line in path.read_text().splitlines():
            fields = line.split()
            if len(fields) != 4:
                continue  # the process was killed meanwhile
            room, number, begin, how = fields
            topic = published.setdefault((room, path.stem), Topic({}, {}))
            if how == "ok":
                topic.sure[int(number)] = float(begin)
            else:
                topic.unsure[int(number)] = how
    return published
