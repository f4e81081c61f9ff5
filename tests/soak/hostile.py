"""Clients that do not read, do not finish, or send invalid input, beside others.

Each scenario returns what went wrong; an empty result is a success.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from statistics import quantiles
from typing import Any

import gevent

from tests.engine import clients
from tests.engine.clients import (
    KINDS,
    Client,
    Http,
    PollingClient,
    Raw,
    WebSocket,
    WebSocketClient,
)
from tests.live.serving import Server
from tests.vectors.bad_input import BAD_INPUT
from tests.vectors.outcomes import ALL, Body, Frames, Messages, Request
from tests.vectors.outcomes import Raw as RawBytes
from tests.vectors.smuggling import AFTER, TRICKS, request
from tgext.socketio.engine.io.sockets import end_output

from .observation import await_counts, counts, rss_kib
from .visitors import CHAT, GONE

READERS = 1000
SLOW = 200
SLOWLORIS = 500
#: Events whose answers are timed, and seconds between two.
PROBES = 400
BETWEEN = 0.02
#: A p99 of up to twice as many milliseconds is always accepted.
LEAST_P99 = 5.0
#: What the operating system may keep of the memory that was used.
KEPT_KIB = 60_000

#: The last message to a client that may reconnect.
FAREWELLS = ("1", "7:::1+0")

KIND_OF = dict(zip(ALL, ("0.9", "2", "4"), strict=True))


class Listener:
    """A client in ``/chat`` that reads everything."""

    def __init__(self, port: int, kind: str = "4-websocket") -> None:
        self.client: Any = KINDS[kind](port)
        self.client.join(CHAT)
        if isinstance(self.client, WebSocketClient):
            self.client.websocket.sock.settimeout(None)
        self.heard = 0
        #: Whether the server said that it ends the connection.
        self.told = False
        self._reader = gevent.spawn(self._read)

    def _read(self) -> None:
        try:
            while True:
                text = self.client.receive()
                if text in ("2", "2::"):
                    self.client.send("3" if text == "2" else text)
                self.told = self.told or text in FAREWELLS
                self.heard += 1
        except GONE:
            pass

    def await_end(self) -> None:
        self._reader.join(30)

    def close(self) -> None:
        self._reader.kill()
        try:
            self.client.close()
        except GONE:
            pass  # the server has gone first


def probe(port: int) -> float:
    """The milliseconds in which 99 of 100 events of a client were answered."""
    client: Any = KINDS["4-websocket"](port)
    taken = []
    with closing(client):
        client.join(CHAT)
        for number in range(PROBES):
            begin = time.perf_counter()
            client.emit(CHAT, "echo", number, number=number)
            while (text := client.receive()) != f"43/chat,{number}[{number}]":
                if text == "2":
                    client.send("3")
            taken.append(1000 * (time.perf_counter() - begin))
            gevent.sleep(BETWEEN)
    return quantiles(taken, n=100)[98]


@contextmanager
def flow(port: int) -> Iterator[None]:
    """A client that broadcasts five times a second."""

    def shout() -> None:
        while True:
            crier.client.emit(CHAT, "shout", "x" * 500)
            gevent.sleep(0.2)

    with closing(Listener(port)) as crier:
        shouting = gevent.spawn(shout)
        try:
            yield
        finally:
            shouting.kill()


def reasons(server: Server) -> dict[str, int]:
    """The number of clients by the reason of their disconnect."""
    with urllib.request.urlopen(f"{server.url}/reasons", timeout=60) as answer:
        told: dict[str, int] = json.load(answer)
    return told


def given_up_by(server: Server) -> int:
    """The number of disconnected clients that read nothing.

    Their pings are not answered either, and may be missed first.
    """
    told = reasons(server)
    return sum(told.get(each, 0) for each in ("slow consumer", "ping timeout"))


def slow_readers(server: Server) -> str:
    """200 clients that never read, beside 1,000 that read."""
    with ExitStack() as stack:
        for _ in range(READERS):
            stack.enter_context(closing(Listener(server.port)))
        with flow(server.port):
            without = probe(server.port)
            memory = rss_kib(server)
            slow = []
            for _ in range(SLOW):
                client: Any = KINDS["4-websocket"](server.port, receive_buffer=4096)
                stack.enter_context(closing(client))
                client.join(CHAT)
                slow.append(client)
            for client in slow:
                client.emit(CHAT, "talk", 1000, 10_000)
            beside = probe(server.port)
            end = time.monotonic() + 30
            while (given_up := given_up_by(server)) < SLOW:
                if time.monotonic() > end:
                    return f"only {given_up} of {SLOW} were disconnected"
                gevent.sleep(0.5)
            kept = rss_kib(server) - memory
    print(
        f"p99 {without:.1f} ms without, {beside:.1f} ms beside them; {kept} KiB kept; "
    )
    if beside > 2 * max(without, LEAST_P99):
        return "the readers were held up"
    return "their memory is still there" if kept > KEPT_KIB else ""


def _half_websocket(port: int) -> Raw:
    """An incomplete frame."""
    websocket = WebSocket(port, "/socketio/?EIO=4&transport=websocket")
    websocket.send_raw(b"\x81\xff\0\0\0\0\0\0\xff\xffmask")
    return websocket


def _raw(data: bytes) -> Callable[[int], Raw]:
    def connect(port: int) -> Raw:
        raw = Raw(port)
        raw.send_raw(data)
        return raw

    return connect


#: Requests and frames that are never finished; the server ends all of them.
UNFINISHED: dict[str, Callable[[int], Raw]] = {
    "nothing": _raw(b""),
    "half a request line": _raw(b"GET /soc"),
    "half the headers": _raw(b"GET /socketio/?EIO=4 HTTP/1.1\r\nHost: he"),
    "half a handshake": _raw(
        b"GET /raw HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upg"
    ),
    "half a frame": _half_websocket,
    "half a body": _raw(
        b"POST /socketio/?EIO=4&transport=polling&sid=none HTTP/1.1\r\nHost: here\r\n"
        b"Content-Length: 1000\r\n\r\nabc"
    ),
}


def slowloris(server: Server) -> str:
    """500 connections that send a byte a second, and never finish a request."""
    before = counts(server)
    with ExitStack() as stack:
        begun = []
        for number in range(SLOWLORIS):
            make = list(UNFINISHED.values())[number % len(UNFINISHED)]
            begun.append(stack.enter_context(closing(make(server.port))))
        beside = probe(server.port)
        print(f"p99 of a neighbour {beside:.1f} ms; ")
        for _ in range(10):
            gevent.sleep(1)
            begun = [each for each in begun if _goes_on(each)]
        if begun:
            return f"{len(begun)} of {SLOWLORIS} are still there after 10 s"
    left = await_counts(server, before, 20)
    return f"left: {left}" if left else ""


def _goes_on(raw: Raw) -> bool:
    """Send one more byte; whether the server still listens."""
    try:
        raw.send_raw(b"a")
        raw.sock.setblocking(False)
        return raw.sock.recv(65536) != b""
    except BlockingIOError:
        raw.sock.settimeout(30)
        return True
    except OSError:
        return False


def handshakes(server: Server) -> str:
    """7,000 handshakes without a second request; 500 sessions are allowed."""
    before = counts(server)
    target = "/socketio/?EIO=4&transport=polling"
    statuses: list[int] = []

    def flood(number: int) -> None:
        with closing(Http(server.port)) as http:
            statuses.extend(http.get(target).status for _ in range(number))

    gevent.joinall([gevent.spawn(flood, 350) for _ in range(20)])
    refused = statuses.count(503)
    print(f"{statuses.count(200)} accepted, {refused} refused; ")
    if set(statuses) != {200, 503}:
        return f"statuses {set(statuses)}"
    left = await_counts(server, before, 20)
    return f"left: {left}" if left else ""


def bad_input(server: Server) -> str:
    """All mistakes of clients, while others chat."""
    before = counts(server)
    sent = 0
    with ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(closing(Listener(server.port)))
        with flow(server.port):
            probing = gevent.spawn(probe, server.port)
            for vector in BAD_INPUT:
                for generation in vector.generations:
                    for transport in vector.transports:
                        _send_bad(
                            server.port, f"{KIND_OF[generation]}", transport, vector
                        )
                        sent += 1
            print(f"{sent} sent; p99 of a neighbour {probing.get():.1f} ms; ")
    left = await_counts(server, before, 30)
    return f"left: {left}" if left else ""


def _send_bad(port: int, generation: str, transport: str, vector: Any) -> None:
    """Send one mistake. The outcome is ignored; other tests check it."""
    if isinstance(vector.sent, RawBytes):
        with closing(Raw(port)) as raw:
            raw.send_raw(vector.sent.data)
        return
    polling = "xhr-polling" if generation == "0.9" else "polling"
    kind = f"{generation}-{polling if transport == 'polling' else transport}"
    try:
        with closing(KINDS[kind](port)) as client:
            client.join(CHAT)
            _send_as(client, vector.sent)
    except GONE:
        pass  # the server closed the connection


def _send_as(client: Client, sent: Any) -> None:
    if isinstance(sent, Messages):
        client.send(*sent.messages)
    elif isinstance(sent, Frames) and isinstance(client, WebSocketClient):
        client.websocket.send_raw(sent.data)
    elif isinstance(sent, Body) and isinstance(client, PollingClient):
        headers = {"Content-Type": sent.content_type}
        client.posts.post(client.target, sent.data, headers)
    elif isinstance(sent, Request):
        target = sent.target.format(sid=client.sid)
        with closing(Http(int(_port_of(client)))) as http:
            http.request(sent.method, target, sent.body)


def _port_of(client: Client) -> int:
    if isinstance(client, WebSocketClient):
        port: int = client.websocket.sock.getpeername()[1]
        return port
    assert isinstance(client, PollingClient)
    return int(client.gets.connection.port)


def smuggling(server: Server) -> str:
    """Requests within requests, from many connections, while others chat."""
    before = counts(server)
    answers: list[int] = []

    def attack(trick: tuple[bytes, bytes]) -> None:
        with closing(Raw(server.port)) as raw:
            try:
                raw.send_raw((AFTER + request(*trick)) * 20)
                end_output(raw.sock)
            except OSError:
                pass  # it was refused before all of it was sent
            answer = b"".join(iter(lambda: _received(raw), b""))
            answers.append(answer.count(b"HTTP/1.1 "))

    with flow(server.port):
        probing = gevent.spawn(probe, server.port)
        for _ in range(20):
            gevent.joinall(
                [gevent.spawn(attack, trick) for trick in TRICKS.values()],
                raise_error=True,
            )
        print(f"{sum(answers)} answers; p99 of a neighbour {probing.get():.1f} ms; ")
    if not all(answers):
        return "requests before a trick were not answered"
    left = await_counts(server, before, 30)
    return f"left: {left}" if left else ""


def _received(raw: Raw) -> bytes:
    try:
        data: bytes = raw.sock.recv(65536)
    except ConnectionResetError:
        return b""
    return data


def stopping(server: Server) -> str:
    """SIGTERM while 300 WebSockets of all generations chat."""
    with ExitStack() as stack:
        everybody = [
            stack.enter_context(closing(Listener(server.port, kind)))
            for kind in clients.kinds("websocket")
            for _ in range(100)
        ]

        def talk(listener: Listener) -> None:
            try:
                while True:
                    listener.client.emit(CHAT, "shout", "a word")
                    gevent.sleep(1)
            except GONE:
                pass

        talking = [gevent.spawn(talk, each) for each in everybody[::10]]
        gevent.sleep(3)
        # In a thread, so that the clients run while the server stops.
        ended = gevent.get_hub().threadpool.apply(server.stop)
        for each in everybody:
            each.await_end()
        gevent.killall(talking)
        untold = sum(not each.told for each in everybody)
    print(f"exit {ended.code} after {ended.seconds:.1f} s; ")
    if ended.code != 0:
        return f"exit status {ended.code}"
    return f"{untold} clients were not told" if untold else ""


#: Each scenario with the server's limit of connections.
SCENARIOS = (
    (slow_readers, 2000),
    (slowloris, 2000),
    (handshakes, 500),
    (bad_input, 2000),
    (smuggling, 2000),
    (stopping, 2000),
)

clients.RESOURCE = "/socketio"
clients.DEADLINE = 30.0
