"""The Socket.IO clients for Node, each run in a process of its own."""

from __future__ import annotations

import json
import selectors
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

#: The generations of clients, as clients/clients.js names them.
GENERATIONS = ("0.9", "1", "2", "3", "4")

#: Every client on every transport that it has.
CONNECTIONS = [
    (client, transport)
    for client in GENERATIONS
    for transport in ("polling", "websocket", "upgrade")
    if (client, transport) != ("0.9", "upgrade")
]

#: Seconds for all scenarios of one connection, enough for each of them to time out.
PLAY_DEADLINE = 240


def transport_name(client: str, transport: str) -> str:
    """The client's name of a transport; an upgraded connection is a WebSocket."""
    if (client, transport) == ("0.9", "polling"):
        return "xhr-polling"
    return "websocket" if transport == "upgrade" else transport


def run(clients: Path, script: str, **options: str | tuple[str, ...]) -> dict[str, Any]:
    """Run a script of ``clients/`` to its end.

    :param options: the script's; one with several values is given several times.
    :returns: what it observed.
    """
    ran = subprocess.run(
        _command(script, options),
        cwd=clients,
        capture_output=True,
        encoding="utf-8",
        timeout=PLAY_DEADLINE,
    )
    assert ran.returncode == 0, ran.stderr
    observed: dict[str, Any] = json.loads(ran.stdout)
    return observed


def player(
    clients: Path, url: str, client: str, transport: str
) -> Callable[..., dict[str, Any]]:
    """Plays scenarios of ``clients/scenarios.js``, by name, over one transport."""

    def play(*scenarios: str, **options: str) -> dict[str, Any]:
        connection = {"client": client, "transport": transport, "url": url}
        return run(clients, "play.js", **connection, scenario=scenarios, **options)

    return play


def _command(script: str, options: dict[str, str | tuple[str, ...]]) -> list[str]:
    command = ["node", script]
    for name, values in options.items():
        for value in (values,) if isinstance(values, str) else values:
            command.append(f"--{name}={value}")
    return command


class Waiter:
    """A script that prints READY, waits for something, and prints what it observed."""

    def __init__(self, clients: Path, script: str, **options: str) -> None:
        self.process = subprocess.Popen(
            _command(script, {**options}),
            cwd=clients,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def wait_until_ready(self, deadline: float = 20.0) -> None:
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            assert selector.select(deadline), "the client did not connect"
        line = self.process.stdout.readline()
        assert line == "READY\n", line

    def observed(self) -> dict[str, Any]:
        output, _ = self.process.communicate(timeout=60)
        observed: dict[str, Any] = json.loads(output)
        return observed


@contextmanager
def waiters() -> Iterator[Callable[..., Waiter]]:
    """Makes waiters that are ended at the end."""
    made: list[Waiter] = []

    def start(*args: Any, **options: str) -> Waiter:
        made.append(Waiter(*args, **options))
        return made[-1]

    yield start
    for waiter in made:
        waiter.process.kill()
        waiter.process.communicate()
