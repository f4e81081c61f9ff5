"""The clients' way to one process: a proxy that loses connections."""

from __future__ import annotations

import random
import sys
from collections import Counter
from typing import Any

import gevent
from gevent import subprocess

#: How often each loss of ``proxy.py`` happens.
SHARES = {"cut": 4, "reset": 2, "halved": 2, "swallowed": 2}


class Way:
    """The clients' way to one process.

    :param target: the port of the process.

    :ivar pid: that of the proxy.
    """

    def __init__(self, target: int) -> None:
        command = [sys.executable, "-m", "tests.soak.arrive.proxy", str(target)]
        self._process: Any = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.pid: int = self._process.pid
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"

    def lose(self, chosen: random.Random) -> str:
        """Lose one of the connections; returns how, empty if there is none."""
        [name] = chosen.choices(list(SHARES), list(SHARES.values()))
        self._process.stdin.write(f"{name} {chosen.random()}\n")
        is_lost = self._process.stdout.readline().strip() == "1"
        return name if is_lost else ""

    def close(self) -> None:
        """End all connections."""
        self._process.stdin.close()
        self._process.wait()


class Cuts:
    """Loses connections at random.

    :param rate: how many each second.
    :ivar lost: how many were lost, by the way.
    """

    def __init__(self, ways: list[Way], rate: float, seed: str) -> None:
        self.lost: Counter[str] = Counter()
        self._ways = ways
        self._rate = rate
        self._random = random.Random(f"{seed} cuts")
        self._running = gevent.event.Event()
        self._greenlet = gevent.spawn(self._cut) if rate else None

    def resume(self) -> None:
        self._running.set()

    def pause(self) -> None:
        self._running.clear()

    def end(self) -> None:
        if self._greenlet is not None:
            self._greenlet.kill()

    def _cut(self) -> None:
        while True:
            gevent.sleep(self._random.expovariate(self._rate))
            self._running.wait()
            how = self._random.choice(self._ways).lose(self._random)
            if how:
                self.lost[how] += 1
