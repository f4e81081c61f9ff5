"""What the parent does about its workers; the time is an argument."""

from __future__ import annotations

import logging
import signal
from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol

from .inherited import LOGGER, NOW, RETIRE, STOP

__all__ = ["MARGIN", "STEADY", "WAITS", "Acts", "Supervision", "describe"]

log = logging.getLogger(LOGGER)

#: Seconds after which a worker has not ended because it could not start.
STEADY: Final = 10.0

#: Seconds before another worker starts, after so many that have ended sooner than that.
WAITS: Final = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)

#: Seconds that a worker has to end, after those that its handlers have.
MARGIN: Final = 5.0


class Acts(Protocol):
    """What the parent can do."""

    def start(self) -> int:
        """Start a worker, and return its pid.

        :raises OSError: when there are too many processes.
        """

    def tell(self, pid: int, word: str) -> None:
        """Tell a worker something; one that has ended is not told."""

    def kill(self, pid: int, number: signal.Signals) -> None:
        """Send a signal to a worker that has not ended, or is not reaped yet."""

    def close_listener(self) -> None:
        """Accept no more connections, once the workers have stopped."""


@dataclass
class Worker:
    """One worker that runs.

    :ivar place: which of the N workers it is; one that replaces it has the same.
    :ivar since: when it was started.
    :ivar serves: whether it accepts connections.
    :ivar grace: seconds that its handlers have when it stops.
    :ivar retired: whether it was told to leave its place.
    :ivar deadline: when it is killed; None while it was not told to stop.
    """

    pid: int
    place: int
    since: float
    serves: bool = False
    grace: float = 0.0
    retired: bool = False
    deadline: float | None = None


class Supervision:
    """Keeps a number of workers running.

    The first worker is started alone: if it does not get as far as to serve, the others
    would not either, and its error is told once. After that, a worker that ends is
    replaced.

    :param count: how many workers.
    :param acts: what the parent can do.

    :ivar status: the exit status of the parent, once it has nothing to do any more.
    """

    def __init__(self, count: int, acts: Acts) -> None:
        self._count = count
        self._acts = acts
        self._workers: dict[int, Worker] = {}
        self._begun = False
        self._stopping = False
        self.status: int | None = None
        #: When places that have no worker get one.
        self._due: dict[int, float] = {}
        #: How many workers of a place have ended soon, one after the other.
        self._soon = [0] * count
        #: Of a reload: the places that still have workers of before, the worker that
        #: is about to replace one, and whether another reload was asked for meanwhile.
        self._left: deque[int] = deque()
        self._new: int | None = None
        self._again = False

    # What happens

    def begin(self, now: float) -> None:
        """Start the first worker."""
        self._start(0, now)

    def serves(self, pid: int, grace: float, now: float) -> None:
        """A worker accepts connections.

        :param grace: seconds that its handlers have when it stops.
        """
        worker = self._workers.get(pid)
        if worker is None or worker.serves:
            return
        worker.serves, worker.grace = True, grace
        log.info("Worker %d serves", pid)
        if self._stopping:
            self._tell_to_stop(worker, STOP, now)
        elif not self._begun:
            self._begun = True
            for place in range(1, self._count):
                self._start(place, now)
            if self._again:
                self.reload(now)
        elif pid == self._new:
            self._retire_those_before(worker, now)

    def ended(self, pid: int, code: int, now: float) -> None:
        """A worker has ended.

        :param code: its exit status, or the negative number of a signal.
        """
        worker = self._workers.pop(pid)
        if self._stopping:
            log.info("Worker %d has ended (%s)", pid, describe(code))
            if not self._workers:
                self.status = 0
        elif not self._begun:
            log.error("Worker %d ended before it served (%s)", pid, describe(code))
            self.status = code if code > 0 else 1
        elif worker.retired:
            log.info("Worker %d has ended (%s)", pid, describe(code))
            self._go_on(now)
        else:
            self._replace(worker, code, now)

    def reload(self, now: float) -> None:
        """Replace all workers, one after the other."""
        if self._stopping:
            return
        if not self._begun or self._reloading:
            self._again = True
            return
        log.info("Reloading: %d workers are replaced, one after the other", self._count)
        self._again = False
        self._left.extend(range(self._count))
        self._go_on(now)

    def stop(self, now: float) -> None:
        """End all workers; called again, end them at once."""
        word = NOW if self._stopping else STOP
        if not self._stopping:
            log.info("Stopping %d workers", len(self._workers))
        self._stopping = True
        self._due.clear()
        self._acts.close_listener()
        for worker in self._workers.values():
            if worker.serves:
                self._tell_to_stop(worker, word, now)
            else:
                # It has not opened anything to end.
                end = signal.SIGTERM if word == STOP else signal.SIGKILL
                self._acts.kill(worker.pid, end)
                worker.deadline = now + MARGIN
        if not self._workers:
            self.status = 0

    def tick(self, now: float) -> None:
        """Do what is due."""
        for place in [each for each, due in self._due.items() if due <= now]:
            del self._due[place]
            self._start(place, now)
        for worker in self._workers.values():
            if worker.deadline is not None and worker.deadline <= now:
                log.error("Worker %d does not end: it is killed", worker.pid)
                worker.deadline = now + MARGIN
                self._acts.kill(worker.pid, signal.SIGKILL)

    def next_time(self) -> float | None:
        """When :meth:`tick` has something to do; None if nothing is known."""
        ends = (each.deadline for each in self._workers.values())
        known = [*self._due.values(), *(each for each in ends if each is not None)]
        return min(known, default=None)

    # What is done

    def _start(self, place: int, now: float) -> int | None:
        self._due.pop(place, None)
        try:
            pid = self._acts.start()
        except OSError as error:
            log.error("A worker cannot be started: %s", error)
            if not self._begun:
                self.status = 1
            elif not self._has_worker(place):
                self._due[place] = now + STEADY
            return None
        self._workers[pid] = Worker(pid, place, now)
        log.info("Worker %d starts", pid)
        return pid

    def _tell_to_stop(self, worker: Worker, word: str, now: float) -> None:
        self._acts.tell(worker.pid, word)
        grace = 0.0 if word == NOW else worker.grace
        worker.deadline = now + grace + MARGIN

    def _replace(self, worker: Worker, code: int, now: float) -> None:
        """Start another worker for one that has ended by itself."""
        wait = self._wait_for(worker, now)
        if worker.pid == self._new:
            self._new = None
            self._left.clear()
            self._again = False
            log.error(
                "The reload has ended: worker %d ended before it served (%s). The "
                "workers of before go on",
                worker.pid,
                describe(code),
            )
        else:
            then = f"in {wait:g} s" if wait else "now"
            text = "Worker %d has ended (%s); another one starts %s"
            log.warning(text, worker.pid, describe(code), then)
        if not self._has_worker(worker.place):
            self._due[worker.place] = now + wait

    def _has_worker(self, place: int) -> bool:
        return any(
            each.place == place and not each.retired for each in self._workers.values()
        )

    def _wait_for(self, worker: Worker, now: float) -> float:
        place = worker.place
        if worker.serves and now - worker.since >= STEADY:
            self._soon[place] = 0
        wait = WAITS[min(self._soon[place], len(WAITS) - 1)]
        self._soon[place] += 1
        return wait

    # A reload

    @property
    def _replacing(self) -> bool:
        """Whether a worker takes the place of another, or leaves it."""
        retired = any(each.retired for each in self._workers.values())
        return retired or self._new is not None

    @property
    def _reloading(self) -> bool:
        return bool(self._left) or self._replacing

    def _go_on(self, now: float) -> None:
        """Replace the worker of the next place; the one before has ended."""
        if self._replacing:
            return
        if self._left:
            self._new = self._start(self._left.popleft(), now)
            if self._new is None:
                self._left.clear()
        elif self._again:
            self.reload(now)
        else:
            log.info("Reloaded")

    def _retire_those_before(self, new: Worker, now: float) -> None:
        self._new = None
        for each in self._workers.values():
            if each.place == new.place and each is not new:
                each.retired = True
                if each.serves:
                    self._tell_to_stop(each, RETIRE, now)
                else:
                    self._acts.kill(each.pid, signal.SIGTERM)
                    each.deadline = now + MARGIN
        self._go_on(now)


def describe(code: int) -> str:
    """How a process has ended, in words."""
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
