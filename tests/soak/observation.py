"""Observes a server: from outside, and by the figures that it reports."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from pathlib import Path

from tests.live.serving import Server

Counts = dict[str, int]


def counts(server: Server) -> Counts:
    """The numbers of client objects in the server's process."""
    with urllib.request.urlopen(f"{server.url}/counts", timeout=60) as answer:
        told: Counts = json.load(answer)
    told.pop("requests", None)  # this one is among them
    return told


def rss_kib(server: Server) -> int:
    """Memory of the server's process."""
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") // 1024


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
