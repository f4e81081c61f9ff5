"""What a namespace sends by others while it connects a client arrives in order."""

from __future__ import annotations

from typing import Any

import gevent
import pytest

from ..clients import DEADLINE
from ..conftest import Serve
from ..sample_namespaces import Chat, Echo, fresh
from .gates import expect_refusal, refused, serve_around

OTHERS = ["/other", ""]


class Both(Chat):
    """Sends by itself and by another namespace, in turns."""

    step = "recv_connect"
    other = "/other"

    made: list[Any]

    def initialize(self) -> None:
        self.made.append(self)
        self.take("initialize")

    def recv_connect(self) -> None:
        self.take("recv_connect")

    def take(self, step: str) -> None:
        if step == self.step:
            self.tell(self.socket[self.other])

    def tell(self, other: Any) -> None:
        self.emit("first")
        other.emit("second", 1)
        self.emit("third")
        other.broadcast_event("fourth")
        other.send("fifth")
        self.socket.send_packet(
            {"type": "event", "name": "sixth", "endpoint": self.other}
        )
        self.emit("last")

    def told(self) -> list[tuple[str, str]]:
        """The names of what is sent, each with its namespace."""
        other = self.other
        return [
            ("/chat", "first"),
            (other, "second"),
            ("/chat", "third"),
            (other, "fourth"),
            (other, "message"),
            (other, "sixth"),
            ("/chat", "last"),
        ]


def read(client: Any, number: int) -> list[tuple[str, str]]:
    packets = [client.read() for _ in range(number)]
    return [(each["endpoint"], each.get("name") or each["type"]) for each in packets]


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("step", ["initialize", "recv_connect"])
def test_it_follows_what_was_sent_before(
    serve: Serve, kind: str, step: str, other: str
) -> None:
    namespace = fresh(Both, step=step, other=other, made=[])
    live = serve({"/chat": namespace, "": Chat, "/other": Chat})
    client = live.client(kind)
    if other or kind.startswith("4"):
        client.join(other)
    client.send(client.dialect.connect("/chat"))
    assert read(client, 8) == [("/chat", "connect"), *namespace.made[0].told()]
    for endpoint in ("/chat", other):
        assert client.call(endpoint, "echo", 1) == [1]


def test_a_namespace_that_is_left_meanwhile(serve: Serve, kind: str) -> None:
    class Moving(Echo):
        def recv_connect(self) -> None:
            self.emit("first")
            self.socket["/other"].emit("second")
            self.socket["/other"].disconnect()
            self.emit("last")

    client = serve({"/chat": Moving, "/other": Echo}).client(kind)
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    assert read(client, 5) == [
        ("/chat", "connect"),
        ("/chat", "first"),
        ("/other", "second"),
        ("/other", "disconnect"),
        ("/chat", "last"),
    ]


def test_after_the_answer_it_is_sent_at_once(serve: Serve, kind: str) -> None:
    class Asking(Echo):
        def recv_connect(self) -> None:
            self.socket["/other"].emit("first")
            self.call("question", timeout=DEADLINE)
            self.socket["/other"].emit("second")
            self.emit("last")

    client = serve({"/chat": Asking, "/other": Echo}).client(kind)
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    assert read(client, 2) == [("/chat", "connect"), ("/other", "first")]
    client.ack("/chat", client.read()["id"])
    assert read(client, 2) == [("/other", "second"), ("/chat", "last")]


def test_after_its_own_disconnect_it_still_waits(serve: Serve, kind: str) -> None:
    class Leaving(Echo):
        def recv_connect(self) -> None:
            self.emit("first")
            self.disconnect()
            self.socket["/other"].emit("second")

    client = serve({"/chat": Leaving, "/other": Echo}).client(kind)
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    assert read(client, 4) == [
        ("/chat", "connect"),
        ("/chat", "first"),
        ("/other", "second"),
        ("/chat", "disconnect"),
    ]


def test_a_refused_client_gets_what_other_namespaces_sent(
    serve: Serve, kind: str
) -> None:
    class Refusing(Echo):
        def recv_connect(self) -> None:
            self.emit("first")
            self.socket["/other"].emit("second")
            refused(self)

    client = serve({"/chat": Refusing, "/other": Echo}).client(kind)
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    assert client.event("/other") == ["second"]
    expect_refusal(client, kind, "No")
    assert client.call("/other", "echo", 1) == [1]


def test_an_attempt_that_is_repeated_sends_it_once(serve: Serve, kind: str) -> None:
    def around(function: Any, *args: Any) -> Any:
        if function.__name__ == "_greet":
            function(*args)
        return function(*args)

    namespace = fresh(Both, made=[])
    live = serve_around(serve, namespace, around)
    client = live.client(kind)
    client.join("/other")
    namespace.tell = lambda self, other: other.emit("second")
    client.send(client.dialect.connect("/chat"))
    assert read(client, 2) == [("/chat", "connect"), ("/other", "second")]
    assert client.call("/chat", "echo", 1) == [1]


def test_what_other_greenlets_send_does_not_wait(serve: Serve, kind: str) -> None:
    class Patient(Echo):
        def recv_connect(self) -> None:
            gevent.spawn(self.socket["/other"].emit, "first").join()
            self.emit("second")

    client = serve({"/chat": Patient, "/other": Echo}).client(kind)
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    assert read(client, 3) == [
        ("/other", "first"),
        ("/chat", "connect"),
        ("/chat", "second"),
    ]


def test_it_is_bounded_too(serve: Serve, kind: str) -> None:
    class Flooding(Echo):
        def recv_connect(self) -> None:
            while True:
                self.socket["/other"].emit("flood", "x" * 1000)

    live = serve({"/chat": Flooding, "/other": Echo}, max_outbox=20_000)
    client = live.client(kind)
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    packet = client.read()
    while packet["type"] == "event":
        packet = client.read()
    assert (packet["type"], packet["endpoint"]) == ("refused", "/chat")
    assert client.call("/other", "echo", 1) == [1]
