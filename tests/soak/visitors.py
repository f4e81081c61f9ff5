"""One client of the soak test: it connects, chats, and leaves in one of many ways."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from http.client import HTTPException
from socket import IPPROTO_TCP, SO_LINGER, SOL_SOCKET
from struct import pack
from typing import Any

import gevent
from gevent.event import AsyncResult
from gevent.lock import Semaphore
from gevent.queue import Empty, Queue

from tests.engine.clients import (
    KINDS,
    Client,
    PollingClient,
    WebSocket,
    WebSocketClient,
)
from tgext.socketio.wire.websocket import frames

CHAT = "/chat"

#: Seconds in which an event is answered, however busy the server is.
PATIENCE = 20.0
#: The last message of Engine.IO to a client that is disconnected.
CLOSE = "1"

#: Resets the connection, as the kernel does when a process ends.
RESET = pack("ii", 1, 0)
#: Linux' ``TCP_REPAIR``: a connection is closed without a packet, as when the network
#: is lost. Only root may set it.
TCP_REPAIR = 19

#: What clients raise when a connection has ended.
GONE = (OSError, AssertionError, HTTPException, ValueError)

ROOMS = [f"room-{number}" for number in range(50)]


class Trouble(Exception):
    """Something that should not have happened."""


def told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error!s:.200}"


class Visitor:
    """A client in ``/chat``, and the greenlet that receives for it.

    :param kind: one of ``KINDS``.
    :param seen: counts what happens.
    :param latencies: seconds that each answer took.

    :ivar ended: why the connection has ended; empty while it is open.
    """

    def __init__(
        self, port: int, kind: str, seen: Counter[str], latencies: list[float]
    ) -> None:
        self.kind = kind
        self.client: Client = KINDS[kind](port)
        self._seen = seen
        self._latencies = latencies
        self._numbers = 0
        self._waiting: dict[int, AsyncResult[Any]] = {}
        self.answers = True
        self.ended = ""
        #: A client has one connection for its POSTs.
        self._sending = Semaphore()
        self._joined: AsyncResult[Any] = AsyncResult()
        if isinstance(self.client, WebSocketClient):
            self.client.websocket.sock.settimeout(None)
        self._greenlets = [gevent.spawn(self._read)]
        if kind.startswith("2"):
            self._greenlets.append(gevent.spawn(self._ping))
        try:
            self._send(self.client.dialect.connect(CHAT))
            self._await(self._joined, f"answer of {CHAT}")
        except BaseException:
            self.forget()
            raise

    def _read(self) -> None:
        try:
            while True:
                self._take(self.client.receive())
        except GONE as error:
            self.ended = told(error)
            gone = Trouble(f"{self.kind}: ended: {self.ended}")
            for each in (self._joined, *self._waiting.values()):
                each.set_exception(gone)

    def _await(self, answer: AsyncResult[Any], what: str) -> Any:
        """Wait for an answer of the server.

        :raises Trouble: when none comes.
        """
        try:
            return answer.get(timeout=PATIENCE)
        except gevent.Timeout:
            raise Trouble(f"{self.kind}: no {what} in {PATIENCE:g} s") from None

    def _ping(self) -> None:
        """Send the pings of 1.x and 2.x clients."""
        handshake: Any = self.client.handshake  # type: ignore[attr-defined]
        try:
            while self.answers:
                gevent.sleep(handshake["pingInterval"] / 1000)
                self._send("2")
        except GONE:
            pass

    def _take(self, text: str) -> None:
        if text in ("2", "2::"):
            if self.answers:
                self._send("3" if text == "2" else text)
            return
        if text in ("3", "6", "8::"):
            return
        assert text != CLOSE, "the server ended the session"
        packet = self.client.dialect.read(text)
        if packet["type"] == "ack":
            waiting = self._waiting.pop(packet["number"], None)
            if waiting is not None:
                waiting.set(packet["args"])
        elif packet["type"] == "event" and packet["name"] == "asked":
            if self.answers:
                answer = self.client.dialect.ack(CHAT, packet["id"], ("answer",))
                self._send(answer)
        elif packet["type"] == "connect":
            assert packet["endpoint"] == CHAT, packet
            self._joined.set()
        elif packet["type"] in ("refused", "disconnect"):
            # Clients end their connection; those of 0.9 would poll in vain.
            raise AssertionError(f"the server said {text!r}")
        else:
            self._seen["heard"] += 1

    def _send(self, text: str) -> None:
        with self._sending:
            self.client.send(text)

    def call(self, name: str, *args: Any) -> Any:
        """Emit an event, and wait for its ack.

        :raises Trouble: when none comes, or another than is due.
        """
        if self.ended:
            raise Trouble(f"{self.kind}: ended: {self.ended}")
        self._numbers += 1
        waiting = self._waiting[self._numbers] = AsyncResult()
        begin = time.monotonic()
        self._send(self.client.dialect.event(CHAT, name, args, self._numbers))
        answer = self._await(waiting, f"ack of {name}")
        if name not in ("work", "ask_me"):
            self._latencies.append(time.monotonic() - begin)
        self._seen["answered"] += 1
        return answer

    def chat(self, seconds: float, pause: float) -> None:
        """Emit, join rooms and so on, for a while.

        :param pause: seconds between two events, on average.
        """
        end = time.monotonic() + seconds
        room = random.choice(ROOMS)
        self.call("enter", room)
        self.call("subscribe", "news")
        while time.monotonic() < end:
            self._do_something(room)
            gevent.sleep(random.uniform(0.2, 1.8) * pause)

    def _do_something(self, room: str) -> None:
        what = random.random()
        if what < 0.6:
            sent = f"{self.kind} {random.random()} é☃"
            got = self.call("echo", sent)
            if got != [sent]:
                raise Trouble(f"{self.kind}: {sent!r} came back as {got!r}")
        elif what < 0.8:
            self.call("tell", room, "words")
        elif what < 0.88:
            self.call("subscribe", "private", random.randrange(500))
        elif what < 0.94:
            if self.call("ask_me") != ["answer"]:
                raise Trouble(f"{self.kind}: the server did not get its ack")
        elif what < 0.999:
            self.call("work", random.uniform(0, 1))
        else:
            self.call("say", "news", "to all")

    # Endings

    def close(self) -> None:
        with self._sending:
            self.client.close()

    def leave(self) -> None:
        self._send(self.client.dialect.leave(CHAT))
        self.close()

    def reset(self) -> None:
        for sock in self._sockets():
            sock.setsockopt(SOL_SOCKET, SO_LINGER, RESET)
            sock.close()

    def vanish(self) -> None:
        """Lose the network: nothing reaches the server, not even an end."""
        for sock in self._sockets():
            sock.setsockopt(IPPROTO_TCP, TCP_REPAIR, 1)
            sock.close()

    def fall_silent(self) -> None:
        """Read, but answer nothing, until the server disconnects."""
        self.answers = False
        if isinstance(self.client, PollingClient):
            self.reset()  # polls would be answers
            return
        end = time.monotonic() + 6 * PATIENCE
        while not self.ended:
            if time.monotonic() > end:
                raise Trouble(f"{self.kind}: the server talks to one who is silent")
            gevent.sleep(0.2)
        self.client.close()

    def _sockets(self) -> list[Any]:
        client = self.client
        if isinstance(client, WebSocketClient):
            return [client.websocket.sock]
        assert isinstance(client, PollingClient)
        connections = (client.gets.connection, client.posts.connection)
        return [each.sock for each in connections if each.sock is not None]

    def forget(self) -> None:
        """Release everything that is left here."""
        gevent.killall(self._greenlets)


#: How clients leave, and the share of each way in percent.
ENDINGS: dict[str, tuple[Callable[[Visitor], None], int]] = {
    "close": (Visitor.close, 30),
    "leave": (Visitor.leave, 20),
    "reset": (Visitor.reset, 20),
    "vanish": (Visitor.vanish, 15),
    "fall silent": (Visitor.fall_silent, 15),
}


def visit(
    port: int,
    seconds: float,
    pause: float,
    seen: Counter[str],
    latencies: list[float],
) -> None:
    """Connect, chat, leave.

    :param pause: seconds between two events, on average.
    :raises Trouble: for what should not have happened.
    """
    kind = random.choice([*KINDS, "raw"])
    if kind == "raw":
        visit_raw(port, seconds, pause, seen)
        return
    try:
        stay(Visitor(port, kind, seen, latencies), seconds, pause, seen)
    except GONE as error:
        raise Trouble(f"{kind}: {told(error)}") from error


def stay(visitor: Visitor, seconds: float, pause: float, seen: Counter[str]) -> None:
    """Chat, and leave in one of the ways."""
    name = random.choices(list(ENDINGS), [share for _, share in ENDINGS.values()])[0]
    seen["came"] += 1
    try:
        visitor.chat(seconds, pause)
        try:
            ENDINGS[name][0](visitor)
        except GONE:
            pass  # while it says goodbye something else may arrive
        seen[name] += 1
    finally:
        visitor.forget()


def read_raw(client: WebSocket, messages: Queue[tuple[int, Any]]) -> None:
    """Read messages, and answer pings, also while nothing is sent."""
    try:
        while True:
            message = client.receive_frame()
            if message[0] == frames.PING:
                client.send_frame(frames.PONG, b"")
            else:
                messages.put(message)
    except GONE as error:
        messages.put((frames.CLOSE, told(error)))


def visit_raw(port: int, seconds: float, pause: float, seen: Counter[str]) -> None:
    """A plain WebSocket, that closes or is reset."""
    client = WebSocket(port, "/raw")
    if client.status != 101:
        raise Trouble(f"raw: refused with {client.status}")
    seen["came"] += 1
    messages: Queue[tuple[int, Any]] = Queue()
    reader = gevent.spawn(read_raw, client, messages)
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            sent = str(random.random())
            client.send(sent)
            message = messages.get(timeout=PATIENCE)
            if message[1] != sent:
                raise Trouble(f"raw: {message} came instead of {sent!r}")
            gevent.sleep(random.uniform(0.2, 1.8) * pause)
    except Empty:
        raise Trouble(f"raw: no message in {PATIENCE:g} s") from None
    finally:
        reader.kill()
    if random.random() < 0.5:
        client.sock.setsockopt(SOL_SOCKET, SO_LINGER, RESET)
    client.close()
    seen["raw"] += 1
