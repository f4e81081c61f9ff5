"""Measuring servers under load, with the load generator and the kernel's figures."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from dataclasses import replace
from statistics import median
from typing import Any

from programs import (
    LOAD,
    LOAD_CORE,
    SERVER_CORE,
    BenchmarkError,
    Server,
    call,
    running,
    scraped,
    sign_in,
)
from scenarios import Scenario

#: Above this, the load generator may be the bottleneck.
MAX_LOAD_CPU_PERCENT = 90

#: A header of browsers that TurboGears' translation reads.
LANGUAGES = "Accept-Language: en-US,en;q=0.9,de;q=0.8"

#: Seconds for all connections to open, and for the last replies.
PATIENCE = 60

Result = dict[str, Any]

#: Where these figures are in a result.
RATE = ("messages_per_second",)
CPU = ("server", "cpu_us_per_message")
MEMORY = ("server", "kib_per_connection")
P50 = ("latency_us", "p50")
P99 = ("latency_us", "p99")
NEIGHBOUR_P50 = ("neighbour_us", "p50")
NEIGHBOUR_P99 = ("neighbour_us", "p99")
NEIGHBOUR_MAX = ("neighbour_us", "max")
BACK = ("seconds_until", "back")
CAUGHT_UP = ("seconds_until", "caught_up")
UNSERVED = ("per_connection", "silent")


def measure(server: Server, scenario: Scenario, seconds: float) -> Result:
    """Start the server, load it, stop it."""
    if scenario.measures_itself:
        return measure_program(server)
    with ExitStack() as stack:
        port, pid = stack.enter_context(running(server))
        command = load_command(server, scenario, port, pid)
        if scenario.is_storm:
            other = replace(server, name=f"{server.name}, the other process")
            command.append(f"--other-port={stack.enter_context(running(other))[0]}")
        if server.is_scraped:
            stack.enter_context(scraped(port))
        result: Result = json.loads(call([*command, f"--seconds={seconds}"]))
    return result


def load_command(server: Server, scenario: Scenario, port: int, pid: int) -> list[str]:
    """What runs the load generator against a server that has started."""
    command = ["taskset", "-c", LOAD_CORE, str(LOAD), *scenario.load]
    command += [f"--port={port}", f"--path={server.path}", f"--pid={pid}"]
    command += [f"--namespace={server.namespace}", f"--patience={PATIENCE}"]
    if server.positions:
        command.append("--positions")
    if server.signs_in:
        command += [f"--header=Cookie: {sign_in(port)}", f"--header={LANGUAGES}"]
    return command


def measure_program(server: Server) -> Result:
    """Run a program on the core of the servers."""
    # It needs no port.
    command = ["taskset", "-c", SERVER_CORE, *server.command(0)]
    figures = json.loads(call(command))
    return {"figures": figures, "load_cpu_percent": 0.0}


class Measurements:
    """The results of all rounds of a scenario, and the failures."""

    def __init__(self, scenario: Scenario, only: list[str]) -> None:
        self.scenario = scenario
        self.servers = [each for each in scenario.servers if each.name in only]
        self.results: dict[str, list[Result]] = {s.name: [] for s in self.servers}
        self.failures: dict[str, str] = {}

    def run_round(self, seconds: float) -> None:
        """Measure each server once. One that fails is not measured again."""
        for server in self.servers:
            if server.name in self.failures:
                continue
            try:
                result = measure(server, self.scenario, seconds)
            except BenchmarkError as error:
                self.failures[server.name] = str(error)
                progress(f"{server.name}: failed")
            else:
                self.results[server.name].append(result)
                rate = result.get("messages_per_second")
                told = "measured" if rate is None else f"{rate:,.0f}/s"
                progress(f"{server.name}: {told}")

    def measured(self, servers: tuple[Server, ...]) -> list[str]:
        """The names of those of `servers` that have results."""
        return [s.name for s in servers if self.results.get(s.name)]

    def median(self, name: str, *keys: str) -> float:
        return median(dig(result, keys) for result in self.results[name])

    def ratios(self, ours: str, peer: str, *keys: str) -> list[float]:
        """A figure, ours divided by the peer's, of each round."""
        pairs = zip(self.results[ours], self.results[peer], strict=False)
        return [dig(a, keys) / (dig(b, keys) or 1e-9) for a, b in pairs]

    def ratio(self, ours: str, peer: str, *keys: str) -> float:
        """The median of the rounds' ratios."""
        return median(self.ratios(ours, peer, *keys))

    def faulty(self) -> list[str]:
        """Servers with clients that were recovered, and have not received all once."""
        return [
            name
            for name, results in self.results.items()
            if any(each.get("wrong") for each in results)
        ]

    def busy_load(self) -> list[str]:
        """Servers for which the load generator may have been the bottleneck."""
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


def cpu_percent(result: Result) -> float:
    """The share of its core that the server used.

    If it is well below 100 under full load, other work on the machine used the rest.
    Then messages per second say little, and CPU per message is the figure to compare.
    """
    used: float = result["server"]["cpu_seconds"] / result["seconds"]
    return 100 * used


def progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
