"""Observes a server: from outside, and by the figures that it reports."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from pathlib import Path

from tests.live.serving import Server

Counts = dict[str, int]


def figures(server: Server) -> Counts:
    """What the server counts of itself. Clients do not notice when it is asked."""
    with urllib.request.urlopen(f"{server.url}/figures", timeout=60) as answer:
        told: Counts = json.load(answer)
    return told


def longest_wait(server: Server) -> float:
    """The longest that a client had to wait for its turn since the last call.

    In milliseconds of the server's processor, whatever else the machine does.
    """
    with urllib.request.urlopen(f"{server.url}/longest_wait", timeout=60) as answer:
        waited: float = json.load(answer)["seconds"]
    return 1000 * waited


def what_ran(server: Server) -> list[tuple[str, int]]:
    """What ran while somebody waited for long, and how often that was seen."""
    with urllib.request.urlopen(f"{server.url}/what_ran", timeout=60) as answer:
        return [(stack, number) for stack, number in json.load(answer)["seen"]]


def counts(server: Server) -> Counts:
    """The same, and the numbers of client objects in the server's process.

    The server looks at all its objects, and serves nobody meanwhile.
    """
    with urllib.request.urlopen(f"{server.url}/counts", timeout=60) as answer:
        told: Counts = json.load(answer)
    told.pop("requests", None)  # this one is among them
    return told


def where(server: Server) -> list[str]:
    """What each greenlet of the server does."""
    with urllib.request.urlopen(f"{server.url}/where", timeout=60) as answer:
        stacks: list[str] = json.load(answer)["greenlets"]
    return stacks


def rss_kib(server: Server) -> int:
    """Memory of the server's process."""
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") // 1024


def processor(pid: int) -> float:
    """The seconds that a process has used of a processor."""
    line = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(line[11]) + int(line[12])) / os.sysconf("SC_CLK_TCK")


def descriptors(server: Server) -> int:
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def threads(server: Server) -> int:
    return len(os.listdir(f"/proc/{server.process.pid}/task"))


def await_counts(server: Server, expected: Counts, seconds: float) -> Counts:
    """Wait until no number is larger than expected; return those that still are."""
    end = time.monotonic() + seconds
    while True:
        found = counts(server)
        left = {
            name: (found[name], expected.get(name, 0))
            for name in found
            if found[name] > expected.get(name, 0)
        }
        if not left or time.monotonic() > end:
            if "greenlets" in left:
                print(*where(server), sep="\n")
            return {name: now for name, (now, _) in left.items()}
        time.sleep(1)


def await_descriptors(server: Server, expected: int, seconds: float) -> int:
    """Wait until there are no more than expected; return how many are too many."""
    end = time.monotonic() + seconds
    while (more := descriptors(server) - expected) > 0 and time.monotonic() < end:
        time.sleep(1)
    return max(0, more)


def crashes(server: Server) -> int:
    """Tracebacks in the log, except those of handlers that exceeded a limit."""
    output = server.output
    return output.count("Traceback") - output.count("LimitExceeded: ")
