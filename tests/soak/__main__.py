"""Runs the soak: ``python -m tests.soak [--seconds 600] [--clients 2000]``."""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.live import nodes, system
from tests.live.serving import ROOT, Server

from . import budget, hostile
from .floods import FLOODS
from .observation import (
    await_counts,
    await_descriptors,
    counts,
    crashes,
    descriptors,
    figures,
    longest_wait,
    processor,
    rss_kib,
    threads,
    what_ran,
)
from .served import serving

#: Seconds within which the server has noticed that the last client is gone.
NOTICED_WITHIN = 60
#: The memory at the end, as a multiple of that after so many seconds, when as many have
#: left as are there. Malloc keeps some of a peak; a leak would grow without end.
MOST_GROWTH, SETTLED = 1.10, 120.0
#: Milliseconds of the server's processor that a client may have to wait for its turn.
#: The longest wait is that for the garbage collector, which looks at all objects of all
#: clients at once; floods make others wait for a tenth of it.
LONGEST_WAIT = 1000.0
#: How many stacks are printed that were seen while somebody waited for long.
MOST_STACKS = 12
#: The 99th percentile of answers, in milliseconds, which is that of the machine, too.
MOST_P99 = 1000.0
#: Seconds between two clients of another process that are killed.
KILLED_EACH = 15
#: Seconds between pings, and for the answer to one. Thousands of clients that poll need
#: as much of the machine for an interval of 3 s as for all else that they do.
HEARTBEAT = 10
#: Seconds that each way of flooding the server is tried among the others.
FLOODED_EACH = 5.0
#: Floods get what the other clients leave of the machine, which is all of it as a rule:
#: who waits should wait for the server. The budget gives them as much as the others.
FLOODS_ARE_NICE = 10


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--clients", type=int, default=2000)
    parser.add_argument(
        "--floods",
        nargs="*",
        default=list(FLOODS),
        choices=list(FLOODS),
        metavar="FLOOD",
        help="the ways of flooding that are tried among the others; all by default",
    )
    parser.add_argument("--redis", action="store_true", help="channels over Redis")
    parser.add_argument(
        "--budget",
        type=float,
        default=budget.SECONDS,
        help="seconds for each way of flooding the server; 0 leaves them out",
    )
    return parser.parse_args()


class Crowd:
    """A process with clients."""

    def __init__(self, server: Server, clients: int, seconds: float) -> None:
        arguments = [str(server.port), str(clients), str(seconds)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.crowd", *arguments],
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )

    def told(self) -> dict[str, Any]:
        output, _ = self._process.communicate()
        told: dict[str, Any] = json.loads(output)
        return told

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


def kill_now_and_then(server: Server, clients: int, end: float) -> int:
    """Kill a process of clients again and again, and return how often."""
    killed = 0
    while time.monotonic() < end:
        crowd = Crowd(server, clients, KILLED_EACH)
        time.sleep(min(KILLED_EACH * random.uniform(0.4, 0.9), 10))
        crowd.kill()
        killed += 1
    return killed


def flood_now_and_then(server: Server, names: list[str], end: float) -> int:
    """Run clients that send as fast as they can, one after another; return how many."""
    flooded = 0
    while names and (left := end - time.monotonic()) > 0:
        name = names[flooded % len(names)]
        seconds = min(FLOODED_EACH, left)
        budget.flood(server.port, name, seconds, FLOODS_ARE_NICE).communicate()
        flooded += 1
    return flooded


def play_in_javascript(server: Server, end: float, trouble: list[str]) -> int:
    """Run the real clients for Node, one after another; return how many."""
    system.main()
    scenarios = ("connect", "client_acks", "broadcast")
    played = 0
    while time.monotonic() < end:
        client, transport = nodes.CONNECTIONS[played % len(nodes.CONNECTIONS)]
        play = nodes.player(system.CLIENTS, server.url, client, transport)
        seen = play(*scenarios)
        trouble += [
            f"{client} {transport}: {name}: {each['failed']}"
            for name, each in seen.items()
            if "failed" in each
        ]
        played += 1
    return played


def soak(options: argparse.Namespace, directory: Path) -> bool:
    """Run all kinds of clients; return whether the server was as before at the end."""
    with serving(directory, options.redis, heartbeat=HEARTBEAT) as server:
        warm = Crowd(server, 50, 5)
        warm.told()
        time.sleep(NOTICED_WITHIN / 4)
        before, files = counts(server), descriptors(server)
        end = time.monotonic() + options.seconds
        crowd = Crowd(server, options.clients, options.seconds)
        trouble: list[str] = []
        numbers: dict[str, int] = {}
        others = [
            threading.Thread(
                target=lambda: numbers.update(
                    killed=kill_now_and_then(server, options.clients // 10, end)
                )
            ),
            threading.Thread(
                target=lambda: numbers.update(
                    played=play_in_javascript(server, end, trouble)
                )
            ),
            threading.Thread(
                target=lambda: numbers.update(
                    flooded=flood_now_and_then(server, options.floods, end)
                )
            ),
        ]
        for each in others:
            each.start()
        memory, waited = watch(server, options.seconds)
        told = crowd.told()
        for each in others:
            each.join()
        ran = what_ran(server)
        left = await_counts(server, before, NOTICED_WITHIN)
        files_left = await_descriptors(server, files, NOTICED_WITHIN)
        failures = crashes(server)
    trouble += told["trouble"]
    print(f"\n{told['seen']}\np50 {told['p50_ms']:.1f} ms, p99 {told['p99_ms']:.1f} ms")
    print(f"the clients' process: {told['busy']:.0%} of a processor")
    print(
        f"crowds killed: {numbers['killed']}, Node clients played: {numbers['played']}"
        f", floods: {numbers['flooded']}"
    )
    print(f"trouble: {len(trouble)}", *alike(trouble), sep="\n  ")
    growth = growth_of(memory, options.seconds)
    print(
        f"tracebacks: {failures}; left: {left or 'nothing'}; descriptors: {files_left}"
    )
    print(f"memory at the end by that after {SETTLED:g} s: {growth or 'not judged'}")
    print(f"longest wait: {max(waited):.1f} ms of the processor")
    for stack, number in ran[:MOST_STACKS]:
        print(f"  seen {number} times meanwhile: {stack}")
    unfair = max(waited) > LONGEST_WAIT or told["p99_ms"] > MOST_P99
    left_behind = left or files_left > 0 or growth > MOST_GROWTH
    return not (trouble or failures or left_behind or unfair)


def growth_of(memory: list[int], seconds: float) -> float:
    """The factor by which the memory has grown; 0 if the run is too short to tell.

    :param memory: at equal distances.
    """
    settled = int(SETTLED / seconds * len(memory))
    if settled > len(memory) // 2:
        return 0.0
    return round(memory[-1] / memory[settled], 3)


def alike(trouble: list[str]) -> list[str]:
    """The lines with their numbers, those that differ in their digits as one."""
    found = Counter(re.sub(r"0x[0-9a-f]+|\d+\.\d{3,}", "…", each) for each in trouble)
    return [f"{number} × {each}" for each, number in found.most_common(40)]


def watch(server: Server, seconds: float) -> tuple[list[int], list[float]]:
    """Print twenty times how the server does.

    :returns: each time its memory in KiB, and the longest wait since the time before.
    """
    memory: list[int] = []
    waited: list[float] = []
    longest_wait(server)
    print(
        "| s | busy % | RSS MiB | descriptors | threads | sessions | websockets "
        f"| timers | unsent | waited ms |\n|{' ---: |' * 10}"
    )
    begin = then = time.monotonic()
    used = processor(server.process.pid)
    for piece in range(20):
        time.sleep(max(0.0, begin + (piece + 1) * seconds / 20 - time.monotonic()))
        memory.append(rss_kib(server))
        now, uses = time.monotonic(), processor(server.process.pid)
        waited.append(longest_wait(server))
        told = figures(server)
        row = [
            round(now - begin),
            round(100 * (uses - used) / (now - then)),
            round(memory[-1] / 1024, 1),
            descriptors(server),
            threads(server),
            *(told[name] for name in ("sessions", "websockets", "timers", "unsent")),
            round(waited[-1], 1),
        ]
        then, used = now, uses
        print("|", " | ".join(map(str, row)), "|", flush=True)
    return memory, waited


def main() -> int:
    options = parse_arguments()
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        good = soak(options, directory)
        for scenario, most in hostile.SCENARIOS:
            print(f"\n{scenario.__name__}: ", end="", flush=True)
            with serving(directory, most=most) as server:
                why = scenario(server)
                if "Traceback" in server.output:
                    why = why or "a traceback in the log"
            print(why or "as it should be")
            good = good and not why
        if options.budget:
            print()
            good = budget.run(list(FLOODS), budget.CLIENTS, options.budget) and good
    print("\nclean" if good else "\nNOT CLEAN")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
