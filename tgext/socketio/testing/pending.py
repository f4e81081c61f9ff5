"""An event of a client whose ack is awaited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..wire.socketio.generations import Generation
from .arrivals import Arrivals
from .errors import EventError, NotReceived


class Pending:
    """An event that was emitted.

    :param event: its name.
    :param arrivals: of its client.
    :param timeout: seconds to wait for the ack, where no others are given.
    """

    def __init__(self, event: str, arrivals: Arrivals, timeout: float) -> None:
        self._event = event
        self._arrivals = arrivals
        self._timeout = timeout
        #: Set when the ack has come.
        self._answer: tuple[Any, ...] | None = None
        self._error: EventError | None = None

    @property
    def done(self) -> bool:
        """Whether the ack has come."""
        return self._answer is not None

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the ack.

        :param timeout: seconds to wait at most.
        :returns: what the handler has returned. A tuple is several values.
        :raises EventError: when the event was refused, or its handler failed.
        :raises NotReceived: when the ack has not come in time.
        """
        seconds = self._timeout if timeout is None else timeout
        arrivals = self._arrivals
        arrivals.changes.wait_until(lambda: self.done or arrivals.ended, seconds)
        if self._error is not None:
            raise self._error
        answer = self._answer
        if answer is None:
            what = f"{self._event!r} has not been answered"
            raise NotReceived(arrivals.failure(what, seconds))
        return answer[0] if len(answer) == 1 else answer or None

    def answer(self, args: Sequence[Any], generation: Generation) -> None:
        """The ack has come.

        :param generation: of the client.
        """
        self._answer = tuple(args)
        if generation.acks_tell:
            self._error = _told(args)
            if self._error is not None:
                # It is told in an event, too.
                self._arrivals.forgive(self._error.name, self._error.info)
        elif list(args) == [None]:
            error = self._arrivals.take("error")
            if error is not None and len(error) == 2:
                self._error = EventError(*error)
        self._arrivals.changes.tell()


def _told(args: Sequence[Any]) -> EventError | None:
    """The error that an ack tells of; see :meth:`.Generation.failure`."""
    if len(args) != 1 or not isinstance(args[0], dict) or list(args[0]) != ["error"]:
        return None
    error = args[0]["error"]
    if not isinstance(error, dict) or error.keys() != {"name", "info"}:
        return None
    return EventError(error["name"], error["info"])
