"""Clients of all generations, behind proxies that send requests to any process."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.engine import clients
from tests.redis_server import running_redis

from .nodes import CONNECTIONS, run, transport_name
from .proxies import Proxy, haproxy, nginx
from .serving import LAB, Server

#: What makes the application, and options that follow it.
MAKE = "lab:make_app"
CLUSTER = """
socketio.cluster = true
anypubsub.backend = redis
anypubsub.host = """

#: nginx with one of its workers: each request goes to the next process, over
#: connections that it keeps.
UPSTREAMS = """
map $http_upgrade $connection_upgrade {{{{ default upgrade; '' ''; }}}}
upstream sockets {{{{
    server 127.0.0.1:{0};
    server 127.0.0.1:{1};
    keepalive 8;
}}}}
"""
LOCATION = """
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_pass http://sockets;
"""


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    """Two processes of one application, and a Redis."""
    directory = tmp_path_factory.mktemp("processes")
    with ExitStack() as stack:
        redis = stack.enter_context(running_redis(directory))
        ini = directory / "lab.ini"
        ini.write_text(LAB.read_text().replace(MAKE, f"{MAKE}{CLUSTER}{redis.url}"))
        yield [
            stack.enter_context(Server(ini, directory / f"{name}.log"))
            for name in ("a", "b")
        ]


def _nginx(directory: Path, *ports: int) -> Proxy:
    return nginx(directory, 0, UPSTREAMS.format(*ports), LOCATION)


PROXIES: dict[str, Callable[..., Proxy]] = {"haproxy": haproxy, "nginx": _nginx}


@pytest.mark.parametrize("name", PROXIES)
def test_no_client_has_to_reach_the_process_of_its_session(
    name: str, processes: list[Server], node_clients: Path, tmp_path: Path
) -> None:
    before = [each.errors for each in processes]
    with PROXIES[name](tmp_path, *(each.port for each in processes)) as proxy:
        seen = run(node_clients, "together.js", url=proxy.url, scenario="sums")
    assert seen == {
        " ".join(each): {"sum": 5, "transport": transport_name(*each)}
        for each in CONNECTIONS
    }
    for server, there in zip(processes, before, strict=True):
        assert "Refused" not in server.errors[len(there) :]


def test_a_process_that_was_stopped_and_one_that_was_killed(
    processes: list[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "RESOURCE", "/socketio")
    a, b = processes
    client = clients.Polling5(a.port)
    client.join("/lab")
    client.gets.close()
    client.gets = client.posts = clients.Http(b.port)
    assert client.call("/lab", "add", 1, 2) == [3]

    a.process.send_signal(signal.SIGSTOP)
    reply = clients.Http(b.port).get(client.target)
    assert (reply.status, reply.headers["Connection"]) == (503, "close")
    a.process.send_signal(signal.SIGCONT)
    clients.wait_for(lambda: client.post("3").status == 200, "it is back")
    assert client.call("/lab", "add", 3, 4) == [7]

    a.kill()
    reply = clients.Http(b.port).get(client.target)
    assert (reply.status, reply.json["code"]) == (400, 1)
