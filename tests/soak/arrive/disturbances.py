"""What goes wrong, and when: the same for one seed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import NamedTuple

import gevent
from gevent.socket import create_connection

from tests.ports import free_port
from tests.redis_server import RedisServer
from tests.soak.redis_way import RedisWay

#: Seconds for a process to answer.
START_DEADLINE = 30.0


class Process:
    """A process of the application, which can be killed and started again.

    :param letter: what its names begin with; each start is a new one: ``a1``, ``a2``.
    :param directory: for its log and its ledger.
    :param options: further arguments of the application.
    :param way: leads to Redis.
    """

    def __init__(
        self, letter: str, directory: Path, options: list[str], way: RedisWay | None
    ) -> None:
        self.port = free_port()
        self.letter = letter
        self.way = way
        self._directory = directory
        self._options = options if way is None else [*options, str(way.port)]
        self._starts = 0
        #: Seconds of the CPU that it has used, when it ended.
        self.cpu = 0.0
        self.start()

    @property
    def name(self) -> str:
        return f"{self.letter}{self._starts}"

    def start(self) -> None:
        self._starts += 1
        own = [str(self.port), self.name, str(self._directory)]
        command = [sys.executable, "-m", "tests.soak.arrive.application", *own]
        with (self._directory / f"{self.letter}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *self._options], stdout=log, stderr=log
            )
        try:
            self._await_start()
        except BaseException:
            self._process.kill()
            raise

    def _await_start(self) -> None:
        end = time.monotonic() + START_DEADLINE
        while True:
            try:
                create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                assert self._process.poll() is None, f"process {self.name} ended"
                assert time.monotonic() < end, f"process {self.name} does not answer"
                gevent.sleep(0.05)

    def request(self, page: str) -> None:
        url = f"http://127.0.0.1:{self.port}/{page}"
        urllib.request.urlopen(url, timeout=START_DEADLINE).close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        self.cpu += cpu_of(self._process.pid)
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


def cpu_of(pid: int) -> float:
    """The seconds of the CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Disturbance(NamedTuple):
    """What goes wrong.

    :param at: seconds from the beginning.
    :param what: a key of :data:`LENGTHS`.
    :param seconds: how long it lasts.
    :param which: the number of the process that is killed or cut off.
    """

    at: float
    what: str
    seconds: float
    which: int

    def __str__(self) -> str:
        process = f"process {'ab'[self.which]}"
        what = {
            "kill": f"{process} killed, away",
            "apart": f"{process} cut off from Redis",
            "redis": "Redis killed, away",
            "pause": "Redis paused",
        }[self.what]
        return f"{what} for {self.seconds:.1f} s"


#: How long each lasts, at least and at most.
LENGTHS = {
    "kill": (0.2, 3.0),
    "apart": (1.0, 8.0),
    "redis": (0.2, 3.0),
    "pause": (1.0, 6.0),
}


def schedule(
    seed: str, seconds: float, processes: int, only: list[str]
) -> list[Disturbance]:
    """What goes wrong in a run, in the order of time."""
    chosen = random.Random(f"{seed} disturbances")
    wanted = [(what, at) for at in range(processes) for what in ("kill", "apart")]
    wanted += [("redis", 0), ("pause", 0)]
    wanted = [each for each in wanted if each[0] in only]
    wanted *= max(1, round(seconds / 60))
    chosen.shuffle(wanted)
    apart = seconds / (len(wanted) + 1)
    return [
        Disturbance(
            apart * (number + chosen.uniform(0.5, 1.0)),
            what,
            chosen.uniform(*LENGTHS[what]),
            which,
        )
        for number, (what, which) in enumerate(wanted)
    ]


class Scene:
    """What the disturbances are done to."""

    def __init__(self, processes: list[Process], redis: RedisServer | None) -> None:
        self.processes = processes
        self.redis = redis

    @property
    def names(self) -> set[str]:
        """Those of the processes that publish."""
        return {each.name for each in self.processes}

    def do(self, disturbance: Disturbance) -> None:
        """Let something go wrong, and mend it."""
        getattr(self, f"_{disturbance.what}")(disturbance)

    def _kill(self, disturbance: Disturbance) -> None:
        process = self.processes[disturbance.which]
        process.kill()
        gevent.sleep(disturbance.seconds)
        process.start()
        process.request("begin")

    def _apart(self, disturbance: Disturbance) -> None:
        way = self.processes[disturbance.which].way
        assert way is not None
        way.cut()
        gevent.sleep(disturbance.seconds)
        way.mend()

    def _redis(self, disturbance: Disturbance) -> None:
        assert self.redis is not None
        self.redis.kill()
        gevent.sleep(disturbance.seconds)
        self.redis.start()

    def _pause(self, disturbance: Disturbance) -> None:
        assert self.redis is not None
        self.redis.freeze()
        gevent.sleep(disturbance.seconds)
        self.redis.thaw()
