"""Clients of all generations through real proxies.

The proxies are those of ``deploy/``, and others that people have: Socket.IO's
documentation recommends ``Connection "upgrade"`` for every request, and nginx has
buffering on and may have short time-outs. A proxy that does not pass on ``Upgrade``
carries no WebSockets. In all cases the clients reach the server, or get the reason.
"""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import make_certificate
from tests.engine import clients, connections
from tests.ports import free_port

from . import recipes
from .nodes import CONNECTIONS, run, transport_name
from .proxies import NGINX_CONFIGURATIONS, apache, nginx_with, site
from .recipes import Activated, Front, nginx_site
from .serving import LAB, Server

#: Sites of nginx: those of deploy/, and others.
NGINX = ("plain", "tls", "subpath", "constant", "no-websocket")
#: The configurations that pass on WebSockets, and those of them that are in deploy/.
FULL = (*NGINX[:4], "haproxy", "haproxy-tcp", "caddy", "apache")
DEPLOYED = ("plain", "tls", "subpath", "haproxy", "haproxy-tcp", "caddy")

#: What gives the server another Host than that of the page, and that Host.
CHANGING = {"without-port": "127.0.0.1", "another-host": "127.0.0.1:{upstream}"}

#: Seconds in which the clients are idle: longer than the time-out of `constant`, and
#: than some heartbeats.
IDLE = 5.0
OPTIONS = """
heartbeat_interval = 2
shutdown_timeout = 1
trusted_proxies = 127.0.0.1
"""
#: As deploy/nginx/subpath.conf says.
FILTER = """
filter-with = below

[filter:below]
use = egg:PasteDeploy#prefix
prefix = /app
"""
ACTIVATED = """
proxy_protocol = true
certfile = {0}
keyfile = {1}
"""


def write_ini(path: Path, options: str, host: str = "127.0.0.1") -> Path:
    """The fixture application's configuration, with options in ``[server:main]``."""
    text = LAB.read_text()
    path.write_text(text.replace("\nhost = 127.0.0.1", f"{options}\nhost = {host}"))
    return path


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("lab")
    ini = write_ini(directory / "lab.ini", OPTIONS)
    ini.write_text(ini.read_text().replace(":make_app\n", f":make_app{FILTER}"))
    with Server(ini, directory / "server.log") as server:
        yield server
    assert "Traceback" not in server.output, server.output


@pytest.fixture(scope="module")
def activated(
    tmp_path_factory: pytest.TempPathFactory, certificate: tuple[Path, Path]
) -> Iterator[Server]:
    """A server as systemd starts it, which speaks TLS and the PROXY protocol."""
    directory = tmp_path_factory.mktemp("activated")
    options = OPTIONS + ACTIVATED.format(*certificate)
    ini = write_ini(directory / "lab.ini", options, "fd://3")
    with Activated(ini, directory / "server.log") as server:
        yield server
    assert "Traceback" not in server.output, server.output


@pytest.fixture(scope="module")
def fronts(
    lab: Server,
    activated: Server,
    certificate: tuple[Path, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Front]]:
    """All proxies, by name."""
    made = {name: Front(free_port()) for name in (*NGINX, *CHANGING)}
    made["tls"] = Front(free_port(), "https")
    made["subpath"] = Front(free_port(), below="/app")

    def directory(name: str) -> Path:
        return tmp_path_factory.mktemp(name)

    def plain(name: str, source: str, **options: str) -> str:
        given = NGINX_CONFIGURATIONS[source]
        return site(made[name].port, lab.port, *given, **options)

    sites = [
        *(
            nginx_site(name, made[name], lab.port, certificate)
            for name in ("plain", "tls", "subpath")
        ),
        plain("constant", "constant", buffering="on"),
        plain("no-websocket", "plain"),
        plain("without-port", "map", host="$host"),
        plain("another-host", "map", host="$proxy_host"),
    ]
    with ExitStack() as running:
        port = made["plain"].port
        running.enter_context(nginx_with(directory("nginx"), port, *sites))
        for name, server in (("haproxy", lab), ("haproxy-tcp", activated)):
            scheme = "http" if server is lab else "https"
            made[name] = Front(free_port(), scheme)
            proxy = recipes.haproxy(directory(name), name, made[name].port, server.port)
            running.enter_context(proxy)
        made["caddy"] = Front(free_port())
        proxy = recipes.caddy(directory("caddy"), made["caddy"].port, lab.port)
        running.enter_context(proxy)
        for name in ("apache", "apache-another-host"):
            proxy = apache(directory(name), lab.port, preserve=name == "apache")
            running.enter_context(proxy)
            made[name] = Front(proxy.port)
        yield made


@pytest.fixture(scope="module")
def seen(
    fronts: dict[str, Front], node_clients: Path, certificate: tuple[Path, Path]
) -> dict[str, Any]:
    """What all clients see behind all proxies, at the same time."""
    described = tuple(
        f"{name} {fronts[name].url} {fronts[name].below}/socketio "
        + ("websocket" if name == "no-websocket" else "-")
        for name in (*FULL, "no-websocket")
    )
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("NODE_EXTRA_CA_CERTS", str(certificate[0]))
        return run(node_clients, "fronts.js", front=described, idle=str(IDLE))


@pytest.fixture
def trusting(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the clients of the tests speak as a front does."""

    def speak(front: Front) -> ssl.SSLContext | None:
        context = None
        if front.scheme == "https":
            context = ssl.create_default_context(cafile=str(certificate[0]))
        monkeypatch.setattr(connections, "TLS", context)
        return context

    return speak


@pytest.mark.parametrize("name", FULL)
def test_every_client_stays_connected_on_every_transport(
    name: str, seen: dict[str, Any]
) -> None:
    assert seen[name] == {
        " ".join(each): {"sum": 5, "transport": transport_name(*each), "lost": 0}
        for each in CONNECTIONS
    }


def test_without_upgrades_they_stay_on_polling(seen: dict[str, Any]) -> None:
    assert seen["no-websocket"] == {
        f"{client} {transport}": {
            "sum": 5,
            "transport": transport_name(client, "polling"),
            "lost": 0,
        }
        for client, transport in CONNECTIONS
        if transport != "websocket"
    }


@pytest.mark.parametrize("name", DEPLOYED)
def test_the_application_knows_its_client_and_its_own_address(
    name: str, fronts: dict[str, Front], trusting: Any
) -> None:
    """Whatever the client writes."""
    front = fronts[name]
    forged = {
        "X-Forwarded-For": "198.51.100.1",
        "X-Forwarded-Proto": "gopher",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Port": "1",
        "Forwarded": "for=198.51.100.2;host=evil.example;proto=ftp",
    }
    client, here = "127.0.0.5", ("127.0.0.5", 0)
    context = trusting(front)
    if context is None:
        http = HTTPConnection("127.0.0.1", front.port, 30, here)
    else:
        http = HTTPSConnection(
            "127.0.0.1", front.port, timeout=30, source_address=here, context=context
        )
    with closing(http):
        for headers in ({}, forged):
            http.request("GET", f"{front.below}/seen", headers=headers)
            answer = http.getresponse()
            text = answer.read()
            assert answer.status == 200, text
            told = json.loads(text)
            # The filter for the path is there for all proxies but one.
            below = "" if name == "haproxy-tcp" else "/app"
            assert told == {"address": client, "url": f"{front.url}{below}/"}


@pytest.mark.parametrize("version", [3, 4])
def test_the_log_says_that_a_proxy_took_the_upgrade_out(
    version: int, lab: Server, fronts: dict[str, Front]
) -> None:
    before = len(lab.errors)
    target = f"/socketio/?EIO={version}&transport=websocket"
    port = fronts["no-websocket"].port
    with closing(clients.WebSocket(port, target)) as websocket:
        assert websocket.status == 400
    lines = lab.errors[before:].splitlines()
    # Clients of the test before may have gone meanwhile.
    (line,) = [each for each in lines if "Refused" in each]
    assert "Refused GET /socketio/" in line
    assert "a proxy in front has to pass both on" in line


@pytest.mark.parametrize("name", [*FULL, "no-websocket"])
def test_a_form_is_posted_and_the_next_request_is_another(
    name: str, fronts: dict[str, Front], trusting: Any
) -> None:
    front = fronts[name]
    target = f"{front.below}/socketio/1/"
    trusting(front)
    with closing(clients.Http(front.port)) as http:
        for headers in ({}, {"Connection": "upgrade", "Upgrade": "h2c"}):
            reply = http.post(target, "x" * 1000, headers)
            assert reply.status == 200, reply
            assert http.get(target).status == 200


def asked(front: Front, kind: str, origin: str) -> int:
    """The status that a page gets which connects in one of the ways."""
    target, headers = f"{front.below}/socketio/{KINDS[kind]}", {"Origin": origin}
    if "websocket" in kind:
        with closing(clients.WebSocket(front.port, target, headers)) as websocket:
            return websocket.status
    with closing(clients.Http(front.port)) as http:
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
    name: str, kind: str, lab: Server, fronts: dict[str, Front]
) -> None:
    """Browsers name the page, and the server does not know that it is its own."""
    front = fronts[name]
    before = len(lab.errors)
    assert asked(front, kind, front.url) == 403
    (line,) = lab.errors[before:].splitlines()
    host = CHANGING[name].format(upstream=lab.port)
    assert f"Refused a page of origin {front.url} (Host: {host}): " in line
    # Both that would help.
    assert "allowed_origins" in line
    assert "proxy_set_header Host $http_host" in line
    assert "ProxyPreserveHost On" in line


#: The proxies that pass on the Host, or tell it, and what can be asked through each.
PASSING = [
    (name, kind)
    for name in (*FULL, "apache-another-host", "no-websocket")
    for kind in KINDS
    if name != "no-websocket" or "websocket" not in kind
]


@pytest.mark.parametrize(("name", "kind"), PASSING)
def test_a_page_of_the_proxy_is_our_own_if_the_host_is_passed_on(
    name: str, kind: str, fronts: dict[str, Front], trusting: Any
) -> None:
    front = fronts[name]
    trusting(front)
    assert asked(front, kind, front.url) in (101, 200)
    elsewhere = front.url.replace("127.0.0.1", "localhost")
    assert asked(front, kind, elsewhere) == 403


def test_pages_have_http_2(
    fronts: dict[str, Front], certificate: tuple[Path, Path]
) -> None:
    """The recipe with TLS offers it. WebSockets go on with HTTP/1.1."""
    context = ssl.create_default_context(cafile=str(certificate[0]))
    context.set_alpn_protocols(["h2", "http/1.1"])
    import socket

    with (
        socket.create_connection(("127.0.0.1", fronts["tls"].port)) as raw,
        context.wrap_socket(raw, server_hostname="127.0.0.1") as tls,
    ):
        assert tls.selected_alpn_protocol() == "h2"


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("not installed: systemd")
    units = [str(each) for each in recipes.systemd_units(tmp_path)]
    done = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
