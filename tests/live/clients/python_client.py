"""python_client.py URL polling|websocket|upgrade

Does what a user of PyPI's python-socketio does. Each scenario has its own connections.
Prints one JSON object {scenario: observed}; for a scenario that did not finish,
``observed`` is {"failed": why}.
"""

from __future__ import annotations

import json
import queue
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import socketio

#: Seconds that a single step may take.
STEP = 8

TRANSPORTS = {
    "polling": ["polling"],
    "websocket": ["websocket"],
    "upgrade": ["polling", "websocket"],
}

BYTES = bytes(range(256))
TEXT = "héllo ☃ 漢字 😀 a\u2028b"

Open = Callable[..., "Client"]


class Client:
    """A connection to one namespace, and a queue for each event that arrives."""

    def __init__(self, url: str, transport: str, namespace: str) -> None:
        self.namespace = namespace
        self.answers: dict[str, Any] = {}
        self._connection = (url, TRANSPORTS[transport])
        self._arrived: dict[str, queue.Queue[tuple[Any, ...]]] = {}
        self.io = socketio.Client(reconnection=False, handle_sigint=False)
        self.io.on("*", self._arrive, namespace=namespace)
        for event in ("connect", "disconnect", "connect_error"):
            self.io.on(event, partial(self._arrive, event), namespace=namespace)

    def _arrive(self, event: str, *args: Any) -> Any:
        self._queue(event).put(args)
        return self.answers.get(event)

    def _queue(self, event: str) -> queue.Queue[tuple[Any, ...]]:
        return self._arrived.setdefault(event, queue.Queue())

    def connect(self, auth: dict[str, Any] | None = None, **headers: str) -> None:
        url, transports = self._connection
        self.io.connect(
            url,
            headers=headers,
            auth=auth,
            transports=transports,
            namespaces=[self.namespace],
            socketio_path="socketio",
            wait_timeout=STEP,
        )

    def emit(self, event: str, *args: Any) -> None:
        self.io.emit(event, args, namespace=self.namespace)

    def ask(self, event: str, *args: Any) -> Any:
        """Emit, and wait for the ack."""
        return self.io.call(event, args, namespace=self.namespace, timeout=STEP)

    def leave(self) -> None:
        """Disconnect, once the thread of python-engineio that writes has nothing left.

        While it still reads the response to a POST (the ack may be here before), it
        would end without a word to the server. Nothing public says that it waits.
        """
        while self.io.connected and not self.io.eio.queue.not_empty._waiters:  # noqa: SLF001
            time.sleep(0.01)
        self.io.disconnect()

    def next(self, event: str) -> tuple[Any, ...]:
        return self._queue(event).get(timeout=STEP)

    def has(self, event: str) -> bool:
        return not self._queue(event).empty()


def connect(open_client: Open) -> Any:
    client = open_client("/lab")
    return {"transport": client.io.transport(), "connected": client.io.connected}


def echo(open_client: Open) -> Any:
    client = open_client("/lab")
    reported, points = client.ask("report", TEXT)
    return {
        "text": reported == TEXT,
        "points": points == [ord(character) for character in TEXT],
        "object": client.ask("describe", {"parts": [1, "two", None]}),
        "several": client.ask("divide", 7, 2),
    }


def many(open_client: Open) -> Any:
    client = open_client("/lab")
    for number in range(200):
        client.emit("count", number)
    return [client.next("counted")[0] for _ in range(200)]


def client_acks(open_client: Open) -> Any:
    client = open_client("/lab")
    client.answers["question"] = ("blue", 42)
    client.emit("ask_me", "colour")
    return {"question": client.next("question"), "answered": client.next("answered")}


def server_calls(open_client: Open) -> Any:
    client = open_client("/lab")
    client.answers["question"] = "green"
    return client.ask("consult", "colour")


def messages(open_client: Open) -> Any:
    client = open_client("/lab")
    client.io.send("hello", namespace="/lab")
    client.emit("say", "hello yourself")
    return {"received": client.next("received"), "message": client.next("message")}


def bytes_both_ways(open_client: Open) -> Any:
    client = open_client("/lab")
    parcel = {"label": "fragile", "inner": [{"content": BYTES}]}
    size, unpacked = client.ask("repack", parcel, b"\xff\x00")
    stamp, repacked = client.next("repacked")
    return {
        "alone": client.ask("reverse", BYTES) == BYTES[::-1],
        "many": client.ask("reverse", BYTES * 1000) == BYTES[::-1] * 1000,
        "ack": (size, unpacked == {"content": BYTES[::-1]}),
        "event": (
            stamp == b"\xff\x00",
            repacked
            == {**parcel, "inner": [{"content": BYTES}, [{"stamp": b"\xff\x00"}]]},
        ),
    }


def bytes_in_client_ack(open_client: Open) -> Any:
    client = open_client("/lab")
    client.answers["key"] = ({"content": [b"abc"]}, b"\x00\xff")
    client.emit("fetch")
    reversed_content, key_returned = client.next("fetched")
    return (reversed_content == b"cba", key_returned)


def errors(open_client: Open) -> Any:
    client = open_client("/lab")
    seen = []
    for event, *args in (["double", "three"], ["nonsense"], ["secret"], ["boom"]):
        client.emit(event, *args)
        seen.append(client.next("error")[0])
    return {"errors": seen, "afterwards": client.ask("add", 1, 1)}


def identified(open_client: Open) -> Any:
    return open_client("/members", Cookie="user=gandalf").ask("who")


def auth(open_client: Open) -> Any:
    return open_client("/lab", auth={"token": "sesame"}).ask("auth")


def let_in(open_client: Open) -> Any:
    return open_client("/door", auth={"token": "friend"}).next("welcome")


def refused(open_client: Open) -> Any:
    """By a namespace's predicate, by ``recv_connect``, and by a missing namespace."""
    outcomes = {}
    for namespace in ("/members", "/door", "/nowhere"):
        client = open_client(namespace, wait=False)
        try:
            client.connect()
        except socketio.exceptions.ConnectionError:
            told = client.next("connect_error")
        else:
            told = ("connected",)
        stray = client.has("connect") or client.has("welcome")
        outcomes[namespace] = {"told": told, "stray": stray}
    return outcomes


def client_disconnects(open_client: Open) -> Any:
    observer, leaver = open_client("/lab"), open_client("/lab")
    name = f"python {uuid.uuid4()}"
    leaver.ask("call_me", name)
    leaver.leave()
    return {
        "left": observer.ask("has_left", name),
        "told": leaver.next("disconnect"),
        "connected": leaver.io.connected,
    }


def server_disconnects(open_client: Open) -> Any:
    client = open_client("/lab")
    client.emit("throw_me_out")
    told = client.next("disconnect")
    client.io.wait()
    return {"told": told, "connected": client.io.connected}


def room(open_client: Open) -> Any:
    speaker, listener, outsider = (open_client("/lab") for _ in range(3))
    speaker.ask("enter", "attic")
    listener.ask("enter", "attic")
    speaker.emit("tell_room", "attic", {"bytes": BYTES})
    speaker.emit("shout", "the end")
    [heard] = listener.next("heard")
    return {
        "listener": (heard == {"bytes": BYTES}, listener.next("heard")),
        "speaker": speaker.next("heard"),
        "outsider": outsider.next("heard"),
    }


SCENARIOS = [
    connect,
    echo,
    many,
    client_acks,
    server_calls,
    messages,
    bytes_both_ways,
    bytes_in_client_ack,
    errors,
    identified,
    auth,
    let_in,
    refused,
    client_disconnects,
    server_disconnects,
    room,
]


@contextmanager
def clients(url: str, transport: str) -> Iterator[Open]:
    """Opens clients that are gone at the end."""
    with ExitStack() as stack:

        def open_client(
            namespace: str,
            wait: bool = True,
            auth: dict[str, Any] | None = None,
            **headers: str,
        ) -> Client:
            client = Client(url, transport, namespace)
            stack.callback(client.leave)
            if wait:
                client.connect(auth, **headers)
            return client

        yield open_client


def play(scenario: Callable[[Open], Any], url: str, transport: str) -> Any:
    try:
        with clients(url, transport) as open_client:
            return scenario(open_client)
    except Exception as error:
        return {"failed": repr(error)}


def main() -> None:
    url, transport = sys.argv[1:]
    observed = {each.__name__: play(each, url, transport) for each in SCENARIOS}
    print(json.dumps(observed))


if __name__ == "__main__":
    main()
