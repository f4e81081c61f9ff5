#!/usr/bin/env python3
"""Measure tgext.socketio against its peers: a few seconds per server and round.

    python benchmarks/quick.py
    python benchmarks/quick.py --rounds 1 --seconds 2 --only engine python-socketio
    python benchmarks/quick.py --scenario fanout
    python benchmarks/quick.py --scenario raw
    python benchmarks/quick.py --scenario raw-16k

Each server runs on core 0 and the load generator, `load.c`, on core 1; the rounds are
interleaved (A B C A B C), and each starts its servers anew, so that none inherits the
memory of an earlier round. The tables are Markdown, and their figures are medians.
Trust the ratios: absolute figures move with the machine and with what else it does.

Wanted: Linux, two cores, `taskset`, a C compiler as `cc`; for the peer in JavaScript
`node` and `npm`. Environments are made once, in `benchmarks/.cache/`, with the Python
that runs this file; a server that cannot be installed, started or measured is reported
below the tables and makes the exit status 1.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
SERVERS = HERE / "servers"
CACHE = HERE / ".cache"
LOAD = HERE / "load"

SERVER_CORE, LOAD_CORE = "0", "1"

# Above this the load generator may be what is being measured.
MAX_LOAD_CPU_PERCENT = 80

# The same gevent under all that use it, or gevent's progress would count as ours.
GEVENT = "gevent==26.9.0"
PEER_PACKAGES = ("python-socketio==5.18.1", GEVENT, "gevent-websocket==0.10.1")
RAW_PACKAGES = (GEVENT, "gevent-websocket==0.10.1", "websockets==17.4")
OUR_PACKAGES = (GEVENT, "TurboGears2==2.5.1", "gearbox==0.5.0", "orjson==3.13.0")

SCENARIOS = {
    "echo": ("--mode=echo", "--connections=100", "--in-flight=8", "--size=64"),
    "ack": ("--mode=ack", "--connections=100", "--in-flight=8", "--size=64"),
    "fanout": ("--mode=fanout", "--connections=1000", "--in-flight=4", "--size=128"),
    "raw": ("--mode=raw", "--connections=100", "--in-flight=8", "--size=64"),
    "raw-16k": ("--mode=raw", "--connections=100", "--in-flight=8", "--size=16384"),
}

Result = dict[str, Any]


class BenchmarkError(Exception):
    """A server that could not be measured, and why."""


def call(command: list[str], *, cwd: Path = HERE) -> str:
    """Run a command and give back what it printed."""
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    except OSError as error:
        raise BenchmarkError(f"{command[0]}: {error.strerror}") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise BenchmarkError(said[-2000:])
    return done.stdout


# What has to be there first


def build_load() -> None:
    source = HERE / "load.c"
    if not LOAD.exists() or LOAD.stat().st_mtime < source.stat().st_mtime:
        call(["cc", "-O2", "-Wall", "-Wextra", "-o", str(LOAD), str(source)])


def python_environment(name: str, arguments: list[str], key: str = "") -> Path:
    """A virtual environment with these packages; its directory of commands.

    It is made again when the packages, the Python or `key` are not those it was made
    with.
    """
    home = CACHE / name
    stamp = home / "made-with.txt"
    wanted = "\n".join([platform.python_version(), *arguments, key])
    if not stamp.exists() or stamp.read_text() != wanted:
        call([sys.executable, "-m", "venv", "--clear", str(home)])
        call([str(home / "bin" / "pip"), "install", "--quiet", *arguments])
        stamp.write_text(wanted)
    return home / "bin"


def our_environment() -> Path:
    # Installed editable, so only a change of the metadata asks for a new environment.
    metadata = (PROJECT / "setup.cfg").read_text()
    arguments = ["--editable", f"{PROJECT}[speed]", *OUR_PACKAGES]
    return python_environment("ours", arguments, key=metadata)


def peer_environment() -> Path:
    return python_environment("python-socketio", list(PEER_PACKAGES))


def raw_peer_environment() -> Path:
    return python_environment("raw-peers", list(RAW_PACKAGES))


def node_packages() -> Path:
    home = SERVERS / "node"
    stamp = home / "node_modules" / ".made-with.json"
    lock = (home / "package-lock.json").read_text()
    if not stamp.exists() or stamp.read_text() != lock:
        call(["npm", "ci", "--no-audit", "--no-fund"], cwd=home)
        stamp.write_text(lock)
    return home


# The servers


def ours(port: int) -> list[str]:
    gearbox = str(our_environment() / "gearbox")
    return [gearbox, "serve", "-c", "ours.ini", f"http_port={port}"]


def engine(port: int) -> list[str]:
    return [str(our_environment() / "python"), "engine_app.py", str(port)]


def python_socketio(port: int) -> list[str]:
    python = str(peer_environment() / "python")
    return [python, "python_socketio_gevent.py", str(port)]


def node(port: int) -> list[str]:
    return ["node", str(node_packages() / "server.js"), str(port)]


def controller(port: int) -> list[str]:
    gearbox = str(our_environment() / "gearbox")
    return [gearbox, "serve", "-c", "ours.ini", f"http_port={port}"]


def wsgi(port: int) -> list[str]:
    return [str(our_environment() / "python"), "raw_wsgi.py", str(port)]


def gevent_websocket(port: int) -> list[str]:
    python = str(raw_peer_environment() / "python")
    return [python, "raw_gevent_websocket.py", str(port)]


def websockets(port: int) -> list[str]:
    return [str(raw_peer_environment() / "python"), "raw_websockets.py", str(port)]


def ws(port: int) -> list[str]:
    return ["node", str(node_packages() / "raw_ws.js"), str(port)]


@dataclass(frozen=True)
class Server:
    """A server to measure; its command installs what it needs when asked for."""

    name: str
    path: str
    command: Callable[[int], list[str]]


@dataclass(frozen=True)
class Field:
    """The servers that a scenario compares."""

    ours: tuple[Server, ...]
    peers: tuple[Server, ...]

    @property
    def servers(self) -> tuple[Server, ...]:
        return self.ours + self.peers


SOCKET_IO = Field(
    ours=(
        Server("tgext.socketio", "/socketio/", ours),
        Server("engine", "/socketio/", engine),
    ),
    peers=(
        Server("python-socketio", "/socket.io/", python_socketio),
        Server("node", "/socket.io/", node),
    ),
)
RAW = Field(
    ours=(Server("controller", "/raw", controller), Server("wsgi", "/raw", wsgi)),
    peers=(
        Server("gevent-websocket", "/", gevent_websocket),
        Server("websockets", "/", websockets),
        Server("ws", "/", ws),
    ),
)


def field_of(scenario: str) -> Field:
    return RAW if scenario.startswith("raw") else SOCKET_IO


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Return once the server listens."""
    deadline = time.monotonic() + 30
    while not answers(port):
        if process.poll() is not None:
            said = log.read_text(errors="replace").strip()
            raise BenchmarkError(f"the server ended: {said[-2000:]}")
        if time.monotonic() > deadline:
            raise BenchmarkError(f"the server does not listen after 30 s, see {log}")
        time.sleep(0.05)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def running(server: Server) -> Iterator[tuple[int, int]]:
    """The server, started on its core: its port and process id."""
    port = free_port()
    command = ["taskset", "-c", SERVER_CORE, *server.command(port)]
    log = CACHE / f"{server.name}.log"
    # gearbox imports ours_app from here; the other servers do not mind.
    environment = {**os.environ, "PYTHONPATH": str(SERVERS)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=SERVERS, env=environment, stdout=output, stderr=output
        )
    try:
        wait_for(process, port, log)
        # taskset becomes the server, so this is the server's process id.
        yield port, process.pid
    finally:
        stop(process)


# The measurement


def measure(server: Server, scenario: str, seconds: float) -> Result:
    """Start the server, load it, stop it."""
    with running(server) as (port, pid):
        command = ["taskset", "-c", LOAD_CORE, str(LOAD), *SCENARIOS[scenario]]
        command += [f"--port={port}", f"--path={server.path}", f"--pid={pid}"]
        result: Result = json.loads(call([*command, f"--seconds={seconds}"]))
    return result


class Measurements:
    """The results of all rounds, and the servers that failed."""

    def __init__(self, field: Field, only: list[str]) -> None:
        self.field = field
        servers = [s for s in field.servers if s.name in only]
        self.servers = servers
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


def report(data: Measurements, scenario: str, rounds: int) -> bool:
    """Print the tables. Whether everything asked for was measured well."""
    print(f"{' '.join(SCENARIOS[scenario])}; medians of {rounds} rounds\n")
    if data.measured(data.field.ours) and data.measured(data.field.peers):
        print(ratio_table(data) + "\n")
    if data.measured(data.field.servers):
        print(figure_table(data))
    for name, why in data.failures.items():
        print(f"\n{name} failed: {why}")
    for name in data.busy_load():
        print(f"\n{name}: the load generator was above {MAX_LOAD_CPU_PERCENT} % CPU")
    return not data.failures and not data.busy_load()


# The command


def parse_arguments() -> argparse.Namespace:
    names = [server.name for field in (SOCKET_IO, RAW) for server in field.servers]
    parser = argparse.ArgumentParser(description="Measure tgext.socketio and its peers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="per measurement")
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--scenario", choices=list(SCENARIOS), default="echo")
    return parser.parse_args()


def check_machine() -> None:
    if shutil.which("taskset") is None:
        raise BenchmarkError("taskset is needed, to give server and load a core each")
    if not {int(SERVER_CORE), int(LOAD_CORE)} <= os.sched_getaffinity(0):
        raise BenchmarkError(f"cores {SERVER_CORE} and {LOAD_CORE} are needed")
    # A thousand connections and a server's own files are more than the usual 1024.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main() -> int:
    options = parse_arguments()
    CACHE.mkdir(exist_ok=True)
    try:
        check_machine()
        build_load()
    except BenchmarkError as error:
        progress(str(error))
        return 1
    data = Measurements(field_of(options.scenario), options.only)
    for number in range(options.rounds):
        progress(f"round {number + 1} of {options.rounds}")
        data.run_round(options.scenario, options.seconds)
    return 0 if report(data, options.scenario, options.rounds) else 1


if __name__ == "__main__":
    sys.exit(main())
