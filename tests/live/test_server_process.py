"""The server as a process: starting, refusing to start, stopping."""

from __future__ import annotations

import signal
import socket
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from tests.engine.clients import WebSocket5

from .nodes import CONNECTIONS, Waiter, player
from .serving import LAB, ROOT, START_DEADLINE, Server

MakeServer = Callable[..., Server]

HANDSHAKE = b"GET /socketio/?EIO=4&transport=polling HTTP/1.1\r\nHost: here\r\n\r\n"

#: Seconds that a stop may take however many clients are connected.
STOP_WITHIN = 5.0

each_signal = pytest.mark.parametrize(
    "how", [signal.SIGTERM, signal.SIGINT], ids=lambda how: how.name
)


def variant(tmp_path: Path, old: str, new: str) -> Path:
    """The lab's configuration with one thing changed."""
    text = LAB.read_text()
    assert old in text
    ini = tmp_path / "variant.ini"
    ini.write_text(text.replace(old, new))
    return ini


def test_serves_pages(serve: MakeServer) -> None:
    with serve() as server, urllib.request.urlopen(server.url, timeout=10) as page:
        assert page.status == 200
        assert page.read() == b"lab"


def test_sys_exit_ends_nothing(
    serve: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.engine.clients.RESOURCE", "/socketio")
    with serve() as server:
        other, client = WebSocket5(server.port), WebSocket5(server.port)
        other.join("/lab")
        client.join("/lab")
        client.emit("/lab", "exit", number=1)
        client.failure("/lab", "internal_error", "Internal server error")
        with pytest.raises(HTTPError) as refused:
            urllib.request.urlopen(f"{server.url}/exit", timeout=10)
        assert refused.value.code == 500
        assert client.call("/lab", "add", 1, 2) == [3]
        assert other.call("/lab", "add", 1, 2) == [3]
        client.close()
        other.close()
        server.wait_until_logged(
            "SystemExit: the handler exits", "SystemExit: the page exits"
        )


def test_connections_that_are_being_opened_count(
    serve: MakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.engine.clients.RESOURCE", "/socketio")
    ini = variant(tmp_path, "host = ", "max_connections = 6\nhost = ")
    with serve(ini) as server, ThreadPoolExecutor(100) as pool:
        beside = WebSocket5(server.port)
        beside.join("/lab")

        def open_one(number: int) -> int:
            target = f"{server.url}/socketio/?EIO=4&transport=polling&takes=0.5"
            try:
                with urllib.request.urlopen(target, timeout=30) as reply:
                    status: int = reply.status
                    return status
            except HTTPError as refused:
                return refused.code

        statuses = sorted(pool.map(open_one, range(100)))
        assert statuses == [200] * 5 + [503] * 95
        assert beside.call("/lab", "add", 1, 2) == [3]
        beside.close()
        server.wait_until_logged("503, max_connections is 6")


def test_a_client_cannot_forge_lines_of_the_log(
    serve: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.engine.clients.RESOURCE", "/socketio")
    forged = "x\n2026-01-01 ERROR forged\x1b[2J" + "y" * 300_000
    with serve() as server:
        client, other = WebSocket5(server.port), WebSocket5(server.port)
        client.join("/lab")
        other.join("/lab")
        client.emit("/lab", "boom " + forged)
        client.emit("/lab", "add", forged, number=1)
        assert client.event("/lab")[1] == "unallowed_event_name"
        assert client.event("/lab")[1] == "invalid_method_args"
        assert client.read()["type"] == "ack"
        client.send(f"40/{forged},")
        assert other.call("/lab", "add", 1, 2) == [3]
        client.close()
        other.close()
        server.wait_until_logged("forged")
    assert "\n2026-01-01 ERROR" not in server.output
    assert "\x1b" not in server.output
    assert max(map(len, server.output.splitlines())) < 2000


@each_signal
def test_a_signal_stops_an_idle_server(serve: MakeServer, how: signal.Signals) -> None:
    with serve() as server:
        ended = server.stop(how)
    assert ended.code == 0, server.output
    assert ended.seconds < STOP_WITHIN
    assert "Traceback" not in server.output


@each_signal
def test_a_signal_stops_a_server_that_has_only_begun(
    serve: MakeServer, how: signal.Signals
) -> None:
    server = serve()
    server.start()
    server.wait_until_bound()
    ended = server.stop(how)
    assert ended.code == 0, server.output
    assert "Traceback" not in server.output


@each_signal
def test_a_signal_stops_a_server_with_clients(
    serve: MakeServer,
    node_clients: Path,
    wait: Callable[..., Waiter],
    how: signal.Signals,
) -> None:
    with serve() as server:
        options = {"url": server.url, "scenario": "server_stop"}
        waiters = {
            each: wait(
                node_clients, "play.js", client=each[0], transport=each[1], **options
            )
            for each in CONNECTIONS
        }
        for waiter in waiters.values():
            waiter.wait_until_ready()
        ended = server.stop(how)
    assert ended.code == 0, server.output
    assert ended.seconds < STOP_WITHIN
    assert "Traceback" not in server.output
    observed = {
        each: waiter.observed()["server_stop"] for each, waiter in waiters.items()
    }
    untold = {
        each: seen for each, seen in observed.items() if not was_told(*each, seen)
    }
    assert not untold


def was_told(client: str, transport: str, seen: dict[str, Any]) -> bool:
    """Whether the server told the client that it stops, before it disconnected."""
    if client == "0.9":
        return seen.get("told") == ["booted"]
    return seen.get("told") in (["io server disconnect"], ["transport close"])


@pytest.mark.cites("Real clients, Heartbeats 1")
def test_a_client_that_pings_waits_for_a_handler_that_takes_long(
    serve: MakeServer, node_clients: Path, tmp_path: Path
) -> None:
    """Clients 1.x and 2.x disconnect from a server that sends no pong."""
    times = "heartbeat_interval = 1\nheartbeat_timeout = 2\n"
    with (
        serve(variant(tmp_path, "host = ", f"{times}host = ")) as server,
        ThreadPoolExecutor() as pool,
    ):
        seen = pool.map(
            lambda client: player(node_clients, server.url, client, "websocket")(
                "long_handler"
            ),
            ("1", "2"),
        )
        assert list(seen) == [{"long_handler": {"answer": ["done"], "gone": False}}] * 2


def test_a_port_in_use_is_said_in_one_line(serve: MakeServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as occupier:
        port = occupier.getsockname()[1]
        server = serve(port=port)
        server.start()
        ended = server.wait_until_ended()
    assert ended.code != 0
    assert "Traceback" not in server.output
    [line] = [line for line in server.errors.splitlines() if str(port) in line]
    assert "in use" in line


def test_debug_mode_is_refused(serve: MakeServer, tmp_path: Path) -> None:
    server = serve(variant(tmp_path, "debug = false", "debug = true"))
    server.start()
    ended = server.wait_until_ended()
    assert ended.code != 0
    assert "debug mode" in server.errors


def test_the_reloader_restarts_the_server(serve: MakeServer, tmp_path: Path) -> None:
    application = tmp_path / "lab.py"
    application.write_text((LAB.parent / "lab.py").read_text())
    with serve(importable=(tmp_path, ROOT), options=("--reload",)) as server:
        application.write_text(application.read_text().replace('"lab"', '"anew"', 1))
        # The reloader does not see changes that are made before it watches the file.
        while "changed; reloading" not in wait_a_moment(server):
            application.touch()
        while page(server) != b"anew":
            wait_a_moment(server)
    assert "Traceback" not in server.output


@pytest.mark.parametrize(
    "connection",
    [("0.9", "polling"), ("0.9", "websocket"), ("2", "upgrade"), ("4", "polling")],
    ids="-".join,
)
def test_clients_come_back_to_a_server_that_was_reloaded(
    serve: MakeServer,
    tmp_path: Path,
    node_clients: Path,
    wait: Callable[..., Waiter],
    connection: tuple[str, str],
) -> None:
    application = tmp_path / "lab.py"
    application.write_text((LAB.parent / "lab.py").read_text())
    with serve(importable=(tmp_path, ROOT), options=("--reload",)) as server:
        client, transport = connection
        options = {"url": server.url, "client": client, "transport": transport}
        waiter = wait(node_clients, "play.js", scenario="server_reload", **options)
        waiter.wait_until_ready()
        while "changed; reloading" not in wait_a_moment(server):
            application.touch()
        assert waiter.observed()["server_reload"] == {"answer": [5]}
        # Whether hupper had to kill the process is not checked: it waits for 1 s, and
        # its own thread in the process may take all of that.
    assert "Traceback" not in server.output


@pytest.mark.parametrize(
    ("seconds", "timeout", "second", "finishes"),
    [(1.0, 10, False, True), (30.0, 1, False, False), (30.0, 30, True, False)],
    ids=["in time", "too long", "told twice"],
)
def test_a_handler_has_time_to_finish(
    serve: MakeServer,
    tmp_path: Path,
    seconds: float,
    timeout: int,
    second: bool,
    finishes: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tests.engine.clients.RESOURCE", "/socketio")
    ini = variant(tmp_path, "host =", f"shutdown_timeout = {timeout}\nhost =")
    with (
        serve(ini) as server,
        closing(WebSocket5(server.port)) as client,
        closing(WebSocket5(server.port)) as idle,
    ):
        client.join("/lab")
        client.emit("/lab", "take_long", seconds, number=1)
        server.wait_until_logged("takes long")
        server.process.send_signal(signal.SIGTERM)
        expect_goodbye(idle)
        with closing(socket.create_connection(("127.0.0.1", server.port))) as late:
            late.sendall(HANDSHAKE)
            assert late.recv(100).startswith(b"HTTP/1.1 503 ")
        if second:
            server.process.send_signal(signal.SIGTERM)
        if finishes:
            assert client.read()["args"] == ["done"]
        expect_goodbye(client)
        ended = server.wait_until_ended()
    assert ended.code == 0
    assert ended.seconds < STOP_WITHIN
    assert ("took long" in server.output) is finishes
    assert "Traceback" not in server.output


def expect_goodbye(client: WebSocket5) -> None:
    assert client.receive() == "1"  # it reconnects by itself
    assert client.websocket.receive_close() == 1001


def wait_a_moment(server: Server) -> str:
    """Wait a moment, and return the server's output so far."""
    time.sleep(0.1)
    assert time.monotonic() < server.started + START_DEADLINE, server.output
    return server.output


def page(server: Server) -> bytes | None:
    """The page of a server; None if it does not answer."""
    try:
        with urllib.request.urlopen(server.url, timeout=10) as answer:
            text: bytes = answer.read()
    except OSError:
        return None
    return text
