#!/usr/bin/env python3
"""Measure tgext.socketio: against its peers, and what an event costs in applications.

    python benchmarks/quick.py
    python benchmarks/quick.py --rounds 1 --seconds 2 --only engine python-socketio
    python benchmarks/quick.py --scenario fanout event-cost raw raw-16k

A few seconds per server and round: each server runs on core 0 and the load generator,
`load.c`, on core 1; the rounds are interleaved (A B C A B C), and each starts its
servers anew, so that none inherits the memory of an earlier round. The tables are
Markdown, and their figures are medians. Trust the ratios: absolute figures move with
the machine and with what else it does.

Wanted: Linux, two cores, `taskset`, a C compiler as `cc`; for the peer in JavaScript
`node` and `npm`. Environments are made once, in `benchmarks/.cache/`, with the Python
that runs this file; a server that cannot be installed, started or measured is reported
below the tables and makes the exit status 1.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
from statistics import median
from typing import Any

from programs import (
    CACHE,
    EVENT_COSTS,
    LOAD,
    LOAD_CORE,
    RAW,
    SERVER_CORE,
    SOCKET_IO,
    BenchmarkError,
    Field,
    Server,
    build_load,
    call,
    running,
    sign_in,
)

# Above this the load generator may be what is being measured.
MAX_LOAD_CPU_PERCENT = 80

# What browsers send, and translation looks at.
LANGUAGES = "Accept-Language: en-US,en;q=0.9,de;q=0.8"

# What an event costs in an application, rather than what a server can carry.
EVENT_COST = "event-cost"

SCENARIOS = {
    "echo": ("--mode=echo", "--connections=100", "--in-flight=8", "--size=64"),
    "ack": ("--mode=ack", "--connections=100", "--in-flight=8", "--size=64"),
    EVENT_COST: ("--mode=echo", "--connections=100", "--in-flight=8", "--size=64"),
    "fanout": ("--mode=fanout", "--connections=1000", "--in-flight=4", "--size=128"),
    "raw": ("--mode=raw", "--connections=100", "--in-flight=8", "--size=64"),
    "raw-16k": ("--mode=raw", "--connections=100", "--in-flight=8", "--size=16384"),
}

FIELDS = {EVENT_COST: EVENT_COSTS, "raw": RAW, "raw-16k": RAW}

Result = dict[str, Any]


# The measurement


def measure(server: Server, scenario: str, seconds: float) -> Result:
    """Start the server, load it, stop it."""
    with running(server) as (port, pid):
        command = ["taskset", "-c", LOAD_CORE, str(LOAD), *SCENARIOS[scenario]]
        command += [f"--port={port}", f"--path={server.path}", f"--pid={pid}"]
        command.append(f"--namespace={server.namespace}")
        if server.signs_in:
            command += [f"--header=Cookie: {sign_in(port)}", f"--header={LANGUAGES}"]
        result: Result = json.loads(call([*command, f"--seconds={seconds}"]))
    return result


class Measurements:
    """The results of all rounds, and the servers that failed."""

    def __init__(self, field: Field, only: list[str]) -> None:
        self.field = field
        self.servers = servers = [s for s in field.servers if s.name in only]
        self.results: dict[str, list[Result]] = {s.name: [] for s in servers}
        self.failures: dict[str, str] = {}

    def run_round(self, scenario: str, seconds: float) -> None:
        """Measure each server once; one that fails is left out from then on."""
        for server in self.servers:
            if server.name in self.failures:
                continue
            try:
                result = measure(server, scenario, seconds)
            except BenchmarkError as error:
                self.failures[server.name] = str(error)
                progress(f"{server.name}: failed")
            else:
                self.results[server.name].append(result)
                progress(f"{server.name}: {result['messages_per_second']:,.0f}/s")

    def measured(self, servers: tuple[Server, ...]) -> list[str]:
        """The names of those of `servers` that have results."""
        return [s.name for s in servers if self.results.get(s.name)]

    def median(self, name: str, *keys: str) -> float:
        return median(dig(result, keys) for result in self.results[name])

    def ratio(self, ours: str, peer: str, *keys: str) -> float:
        """A figure, ours by the peer's: the median of the ratios of each round."""
        pairs = zip(self.results[ours], self.results[peer], strict=False)
        return median(dig(a, keys) / dig(b, keys) for a, b in pairs)

    def busy_load(self) -> list[str]:
        """Servers whose load generator may have been the slower side."""
        return [
            name
            for name, results in self.results.items()
            if any(r["load_cpu_percent"] > MAX_LOAD_CPU_PERCENT for r in results)
        ]


def dig(result: Result, keys: tuple[str, ...]) -> float:
    value: Any = result
    for key in keys:
        value = value[key]
    return float(value)


def progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


# The report

# Where these figures are in a result.
RATE = ("messages_per_second",)
CPU = ("server", "cpu_us_per_message")


def server_cpu_percent(result: Result) -> float:
    """How much of its core the server had.

    Well below 100 while messages waited, other work on the machine took the rest: then
    messages a second say little, and CPU per message is the figure to compare.
    """
    used: float = result["server"]["cpu_seconds"] / result["seconds"]
    return 100 * used


def markdown(rows: list[list[str]]) -> str:
    """A table: the first row is its header, all columns but the first are figures."""
    rule = ["---", *["---:"] * (len(rows[0]) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [rows[0], rule, *rows[1:]])


def ratio_table(data: Measurements) -> str:
    peers = data.measured(data.field.peers)
    rows = [["ours ÷ theirs"]]
    rows[0] += [f"messages/s ÷ {peer}" for peer in peers]
    rows[0] += [f"CPU/message ÷ {peer}" for peer in peers]
    for name in data.measured(data.field.ours):
        rows.append([name])
        for keys in (RATE, CPU):
            rows[-1] += [f"{data.ratio(name, peer, *keys):.2f}" for peer in peers]
    return markdown(rows)


def figures(data: Measurements, name: str) -> list[str]:
    least = min(r["per_connection"]["min"] for r in data.results[name])
    most = max(r["per_connection"]["max"] for r in data.results[name])
    return [
        name,
        f"{data.median(name, *RATE):,.0f}",
        f"{data.median(name, *CPU):.1f}",
        f"{data.median(name, 'latency_us', 'p50') / 1000:.1f}",
        f"{data.median(name, 'latency_us', 'p99') / 1000:.1f}",
        f"{data.median(name, 'server', 'kib_per_connection'):.0f}",
        f"{least} to {most}",
        f"{median(server_cpu_percent(r) for r in data.results[name]):.0f} %",
        f"{data.median(name, 'load_cpu_percent'):.0f} %",
    ]


def figure_table(data: Measurements) -> str:
    header = ["server", "messages/s", "CPU µs/message", "p50 ms", "p99 ms"]
    header += ["KiB/connection", "per connection", "CPU server", "CPU load"]
    names = data.measured(data.field.servers)
    return markdown([header, *(figures(data, name) for name in names)])


def event_cost_table(data: Measurements) -> str:
    """What each application costs, and what it adds to the one before it."""
    rows = [["application", "events/s", "server CPU µs/event", "± µs", "CPU server"]]
    before = None
    for name in data.measured(EVENT_COSTS.servers):
        cost = data.median(name, *CPU)
        rows.append(
            [
                name,
                f"{data.median(name, *RATE):,.0f}",
                f"{cost:.0f}",
                "" if before is None else f"{cost - before:+.0f}",
                f"{median(server_cpu_percent(r) for r in data.results[name]):.0f} %",
            ]
        )
        before = cost
    return markdown(rows)


def report(data: Measurements, scenario: str, rounds: int) -> bool:
    """Print the tables. Whether everything asked for was measured well."""
    print(
        f"\n{scenario}: {' '.join(SCENARIOS[scenario])}; medians of {rounds} rounds\n"
    )
    if data.field is EVENT_COSTS:
        print(event_cost_table(data) + "\n")
    if data.measured(data.field.ours) and data.measured(data.field.peers):
        print(ratio_table(data) + "\n")
    if data.field is not EVENT_COSTS and data.measured(data.field.servers):
        print(figure_table(data))
    for name, why in data.failures.items():
        print(f"\n{name} failed: {why}")
    for name in data.busy_load():
        print(f"\n{name}: the load generator was above {MAX_LOAD_CPU_PERCENT} % CPU")
    return not data.failures and not data.busy_load()


# The command


def parse_arguments() -> argparse.Namespace:
    fields = (SOCKET_IO, EVENT_COSTS, RAW)
    names = [server.name for field in fields for server in field.servers]
    parser = argparse.ArgumentParser(description="Measure tgext.socketio and its peers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="per measurement")
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument(
        "--scenario", nargs="+", choices=SCENARIOS, default=["echo", EVENT_COST]
    )
    return parser.parse_args()


def check_machine() -> None:
    if shutil.which("taskset") is None:
        raise BenchmarkError("taskset is needed, to give server and load a core each")
    if not {int(SERVER_CORE), int(LOAD_CORE)} <= os.sched_getaffinity(0):
        raise BenchmarkError(f"cores {SERVER_CORE} and {LOAD_CORE} are needed")
    # A thousand connections and a server's own files are more than the usual 1024.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def run(scenario: str, options: argparse.Namespace) -> bool:
    """Measure and report. Whether everything asked for was measured well."""
    data = Measurements(FIELDS.get(scenario, SOCKET_IO), options.only)
    if not data.servers:
        return True
    for number in range(options.rounds):
        progress(f"{scenario}: round {number + 1} of {options.rounds}")
        data.run_round(scenario, options.seconds)
    return report(data, scenario, options.rounds)


def main() -> int:
    options = parse_arguments()
    CACHE.mkdir(exist_ok=True)
    try:
        check_machine()
        build_load()
    except BenchmarkError as error:
        progress(str(error))
        return 1
    done = [run(scenario, options) for scenario in options.scenario]
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(main())
