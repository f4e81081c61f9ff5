"""Many clients at once, in this process, and servers with channels for them."""

from __future__ import annotations

import json
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gevent
from gevent.queue import Queue

from tests.engine.clients import DEADLINE, WebSocket5

from .serving import HERE, Server

INI = HERE / "fixtureapps" / "channels_lab.ini"

ENDPOINT = "/chat"


def write_ini(directory: Path, **options: str) -> Path:
    """The configuration of the application, with options in ``[app:main]``."""
    lines = [f"{name} = {value}" for name, value in options.items()]
    text = INI.read_text().replace(
        "channels_lab:make_app", "\n".join(["channels_lab:make_app", *lines])
    )
    ini = directory / "channels.ini"
    ini.write_text(text)
    return ini


def ask(server: Server, page: str, **query: str) -> str:
    """The answer of a page."""
    url = f"{server.url}/{page}?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(url, timeout=3 * DEADLINE) as answer:
        text: str = answer.read().decode()
        return text


def state(server: Server) -> dict[str, int]:
    counted: dict[str, int] = json.loads(ask(server, "state"))
    return counted


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Like `wait_for`, without yielding to greenlets."""
    end = time.monotonic() + 2 * DEADLINE
    while not condition():
        assert time.monotonic() < end, f"waited in vain: {what}"
        gevent.sleep(0.02)


class Member:
    """A client in ``/chat``, and the events that it got.

    :ivar events: the events, by arrival, without acks.
    :ivar answer: its answer when it is asked for an ack; None: it gives none.
    """

    def __init__(self, server: Server) -> None:
        self._client = WebSocket5(server.port)
        self._client.join(ENDPOINT)
        self._answers: Queue[Any] = Queue()
        self.events: list[list[Any]] = []
        self.answer: Any = None
        self._reader = gevent.spawn(self._read)

    def _read(self) -> None:
        websocket = self._client.websocket
        websocket.sock.settimeout(None)
        while True:
            try:
                text = self._client.receive()
            except (AssertionError, OSError):
                return  # closed
            if text == "2":
                self._client.send("3")
                continue
            packet = self._client.dialect.read(text)
            if packet["type"] == "ack":
                self._answers.put(packet["args"])
            else:
                count = packet.get("attachments", 0)
                binary = [self._client.receive_any() for _ in range(count)]
                if packet["type"] == "disconnect":
                    packet = {"name": "disconnect", "args": []}
                if "id" in packet and self.answer is not None:
                    self._client.ack(ENDPOINT, packet["id"], self.answer)
                self.events.append([packet["name"], *packet["args"], *binary])

    def emit(self, event: str, *args: Any) -> None:
        self._client.emit(ENDPOINT, event, *args)

    def call(self, event: str, *args: Any) -> Any:
        """Emit an event, and wait for its ack."""
        self._client.emit(ENDPOINT, event, *args, number=1)
        [answer] = self._answers.get(timeout=3 * DEADLINE)
        return answer

    def subscribe(self, *args: Any) -> Any:
        return self.call("subscribe", *args)

    @property
    def heard(self) -> list[Any]:
        """The messages of channels."""
        return [args[0] for name, *args in self.events if name == "pubblication"]

    def close(self) -> None:
        self._reader.kill()
        self._client.close()


@contextmanager
def crowd(*servers: Server, size: int = 1) -> Iterator[list[Member]]:
    """``size`` clients of each server."""
    members: list[Member] = []
    try:
        for server in servers:
            for _ in range(size):
                members.append(Member(server))
        yield members
    finally:
        for member in members:
            member.close()


def in_parallel(function: Callable[[Any], Any], items: Any) -> list[Any]:
    """Call a function for all items at once."""
    jobs = [gevent.spawn(function, item) for item in items]
    gevent.joinall(jobs, timeout=12 * DEADLINE, raise_error=True)
    return [job.value for job in jobs]
