#!/usr/bin/env python3
"""Measure tgext.socketio: compare it with its peers, and measure the cost of an event.

    python benchmarks/run.py
    python benchmarks/run.py --rounds 1 --seconds 2 --only engine python-socketio
    python benchmarks/run.py --scenario fanout event-cost raw raw-16k
    python benchmarks/run.py --scenario all --name 2026-11-27
    python benchmarks/run.py --scenario recovery-storm --connections 500 --rounds 1
    python benchmarks/run.py --before ../other-checkout --only tgext.socketio engine

It takes a few seconds per server and round. Each server runs on core 0, the load
generator, `load/`, on core 1. The rounds are interleaved (A B C A B C), and each starts
the servers anew, so that memory of an earlier round has no effect. The tables are in
Markdown, and their figures are medians. Compare ratios: absolute figures depend on the
machine and on its other work. With `--name` the tables are kept, with a chart, in
`benchmarks/results/`. With `--before` our servers also run from another checkout, to
measure a change against the code before it.

It needs Linux, two cores, `taskset`, and a C compiler as `cc`. The peers in JavaScript
need `node` and `npm`, those on Bun an x64 processor and glibc; channels need
`redis-server`. Environments are made once, in `benchmarks/.cache/`, with the Python
that runs this file. If a server cannot be installed, started or measured, this is
reported below the tables, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import shutil
import sys
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import chart
import goals
from measuring import Measurements, progress
from programs import (
    CACHE,
    GEVENT,
    HERE,
    LOAD_CORE,
    SERVER_CORE,
    BenchmarkError,
    build_programs,
    call,
)
from scenarios import ALL, BY_NAME, USUAL, Scenario
from tables import section

RESULTS = HERE / "results"

#: Appended to the name of a server that runs from the checkout of ``--before``.
BEFORE = ", before"


def parse_arguments() -> argparse.Namespace:
    names = list(dict.fromkeys(s.name for each in ALL for s in each.servers))
    parser = argparse.ArgumentParser(description="Measure tgext.socketio and its peers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="per measurement")
    parser.add_argument(
        "--connections", type=int, help="instead of the number of the scenario"
    )
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument(
        "--scenario", nargs="+", choices=[*BY_NAME, "all"], default=USUAL
    )
    parser.add_argument("--name", help="of the files in benchmarks/results")
    parser.add_argument("--before", type=Path, help="a checkout to compare with")
    return parser.parse_args()


def check_machine() -> None:
    if shutil.which("taskset") is None:
        raise BenchmarkError("taskset is needed, to give server and load a core each")
    if not {int(SERVER_CORE), int(LOAD_CORE)} <= os.sched_getaffinity(0):
        raise BenchmarkError(f"cores {SERVER_CORE} and {LOAD_CORE} are needed")
    # Ten thousand connections and a server's own files are more than the usual 1024.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def introduction() -> str:
    """The date, the machine and the versions."""
    try:
        node = call(["node", "--version"]).strip()
    except BenchmarkError:
        node = "none"
    return (
        f"# Benchmark of {datetime.now(timezone.utc):%Y-%m-%d}\n\n"
        f"{processor()}, Linux {platform.release()}, Python "
        f"{platform.python_version()}, {GEVENT}, node {node}; the server on one core, "
        "the load on another. Compare ratios: absolute figures depend on the machine."
    )


def compared(scenario: Scenario, checkout: Path) -> Scenario:
    """A scenario with our servers in two versions, one after the other."""
    place = str(checkout.resolve())
    ours = [
        version
        for each in scenario.ours
        for version in (
            each,
            replace(each, name=f"{each.name}{BEFORE}", checkout=place),
        )
    ]
    return replace(scenario, ours=tuple(ours))


def run(scenario: Scenario, options: argparse.Namespace) -> Measurements:
    only = list(options.only)
    if options.before is not None:
        scenario = compared(scenario, options.before)
        only += [f"{name}{BEFORE}" for name in options.only]
    if options.connections is not None and not scenario.measures_itself:
        load = (*scenario.load, f"--connections={options.connections}")
        scenario = replace(scenario, load=load)
    data = Measurements(scenario, only)
    for number in range(options.rounds if data.servers else 0):
        progress(f"{scenario.name}: round {number + 1} of {options.rounds}")
        data.run_round(options.seconds)
    return data


def keep(name: str, parts: list[str], data: dict[str, Measurements]) -> None:
    RESULTS.mkdir(exist_ok=True)
    if chart.draw(data, RESULTS / f"{name}.svg"):
        parts.insert(1, f"![Rates by those of the peers]({name}.svg)")
    (RESULTS / f"{name}.md").write_text("\n\n".join(filter(None, parts)) + "\n")


def main() -> int:
    options = parse_arguments()
    CACHE.mkdir(exist_ok=True)
    try:
        check_machine()
        build_programs()
    except BenchmarkError as error:
        progress(str(error))
        return 1
    wanted = list(BY_NAME) if "all" in options.scenario else options.scenario
    parts = [introduction()]
    data: dict[str, Measurements] = {}
    for name in wanted:
        data[name] = run(BY_NAME[name], options)
        parts.append(section(data[name], options.rounds, options.seconds))
        print(parts[-1] + "\n", flush=True)
    judged = goals.table(data)
    print(judged)
    if options.name:
        keep(options.name, [parts[0], judged, *parts[1:]], data)
    clean = not any(
        each.failures
        or each.busy_load()
        or {ours.name for ours in each.scenario.ours}.intersection(each.faulty())
        for each in data.values()
    )
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
