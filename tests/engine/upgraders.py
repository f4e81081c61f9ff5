"""Clients that upgrade while numbered messages flow in both directions.

They do it as the real ones do: pause polling once the WebSocket has answered the probe,
let the last GET and POST end, then say when to switch. Run as a program, this is a
crowd of them, which tells what it saw as JSON; see :func:`crowd_command`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass

import gevent
from gevent.event import Event

from tgext.socketio.engine.namespace import BaseNamespace

from . import clients
from .clients import Polling4, Polling5, PollingOfEngineIO, WebSocket

NAME = "/numbers"

#: Seconds between two bursts of messages.
TICK = 0.04


class Pace:
    """How many messages are due, so that a late turn sends what it missed.

    :param rate: messages a second.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._begin = time.monotonic()
        self.sent = 0

    def due(self) -> range:
        """The numbers that are due and were not taken before."""
        first, self.sent = self.sent, int((time.monotonic() - self._begin) * self._rate)
        return range(first, self.sent)


class Numbers(BaseNamespace):
    """Sends its client numbers, and keeps those that the client sends.

    :cvar rate: messages a second.
    """

    rate = 50.0

    def initialize(self) -> None:
        self.received: list[int] = []
        self.finishing = False

    def recv_connect(self) -> None:
        self.sender = self.spawn(self.send_numbers)

    def send_numbers(self) -> int:
        pace = Pace(self.rate)
        while not self.finishing:
            for number in pace.due():
                self.emit("number", number)
            gevent.sleep(TICK)
        return pace.sent

    def on_number(self, number: int) -> None:
        if not number % 8:
            gevent.sleep(0.005)  # some handlers take longer
        self.received.append(number)

    def on_finish(self) -> tuple[int, list[int]]:
        """The number of sent messages, and the received ones."""
        self.finishing = True
        return self.sender.get(), self.received


@dataclass(frozen=True)
class Journey:
    """The fate of one client's messages: sent, received, missing."""

    #: How many each side sent, and which numbers the other side received.
    sent_by_server: int
    received_by_client: list[int]
    sent_by_client: int
    received_by_server: list[int]
    #: How many messages of the client came by polling, before the upgrade.
    by_polling: int

    def faults(self) -> list[str]:
        """The messages that were lost, doubled or reordered."""
        directions = [
            ("server to client", self.sent_by_server, self.received_by_client),
            ("client to server", self.sent_by_client, self.received_by_server),
        ]
        return [
            f"{direction}: of {sent} messages came {received}"
            for direction, sent, received in directions
            if received != list(range(sent))
        ]


class Upgrader:
    """One client, from its handshake to its end.

    :param rate: messages a second that it sends.
    :param upgrade_at: seconds after which it upgrades.
    :param seconds: how long it sends.
    """

    def __init__(
        self, client: PollingOfEngineIO, rate: float, upgrade_at: float, seconds: float
    ) -> None:
        self.client = client
        self._rate = rate
        self._upgrade_at = upgrade_at
        self._seconds = seconds
        self._pause = Event()
        self._received: list[int] = []
        self._by_polling = 0

    def run(self, port: int) -> Journey:
        self.client.send(self.client.dialect.connect(NAME))
        polls, posts = gevent.spawn(self._poll), gevent.spawn(self._post)
        gevent.sleep(self._upgrade_at)
        target = self.client.target.replace("polling", "websocket")
        websocket = WebSocket(port, target)
        websocket.send("2probe")
        assert websocket.receive() == "3probe"
        self._pause.set()
        polls.get()
        pace = posts.get()
        self._by_polling = len(self._received)
        websocket.send("5")
        reads = gevent.spawn(self._read, websocket)
        self._send_the_rest(websocket, pace)
        sent_by_server, received_by_server = reads.get()
        websocket.leave()
        return Journey(
            sent_by_server,
            self._received,
            pace.sent,
            received_by_server,
            self._by_polling,
        )

    def _poll(self) -> None:
        while not self._pause.is_set():
            for message in self.client.poll():
                self._take(str(message))

    def _post(self) -> Pace:
        pace = Pace(self._rate)
        last = False
        while not last:
            # The last POST ends just before the upgrade.
            last = self._pause.wait(TICK)
            messages = [_number(number) for number in pace.due()]
            if messages:
                self.client.send(*messages)
        return pace

    def _send_the_rest(self, websocket: WebSocket, pace: Pace) -> None:
        end = time.monotonic() + self._seconds - self._upgrade_at
        while time.monotonic() < end:
            for number in pace.due():
                websocket.send(_number(number))
            gevent.sleep(TICK)
        websocket.send(f'42{NAME},1["finish"]')

    def _read(self, websocket: WebSocket) -> tuple[int, list[int]]:
        while True:
            answer = self._take(websocket.receive())
            if answer is not None:
                return answer

    def _take(self, text: str) -> tuple[int, list[int]] | None:
        """Note a number; what the server answers at the end is returned."""
        if text.startswith(f'42{NAME},["number",'):
            self._received.append(int(text[:-1].rpartition(",")[2]))
        elif text.startswith(f"43{NAME},1"):
            sent, received = json.loads(text.partition(",1")[2])
            return sent, received
        else:
            assert text in ("2", "6") or text.startswith(f"40{NAME},"), text
        return None


def _number(number: int) -> str:
    return f'42{NAME},["number",{number}]'


def crowd(
    port: int, version: int, size: int, rate: float, seconds: float
) -> list[Journey]:
    """Clients that upgrade one after the other, the last when most time has passed."""
    make = {3: Polling4, 4: Polling5}[version]

    def travel(index: int) -> Journey:
        # Real clients do not begin at the same moment.
        gevent.sleep(index * 0.003)
        upgrade_at = seconds * (0.1 + 0.7 * index / size)
        return Upgrader(make(port), rate, upgrade_at, seconds).run(port)

    travels = [gevent.spawn(travel, index) for index in range(size)]
    return [each.get() for each in travels]


def crowd_command(**options: float | str) -> list[str]:
    """How to run :func:`crowd` with these options in a process of its own."""
    program = ["-m", "gevent.monkey", "--module", __name__]
    return [sys.executable, *program, *(f"--{k}={v}" for k, v in options.items())]


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, kind in [
        ("port", int),
        ("version", int),
        ("size", int),
        ("rate", float),
        ("seconds", float),
    ]:
        parser.add_argument(f"--{name}", type=kind, required=True)
    parser.add_argument("--resource", default=clients.RESOURCE)
    options = vars(parser.parse_args())
    clients.RESOURCE = options.pop("resource")
    journeys = crowd(**options)
    print(json.dumps([asdict(each) for each in journeys]))


if __name__ == "__main__":
    main()
