"""What it costs that requests are handed over: two processes behind haproxy.

``python benchmarks/handover.py [seconds]`` prints JSON: each figure, and its unit. The
figures are the processor time of the servers for each echo over polling, and for each
session that is opened, enters a namespace and leaves. The servers share a core.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http.client import HTTPConnection

from programs import (
    CACHE,
    LOAD,
    LOAD_CORE,
    BenchmarkError,
    Server,
    build_programs,
    free_port,
    ours,
    running,
    stop,
    wait_for,
)

#: By arrangement: the servers that each half of the clients reaches.
ARRANGEMENTS = {
    "one process": ("a", "a"),
    "two, each request to any of them": ("ab", "ab"),
    "two, each client to its own": ("a", "b"),
}

HAPROXY = """
global
    maxconn 1000
defaults
    mode http
    option http-keep-alive
    http-reuse always
    timeout connect 5s
    timeout client 60s
    timeout server 60s
"""
HALF = """
listen half{port}
    bind 127.0.0.1:{port}
    balance roundrobin
    {servers}
"""

CONNECTIONS = 50
SESSIONS = 400
TARGET = "/socketio/?EIO=4&transport=polling"

Processes = dict[str, tuple[int, int]]


def cpu_seconds(pid: int) -> float:
    """The processor time that a process has used."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def proxied(servers: Processes, halves: tuple[str, str]) -> Iterator[list[int]]:
    """haproxy: its two ports, each in front of some of the servers."""
    ports = [free_port() for _ in halves]
    text = HAPROXY
    for port, names in zip(ports, halves, strict=True):
        lines = [f"server {each} 127.0.0.1:{servers[each][0]}" for each in names]
        text += HALF.format(port=port, servers="\n    ".join(lines))
    configuration, log = CACHE / "haproxy.cfg", CACHE / "haproxy.log"
    configuration.write_text(text)
    command = ["taskset", "-c", LOAD_CORE, "haproxy", "-db", "-f", str(configuration)]
    try:
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output)
    except OSError as error:
        raise BenchmarkError(f"haproxy: {error.strerror}") from error
    try:
        for port in ports:
            wait_for(process, port, log)
        yield ports
    finally:
        stop(process)


def echo(servers: Processes, ports: list[int], seconds: float) -> float:
    """The microseconds of the servers for each event over polling."""
    pids = [pid for _, pid in servers.values()]
    loads = []
    for port, pid in zip(ports, pids, strict=True):
        command = ["taskset", "-c", LOAD_CORE, str(LOAD), "--mode=echo"]
        command += ["--transport=polling", "--path=/socketio/", f"--port={port}"]
        command += [f"--connections={CONNECTIONS}", "--in-flight=1", f"--pid={pid}"]
        command += [f"--seconds={seconds}"]
        loads.append(subprocess.Popen(command, stdout=subprocess.PIPE))
    results = []
    for load in loads:
        output, _ = load.communicate()
        if load.returncode:
            raise BenchmarkError(f"the load ended with {load.returncode}")
        results.append(json.loads(output))
    used = sum(each["server"]["cpu_seconds"] for each in results)
    messages = sum(each["messages_per_second"] * each["seconds"] for each in results)
    return 1e6 * used / float(messages)


def visit(http: HTTPConnection) -> None:
    """Open a session, enter the namespace, and leave."""

    def ask(method: str, target: str, body: str = "") -> str:
        http.request(method, target, body)
        answer = http.getresponse()
        text = answer.read().decode()
        if answer.status != 200:
            raise BenchmarkError(f"{method}: {answer.status} {text}")
        return text

    target = f"{TARGET}&sid={json.loads(ask('GET', TARGET)[1:])['sid']}"
    ask("POST", target, "40/bench,")
    if not (text := ask("GET", target)).startswith("40/bench,"):
        raise BenchmarkError(f"the namespace is not entered: {text}")
    ask("POST", target, "1")


def connects(servers: Processes, ports: list[int]) -> float:
    """The microseconds of the servers for each session."""
    clients = [HTTPConnection("127.0.0.1", port, timeout=30) for port in ports]
    before = sum(cpu_seconds(pid) for _, pid in servers.values())
    for number in range(SESSIONS):
        visit(clients[number % len(clients)])
    used = sum(cpu_seconds(pid) for _, pid in servers.values()) - before
    for each in clients:
        each.close()
    return 1e6 * used / SESSIONS


def measure(seconds: float) -> dict[str, tuple[float, str]]:
    """All figures, with their units. Each arrangement has new processes."""
    figures: dict[str, tuple[float, str]] = {}
    command = partial(ours, redis=True, cluster=True)
    for name, halves in ARRANGEMENTS.items():
        with ExitStack() as stack:
            servers = {
                each: stack.enter_context(running(Server(each, "", command)))
                for each in ("a", "b")
            }
            time.sleep(1)  # they get to know each other
            ports = stack.enter_context(proxied(servers, halves))
            figures[f"echo over polling, {name}"] = (
                echo(servers, ports, seconds),
                "µs",
            )
            figures[f"sessions, {name}"] = connects(servers, ports), "µs"
    return figures


if __name__ == "__main__":
    os.sched_setaffinity(0, {int(LOAD_CORE)})
    build_programs()
    print(json.dumps(measure(float(sys.argv[1]) if len(sys.argv) > 1 else 3.0)))
