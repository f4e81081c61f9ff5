"""Clients that vanish from a real server, while another one is served."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

import pytest

from tests.engine.clients import (
    DEADLINE,
    KINDS,
    Client,
    PollingClient,
    Raw,
    WebSocketClient,
    kinds,
)

from .serving import LAB, Server

#: Silence alone would be noticed after 20 s, longer than anybody waits here.
OPTIONS = """use = egg:tgext.socketio#socketio
heartbeat_interval = 0.5
heartbeat_timeout = 20
handshake_timeout = 0.5
shutdown_timeout = 0.5
"""


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("impatient")
    ini = directory / "lab.ini"
    text = LAB.read_text(encoding="utf-8")
    ini.write_text(text.replace("use = egg:tgext.socketio#socketio\n", OPTIONS))
    with Server(ini, directory / "server.log") as server:
        yield server


@pytest.fixture(autouse=True)
def _resource(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.engine.clients.RESOURCE", "/socketio")


def ask(client: Client, event: str, *args: Any) -> Any:
    """Emit an event, and return its ack; pings and broadcasts may come before."""
    client.emit("/lab", event, *args, number=7)
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        text = client.receive()
        if text[:1] not in ("2", "3") or len(text) > 3:
            packet = client.dialect.read(text)
            if packet["type"] == "ack":
                return packet["args"][0]
    raise AssertionError(f"no ack for {event}")


def joined(server: Server, kind: str) -> Any:
    client = KINDS[kind](server.port)
    client.send(client.dialect.connect("/lab"))
    return client


def sockets_of(server: Server) -> int:
    directory = Path(f"/proc/{server.process.pid}/fd")
    links = [os.readlink(each) for each in directory.iterdir()]
    return sum(each.startswith("socket:") for each in links)


def wait_until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.02)


@pytest.mark.parametrize("kind", kinds("websocket"))
def test_a_handler_whose_client_is_reset_ends_with_all_it_had(
    impatient: Server, kind: str
) -> None:
    server = impatient
    other = joined(server, "4-websocket")
    assert ask(other, "add", 1, 2) == 3
    before = sockets_of(server)
    client = joined(server, kind)
    assert isinstance(client, WebSocketClient)
    name = f"reset {kind}"
    assert ask(client, "call_me", name) == name
    interrupted = server.errors.count("was interrupted")
    began = server.output.count("takes long")
    client.emit("/lab", "take_long", 3600)
    wait_until(lambda: server.output.count("takes long") > began, "the handler runs")
    sock = client.websocket.sock
    sock.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    assert ask(other, "has_left", name) is True
    wait_until(
        lambda: server.errors.count("was interrupted") > interrupted, "it is logged"
    )
    wait_until(lambda: sockets_of(server) <= before, "the socket is given back")
    assert ask(other, "add", 3, 4) == 7
    other.close()


@pytest.mark.parametrize("kind", kinds("polling"))
def test_a_tab_that_is_closed_is_noticed(impatient: Server, kind: str) -> None:
    server = impatient
    other = joined(server, "4-websocket")
    client = joined(server, kind)
    assert isinstance(client, PollingClient)
    name = f"closed {kind}"
    assert ask(client, "call_me", name) == name
    client.posts.close()
    client.gets.close()
    raw = Raw(server.port)
    target: str = client.target  # type: ignore[attr-defined]
    raw.send_raw(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    assert ask(other, "add", 1, 2) == 3
    raw.close()
    assert ask(other, "has_left", name) is True
    other.close()
