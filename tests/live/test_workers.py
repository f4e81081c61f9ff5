"""Several workers on one port, started by gearbox."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.engine import clients
from tests.engine.clients import WebSocket5
from tests.redis_server import RedisServer

from .crowds import Member, ask, crowd, wait_until, write_ini
from .serving import Server

WORKERS = 2

TOKEN = "a secret of the operators"


def with_workers(ini: Path, workers: str, **options: str) -> Path:
    """A configuration with options in ``[server:main]``."""
    lines = [f"{name} = {value}\n" for name, value in options.items()]
    added = f"workers = {workers}\n{''.join(lines)}host ="
    ini.write_text(ini.read_text().replace("host =", added, 1))
    return ini


def workers_of(server: Server) -> set[int]:
    """The pids of all processes of a parent."""
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children")
    return {int(each) for each in children.read_text().split()}


def exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def wait_until_they_serve(server: Server, times: int) -> None:
    """Wait until workers have begun to serve, so many since the start."""
    wait_until(lambda: server.output.count(" serves") >= times, "they serve")


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """The broker, which is not there when the server starts."""
    made = RedisServer(tmp_path_factory.mktemp("redis"))
    yield made
    made.kill()


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, redis: RedisServer
) -> Iterator[Server]:
    """A server that the tests of this module share."""
    folder = tmp_path_factory.mktemp("workers")
    shared = {"anypubsub.backend": "redis", "anypubsub.host": redis.url}
    options = {"socketio.cluster": "true", "metrics_token": TOKEN, **shared}
    ini = write_ini(folder, **options)
    pid_file = folder / "pid"
    arguments = ("--pid-file", str(pid_file))
    with Server(
        with_workers(ini, str(WORKERS)), folder / "log", options=arguments
    ) as made:
        wait_until_they_serve(made, WORKERS)
        yield made
        assert pid_file.read_text() == str(made.process.pid)
        pids = workers_of(made)
        assert made.stop().code == 0, made.output
    assert "Traceback" not in made.output
    assert not any(map(exists, pids))
    assert not pid_file.exists()


@pytest.fixture
def together(redis: RedisServer) -> None:
    """The workers hear each other."""
    if not redis.running:
        redis.start()


@pytest.fixture(autouse=True)
def _resource(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "RESOURCE", "/socketio")


class Visitors:
    """Ask for a page again and again, in a thread."""

    def __init__(self, server: Server) -> None:
        self.answers: list[str] = []
        self.failures: list[BaseException] = []
        self._server = server
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._left.wait(0.1):  # leaves time for others
            try:
                self.answers.append(ask(self._server, "pid"))
            except Exception as error:
                self.failures.append(error)

    def leave(self) -> None:
        self._left.set()
        self._thread.join(60)


def test_without_a_broker_all_is_served_and_heard_later(
    server: Server, redis: RedisServer
) -> None:
    assert not redis.running
    assert int(ask(server, "pid")) in workers_of(server)
    with crowd(server, size=20) as members:
        assert {each.call("pid") for each in members} == workers_of(server)
        assert members[0].call("enter", "lobby") == "lobby"
        assert members[0].subscribe("news") == "news"
        redis.start()
        wait_until(lambda: len(redis.subscribers()) == WORKERS, "they have joined")
        wait_until(lambda: reaches_all(members), "a message reaches all")
    assert server.output.count("is not there, connecting") == WORKERS


def reaches_all(members: Sequence[Member]) -> bool:
    members[0].call("shout", "hello")
    return all(["shouted", "hello"] in each.events for each in members)


@pytest.mark.usefixtures("together")
def test_connections_are_balanced_and_hear_each_other(server: Server) -> None:
    assert "resource socketio, 2 workers\n" in server.output
    assert int(ask(server, "pid")) in workers_of(server)
    with crowd(server, size=20) as members:
        assert {each.call("pid") for each in members} == workers_of(server)
        assert members[0].call("shout", "hello") == "shouted"
        heard = ["shouted", "hello"]
        wait_until(lambda: all(heard in each.events for each in members), "all hear")


def connections(server: Server) -> dict[int, float]:
    """How many each worker has, as one request for the metrics tells."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    request = urllib.request.Request(f"{server.url}/metrics", headers=headers)
    with urllib.request.urlopen(request) as answer:
        text = answer.read().decode()
    found = re.findall(
        r'^socketio_connections{.*process=".*:(\d+)".*} (.*)$', text, re.M
    )
    return {int(pid): float(number) for pid, number in found}


@pytest.mark.usefixtures("together")
def test_one_request_has_the_metrics_of_all_workers(server: Server) -> None:
    with crowd(server, size=20) as members:
        pids = [each.call("pid") for each in members]
        own = {each: pids.count(each) for each in workers_of(server)}
        wait_until(lambda: connections(server) == own, "all are counted")


def processor_seconds(pids: set[int]) -> float:
    """What processes have used so far."""
    used = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        used += int(fields[11]) + int(fields[12])
    return used / os.sysconf("SC_CLK_TCK")


@pytest.mark.usefixtures("together")
def test_while_nothing_happens_no_processor_is_used(server: Server) -> None:
    """What watches the event loop for the metrics once kept it from sleeping."""
    with crowd(server, size=20):
        connections(server)
        time.sleep(2)  # what watches has begun
        before = processor_seconds(workers_of(server))
        time.sleep(2)
        assert processor_seconds(workers_of(server)) - before < 0.25


@pytest.mark.usefixtures("together")
def test_a_worker_that_is_killed_is_back(server: Server) -> None:
    before = workers_of(server)
    with closing(WebSocket5(server.port)) as client:
        client.join("/chat")
        [own] = client.call("/chat", "pid")
        [killed] = before - {own}
        os.kill(killed, signal.SIGKILL)
        server.wait_until_logged(f"Worker {killed} has ended (signal SIGKILL)")
        assert int(ask(server, "pid")) == own
        wait_until_they_serve(server, WORKERS + 1)
        assert client.call("/chat", "pid") == [own]
    assert len(workers_of(server)) == WORKERS


@pytest.mark.usefixtures("together")
def test_a_reload_refuses_nobody(server: Server) -> None:
    before = workers_of(server)
    visitors = Visitors(server)
    server.process.send_signal(signal.SIGHUP)
    server.wait_until_logged("Reloaded")
    visitors.leave()
    assert visitors.failures == []
    after = workers_of(server)
    assert not before & after
    assert {int(each) for each in visitors.answers} <= before | after
