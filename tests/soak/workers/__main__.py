"""Workers that are killed and reloaded while clients and pages are served.

``python -m tests.soak.workers [--workers 4] [--clients 200] [--seconds 60]
[--proxy nginx|haproxy]`` starts a parent with its workers and a Redis, clients that
reconnect by themselves, and visitors of a page. In turn, a worker is killed (SIGKILL)
and all are reloaded (SIGHUP). It prints how the clients are balanced, the seconds until
those of a killed worker are back, and what was refused. It fails if a page is refused
during a reload, if clients are not back within three seconds after a worker was killed,
or if a process is left behind.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gevent import monkey

monkey.patch_all()

import gevent  # noqa: E402

from tests.engine import clients  # noqa: E402
from tests.engine.clients import Http, WebSocket5  # noqa: E402
from tests.live.crowds import write_ini  # noqa: E402
from tests.live.proxies import (  # noqa: E402
    NGINX_CONFIGURATIONS,
    Proxy,
    haproxy,
    nginx,
)
from tests.live.serving import Server  # noqa: E402
from tests.redis_server import running_redis  # noqa: E402

#: Seconds in which clients of a killed worker have to be back.
BACK_WITHIN = 3.0
#: Seconds between two disturbances, and for what has to happen at all.
BETWEEN, DEADLINE = 5.0, 120.0

PROXIES: dict[str, Callable[[Path, int], Proxy]] = {
    "haproxy": haproxy,
    "nginx": lambda folder, port: nginx(
        folder, port, *NGINX_CONFIGURATIONS["keepalive"]
    ),
}


def workers_of(server: Server) -> set[int]:
    """The pids of the workers of a parent."""
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children")
    return {int(each) for each in children.read_text().split()}


class Visitor:
    """A client that connects again when it was disconnected, after 0.1 s.

    :ivar worker: the pid of the worker that serves it; 0 while it is away.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.worker = 0
        self.failures: Counter[str] = Counter()
        self._greenlet = gevent.spawn(self._run)

    def _run(self) -> None:
        while True:
            try:
                self._stay()
            except (OSError, AssertionError) as error:
                if not self.worker:
                    self.failures[type(error).__name__] += 1
            self.worker = 0
            gevent.sleep(0.1)

    def _stay(self) -> None:
        client = WebSocket5(self._port)
        try:
            client.join("/chat")
            [self.worker] = client.call("/chat", "pid")
            client.websocket.sock.settimeout(None)
            while (text := client.receive()) == "2":
                client.send("3")
            assert text == "1", text  # it stops
        finally:
            client.close()

    def leave(self) -> None:
        self._greenlet.kill()


class Pages:
    """Asks for a page again and again, each time with a new connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.answers: Counter[int] = Counter()
        self.refused: list[str] = []
        self._greenlet = gevent.spawn(self._run)

    def _run(self) -> None:
        while True:
            try:
                client = Http(self._port)
                try:
                    reply = client.get("/pid")
                    assert reply.status == 200, reply
                    self.answers[int(reply.body)] += 1
                finally:
                    client.close()
            except (OSError, AssertionError) as error:
                self.refused.append(f"{type(error).__name__}: {error}")
            gevent.sleep(0.005)

    def leave(self) -> None:
        self._greenlet.kill()


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

    def __init__(self, server: Server, port: int, arguments: argparse.Namespace):
        self.server = server
        self.count: int = arguments.workers
        self.served = 0
        self.wait_until_served(self.count)
        self.visitors = [Visitor(port) for _ in range(arguments.clients)]
        self.pages = Pages(port)
        self.wrong: list[str] = []

    def note(self, what: str, **figures: Any) -> None:
        print(json.dumps({"what": what, **figures}), flush=True)

    def balance(self) -> list[int]:
        there = Counter(each.worker for each in self.visitors if each.worker)
        return sorted(there.get(pid, 0) for pid in workers_of(self.server))

    def all_there(self) -> bool:
        workers = workers_of(self.server)
        return all(each.worker in workers for each in self.visitors)

    def wait_until_served(self, more: int) -> None:
        self.served += more
        await_all(
            lambda: self.server.output.count(" serves") >= self.served, "they serve"
        )

    def kill(self) -> None:
        killed = random.choice(sorted(workers_of(self.server)))
        others = [each for each in self.visitors if each.worker not in (0, killed)]
        refused = len(self.pages.refused)
        before = [each.worker for each in others]
        os.kill(killed, signal.SIGKILL)
        gone = [each for each in self.visitors if each.worker == killed]
        await_all(lambda: not any(each.worker == killed for each in gone), "noticed")
        back = await_all(lambda: all(each.worker for each in gone), "back")
        if back > BACK_WITHIN:
            self.wrong.append(f"clients were back after {back:.1f} s")
        if [each.worker for each in others] != before:
            self.wrong.append("clients of other workers were disconnected")
        self.wait_until_served(1)
        lost = len(self.pages.refused) - refused
        self.note("killed", clients=len(gone), back=round(back, 2), pages_lost=lost)

    def reload(self) -> None:
        refused, done = len(self.pages.refused), self.server.output.count("Reloaded")
        failed = sum((each.failures for each in self.visitors), Counter[str]())
        begin = time.monotonic()
        self.server.process.send_signal(signal.SIGHUP)
        await_all(lambda: self.server.output.count("Reloaded") > done, "reloaded")
        seconds = time.monotonic() - begin
        self.served += self.count
        await_all(self.all_there, "all are there")
        lost = self.pages.refused[refused:]
        if lost:
            self.wrong.append(f"{len(lost)} pages were refused: {lost[:3]}")
        again = sum((each.failures for each in self.visitors), Counter[str]())
        if again != failed:
            self.wrong.append(f"clients were refused: {again - failed}")
        self.note(
            "reloaded",
            seconds=round(seconds, 1),
            pages_refused=len(lost),
            balance=self.balance(),
        )

    def run(self, seconds: float) -> None:
        await_all(self.all_there, "all are there")
        self.note("connected", balance=self.balance())
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            gevent.sleep(BETWEEN)
            self.kill()
            gevent.sleep(BETWEEN)
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


@contextmanager
def running(
    arguments: argparse.Namespace, folder: Path
) -> Iterator[tuple[Server, int]]:
    """The server, and the port that clients connect to."""
    with running_redis(folder) as redis:
        broker = {"anypubsub.backend": "redis", "anypubsub.host": redis.url}
        ini = write_ini(folder, **{"socketio.cluster": "true", **broker})
        added = f"workers = {arguments.workers}\nhost ="
        ini.write_text(ini.read_text().replace("host =", added, 1))
        with Server(ini, folder / "log") as server:
            if arguments.proxy is None:
                yield server, server.port
                return
            with PROXIES[arguments.proxy](folder, server.port) as proxy:
                yield server, proxy.port


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.soak.workers", description=__doc__)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--proxy", choices=list(PROXIES))
    arguments = parser.parse_args()
    clients.RESOURCE = "/socketio"
    with tempfile.TemporaryDirectory() as name:
        with running(arguments, Path(name)) as (server, port):
            soak = Soak(server, port, arguments)
            soak.run(arguments.seconds)
            soak.stop()
        tracebacks = server.output.count("Traceback")
    if tracebacks:
        soak.wrong.append(f"{tracebacks} tracebacks in the log")
    for each in soak.wrong:
        print("WRONG:", each)
    return 1 if soak.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
