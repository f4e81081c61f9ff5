"""All generations of clients at once, on every transport, with one server process.

What they do is in ``clients/together.js``.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .nodes import CONNECTIONS, Waiter, run, transport_name
from .serving import Server

ALL = [" ".join(each) for each in CONNECTIONS]

#: Those that can be sent bytes.
BINARY = [name for name in ALL if not name.startswith("0.9")]


@pytest.fixture
def together(lab: Server, node_clients: Path) -> Callable[[str], dict[str, Any]]:
    def play(scenario: str) -> dict[str, Any]:
        return run(node_clients, "together.js", url=lab.url, scenario=scenario)

    return play


def the_others(names: list[str], suffix: str = "") -> dict[str, list[str]]:
    """What each client must have received: every other client, exactly once."""
    return {
        listener: sorted(name + suffix for name in names if name != listener)
        for listener in names
    }


def in_any_order(heard: dict[str, list[str]]) -> dict[str, list[str]]:
    return {listener: sorted(names) for listener, names in heard.items()}


def test_they_hear_each_other_in_a_room(
    together: Callable[[str], dict[str, Any]],
) -> None:
    assert in_any_order(together("room")) == the_others(ALL, " ☃ 😀")


def test_they_hear_what_each_broadcasts(
    together: Callable[[str], dict[str, Any]],
) -> None:
    assert in_any_order(together("broadcast")) == the_others(ALL)


def test_they_send_each_other_bytes(
    together: Callable[[str], dict[str, Any]],
) -> None:
    assert in_any_order(together("bytes")) == the_others(BINARY)


def test_who_takes_no_bytes_does_not_keep_them_from_the_others(
    together: Callable[[str], dict[str, Any]],
) -> None:
    heard = together("bytes_for_all")
    speaker, *others = BINARY
    assert {name: heard[name] for name in others} == {
        name: [speaker] for name in others
    }


@pytest.mark.parametrize(
    "how", [signal.SIGTERM, signal.SIGKILL], ids=lambda how: how.name
)
def test_they_come_back_after_a_restart(
    serve: Callable[..., Server],
    node_clients: Path,
    wait: Callable[..., Waiter],
    how: signal.Signals,
) -> None:
    with serve() as server:
        waiter = wait(node_clients, "together.js", url=server.url, scenario="restart")
        waiter.wait_until_ready()
        expected = -how if how == signal.SIGKILL else 0
        assert server.stop(how).code == expected, server.output
    with serve(port=server.port) as again:
        observed = waiter.observed()
    assert observed == {
        " ".join(each): {"sum": [5], "transport": transport_name(*each)}
        for each in CONNECTIONS
    }
    assert "Traceback" not in again.output
