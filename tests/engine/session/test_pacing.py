"""Clients that are sent much: all of it arrives, and no other client waits."""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

import gevent
import pytest

from tgext.socketio.engine.io.backlog import BURST
from tgext.socketio.engine.mixins import BroadcastMixin

from ..clients import DEADLINE, Client, Raw, wait_for
from ..conftest import Live, Serve
from ..sample_namespaces import Witness, fresh

KB = 1000
MB = 1000 * KB
KIB = 1024


class Talkative(Witness, BroadcastMixin):
    """Sends as much as the client asks for."""

    def on_talk(self, count: int, size: int) -> str:
        for number in range(count):
            self.emit("words", number, "x" * size)
        return "said"

    def on_shout(self, count: int, size: int) -> str:
        for number in range(count):
            self.broadcast_event("words", number, "x" * size)
        return "said"

    def on_order(self, count: int, size: int) -> None:
        self.spawn(self.on_talk, count, size)

    def on_push(self, count: int, size: int) -> None:
        """Sends to every socket, as some applications do."""
        for socket in list(self.socket.server.sockets.values()):
            for number in range(count):
                packet: Any = {"type": "event", "name": "words", "endpoint": "/chat"}
                socket.send_packet({**packet, "args": [number, "x" * size]})

    def on_echo(self, value: Any) -> Any:
        return value


def expect_words(client: Client, count: int, size: int) -> None:
    for number in range(count):
        assert client.event("/chat") == ["words", number, "x" * size]


#: What one handler sends to its client: more than the outbox has room for.
BURSTS = {
    "110 of 10 kB": (110, 10 * KB),
    "one of 1.5 MB, and then an ack": (1, 1500 * KB),
    "5 MB": (50, 100 * KB),
    "12 MB in one": (1, 12 * MB),
    "some larger than the bound": (3, 1500 * KB),
}


@pytest.mark.parametrize("burst", BURSTS)
def test_what_a_handler_sends_arrives_however_much(
    serve: Serve, kind: str, burst: str
) -> None:
    live = serve({"/chat": fresh(Talkative)})
    neighbour, client = live.joined(), live.joined(kind)
    client.emit("/chat", "talk", *BURSTS[burst], number=1)
    # Other clients are served while the handler waits for this one to read.
    assert neighbour.call("/chat", "echo", 1) == [1]
    expect_words(client, *BURSTS[burst])
    assert client.read()["args"] == ["said"]
    assert client.call("/chat", "echo", 2) == [2]


@pytest.mark.parametrize("kind", ["0.9-xhr-polling", "2-polling", "4-polling"])
def test_twenty_thousand_small_messages_arrive(serve: Serve, kind: str) -> None:
    client = serve({"/chat": fresh(Talkative)}).joined(kind)
    client.emit("/chat", "talk", 20_000, 100)
    expect_words(client, 20_000, 100)


def test_what_a_job_sends_arrives(serve: Serve, kind: str) -> None:
    client = serve({"/chat": fresh(Talkative)}, max_outbox=100 * KB).joined(kind)
    client.emit("/chat", "order", 100, 10 * KB)
    expect_words(client, 100, 10 * KB)


def test_a_burst_of_broadcasts_arrives(serve: Serve, kind: str) -> None:
    """Broadcasts do not wait for it; more than the limit may be unsent for a moment."""
    live = serve({"/chat": fresh(Talkative)}, max_outbox=200 * KB)
    neighbour, client = live.joined(), live.joined(kind)
    neighbour.emit("/chat", "shout", 60, 10 * KB, number=1)
    expect_words(client, 60, 10 * KB)
    expect_words(neighbour, 60, 10 * KB)
    assert neighbour.read()["args"] == ["said"]


@pytest.mark.parametrize("kind", ["4-websocket", "4-polling"])
def test_a_slow_line_with_pings_behind(serve: Serve, kind: str) -> None:
    """Reading takes longer than ``slow_timeout``, but never stops."""
    live = serve(
        {"/chat": fresh(Talkative)},
        max_outbox=100 * KB,
        slow_timeout=2,
        heartbeat_interval=0.2,
        heartbeat_timeout=DEADLINE,
    )
    neighbour = live.joined()
    # A window smaller than a segment of the loopback (64 KiB) opens by probes alone,
    # each later than the one before it.
    window = 256 * KIB
    client: Any = live.websocket_5(receive_buffer=window)
    if kind == "4-polling":
        client = live.polling_5()
    client.join("/chat")
    client.emit("/chat", "talk", 1, 12 * MB, number=1)
    if kind == "4-polling":
        raw = Raw(live.port, window)
        raw.send_raw(f"GET {client.target} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
    else:
        raw = client.websocket
    received = len(raw.received)
    while received < 12 * MB:
        gevent.sleep(0.01)
        data = raw.sock.recv(32 * KIB)
        assert data, f"it was ended after {received:,} bytes"
        received += len(data)
        if not received % 50:
            neighbour.emit("/chat", "shout", 1, 10)
    # Once the client closes, the server forgets the session at some time.
    assert client.sid in live.server.sockets
    raw.close()


def test_who_sends_to_another_client_does_not_wait_for_it(serve: Serve) -> None:
    live = serve({"/chat": fresh(Talkative)}, max_outbox=100 * KB)
    deaf = live.joined(receive_buffer=4 * KIB)
    talker = live.joined()
    for _ in range(100):
        talker.emit("/chat", "push", 1, 50 * KB, number=1)
        assert talker.event("/chat")[0] == "words"
        assert talker.read()["type"] == "ack"
        if deaf.sid not in live.server.sockets:
            break
    assert deaf.sid not in live.server.sockets


#: The client that never reads, and what is sent to it.
NEVER = [
    (kind, hears)
    for kind in ("4-websocket", "4-polling", "2-polling", "2-websocket")
    for hears in ("its handler", "broadcasts", "answers", "pongs")
    if hears != "pongs" or kind.startswith("2")  # the others do not ping
]


@pytest.mark.parametrize(("kind", "hears"), NEVER)
def test_a_client_that_never_reads_ends_within_bounds(
    serve: Serve, kind: str, hears: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tgext.socketio.connections")
    namespace = fresh(Talkative)
    limit = 100 * KB
    live = serve({"/chat": namespace}, max_outbox=limit, slow_timeout=0.3)
    options = {"receive_buffer": 4 * KIB} if "websocket" in kind else {}
    deaf, neighbour = live.joined(kind, **options), live.joined()
    most = 0

    def look() -> bool:
        nonlocal most
        socket = live.server.sockets.get(deaf.sid)
        if socket is not None and socket.transport is not None:
            most = max(most, socket.transport.outbox.size)
        return bool(namespace.left)

    if hears == "its handler":
        deaf.emit("/chat", "talk", 10_000, 10 * KB)
    flood = gevent.spawn(cause_output, deaf, neighbour, hears, look)
    wait_for(look, "it is given up")
    flood.join(DEADLINE)
    assert namespace.left == ["slow consumer"]
    assert most <= (BURST + 1) * limit + 10 * KB
    assert neighbour.call("/chat", "echo", 1) == [1]
    texts = [each.getMessage() for each in caplog.records]
    [line] = [each for each in texts if each.startswith("A client does not read: ")]
    assert "max_outbox" in line or "slow_timeout" in line
    assert deaf.sid not in line


def cause_output(
    deaf: Client, neighbour: Client, hears: str, ended: Callable[[], bool]
) -> None:
    try:
        while not ended():
            if hears == "broadcasts":
                neighbour.emit("/chat", "shout", 1, 10 * KB, number=1)
                assert neighbour.event("/chat")[0] == "words"
                assert neighbour.read()["type"] == "ack"
            elif hears == "answers":
                deaf.emit("/chat", "echo", "x" * 10 * KB, number=1)
            elif hears == "pongs":
                deaf.send(*["2" + "x" * 100] * 100)
            gevent.sleep(0.001)
    except (OSError, AssertionError):
        if not ended():
            wait_for(ended, "it is given up")


# Where a handler waits, and what wakes it up


class Paced(Talkative):
    """Records the ends of handlers that send more than the client reads."""

    notes: list[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.notes = []

    def on_pour(self) -> None:
        try:
            for number in range(200):
                self.emit("words", number, "x" * 50 * KB)
        finally:
            self.notes.append("poured")

    def recv_disconnect(self) -> None:
        for number in range(200):
            self.emit("words", number, "x" * 50 * KB)
        self.notes.append("left")
        super().recv_disconnect()


def waits_for_room(live: Live, client: Client) -> Any:
    """The server's side of a client, one of whose handlers waits until it reads."""
    socket = live.socket(client)

    def waits() -> bool:
        return bool(socket.transport and socket.transport.outbox.awaited)

    wait_for(waits, "the handler waits")
    return socket


def deaf_client(live: Live, kind: str) -> Client:
    options = {"receive_buffer": 4 * KIB} if "websocket" in kind else {}
    client = live.joined(kind, **options)
    client.emit("/chat", "pour")
    return client


both = pytest.mark.parametrize("kind", ["4-websocket", "4-polling"])


@both
def test_the_end_wakes_up_who_waits_and_nobody_waits_after_it(
    serve: Serve, kind: str
) -> None:
    namespace = fresh(Paced)
    live = serve({"/chat": namespace}, max_outbox=100 * KB, slow_timeout=DEADLINE)
    socket = waits_for_room(live, deaf_client(live, kind))
    socket.kill()
    wait_for(lambda: "poured" in namespace.notes, "the handler ends")
    assert sorted(namespace.notes) == ["left", "poured"]


@both
def test_a_server_that_stops_does_not_wait_for_clients_that_do_not_read(
    serve: Serve, kind: str
) -> None:
    namespace = fresh(Paced)
    live = serve(
        {"/chat": namespace},
        max_outbox=100 * KB,
        slow_timeout=DEADLINE,
        shutdown_timeout=0.2,
    )
    waits_for_room(live, deaf_client(live, kind))
    live.server.stop()
    wait_for(lambda: "poured" in namespace.notes, "the handler ends")


def test_what_waits_moves_with_an_upgrade_and_goes_on(serve: Serve) -> None:
    namespace = fresh(Paced)
    live = serve({"/chat": namespace}, max_outbox=100 * KB)
    polling: Any = deaf_client(live, "4-polling")
    waits_for_room(live, polling)
    websocket = live.websocket(polling.target.replace("polling", "websocket"))
    websocket.send("2probe")
    assert websocket.receive() == "3probe"
    # Packets that a poll brought before the upgrade are not moved.
    taken = [polling.dialect.read(each) for each in polling.poll()]
    websocket.send("5")
    while len(taken) < 200:
        taken.append(polling.dialect.read(websocket.receive()))
    assert [each["args"][0] for each in taken] == list(range(200))
    websocket.close()


class Late(Witness):
    """Emits on when its client has gone."""

    notes: list[str]

    def on_work(self) -> None:
        outbox = self.socket.transport.outbox
        while not outbox.closed:
            self.emit("progress")  # the kernel tells that its client has gone
            gevent.sleep(0.001)
        self.emit("result", object())  # which cannot be written as JSON
        self.notes.append("worked")


def test_what_is_emitted_to_who_has_gone_is_not_even_encoded(serve: Serve) -> None:
    """A client may leave thousands of events behind, of which each emits much."""
    namespace = fresh(Late)
    namespace.notes = []
    client: Any = serve({"/chat": namespace}).joined()
    client.emit("/chat", "work")
    sock = client.websocket.sock
    sock.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    wait_for(lambda: "worked" in namespace.notes, "the handler ends")


def test_several_jobs_may_wait_for_one_client(serve: Serve, kind: str) -> None:
    live = serve({"/chat": fresh(Talkative)}, max_outbox=100 * KB)
    client = live.joined(kind)
    for _ in range(10):
        client.emit("/chat", "order", 20, 10 * KB)
    words = [client.event("/chat") for _ in range(200)]
    # The words of each handler come in order.
    numbers = [number for _, number, _ in words]
    assert sorted(numbers) == sorted(list(range(20)) * 10)
    assert numbers[0] == 0


@pytest.mark.parametrize("kind", ["2-websocket", "4-websocket", "4-polling"])
def test_what_the_server_says_itself_ends_nobody(serve: Serve, kind: str) -> None:
    """After a kick, the server's own packets follow the unsent output."""
    namespace = fresh(Paced)
    live = serve({"/chat": namespace}, max_outbox=100 * KB, slow_timeout=DEADLINE)
    client = deaf_client(live, kind)
    socket = waits_for_room(live, client)
    socket["/chat"].disconnect()
    wait_for(lambda: namespace.left or "left" in namespace.notes, "it leaves")
    assert socket.disconnect_reason != "slow consumer"
