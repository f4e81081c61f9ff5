"""A question to other processes, and their answers."""

from __future__ import annotations

from typing import Any

from gevent.event import Event


class Question:
    """A question to some processes, and the answers so far.

    :param asked: their ids.

    :ivar answers: by the ids of the processes that gave them.
    :ivar done: set when nobody is left who might answer.
    """

    def __init__(self, asked: set[str]) -> None:
        self.open = set(asked)
        self.answers: dict[str, Any] = {}
        self.done = Event()
        self.check()

    def take(self, peer: str, answer: Any) -> None:
        """Take an answer; no effect if the process was not asked, or has answered."""
        if peer in self.open:
            self.answers[peer] = answer
            self.drop(peer)

    def drop(self, peer: str) -> None:
        """A process will not answer."""
        self.open.discard(peer)
        self.check()

    def check(self) -> None:
        """Set :attr:`done` when nobody is left."""
        if not self.open:
            self.done.set()
