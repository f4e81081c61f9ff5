"""Clients that send a little, and measure how long the answer takes.

``python -m tests.soak.echoers PORT CLIENTS``. It prints READY when all are connected.
Then it reads lines. Each line is a number of seconds for which it measures; it prints
the results as JSON.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402
import random  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from functools import partial  # noqa: E402
from statistics import quantiles  # noqa: E402

import gevent  # noqa: E402
from gevent.event import Event  # noqa: E402

from tests.engine import clients  # noqa: E402
from tests.engine.clients import WebSocket5  # noqa: E402

from .visitors import CHAT, GONE  # noqa: E402

#: Seconds between two events of one client.
EVERY = 1.0


class Echoer:
    """One client in ``/chat``."""

    def __init__(self, port: int, measured: list[float]) -> None:
        self._client = WebSocket5(port)
        self._client.join(CHAT)
        self._client.websocket.sock.settimeout(None)
        self._measured = measured
        self._sent = 0.0
        self._answered = Event()
        self.ended = False
        gevent.spawn(self._read)

    def _read(self) -> None:
        try:
            while True:
                text = self._client.receive()
                if text == "2":
                    self._client.send("3")
                elif text.startswith("43"):
                    self._measured.append(time.perf_counter() - self._sent)
                    self._answered.set()
        except GONE:
            self.ended = True
            self._answered.set()

    def talk(self, end: float) -> None:
        gevent.sleep(random.uniform(0, EVERY))
        while time.monotonic() < end and not self.ended:
            self._answered.clear()
            self._sent = time.perf_counter()
            self._client.emit(CHAT, "echo", 1, number=1)
            self._answered.wait()
            gevent.sleep(EVERY)


def measure(everybody: list[Echoer], measured: list[float], seconds: float) -> None:
    measured.clear()
    end = time.monotonic() + seconds
    gevent.joinall([gevent.spawn(each.talk, end) for each in everybody])
    cuts = quantiles(measured, n=1000)
    told = {
        "answers": len(measured),
        "p50_ms": 1000 * cuts[499],
        "p99_ms": 1000 * cuts[989],
        "most_ms": 1000 * max(measured),
        "ended": sum(each.ended for each in everybody),
    }
    print(json.dumps(told), flush=True)


def main() -> None:
    port, size = int(sys.argv[1]), int(sys.argv[2])
    clients.RESOURCE = "/socketio"
    clients.DEADLINE = 30.0
    measured: list[float] = []
    everybody = [Echoer(port, measured) for _ in range(size)]
    print("READY", flush=True)
    # In a thread, so that pings are answered while it waits for the next line.
    read = partial(gevent.get_hub().threadpool.apply, sys.stdin.readline)
    for line in iter(read, ""):
        measure(everybody, measured, float(line))


if __name__ == "__main__":
    main()
