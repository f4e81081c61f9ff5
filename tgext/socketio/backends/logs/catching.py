"""Hearing a log: each entry once and in order, also when the link was broken.

While the link is whole, entries arrive in the order of their numbers. When it comes
back, what was missed is read from the log; what arrives meanwhile waits.

Consistency: listeners miss an entry only if the log no longer has it when the link is
back; :attr:`Catching.lost` is called then. After a new epoch they are given all
entries of it that they have not heard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

import gevent

from ...engine.concurrency.failures import ERRORS
from ...engine.logs import get_logger
from ...wire.escape import escape
from ...wire.limits import MAX_LOG
from ..backoff import Backoff
from ..errors import BackendError
from ..feeds import yielding
from .entries import Entry, HeardEntry, Position, Replay, read_logged

log = get_logger(__name__)

#: Messages that wait while something missed is read, and their characters. If there are
#: more, the log is read again instead.
MOST_WAITING: Final = 10_000
MOST_WAITING_SIZE: Final = MAX_LOG

#: Names of epochs that are kept.
MOST_STRANGE: Final = 100


NOWHERE: Final = Position("", 0)


class Link(Protocol):
    """The subscribed connection of a backend.

    :ivar lost: functions that are called when it is lost.
    :ivar returned: functions that are called when it is subscribed to all channels.
    """

    lost: list[Callable[[], object]]
    returned: list[Callable[[], object]]


class Carrier(Protocol):
    """A backend, whose messages arrive in the order in which the log numbers them."""

    name: str
    listener: Any

    def listen(self, channel: str, heard: Callable[[Any], object]) -> None:
        """Call ``heard`` with each message of a channel."""

    def unlisten(self, channel: str, heard: Callable[[Any], object]) -> None:
        """No longer call ``heard``."""


class Ear:
    """One listener of a topic.

    :ivar last: the number of the latest entry that it was given.
    :ivar listens: whether it is still to be given any.
    """

    def __init__(self, topic: str, heard: HeardEntry, catching: Catching) -> None:
        self.topic = topic
        self.last = 0
        self.listens = True
        #: What arrives before it is known what is new; None afterwards.
        self._early: list[Entry] | None = []
        self._heard = heard
        self._catching = catching

    def begin(self, last: int) -> None:
        """Be given what is later than a number from now on."""
        early, self._early = self._early or (), None
        self.last = last
        for each in early:
            self.give(each)

    def hear(self, data: Any) -> None:
        """Take a message of the broker."""
        logged = read_logged(data)
        if logged is not None:
            self._catching.hear(self, *logged)

    def give(self, entry: Entry) -> None:
        """Give an entry to the listener, if it is new."""
        if self._early is not None:
            self._early.append(entry)
            return
        if entry.number <= self.last or not self.listens:
            return
        self.last = entry.number
        try:
            self._heard(entry)
        except ERRORS:
            log.exception("A message of '%s' failed", escape(self.topic))


class _Waiting:
    """Messages that wait while something missed is read."""

    def __init__(self) -> None:
        self._messages: list[tuple[Ear, Position, str]] = []
        self._size = 0

    @property
    def is_full(self) -> bool:
        return len(self._messages) >= MOST_WAITING or self._size > MOST_WAITING_SIZE

    @property
    def epochs(self) -> set[str]:
        return {position.epoch for _, position, _ in self._messages}

    def add(self, ear: Ear, position: Position, message: str) -> None:
        self._messages.append((ear, position, message))
        self._size += len(message)

    def take(self) -> list[tuple[Ear, Position, str]]:
        """All of them; none waits any more."""
        taken, self._messages, self._size = self._messages, [], 0
        return taken


class Catching:
    """The listeners of a log in this process.

    :param carrier: the backend.
    :param now: returns the latest position of the log.
    :param read: reads topics after a position; the third argument is true when the log
        has given this process the position.
    """

    def __init__(
        self,
        carrier: Carrier,
        now: Callable[[], Position],
        read: Callable[[Iterable[str], Position, bool], Replay],
    ) -> None:
        self._carrier = carrier
        self._now = now
        self._read = read
        self._ears: dict[tuple[str, HeardEntry], Ear] = {}
        #: Up to here, every listener has heard its topic.
        self._position: Position | None = None
        #: Whether something was missed that is not read yet.
        self._behind = False
        #: Another object whenever what is being read is no longer of use.
        self._run = object()
        self._waiting = _Waiting()
        #: Epochs of other logs, or of earlier ones.
        self._strange: set[str] = set()
        #: Called when listeners may have missed entries for good.
        self.lost: dict[Callable[[], object], None] = {}
        link: Link = carrier.listener
        link.lost.append(self._lose)
        link.returned.append(self._return)

    @property
    def position(self) -> Position:
        """Up to here, every listener has been given its topic; empty without any."""
        return self._position or NOWHERE

    def listen(self, topic: str, heard: HeardEntry) -> int:
        """Call ``heard`` with each entry of a topic from now on.

        :returns: the number of the log's latest entry when it had begun to arrive.
        """
        if self._position is None:
            position = self._now()
            # Another listener may have come meanwhile.
            self._position = self._position or position
        ear = self._ears[topic, heard] = Ear(topic, heard, self)
        try:
            self._carrier.listen(topic, ear.hear)
        except BaseException:
            self._forget(topic, heard)
            raise
        try:
            position = self._now()  # whatever is later than this arrives
        except BaseException:
            self.unlisten(topic, heard)
            raise
        known = self.position
        ear.begin(position.number if position.epoch == known.epoch else 0)
        return ear.last

    def unlisten(self, topic: str, heard: HeardEntry) -> None:
        """No longer call ``heard``; does not block."""
        ear = self._forget(topic, heard)
        if ear is not None:
            self._carrier.unlisten(topic, ear.hear)

    def _forget(self, topic: str, heard: HeardEntry) -> Ear | None:
        ear = self._ears.pop((topic, heard), None)
        if ear is not None:
            ear.listens = False
        if not self._ears:
            self._position = None
            self._stop()
        return ear

    def hear(self, ear: Ear, position: Position, message: str) -> None:
        """Take an entry that arrived."""
        known = self._position
        if known is None or position.epoch in self._strange:
            return
        if position.epoch != known.epoch and not self._behind:
            # The log has begun again, or this is not its message.
            self._behind = True
            self._return()
        if self._behind:
            self._wait(ear, position, message)
            return
        if position.number > known.number:
            self._position = position
        ear.give(Entry(position.number, ear.topic, message))

    def _wait(self, ear: Ear, position: Position, message: str) -> None:
        if self._waiting.is_full:
            self._return()
        self._waiting.add(ear, position, message)

    def _lose(self) -> None:
        self._stop()
        self._behind = self._position is not None

    def _stop(self) -> None:
        self._run = object()
        self._behind = False
        self._waiting.take()

    def _return(self) -> None:
        if self._behind:
            self._run = object()
            self._waiting.take()
            gevent.spawn(self._catch_up, self._run)

    def _catch_up(self, run: object) -> None:
        """Read what was missed, until nothing is missing or the link is lost."""
        backoff, missed = Backoff(), 0
        while self._run is run and self._position is not None:
            before = self._waiting.epochs
            ears = list(self._ears.values())
            try:
                replay = self._read({ear.topic for ear in ears}, self._position, True)
            except ERRORS as error:
                self._report(error)
                gevent.sleep(backoff.next())
                continue
            if self._run is not run:
                return
            self._begin_epoch(replay)
            missed += len(replay.entries)
            if not self._give(replay, ears, run):
                return
            self._skip(before - {replay.position.epoch})
            if self._give_waiting():
                self._behind = False
                log.info("%d messages were missed, and read", missed)
                return

    def _skip(self, epochs: set[str]) -> None:
        if len(self._strange) >= MOST_STRANGE:
            self._strange.clear()
        self._strange |= epochs
        if epochs:
            log.warning(
                "Messages of another log of %s, or from before it began again, are "
                "skipped. Applications with one Redis need the same anypubsub.db to "
                "share channels that have history.",
                self._carrier.name,
            )

    def _report(self, error: BaseException) -> None:
        log.warning("What was missed cannot be read yet: %s", error)
        if not isinstance(error, BackendError):
            log.debug("The reason", exc_info=error)

    def _begin_epoch(self, replay: Replay) -> None:
        assert self._position is not None
        if replay.position.epoch != self._position.epoch:
            self._strange.discard(replay.position.epoch)
            self._position = Position(replay.position.epoch, 0)
            for ear in self._ears.values():
                ear.last = 0
        if not replay.complete:
            log.warning(
                "%s has lost messages, or no longer has all that were missed",
                self._carrier.name,
            )
            for told in list(self.lost):
                try:
                    told()
                except ERRORS:
                    log.exception("Telling that messages were lost failed")

    def _give(self, replay: Replay, ears: list[Ear], run: object) -> bool:
        """Give what was read to the listeners; returns False when it is of no use."""
        by_topic: dict[str, list[Ear]] = {}
        for ear in ears:
            by_topic.setdefault(ear.topic, []).append(ear)
        for entry in yielding(replay.entries):
            if self._run is not run:
                return False
            self._position = Position(replay.position.epoch, entry.number)
            for ear in by_topic[entry.topic]:
                ear.give(entry)
        if self._run is not run:
            return False
        for ear in ears:
            ear.last = max(ear.last, replay.position.number)
        self._position = replay.position
        return True

    def _give_waiting(self) -> bool:
        """Give what arrived meanwhile; returns False if it is of another epoch."""
        known = self._position
        assert known is not None
        if self._waiting.epochs - {known.epoch} - self._strange:
            return False
        for ear, position, message in self._waiting.take():
            if position.epoch == known.epoch:
                known = self._position = max(known, position)
                ear.give(Entry(position.number, ear.topic, message))
        return True
