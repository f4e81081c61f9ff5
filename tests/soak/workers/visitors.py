"""Clients that come back when they were disconnected, and visitors of a page."""

from __future__ import annotations

import time
from collections import Counter
from http.client import HTTPException
from typing import Any

import gevent

from tests.engine.clients import (
    KINDS,
    PINGS,
    Client,
    Http,
    Polling5,
    WebSocket,
    WebSocket5,
    WebSocketClient,
)

CHAT = "/chat"

#: Seconds between an answer and the next question, and before a new connection.
BETWEEN, AWAY = 0.5, 0.1

#: What clients raise when a connection has ended.
GONE = (OSError, AssertionError, HTTPException, ValueError)


class Upgraded(WebSocketClient):
    """A client that is in ``/chat`` by polling, and goes on over a WebSocket."""

    dialect = WebSocket5.dialect

    def __init__(self, port: int) -> None:
        before = Polling5(port)
        before.join(CHAT)
        self.sid = before.sid
        poll = gevent.spawn(before.poll)
        target = before.target.replace("polling", "websocket")
        self.websocket = WebSocket(port, target)
        assert self.websocket.status == 101, self.websocket.refusal()
        self.send("2probe")
        assert self.receive() == "3probe"
        poll.get()
        self.send("5")
        before.gets.close()
        before.posts.close()


class Visitor:
    """A client that asks again and again which worker serves it.

    :param kind: one of ``KINDS``, or ``4-upgrade``.

    :ivar worker: the pid of the worker; 0 while it is away.
    :ivar connections: how many it has had.
    :ivar slowest: the most seconds that an answer took, since this was set to 0.
    :ivar failures: why it could not connect.
    :ivar ended: how its connections have ended.
    """

    def __init__(self, port: int, kind: str) -> None:
        self._port = port
        self.kind = kind
        self.worker = 0
        self.connections = 0
        self.slowest = 0.0
        self.failures: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self._asked = 0.0
        self._greenlet = gevent.spawn(self._run)

    @property
    def waits(self) -> float:
        """Seconds for which it has waited for an answer; 0 if it does not wait."""
        return time.monotonic() - self._asked if self._asked else 0.0

    def _run(self) -> None:
        while True:
            self._asked = 0.0
            try:
                self._stay()
            except GONE as error:
                kinds = self.ended if self.worker else self.failures
                kinds[f"{self.kind}: {type(error).__name__}: {error!s:.120}"] += 1
            self.worker = 0
            gevent.sleep(AWAY)

    def _stay(self) -> None:
        client = self._connect()
        try:
            while True:
                self._asked = time.monotonic()
                client.emit(CHAT, "pid", number=1)
                pid = self._answer(client)
                self.slowest = max(self.slowest, self.waits)
                self._asked = 0.0
                if not self.worker:
                    self.connections += 1
                self.worker = pid
                gevent.sleep(BETWEEN)
        finally:
            for each in ("gets", "posts", "websocket"):
                if hasattr(client, each):
                    getattr(client, each).close()

    def _connect(self) -> Any:
        if self.kind == "4-upgrade":
            return Upgraded(self._port)
        client = KINDS[self.kind](self._port)
        client.join(CHAT)
        return client

    def _answer(self, client: Client) -> int:
        while True:
            text = client.receive()
            if text in PINGS:
                client.send("3" if text == "2" else text)
            elif text != "6":
                packet = client.dialect.read(text)
                if packet["type"] == "ack":
                    pid: int = packet["args"][0]
                    return pid
                raise AssertionError(f"told {packet['type']}")

    def leave(self) -> None:
        self._greenlet.kill()


class Pages:
    """Asks for a page again and again, each time with a new connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.answers: Counter[int] = Counter()
        self.refused: list[str] = []
        self._greenlet = gevent.spawn(self._run)

    def _run(self) -> None:
        while True:
            try:
                client = Http(self._port)
                try:
                    reply = client.get("/pid")
                    assert reply.status == 200, reply
                    self.answers[int(reply.body)] += 1
                finally:
                    client.close()
            except GONE as error:
                self.refused.append(f"{type(error).__name__}: {error}")
            gevent.sleep(0.005)

    def leave(self) -> None:
        self._greenlet.kill()
