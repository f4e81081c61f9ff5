#!/usr/bin/env python3
"""Show what the processor's time of a server of ours is made of, under a load.

    python benchmarks/made_of.py echo steady polling
    python benchmarks/made_of.py full-stack --server "@require(has_permission(…))"

The server runs twice for each scenario: `perf` tells which shared objects the time is
spent in, and `py-spy` which Python functions. Both have to be installed. Rates are not
told: to be watched makes a server slower.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from measuring import load_command
from programs import BenchmarkError, Server, build_programs, call, running
from run import check_machine
from scenarios import BY_NAME, Scenario

#: Seconds that a server is watched, and that it is under load before and after.
WATCHED = 4
AROUND = 2

#: How often a function has to be seen to be named, in percent.
LEAST = 2.0

#: What a shared object is to the reader: the first whose pattern it contains.
KINDS = (
    (r"\[kernel|\[vdso", "kernel"),
    (r"^python|^libpython", "Python interpreter"),
    (r"gevent|greenlet|libev|corecext|_g[a-z]+\.cp", "gevent and greenlet"),
    (r"^libc[.-]|^ld-|libpthread|libm[.-]", "C library"),
    (r"sqlite", "SQLite"),
    (r"sqlalchemy|collections|_cy|resultproxy", "SQLAlchemy, compiled"),
    (r"orjson", "orjson"),
    (r"speedups", "unmasking"),
)


def watched(server: Server, scenario: Scenario, watch: Callable[[int], None]) -> None:
    """Run a server under its load, and a function beside it with the process's id."""
    with running(server) as (port, pid):
        command = load_command(server, scenario, port, pid)
        seconds = WATCHED + 2 * AROUND
        load = subprocess.Popen(
            [*command, f"--seconds={seconds}"], stdout=subprocess.DEVNULL
        )
        try:
            time.sleep(AROUND)
            watch(pid)
        finally:
            load.kill()
            load.wait()


def by_object(server: Server, scenario: Scenario) -> dict[str, float]:
    """Percents of the time, by kind of shared object."""
    with tempfile.TemporaryDirectory() as directory:
        data = str(Path(directory, "perf.data"))

        def watch(pid: int) -> None:
            call(
                [
                    *("perf", "record", "--quiet", "-F", "1500", "-o", data),
                    *("-p", str(pid), "--", "sleep", str(WATCHED)),
                ]
            )

        watched(server, scenario, watch)
        report = call(["perf", "report", "-i", data, "--sort", "dso", "--stdio"])
    found: dict[str, float] = {}
    for share, name in re.findall(r"^ *([\d.]+)% +(\S+)", report, re.MULTILINE):
        kind = kind_of(name)
        found[kind] = found.get(kind, 0.0) + float(share)
    return found


def kind_of(shared_object: str) -> str:
    for pattern, kind in KINDS:
        if re.search(pattern, shared_object):
            return kind
    return "other"


def by_function(server: Server, scenario: Scenario) -> dict[str, float]:
    """Percents of the time, by the Python function that ran."""
    with tempfile.TemporaryDirectory() as directory:
        stacks = Path(directory, "stacks")

        def watch(pid: int) -> None:
            call(
                [
                    *("py-spy", "record", "--rate", "500", "--format", "raw"),
                    *("--duration", str(WATCHED), "--output", str(stacks)),
                    *("--pid", str(pid)),
                ]
            )

        watched(server, scenario, watch)
        lines = stacks.read_text().splitlines()
    seen: Counter[str] = Counter()
    for line in lines:
        stack, _, number = line.rpartition(" ")
        seen[re.sub(r":\d+\)$", ")", stack.split(";")[-1])] += int(number)
    every = sum(seen.values()) or 1
    return {name: 100 * number / every for name, number in seen.items()}


def table(title: str, shares: dict[str, float], least: float) -> str:
    rows = [f"| {title} | % |", "| --- | ---: |"]
    named = [
        (name, share)
        for name, share in sorted(shares.items(), key=lambda each: -each[1])
        if share >= least
    ]
    rows += [f"| {name} | {share:.1f} |" for name, share in named]
    rest = len(shares) - len(named)
    if rest:
        share = sum(shares.values()) - sum(share for _, share in named)
        rows.append(f"| {rest} others, each below {least:g} | {share:.1f} |")
    return "\n".join(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("scenario", nargs="+", choices=list(BY_NAME))
    parser.add_argument("--server", help="by default the first of the scenario's")
    options = parser.parse_args()
    missing = [name for name in ("perf", "py-spy") if not shutil.which(name)]
    try:
        if missing:
            raise BenchmarkError(f"{' and '.join(missing)} must be installed")
        check_machine()
        build_programs()
        for name in options.scenario:
            scenario = BY_NAME[name]
            servers = {each.name: each for each in scenario.ours}
            if options.server and options.server not in servers:
                raise BenchmarkError(f"{name} has the servers {', '.join(servers)}")
            server = servers[options.server or next(iter(servers))]
            print(f"## {name}: {server.name}\n")
            print(table("part", by_object(server, scenario), 1.0) + "\n")
            functions = by_function(server, scenario)
            print(table("Python function", functions, LEAST) + "\n", flush=True)
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
