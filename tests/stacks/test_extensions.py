"""Extensions of TurboGears: each sends to a socket from where its users would."""

from __future__ import annotations

import importlib
import os
import queue
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.engine import clients
from tests.live.serving import Server, gearbox
from tests.ports import free_port
from tests.redis_server import RedisServer, running_redis

from .mail import MailServer, mail_server

#: The application, with all of them.
APPLICATION = Path(__file__).parent / "extensions"

Join = Callable[[], clients.WebSocket5]


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def mails() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the application; webassets writes into it."""
    home = tmp_path_factory.mktemp("extensions") / "home"
    shutil.copytree(APPLICATION, home)
    return home


@pytest.fixture(scope="module")
def server(home: Path, redis: RedisServer, mails: MailServer) -> Iterator[Server]:
    ini = home / "shop.ini"
    variables = {"redis": redis.url, "mail_port": mails.port, "http_port": free_port()}
    ini.write_text(
        re.sub(r"%\((\w+)\)s", lambda at: str(variables[at[1]]), ini.read_text())
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REDIS_URL", redis.url)
        where = {"cwd": home, "importable": (home,), "port": variables["http_port"]}
        with Server(ini, home / "server.log", **where) as server:
            yield server


@pytest.fixture
def join(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Join]:
    monkeypatch.setattr(clients, "RESOURCE", "/socketio")
    made: list[clients.WebSocket5] = []

    def join() -> clients.WebSocket5:
        made.append(clients.WebSocket5(server.port))
        made[-1].join("/shop")
        return made[-1]

    yield join
    for client in made:
        client.close()


@contextmanager
def worker(server: Server, redis: RedisServer, *command: str) -> Iterator[None]:
    """A process that works off a queue, without the server."""
    env = {**os.environ, "REDIS_URL": redis.url}
    env["PYTHONPATH"] = os.pathsep.join([str(server.cwd), env.get("PYTHONPATH", "")])
    with (server.cwd / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=server.cwd, env=env, stdout=log, stderr=log
        )
        try:
            yield
        finally:
            process.kill()
            process.wait()


def test_mailer_sends_when_the_event_commits(join: Join, mails: MailServer) -> None:
    client = join()
    client.emit("/shop", "invite", "nobody@example.org")
    assert client.event("/shop")[:2] == ["error", "internal_error"]
    client.emit("/shop", "invite", "ada@example.org")
    assert client.event("/shop") == ["invited", "ada@example.org"]
    mail = mails.mails.get(timeout=clients.DEADLINE)
    assert "Subject: Come in" in mail
    assert "To: ada@example.org" in mail
    with pytest.raises(queue.Empty):
        mails.mails.get_nowait()


def test_asyncjob(join: Join) -> None:
    client, other = join(), join()
    client.emit("/shop", "count", 3)
    assert client.event("/shop") == other.event("/shop") == ["counted", 3]


def test_rq(join: Join, server: Server, redis: RedisServer) -> None:
    client = join()
    client.call("/shop", "subscribe", "renders")
    client.emit("/shop", "render", 7)
    command = ["-m", "rq.cli", "worker", "--burst", "--url", redis.url, "default"]
    with worker(server, redis, sys.executable, *command):
        assert client.event("/shop") == ["pubblication", 7]


def test_celery(join: Join, server: Server, redis: RedisServer) -> None:
    client = join()
    client.call("/shop", "subscribe", "renders")
    client.emit("/shop", "draw", 8)
    with worker(server, redis, gearbox(), "celeryworker", "-c", "shop.ini"):
        assert client.event("/shop") == ["pubblication", 8]


def test_webassets(join: Join, server: Server) -> None:
    [[url]] = join().call("/shop", "assets")
    assert url.startswith("/all.js?")
    assert clients.Http(server.port).get(url).text.strip() == "let a = 1;"


def test_pluggable(join: Join, server: Server) -> None:
    client = join()
    assert clients.Http(server.port).get("/cart/add?what=tea").text == "shop"
    assert client.event("/shop") == ["added", "tea"]
    assert client.call("/shop", "total", 3) == [["3 in all", "/cart/add"]]


def test_the_plugged_controller(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "RESOURCE", "/plugged")
    client = clients.WebSocket5(server.port)
    client.join("/till")
    assert client.call("/till", "pay", 3) == ["paid 3"]
    client.close()


def test_debugbar_with_the_section_of_events_plugged(
    join: Join, server: Server
) -> None:
    join().call("/shop", "assets")
    page = clients.Http(server.port).get("/").text
    assert "<td>/shop</td><td>assets</td><td>anonymous</td>" in page


def test_the_command_of_rq_needs_an_older_rq() -> None:
    """``gearbox rq`` imports what rq 2 no longer has: rq's own command is used."""
    assert not hasattr(importlib.import_module("rq"), "Connection")
