"""Log lines of clients that enter namespaces and leave them."""

from __future__ import annotations

import logging
from typing import Any

import gevent
import pytest

from tgext.socketio.engine.lines import CONNECTIONS
from tgext.socketio.engine.namespaces.base import BaseNamespace, ConnectionRefused

from ..clients import DEADLINE, wait_for
from ..conftest import Live, Serve
from ..sample_namespaces import Echo, Witness, fresh


def lines(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [each for each in caplog.records if each.name == CONNECTIONS]


def awaited(caplog: pytest.LogCaptureFixture, number: int) -> list[Any]:
    wait_for(lambda: len(lines(caplog)) >= number, f"{number} lines")
    return lines(caplog)[number - 1 :]


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "tgext.socketio")
    return caplog


def test_a_client_that_comes_and_goes_leaves_two_lines(
    serve: Serve, kind: str, told: pytest.LogCaptureFixture
) -> None:
    live = serve({"/chat": Echo})
    client = live.client(kind)
    socket = live.socket(client)
    name = socket.log_name
    client.join("/chat")
    who = f"anonymous, session {name}, 127.0.0.1"
    [came] = awaited(told, 1)
    by = kind.partition("-")[2].removeprefix("xhr-")
    text = f"Connected to /chat ({who}; client {socket.generation.name}, {by})"
    assert came.getMessage() == text
    assert came.levelno == logging.INFO
    assert client.call("/chat", "echo", 1) == [1]
    client.close()
    gevent.spawn(socket.kill, reason="transport close").join(DEADLINE)
    [went] = awaited(told, 2)
    reason = went.socketio_reason
    assert reason in (
        "transport close",
        "transport error",
        "client namespace disconnect",
    )
    assert went.getMessage().startswith(f"Disconnected from /chat: {reason}, after ")
    assert went.getMessage().endswith(f"({who})")
    assert went.socketio_namespace == "/chat"
    assert 0 <= went.socketio_duration < DEADLINE
    assert went.socketio_received >= 2
    assert went.socketio_sent >= 2
    assert went.socketio_received_bytes > went.socketio_received
    assert went.socketio_sent_bytes > went.socketio_sent
    assert socket.sessid not in told.text


#: How a client leaves, and the reason in the line.
WAYS = {
    "client namespace disconnect": lambda live, client: client.leave("/chat"),
    "server namespace disconnect": lambda live, client: gevent.spawn(
        live.socket(client)["/chat"].disconnect
    ),
    "ping timeout": lambda live, client: gevent.spawn(
        live.socket(client).kill, reason="ping timeout"
    ),
    "server shutting down": lambda live, client: gevent.spawn(live.server.stop),
    r"a\nb": lambda live, client: gevent.spawn(live.socket(client).kill, reason="a\nb"),
}


@pytest.mark.parametrize("reason", WAYS)
def test_the_line_has_the_reason(
    serve: Serve, reason: str, told: pytest.LogCaptureFixture
) -> None:
    namespace = fresh(Witness)
    live = serve({"/chat": namespace, "/other": Echo})
    client = live.client()
    client.join("/other")
    client.join("/chat")
    done = WAYS[reason](live, client)
    wait_for(lambda: _of_chat(told), "the line")
    if done is not None:
        done.join(DEADLINE)
    [line] = _of_chat(told)
    assert line.startswith(f"Disconnected from /chat: {reason}, after 0.")
    assert "\n" not in line


def _of_chat(told: pytest.LogCaptureFixture) -> list[str]:
    texts = [each.getMessage() for each in lines(told)]
    return [each for each in texts if each.startswith("Disconnected from /chat")]


def test_who_is_not_admitted_neither_comes_nor_goes(
    serve: Serve, told: pytest.LogCaptureFixture
) -> None:
    class Refusing(BaseNamespace):
        def recv_connect(self) -> None:
            raise ConnectionRefused("no")

    live: Live = serve({"/chat": Refusing})
    client = live.websocket_5()
    client.send(client.dialect.connect("/chat"))
    assert client.receive().startswith("44/chat")
    gevent.spawn(live.socket(client).kill).join(DEADLINE)
    assert lines(told) == []


def test_a_log_that_hears_warnings_only_costs_nothing(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "tgext.socketio")
    live = serve({"/chat": Echo})
    client = live.joined()
    caplog.set_level(logging.INFO, "tgext.socketio")
    gevent.spawn(live.socket(client).kill).join(DEADLINE)
    assert lines(caplog) == []  # nothing was noted when it came
