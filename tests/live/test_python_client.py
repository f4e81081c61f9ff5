"""PyPI's python-socketio as a client, over every transport, against a real server.

``clients/python_client.py`` runs in another process and has the scenarios; here are the
results that are expected.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from .serving import Server

SCRIPT = Path(__file__).resolve().parent / "clients" / "python_client.py"

#: Seconds for all scenarios of one transport, enough for most of them to time out.
DEADLINE = 150

# The module `socketio` could be that of another package.
try:
    version("python-socketio")
except PackageNotFoundError:
    pytest.skip("python-socketio is not installed", allow_module_level=True)


class Player(NamedTuple):
    """The client over one transport, and its results."""

    transport: str
    seen: dict[str, Any]


@pytest.fixture(scope="module", params=["polling", "websocket", "upgrade"])
def player(request: pytest.FixtureRequest, lab: Server) -> Player:
    ran = subprocess.run(
        [sys.executable, SCRIPT, lab.url, request.param],
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE,
    )
    assert ran.returncode == 0, ran.stderr
    return Player(request.param, json.loads(ran.stdout))


def test_connects_over_the_transport_that_was_asked_for(player: Player) -> None:
    transport = "polling" if player.transport == "polling" else "websocket"
    assert player.seen["connect"] == {"transport": transport, "connected": True}


def test_what_is_sent_comes_back(player: Player) -> None:
    assert player.seen["echo"] == {
        "text": True,
        "points": True,
        "object": {"got": {"parts": [1, "two", None]}},
        "several": [3, 1],
    }


def test_many_events_arrive_once(player: Player) -> None:
    # They may be out of order: python-engineio handles each message in its own thread
    # (`run_async=True`). The order is tested with the clients in Node.
    assert sorted(player.seen["many"]) == list(range(200))


def test_the_client_acks_what_the_server_asked(player: Player) -> None:
    assert player.seen["client_acks"] == {
        "question": ["colour"],
        "answered": ["blue", 42],
    }


def test_a_handler_may_call_the_client_as_a_function(player: Player) -> None:
    assert player.seen["server_calls"] == "green"


def test_messages_travel_both_ways(player: Player) -> None:
    assert player.seen["messages"] == {
        "received": ["hello"],
        "message": ["hello yourself"],
    }


def test_bytes_travel_both_ways(player: Player) -> None:
    assert player.seen["bytes_both_ways"] == {
        "alone": True,
        "many": True,
        "ack": [256, True],
        "event": [True, True],
    }


def test_the_client_acks_with_bytes(player: Player) -> None:
    assert player.seen["bytes_in_client_ack"] == [True, True]


def test_errors_leave_the_connection_alone(player: Player) -> None:
    assert player.seen["errors"] == {
        "errors": [
            "invalid_method_args",
            "no_such_method",
            "method_access_denied",
            "internal_error",
        ],
        "afterwards": 2,
    }


def test_who_has_identified_gets_in(player: Player) -> None:
    assert player.seen["identified"] == "gandalf"


def test_the_auth_payload_stays_known(player: Player) -> None:
    assert player.seen["auth"] == {"token": "sesame"}


def test_the_auth_payload_lets_a_client_in(player: Player) -> None:
    assert player.seen["let_in"] == ["come in"]


def test_refusals_say_why(player: Player) -> None:
    assert player.seen["refused"] == {
        "/members": {"told": [{"message": "Members only"}], "stray": False},
        "/door": {
            "told": [{"message": "who are you?", "data": {"say": "friend"}}],
            "stray": False,
        },
        "/nowhere": {"told": [{"message": "Invalid namespace"}], "stray": False},
    }


def test_the_server_hears_a_client_leave(player: Player) -> None:
    assert player.seen["client_disconnects"] == {
        "left": True,
        "told": ["client disconnect"],
        "connected": False,
    }


def test_the_client_hears_the_server_leave(player: Player) -> None:
    assert player.seen["server_disconnects"] == {
        "told": ["server disconnect"],
        "connected": False,
    }


def test_a_room_is_heard_in_the_room(player: Player) -> None:
    assert player.seen["room"] == {
        "listener": [True, ["the end"]],
        "speaker": ["the end"],
        "outsider": ["the end"],
    }
