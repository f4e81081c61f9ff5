"""How much one client may slow down the others: ``python -m tests.soak.budget``.

For each way of sending (:mod:`.floods`), one client sends for some seconds as fast as
it can, beside a thousand clients that echo. The p99 of these may double, and the
process may grow by 32 MiB; after the client has left, both have to be as before.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.live.serving import ROOT, Server

from .floods import FLOODS
from .observation import (
    await_counts,
    await_descriptors,
    counts,
    crashes,
    descriptors,
    rss_kib,
)
from .served import serving

#: The number of other clients, and the seconds that each flood takes.
CLIENTS = 1000
SECONDS = 20.0
#: The factor by which their p99 may grow; the least p99, in ms, that is multiplied.
FACTOR = 2.0
LEAST_P99 = 10.0
#: KiB that the process may grow by.
MOST_KIB = 32 * 1024
#: Seconds in which the server frees what it kept for the client. While events that it
#: sent are still handled, the heartbeat notices that it has gone, after 25 s at most.
GIVEN_BACK_IN = 30.0


class Echoers:
    """The process of the clients that measure."""

    def __init__(self, port: int, size: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.echoers", str(port), str(size)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "READY\n"

    def begin(self, seconds: float) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{seconds}\n")
        self._process.stdin.flush()

    def told(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def flood(
    port: int, name: str, seconds: float, nice: int = 0
) -> subprocess.Popen[bytes]:
    """A client that floods the server.

    :param nice: of its process, as ``nice`` takes it.
    """
    arguments = ["tests.soak.flooder", str(port), name, str(seconds)]
    return subprocess.Popen(
        ["nice", "-n", str(nice), sys.executable, "-m", *arguments],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )


def peak(server: Server, end: float) -> int:
    """The maximum memory of the process until then, in KiB."""
    most = 0
    while time.monotonic() < end:
        most = max(most, rss_kib(server))
        time.sleep(0.1)
    return most


def try_out(
    server: Server, echoers: Echoers, name: str, seconds: float, without: float
) -> str:
    """Flood the server in one way, and return what went wrong."""
    before, files, memory = counts(server), descriptors(server), rss_kib(server)
    end = time.monotonic() + seconds
    flooder = flood(server.port, name, seconds)
    echoers.begin(seconds)
    grown = (peak(server, end) - memory) / 1024
    told = echoers.told()
    sent = json.loads(flooder.communicate()[0])
    left = await_counts(server, before, GIVEN_BACK_IN)
    more = await_descriptors(server, files, GIVEN_BACK_IN)
    wrong = []
    if told["p99_ms"] > FACTOR * max(without, LEAST_P99):
        wrong.append("others waited")
    if grown > MOST_KIB / 1024:
        wrong.append("memory")
    if left or more:
        wrong.append(f"left: {left} {more}")
    if told["ended"]:
        wrong.append("others were ended")
    print(
        f"| {name} | {sent['sent'] / 1e6:.1f} | {sent['connections']} "
        f"| {told['p50_ms']:.1f} | {told['p99_ms']:.1f} | {told['most_ms']:.0f} "
        f"| {grown:.1f} | {', '.join(wrong) or 'good'} |",
        flush=True,
    )
    return ", ".join(wrong)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.soak.budget", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("names", nargs="*", default=list(FLOODS))
    return parser.parse_args()


def run(names: list[str], clients: int, seconds: float) -> bool:
    """Run all floods. Returns whether they have little effect on other clients."""
    with tempfile.TemporaryDirectory() as directory, serving(Path(directory)) as server:
        echoers = Echoers(server.port, clients)
        try:
            echoers.begin(min(seconds, 5.0))
            echoers.told()
            echoers.begin(seconds)
            without = echoers.told()
            print(f"without: {without}\n")
            print("| flood | MB | conns | p50 ms | p99 ms | most ms | + MiB | |")
            print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |")
            wrong = [
                each
                for each in names
                if try_out(server, echoers, each, seconds, without["p99_ms"])
            ]
        finally:
            echoers.close()
        if crashes(server) > 0:
            wrong.append("a traceback in the log")
            print(server.output[-3000:])
    print(f"\nbudget: {'kept' if not wrong else 'EXCEEDED'} {wrong or ''}")
    return not wrong


def main() -> int:
    options = parse_arguments()
    os.chdir(ROOT)
    return 0 if run(options.names, options.clients, options.seconds) else 1


if __name__ == "__main__":
    sys.exit(main())
