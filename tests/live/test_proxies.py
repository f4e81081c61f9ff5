"""Clients of all generations through real proxies.

Socket.IO's documentation recommends ``Connection "upgrade"`` for every request, nginx'
documentation only for those that ask for an upgrade. A proxy that does not set it
carries no WebSockets. In all cases the clients reach the server, or get the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.engine import clients

from .nodes import CONNECTIONS, run, transport_name
from .proxies import NGINX_CONFIGURATIONS, Proxy, apache, haproxy, nginx
from .serving import Server

#: The configurations that pass on WebSockets.
FULL = ("constant", "map", "keepalive", "haproxy", "apache")

#: What gives the server another Host than that of the page, and that Host.
CHANGING = {
    "without-port": "127.0.0.1",
    "another-host": "127.0.0.1:{upstream}",
    "apache-another-host": "127.0.0.1:{upstream}",
}


@pytest.fixture(scope="module")
def proxied(
    lab: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Proxy]]:
    """The proxies by name, each started on first use."""
    running: dict[str, Proxy] = {}

    def start(name: str) -> Proxy:
        if name not in running:
            directory = tmp_path_factory.mktemp(name)
            if name == "haproxy":
                proxy = haproxy(directory, lab.port)
            elif name.startswith("apache"):
                proxy = apache(directory, lab.port, preserve=name == "apache")
            elif name in CHANGING:
                host = {"without-port": "$host", "another-host": "$proxy_host"}
                full = NGINX_CONFIGURATIONS["map"]
                proxy = nginx(directory, lab.port, *full, host=host[name])
            else:
                proxy = nginx(directory, lab.port, *NGINX_CONFIGURATIONS[name])
            running[name] = proxy.__enter__()
        return running[name]

    yield start
    for each in running.values():
        each.__exit__(None, None, None)


def seen_through(proxy: Proxy, node_clients: Path, without: str = "") -> dict[str, Any]:
    options = {"url": proxy.url, "scenario": "sums", "without": without}
    return run(node_clients, "together.js", **options)


@pytest.mark.parametrize("name", FULL)
def test_every_client_connects_on_every_transport(
    name: str, proxied: Callable[[str], Proxy], node_clients: Path
) -> None:
    assert seen_through(proxied(name), node_clients) == {
        " ".join(each): {"sum": 5, "transport": transport_name(*each)}
        for each in CONNECTIONS
    }


def test_without_upgrades_they_stay_on_polling(
    proxied: Callable[[str], Proxy], node_clients: Path
) -> None:
    seen = seen_through(proxied("plain"), node_clients, without="websocket")
    assert seen == {
        f"{client} {transport}": {
            "sum": 5,
            "transport": transport_name(client, "polling"),
        }
        for client, transport in CONNECTIONS
        if transport != "websocket"
    }


@pytest.mark.parametrize("version", [3, 4])
def test_the_log_says_that_a_proxy_took_the_upgrade_out(
    version: int, lab: Server, proxied: Callable[[str], Proxy]
) -> None:
    before = len(lab.errors)
    target = f"/socketio/?EIO={version}&transport=websocket"
    with closing(clients.WebSocket(proxied("plain").port, target)) as websocket:
        assert websocket.status == 400
    (line,) = lab.errors[before:].splitlines()
    assert "Refused GET /socketio/" in line
    assert "a proxy in front has to pass both on" in line


@pytest.mark.parametrize("name", [*FULL, "plain"])
def test_a_form_is_posted_and_the_next_request_is_another(
    name: str, proxied: Callable[[str], Proxy]
) -> None:
    with closing(clients.Http(proxied(name).port)) as http:
        for headers in ({}, {"Connection": "upgrade", "Upgrade": "h2c"}):
            reply = http.post("/socketio/1/", "x" * 1000, headers)
            assert reply.status == 200, reply
            assert http.get("/socketio/1/").status == 200


def asked(proxy: Proxy, kind: str, origin: str) -> int:
    """The status that a page gets which connects in one of the ways."""
    target, headers = f"/socketio/{KINDS[kind]}", {"Origin": origin}
    if "websocket" in kind:
        with closing(clients.WebSocket(proxy.port, target, headers)) as websocket:
            return websocket.status
    with closing(clients.Http(proxy.port)) as http:
        return http.get(target, headers).status


#: Targets of handshakes, below the resource.
KINDS = {
    "0.9": "1/",
    "2 polling": "?EIO=3&transport=polling",
    "2 websocket": "?EIO=3&transport=websocket",
    "4 polling": "?EIO=4&transport=polling",
    "4 websocket": "?EIO=4&transport=websocket",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CHANGING)
def test_the_log_says_that_a_proxy_changes_the_host(
    name: str, kind: str, lab: Server, proxied: Callable[[str], Proxy]
) -> None:
    """Browsers name the page, and the server does not know that it is its own."""
    proxy = proxied(name)
    before = len(lab.errors)
    assert asked(proxy, kind, proxy.url) == 403
    (line,) = lab.errors[before:].splitlines()
    host = CHANGING[name].format(upstream=lab.port)
    assert f"Refused a page of origin {proxy.url} (Host: {host}): " in line
    # Both that would help.
    assert "allowed_origins" in line
    assert "proxy_set_header Host $http_host" in line
    assert "ProxyPreserveHost On" in line


#: The proxies that pass on the Host, and what can be asked through each.
PASSING = [
    (name, kind)
    for name in (*FULL, "plain")
    for kind in KINDS
    if name != "plain" or "websocket" not in kind
]


@pytest.mark.parametrize(("name", "kind"), PASSING)
def test_a_page_of_the_proxy_is_our_own_if_the_host_is_passed_on(
    name: str, kind: str, lab: Server, proxied: Callable[[str], Proxy]
) -> None:
    proxy = proxied(name)
    assert asked(proxy, kind, proxy.url) in (101, 200)
    elsewhere = proxy.url.replace("127.0.0.1", "localhost")
    assert asked(proxy, kind, elsewhere) == 403
