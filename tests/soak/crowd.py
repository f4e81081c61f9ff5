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
from statistics import quantiles  # noqa: E402

import gevent  # noqa: E402

from tests.engine import clients  # noqa: E402

from .visitors import GONE, Trouble, visit  # noqa: E402

#: Seconds that a client stays.
STAYS = (3.0, 30.0)


def keep_coming(
    port: int,
    end: float,
    seen: Counter[str],
    latencies: list[float],
    trouble: list[str],
) -> None:
    gevent.sleep(random.uniform(0, STAYS[0]))
    while time.monotonic() < end:
        stay = min(random.uniform(*STAYS), max(1.0, end - time.monotonic()))
        try:
            visit(port, stay, seen, latencies)
        except Trouble as error:
            trouble.append(str(error))
        except GONE as error:
            trouble.append(f"{type(error).__name__}: {error!s:.200}")
        gevent.sleep(random.uniform(0, 1))


def main() -> None:
    port, size, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    clients.RESOURCE = "/socketio"
    clients.DEADLINE = 30.0
    seen: Counter[str] = Counter()
    latencies: list[float] = []
    trouble: list[str] = []
    end = time.monotonic() + seconds
    gevent.joinall(
        [
            gevent.spawn(keep_coming, port, end, seen, latencies, trouble)
            for _ in range(size)
        ]
    )
    cuts = quantiles(latencies, n=100) if len(latencies) > 1 else [0.0] * 99
    told = {
        "seen": seen,
        "p50_ms": 1000 * cuts[49],
        "p99_ms": 1000 * cuts[98],
        "trouble": trouble,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
