"""Where a play is played: its clients, and what is logged."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

from tests.engine.clients import KINDS, PINGS, Client, Dialect1, WebSocketClient
from tests.engine.connections import wait_for

from .ways import PROGRAM

#: Engine.IO's own: close, pings, noop.
NO_PACKETS = {*PINGS, "1", "6"}

#: What is polled by a 0.9 client whose session has ended.
UNKNOWN_SESSION = "7:::1+0"


class Notes(logging.Handler):
    """What the program logs, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._seen = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())

    def await_line(self, line: str) -> None:
        """Wait until a line is logged, after those that were awaited before."""
        wait_for(lambda: line in self.lines[self._seen :], f"{line} in {self.lines}")
        self._seen = self.lines.index(line, self._seen) + 1

    def __enter__(self) -> Notes:
        logger = logging.getLogger(PROGRAM)
        logger.setLevel(logging.INFO)
        logger.addHandler(self)
        return self

    def __exit__(self, *error: object) -> None:
        logging.getLogger(PROGRAM).removeHandler(self)


class Guest:
    """A client of a program.

    Each method that waits reads messages until the expected one comes, and logs them.

    :ivar log: what it received.
    """

    def __init__(self, client: Client, endpoint: str) -> None:
        self.log: list[str] = []
        self._client = client
        self._old = isinstance(client.dialect, Dialect1)
        self._endpoint = endpoint
        self._number = 0
        self._heard: dict[str, Any] = {}

    @property
    def sid(self) -> str:
        return self._client.sid

    # What it does

    def join(self, endpoint: str) -> None:
        """Connect to a namespace, and wait for the answer."""
        if self._old and not endpoint:
            self.log.append("/ connect")  # with the connection
            return
        self._client.send(self._client.dialect.connect(endpoint))
        self._until("connect", endpoint)

    def try_join(self, endpoint: str) -> None:
        """Ask for a namespace, and wait for the answer, which may be a refusal."""
        self._client.send(self._client.dialect.connect(endpoint))
        while True:
            packet = self._take(self._client.receive())
            if packet.get("type") in ("connect", "refused"):
                return

    def emit(self, name: str, *args: Any, at: str | None = None) -> None:
        self._client.emit(self._place(at), name, *args)

    def ask(self, name: str, *args: Any, at: str | None = None) -> Any:
        """Emit an event, and wait for its ack: its arguments."""
        self._number += 1
        place = self._place(at)
        self._client.emit(place, name, *args, number=self._number)
        return self._until("ack", place)["args"]

    def answer(self, *args: Any, to: dict[str, Any] | None = None) -> None:
        """Acknowledge a packet, or the event that was heard last."""
        packet = to or self._heard
        self._client.ack(packet["endpoint"], packet["id"], *args)

    def send(self, data: Any, at: str | None = None) -> None:
        """As ``socket.send``, and ``socket.json.send`` of 0.9."""
        place = self._place(at)
        if not self._old:
            self._client.emit(place, "message", data)
        elif isinstance(data, str):
            self._client.send(f"3::{place}:{data}")
        else:
            self._client.send(f"4::{place}:{json.dumps(data)}")

    def complain(self, at: str) -> None:
        """Send an error packet, which only 0.9 clients have."""
        if self._old:
            self._client.send(f"7::{at}:1+0")

    def leave(self, at: str | None = None) -> None:
        """Leave one namespace."""
        self._client.leave(self._place(at))

    def quit(self) -> None:
        """Leave as a client library does that is told to disconnect."""
        self._client.send("0::" if self._old else "1")
        self.ended()

    def vanish(self) -> None:
        """End the connection without a word."""
        self._client.close()

    # What it waits for

    def hear(self, name: str, at: str | None = None) -> Any:
        """Wait for an event: its arguments."""
        return self.heard(name, at)["args"]

    def heard(self, name: str, at: str | None = None) -> dict[str, Any]:
        """Wait for an event: its packet."""
        self._heard = self._until("event", self._place(at), name)
        return self._heard

    def acked(self, number: int, at: str | None = None) -> None:
        """Wait for an ack."""
        while self._until("ack", self._place(at))["number"] != number:
            pass

    def parted(self, at: str | None = None) -> None:
        """Wait until the server disconnects it from a namespace."""
        self._until("disconnect", self._place(at))

    def ended(self) -> None:
        """Wait for the end of the connection."""
        for text in rest(self._client):
            self._take(text)
        self.log.append("end")

    def _place(self, at: str | None) -> str:
        return self._endpoint if at is None else at

    def _until(self, kind: str, endpoint: str, name: Any = None) -> dict[str, Any]:
        while True:
            packet = self._take(self._client.receive())
            if (
                packet.get("type") == kind
                and packet["endpoint"] == endpoint
                and name in (None, packet.get("name"))
            ):
                return packet

    def _take(self, text: str) -> dict[str, Any]:
        if text in NO_PACKETS:
            return {}
        packet = self._read(text)
        self.log.append(line_of(packet))
        return packet

    def _read(self, text: str) -> dict[str, Any]:
        """A packet. What 0.9 clients get as a message is for others an event."""
        if self._old and text[0] in "34":
            number, endpoint, data = text[2:].split(":", 2)
            value = json.loads(data) if text[0] == "4" else data
            packet = {"type": "event", "endpoint": endpoint, "name": "message"}
            packet["args"] = [value]
            return {**packet, "id": int(number)} if number else packet
        packet = self._client.dialect.read(text)
        if self._old and packet["type"] == "event":
            packet["args"] = arguments(packet["args"])
        return packet


def arguments(value: Any) -> list[Any]:
    """The arguments that the library of 0.9 gives to its listeners."""
    if isinstance(value, list):
        return value
    return [value] if value or value == {} else []


def rest(client: Client) -> Iterator[str]:
    """The messages before the end of the connection."""
    if isinstance(client, WebSocketClient):
        yield from client.websocket.drain()
        return
    while True:
        try:
            text = client.receive()
        except AssertionError:  # the poll is refused
            return
        if text == UNKNOWN_SESSION:
            return
        yield text


def line_of(packet: dict[str, Any]) -> str:
    """What is logged of a packet: no ids but those that the client chose."""
    kind = packet["type"]
    parts = [packet["endpoint"] or "/"]
    if kind == "event":
        parts += [packet["name"], json.dumps(packet["args"], sort_keys=True)]
        parts += ["(asks)"] if "id" in packet else []
    elif kind == "ack":
        parts += ["ack", str(packet["number"])]
        parts += [json.dumps(packet["args"], sort_keys=True)]
    else:
        parts.append(kind)
        parts += [str(packet["data"])] if kind == "refused" else []
    return " ".join(parts)


class Stage:
    """The clients of one play, and the notes of its program.

    :param port: of the server.
    :param kind: of the clients.
    :param forget: called with the session id of a client that vanished, where the
        server does not see it before a time-out.
    """

    def __init__(
        self, port: int, kind: str, notes: Notes, forget: Callable[[str], None]
    ) -> None:
        self._make = KINDS[kind]
        self._port = port
        self._notes = notes
        self._forget = forget
        self._clients: list[Client] = []
        self._guests: dict[str, Guest] = {}

    def guest(
        self, name: str, *endpoints: str, query: str = "", cookie: str = ""
    ) -> Guest:
        """A client that connects to namespaces."""
        headers = {"Cookie": cookie} if cookie else {}
        client = self._make(self._port, query=query, headers=headers)
        self._clients.append(client)
        guest = Guest(client, endpoints[0] if endpoints else "")
        self._guests[name] = guest
        for each in endpoints:
            guest.join(each)
        return guest

    def vanish(self, guest: Guest) -> None:
        """A client's connection ends without a word, and the server sees it."""
        guest.vanish()
        self._forget(guest.sid)

    def noted(self, line: str) -> None:
        """Wait until the program logs a line."""
        self._notes.await_line(line)

    def logs(self) -> dict[str, list[str]]:
        guests = {name: list(guest.log) for name, guest in self._guests.items()}
        return {**guests, "server": list(self._notes.lines)}

    def close(self) -> None:
        for each in self._clients:
            each.close()
