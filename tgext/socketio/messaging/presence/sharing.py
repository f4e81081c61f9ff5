"""Presence over the processes of a cluster.

Each process tells the others what changes, in numbered batches, and its number with
each heartbeat. With Redis it also keeps its entries in a table there, which it writes
before it tells of them: that is the truth for a process that begins, has lost its link,
or has missed a batch. Without Redis such a process asks the one that it doubts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import gevent
from gevent.event import Event

from ...backends.errors import BackendError
from ...engine.concurrency.failures import ERRORS
from ...engine.logs import get_logger
from ..peers import MISSED, Peers
from .messages import natural, read_batch, write_batch
from .replica import Replica, Whole
from .sources import Source, ignore

log = get_logger(__name__)

#: Changes of one batch.
AT_ONCE: Final = 200

#: Seconds in which changes are collected before the others are told.
PAUSE: Final = 0.02

#: Seconds after which a process is read again that is still doubted.
AGAIN: Final = 0.5

#: Seconds in which the broker must accept the last changes.
FAREWELL: Final = 1.0


class ClusterSharing:
    """Shares the presence of one controller with the other processes.

    :param replica: the entries of this process and of the others.
    :param peers: the other processes; somebody holds them.
    :param source: where the others read all of this process, and it reads theirs.
    :param controller: the name of the controller, the same in every process.
    :param told: called when the entries of others have changed; must not block.
    :param now: returns the time in seconds.
    """

    def __init__(
        self,
        replica: Replica,
        peers: Peers,
        source: Source,
        controller: str,
        told: Callable[[], object],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._replica = replica
        self._peers = peers
        self._source = source
        self._told = told
        self._now = now
        self._kind = f"presence {controller}"
        self._number_kind = f"presence number {controller}"
        #: Processes that were read, and are not heard: when they are given up.
        self._unheard: dict[str, float] = {}
        #: When processes were read that are doubted since.
        self._read_at: dict[str, float] = {}
        self._woken = Event()
        self._greenlet: Any = None

    # Life

    def start(self) -> None:
        """Read what the others have, and go on; returns when all is known.

        :raises BackendError: when the broker does not answer.
        """
        peers = self._peers
        peers.on(self._kind, self._hear)
        peers.on(self._number_kind, self._hear_number)
        peers.came.append(self._came)
        peers.gone.append(self._gone)
        peers.returned.append(self._returned)
        try:
            self._source.renew()
            self._unheard = dict.fromkeys(self._source.others(), self._until())
            for name in {*self._unheard, *peers.alive}:
                self._replica.doubt(name)
            self._read_doubted()
        except BaseException:
            self._stop_listening()
            raise
        self._greenlet = gevent.spawn(self._run)

    def wake(self) -> None:
        """The replica has changed."""
        self._woken.set()

    def close(self) -> None:
        """Tell the last changes, and stop."""
        if self._greenlet is None:
            return
        self._greenlet.kill(block=False)
        self._greenlet = None
        self._stop_listening()
        with gevent.Timeout(FAREWELL, False):  # type: ignore[arg-type]
            try:
                self._send()
                self._source.end()
            except BackendError as error:
                log.debug("The last changes of presence were not told: %s", error)

    def _stop_listening(self) -> None:
        peers = self._peers
        for kind in (self._kind, self._number_kind):
            peers.on(kind, ignore)
        peers.came.remove(self._came)
        peers.gone.remove(self._gone)
        peers.returned.remove(self._returned)

    def _run(self) -> None:
        beat_at = self._now() + self._peers.interval
        while True:
            wait = max(0.0, beat_at - self._now())
            self._woken.wait(min(wait, AGAIN) if self._replica.doubted else wait)
            self._woken.clear()
            try:
                if self._now() >= beat_at:
                    beat_at = self._now() + self._peers.interval
                    self.beat()
                else:
                    self._send()
                    self._read_doubted()
            except BackendError as error:
                log.debug("Presence was not told to the others: %s", error)
            except ERRORS:
                log.exception("Sharing presence failed")
            gevent.sleep(PAUSE)

    # What the others are told

    def beat(self) -> None:
        """Renew what is published, tell the number, and mend what is doubted.

        :raises BackendError: when the broker does not answer.
        """
        self._send()
        self._source.renew()
        self._peers.tell(self._number_kind, self._replica.number)
        self._give_up_the_unheard()
        self._read_at.clear()
        self._read_doubted()

    def _send(self) -> None:
        while self._replica.unsent:
            batch = self._replica.take(AT_ONCE)
            self._source.write(batch)
            self._peers.tell(self._kind, write_batch(batch, self._now()))

    def _give_up_the_unheard(self) -> None:
        now, alive = self._now(), self._peers.alive
        for name, until in list(self._unheard.items()):
            if name in alive or now >= until:
                del self._unheard[name]
            if name not in alive and now >= until:
                self._forget(name)

    # What they tell

    def _hear(self, name: str, data: Any) -> None:
        self._replica.hear(name, read_batch(data, self._now()))
        self._heard()

    def _hear_number(self, name: str, data: Any) -> None:
        self._replica.heartbeat(name, natural(data))
        self._heard()

    def _heard(self) -> None:
        if self._replica.members.has_changed:
            self._told()
        if self._replica.doubted:
            self._woken.set()

    def _came(self, name: str) -> None:
        self._replica.doubt(name)
        self._woken.set()

    def _gone(self, name: str) -> None:
        gevent.spawn(self._forget, name)

    def _forget(self, name: str) -> None:
        self._replica.forget(name)
        self._told()

    def _returned(self) -> None:
        """The broker was lost: batches were too, and perhaps what is published."""
        self._source.lose()
        for name in {*self._replica.peers, *self._peers.alive}:
            self._replica.doubt(name)
        self._read_at.clear()
        self._woken.set()

    # What is read

    def _read_doubted(self) -> None:
        """Read the processes that are doubted, each only now and then."""
        now, read_at = self._now(), self._read_at
        names = [
            name
            for name in self._replica.doubted
            if name not in read_at or now >= read_at[name] + AGAIN
        ]
        if not names:
            return
        found = self._source.read(names)
        for name in names:
            if name in found:
                self._load(name, found[name])
            elif name not in self._peers.alive:
                self._replica.forget(name)  # it has ended
        left = set(self._replica.doubted)
        self._read_at = dict.fromkeys({*read_at, *names} & left, now)
        self._told()

    def _load(self, name: str, whole: Whole) -> None:
        if name not in self._replica.doubted:
            return  # it has gone while it was read
        self._replica.load(name, whole)
        if name not in self._peers.alive:
            # A table is there for some time after its process.
            self._unheard.setdefault(name, self._until())

    def _until(self) -> float:
        """The time at which a process is given up that is not heard from now on."""
        return self._now() + MISSED * self._peers.interval
