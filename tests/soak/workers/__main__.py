"""Workers that are killed and reloaded while clients and pages are served.

``python -m tests.soak.workers [--workers 4] [--clients 200] [--seconds 60]
[--proxy nginx|nginx-anew|haproxy]`` starts a parent with its workers and a Redis,
clients of all generations on all transports, which send two events a second and
reconnect by themselves, and visitors of a page. In turn, a worker is killed (SIGKILL)
and all are reloaded (SIGHUP). It prints how the clients are balanced, the seconds until
those of a killed worker are back, how long the others waited for an answer meanwhile,
and what was refused. It fails if a page is refused during a reload, if clients are not
back within three seconds after a worker was killed, if another WebSocket was closed
then, or if a process is left behind. Clients that poll may lose a request that the
worker had not passed on yet; they are counted.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gevent import monkey

monkey.patch_all()

import gevent  # noqa: E402

from tests.engine import clients  # noqa: E402
from tests.engine.clients import KINDS  # noqa: E402
from tests.live.serving import Server  # noqa: E402

from .behind import PROXIES, Behind, serving  # noqa: E402
from .visitors import Pages, Visitor  # noqa: E402

#: Seconds in which clients of a killed worker have to be back.
BACK_WITHIN = 3.0
#: Seconds between two disturbances, and for what has to happen at all.
BETWEEN, DEADLINE = 5.0, 120.0

#: The most failures of each kind that are printed.
PRINTED = 5


def workers_of(server: Server) -> set[int]:
    """The pids of the workers of a parent."""
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children")
    return {int(each) for each in children.read_text().split()}


def await_all(condition: Callable[[], Any], what: str) -> float:
    """Wait; returns the seconds."""
    begin = time.monotonic()
    while not condition():
        if time.monotonic() > begin + DEADLINE:
            raise AssertionError(f"not after {DEADLINE} s: {what}")
        gevent.sleep(0.01)
    return time.monotonic() - begin


class Soak:
    """One run."""

    def __init__(self, behind: Behind, arguments: argparse.Namespace) -> None:
        self.server = behind.server
        self.count: int = arguments.workers
        self.served = self.count
        kinds = [*KINDS, "4-upgrade"]
        self.visitors = [
            Visitor(behind.port, kinds[number % len(kinds)])
            for number in range(arguments.clients)
        ]
        self.pages = Pages(behind.port)
        self.wrong: list[str] = []

    def note(self, what: str, **figures: Any) -> None:
        print(json.dumps({"what": what, **figures}), flush=True)

    def balance(self) -> list[int]:
        there = Counter(each.worker for each in self.visitors if each.worker)
        return sorted(there.get(pid, 0) for pid in workers_of(self.server))

    def all_there(self) -> bool:
        workers = workers_of(self.server)
        return all(each.worker in workers for each in self.visitors)

    def failures(self) -> Counter[str]:
        return sum((each.failures for each in self.visitors), Counter[str]())

    def wait_until_served(self, more: int) -> None:
        self.served += more
        await_all(
            lambda: self.server.output.count(" serves") >= self.served, "they serve"
        )

    def quiet(self) -> float:
        """The slowest answer while nothing happens."""
        for each in self.visitors:
            each.slowest = 0.0
        gevent.sleep(BETWEEN)
        return slowest(self.visitors)

    def kill(self) -> None:
        before = self.quiet()
        killed = random.choice(sorted(workers_of(self.server)))
        gone = [each for each in self.visitors if each.worker == killed]
        others = [each for each in self.visitors if each.worker not in (0, killed)]
        refused = len(self.pages.refused)
        connections = {each: each.connections for each in (*gone, *others)}
        for each in others:
            each.slowest = 0.0
        os.kill(killed, signal.SIGKILL)
        back = await_all(
            lambda: all(each.connections > connections[each] for each in gone), "back"
        )
        if back > BACK_WITHIN:
            self.wrong.append(f"clients were back after {back:.1f} s")
        self.wait_until_served(1)
        lost = [each for each in others if each.connections != connections[each]]
        lost += [each for each in others if not each.worker]
        reasons = sum((each.ended for each in lost), Counter[str]())
        # A request of a client that polls may have been in the hands of the worker.
        if not all(each.kind.endswith("polling") for each in lost):
            self.wrong.append(f"clients of others were disconnected: {reasons}")
        self.note(
            "killed",
            clients=len(gone),
            back=round(back, 2),
            others=len(others),
            others_lost=reasons,
            others_slowest=round(slowest(others), 2),
            slowest_before=round(before, 2),
            pages_lost=len(self.pages.refused) - refused,
        )

    def reload(self) -> None:
        before = self.quiet()
        refused, done = len(self.pages.refused), self.server.output.count("Reloaded")
        failed = self.failures()
        answers = sum(self.pages.answers.values())
        begin = time.monotonic()
        self.server.process.send_signal(signal.SIGHUP)
        await_all(lambda: self.server.output.count("Reloaded") > done, "reloaded")
        seconds = time.monotonic() - begin
        self.served += self.count
        await_all(self.all_there, "all are there")
        lost = self.pages.refused[refused:]
        if lost:
            self.wrong.append(f"{len(lost)} pages were refused: {lost[:PRINTED]}")
        again = self.failures() - failed
        if again:
            self.wrong.append(f"clients were refused: {again.most_common(PRINTED)}")
        self.note(
            "reloaded",
            seconds=round(seconds, 1),
            pages=sum(self.pages.answers.values()) - answers,
            pages_refused=len(lost),
            clients_refused=sum(again.values()),
            slowest=round(slowest(self.visitors), 2),
            slowest_before=round(before, 2),
            balance=self.balance(),
        )

    def run(self, seconds: float) -> None:
        await_all(self.all_there, "all are there")
        self.note("connected", balance=self.balance())
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.kill()
            self.reload()
        for each in (*self.visitors, self.pages):
            each.leave()
        self.note("pages", answers=sum(self.pages.answers.values()))

    def stop(self) -> None:
        pids = workers_of(self.server)
        ended = self.server.stop()
        left = [pid for pid in pids if Path(f"/proc/{pid}").exists()]
        if ended.code or left:
            self.wrong.append(f"exit status {ended.code}, left behind: {left}")
        self.note("stopped", seconds=round(ended.seconds, 1))


def slowest(visitors: list[Visitor]) -> float:
    """The most seconds that one has waited for an answer, or waits."""
    return max((max(each.slowest, each.waits) for each in visitors), default=0.0)


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.soak.workers", description=__doc__)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--proxy", choices=list(PROXIES), default="")
    arguments = parser.parse_args()
    clients.RESOURCE = "/socketio"
    make = "tests.soak.workers.application:make_app"
    with tempfile.TemporaryDirectory() as name:
        with serving(Path(name), make, arguments.workers, arguments.proxy) as behind:
            soak = Soak(behind, arguments)
            soak.run(arguments.seconds)
            soak.note("handed over", requests=behind.handed_over)
            soak.stop()
        tracebacks = behind.server.output.count("Traceback")
    if tracebacks:
        soak.wrong.append(f"{tracebacks} tracebacks in the log")
    for each in soak.wrong:
        print("WRONG:", each)
    return 1 if soak.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
