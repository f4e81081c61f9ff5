"""The clients: crowd.js in some processes of node."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import gevent
from gevent import subprocess

HERE = Path(__file__).resolve().parent
CLIENTS = HERE.parents[1] / "live" / "clients"

#: A message that is older than this when it arrives is late, in seconds.
LATE = 1.0


class Process:
    """Some of the clients.

    :ivar told: what it told last.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        self.told: dict[str, Any] = {"inside": 0, "received": 0, "late": 0, "heard": []}
        self._process = subprocess.Popen(
            ["node", str(HERE / "crowd.js"), json.dumps(options)],
            cwd=CLIENTS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sys.stderr,
        )
        self._reader = gevent.spawn(self._read)

    def _read(self) -> None:
        for line in self._process.stdout:
            self.told = json.loads(line)

    @property
    def pid(self) -> int:
        found: int = self._process.pid
        return found

    def end(self) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._reader.kill()


class Crowd:
    """All clients.

    :param count: how many.
    :param urls: of the ways to the processes.
    :param options: further ones of crowd.js.
    :param directory: where they write what they observe.
    """

    def __init__(
        self, count: int, urls: list[str], directory: Path, **options: Any
    ) -> None:
        self.count = count
        self.logs: list[Path] = []
        self._processes: list[Process] = []
        share = -(-count // 2)
        for first in range(0, count, share):
            log = directory / f"clients-{first}.log"
            self.logs.append(log)
            number = min(share, count - first)
            own = {"first": first, "count": number, "urls": urls, "log": str(log)}
            self._processes.append(Process({**options, **own}))

    @property
    def pids(self) -> list[int]:
        """Of the processes of node."""
        return [each.pid for each in self._processes]

    def is_settled(self, names: set[str]) -> bool:
        """Whether all are in their rooms and hear all processes in time."""
        told = [each.told for each in self._processes]
        heard = {name for each in told for name in each["heard"]}
        inside = sum(each["inside"] for each in told)
        in_time = all(each["late"] < LATE for each in told)
        return inside == self.count and in_time and names <= heard

    def await_settled(self, names: set[str], deadline: float) -> float | None:
        """Wait until all clients are as they should be for half a second.

        :param names: of the processes that publish.
        :returns: the seconds until they were; None when that took too long.
        """
        begin = since = time.monotonic()
        while time.monotonic() - begin < deadline:
            gevent.sleep(0.1)
            if not self.is_settled(names):
                since = time.monotonic()
            elif time.monotonic() - since > 0.5:
                return since - begin
        return None

    def await_silence(self, deadline: float) -> None:
        """Wait until nothing arrives any more for a second."""
        begin = since = time.monotonic()
        while time.monotonic() - begin < deadline and time.monotonic() - since < 1:
            gevent.sleep(0.1)
            if any(each.told["received"] for each in self._processes):
                since = time.monotonic()

    def explain(self) -> str:
        return "; ".join(str(each.told) for each in self._processes)

    def end(self) -> None:
        for each in self._processes:
            each.end()
        self._processes = []
