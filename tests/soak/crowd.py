"""A process with many clients. When one leaves, a new one takes its place.

``python -m tests.soak.crowd PORT CLIENTS SECONDS``. It prints the results as JSON at
its end, and may be killed at any time.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402
import random  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections import Counter  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from statistics import quantiles  # noqa: E402

import gevent  # noqa: E402

from tests.engine import clients  # noqa: E402

from .visitors import GONE, Trouble, told, visit  # noqa: E402

#: The least seconds that a client stays.
STAYS = 3.0
#: How many clients leave, and how many events all of them send, per second. The floods
#: take what the server has left, and others get as much as one of them: with many more
#: events the clients, of which each needs as much of a processor as the server, would
#: wait for the machine and not for the server.
LEAVE, EVENTS = 30, 300
#: How many come per second at the beginning.
COME = 100


@dataclass(frozen=True)
class Pace:
    """What each of so many clients does, so that the server can serve all of them.

    :ivar until: seconds within which all have come.
    :ivar stay: seconds that one stays, on average.
    :ivar pause: seconds between two events of one.
    """

    until: float
    stay: float
    pause: float

    @classmethod
    def of(cls, size: int) -> Pace:
        return cls(
            max(3.0, size / COME), max(15.0, size / LEAVE), max(1.0, size / EVENTS)
        )


def keep_coming(
    port: int,
    pace: Pace,
    end: float,
    seen: Counter[str],
    latencies: list[float],
    trouble: list[str],
) -> None:
    gevent.sleep(random.uniform(0, pace.until))
    while time.monotonic() < end:
        stay = random.uniform(STAYS, 2 * pace.stay - STAYS)
        try:
            visit(
                port,
                min(stay, max(1.0, end - time.monotonic())),
                pace.pause,
                seen,
                latencies,
            )
        except Trouble as error:
            trouble.append(str(error))
        except GONE as error:
            trouble.append(told(error))
        gevent.sleep(random.uniform(0, 1))


def main() -> None:
    port, size, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    clients.RESOURCE = "/socketio"
    clients.DEADLINE = 30.0
    seen: Counter[str] = Counter()
    latencies: list[float] = []
    trouble: list[str] = []
    begin = time.monotonic()
    end = begin + seconds
    pace = Pace.of(size)
    gevent.joinall(
        [
            gevent.spawn(keep_coming, port, pace, end, seen, latencies, trouble)
            for _ in range(size)
        ]
    )
    busy = time.process_time() / (time.monotonic() - begin)
    cuts = quantiles(latencies, n=100) if len(latencies) > 1 else [0.0] * 99
    results = {
        "busy": busy,
        "seen": seen,
        "p50_ms": 1000 * cuts[49],
        "p99_ms": 1000 * cuts[98],
        "trouble": trouble,
    }
    print(json.dumps(results))


if __name__ == "__main__":
    main()
