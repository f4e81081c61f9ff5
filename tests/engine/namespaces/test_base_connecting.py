"""Connecting: what a namespace knows of a client, and how it refuses one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from tgext.socketio.engine.namespaces.base import BaseNamespace, ConnectionRefused

from ..clients import DEADLINE, KINDS, wait_for
from ..conftest import Serve
from ..sample_namespaces import Chat, Echo, Holding, fresh

# Connecting


def test_initialize_is_called_once_for_each_class_that_defines_it(
    serve: Serve, kind: str
) -> None:
    calls: list[str] = []

    class First(BaseNamespace):
        def initialize(self) -> None:
            calls.append("First")

    class Mixin:
        def initialize(self) -> None:
            calls.append("Mixin")

    class Without(First):
        pass

    class Last(Without, Mixin):
        def initialize(self) -> None:
            assert self.ns_name == "/chat"
            calls.append("Last")

        def recv_connect(self) -> None:
            self.emit("calls", calls)

    client = serve({"/chat": Last}).client(kind)
    client.join("/chat")
    assert client.event("/chat") == ["calls", ["Last", "First", "Mixin"]]


def test_what_a_namespace_knows_when_it_is_joined(serve: Serve, kind: str) -> None:
    class Knowing(BaseNamespace):
        def recv_connect(self) -> None:
            known = [
                self.ns_name,
                self.environ["REQUEST_METHOD"],
                self.socket["/chat"] is self,
                "/chat" in self.socket,
                "/other" in self.socket,
                self.session is self.socket.session,
                self.jobs,
                self.allowed_methods,
                self.disconnect_reason,
            ]
            self.emit("known", *known)

    client = serve({"/chat": Knowing}).client(kind)
    client.join("/chat")
    assert client.event("/chat") == [
        "known",
        "/chat",
        "GET",
        True,
        True,
        False,
        True,
        [],
        None,
        None,
    ]


class Authorized(BaseNamespace):
    def authorize_connect(self) -> None:
        if self.auth is not None and self.auth.get("token") != "sesame":
            raise ConnectionRefused("Who are you?", {"token": "wrong"})

    def recv_connect(self) -> None:
        self.emit("welcome", self.auth)


@pytest.mark.cites(
    "Socket.IO 5, Connection to a namespace 1",
    "Socket.IO 5, Connection to a namespace 5",
)
@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("40/chat,", ["welcome", None]),
        ('40/chat,{"token":"sesame"}', ["welcome", {"token": "sesame"}]),
    ],
)
def test_a_4_x_client_says_who_it_is(serve: Serve, text: str, answer: Any) -> None:
    client = serve({"/chat": Authorized}).client()
    client.send(text)
    assert client.read()["type"] == "connect"
    assert client.event("/chat") == answer


def test_a_0_9_client_says_nothing_of_itself(serve: Serve) -> None:
    client = serve({"/chat": Authorized}).client("0.9-websocket")
    client.join("/chat")
    assert client.event("/chat") == ["welcome", None]


def refuse(self: BaseNamespace) -> None:
    raise ConnectionRefused("Who are you?", {"login": "/login"})


def refuse_briefly(self: BaseNamespace) -> None:
    raise ConnectionRefused


def fail(self: BaseNamespace) -> None:
    raise RuntimeError("the password is sesame")


def time_out(self: BaseNamespace) -> None:
    raise gevent.Timeout


@pytest.mark.cites(
    "Socket.IO 1, Connect 2",
    "Socket.IO 1, Error 1",
    "Socket.IO 4, ERROR 1",
    "Socket.IO 4, Non-default namespace 1",
    "Socket.IO 5, Connection to a namespace 2",
    "Socket.IO 5, Difference between v5 and v4 3",
)
@pytest.mark.parametrize("method", ["authorize_connect", "initialize", "recv_connect"])
@pytest.mark.parametrize(
    ("reason", "answer"),
    [
        (refuse, {"message": "Who are you?", "data": {"login": "/login"}}),
        (refuse_briefly, {"message": "Connection refused"}),
        (fail, {"message": "Internal server error"}),
        (time_out, {"message": "Internal server error"}),
    ],
)
def test_a_namespace_refuses_a_client(
    serve: Serve,
    kind: str,
    method: str,
    reason: Callable[[BaseNamespace], None],
    answer: Any,
) -> None:
    calls: list[str] = []

    class Refusing(Echo):
        def recv_connect(self) -> None:
            calls.append("recv_connect")

        def recv_disconnect(self) -> None:
            calls.append("recv_disconnect")

    setattr(Refusing, method, reason)
    live = serve({"/chat": Refusing, "/other": Echo})
    client = live.client(kind)
    client.send(client.dialect.connect("/chat"))
    if kind.startswith("0.9"):
        # The client knows three reasons, of which this is "unauthorized".
        assert client.receive() == "7::/chat:2"
    else:
        if kind.startswith("2"):
            # Clients 1.x and 2.x get the data, or the message if there is no data.
            answer = answer.get("data", answer["message"])
        assert client.read() == {
            "type": "refused",
            "endpoint": "/chat",
            "data": answer,
        }
    # The client is not in the namespace, and the connection goes on.
    client.emit("/chat", "echo")
    assert client.event("/chat")[:2] == ["error", "no_such_namespace"]
    assert "/chat" not in live.socket(client)
    client.join("/other")
    client.close()
    live.expect_nothing_left()
    assert calls == []


# Refusals in recv_connect


def refusals(kind: str, message: str) -> str:
    """The packets for a client that ``/chat`` refuses with a message."""
    return {
        "0": "7::/chat:2",
        "2": f'44/chat,"{message}"',
        "4": f'44/chat,{{"message":"{message}"}}',
    }[kind[0]]


def test_a_client_that_recv_connect_refuses_sees_nothing_but_the_refusal(
    serve: Serve, kind: str
) -> None:
    jobs: list[gevent.Greenlet[..., Any]] = []
    calls: list[str] = []

    class Refusing(Chat):
        def recv_connect(self) -> None:
            self.join("lobby")
            jobs.append(self.spawn(gevent.sleep, DEADLINE))
            self.emit("welcome", 1)
            self.broadcast_event("came")
            raise ConnectionRefused("Who are you?")

        def recv_disconnect(self) -> None:
            calls.append("recv_disconnect")

    live = serve({"/chat": Refusing, "/other": Echo})
    client = live.client(kind)
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    assert client.receive() == refusals(kind, "Who are you?")
    socket = live.socket(client)
    assert "/chat" not in socket
    rooms = live.server.rooms
    assert rooms.members("/chat") == rooms.members("/chat", "lobby") == []
    wait_for(lambda: jobs[0].dead, "the job ends")
    # The connection goes on.
    assert client.call("/other", "echo", 1) == [1]
    assert calls == []


def test_what_recv_connect_sends_follows_the_connect(serve: Serve, kind: str) -> None:
    class Welcoming(Chat):
        def recv_connect(self) -> None:
            self.emit("welcome", 1)
            self.broadcast_event("came")

    client = serve({"/chat": Welcoming}).client(kind)
    client.join("/chat")
    assert client.event("/chat") == ["welcome", 1]
    assert client.event("/chat") == ["came"]


def test_a_recv_connect_that_asks_its_client_connects_it_first(
    serve: Serve, kind: str
) -> None:
    class Asking(Echo):
        def recv_connect(self) -> None:
            self.emit("before")
            self.emit("after", self.call("question", timeout=2))

    client = serve({"/chat": Asking}).client(kind)
    client.join("/chat")
    assert client.event("/chat") == ["before"]
    question = client.read()
    assert question["name"] == "question"
    client.ack("/chat", question["id"], "fine")
    assert client.event("/chat") == ["after", "fine"]
    assert client.call("/chat", "echo", 1) == [1]


@pytest.mark.parametrize("kind", [each for each in KINDS if each[0] != "4"])
def test_the_main_namespace_may_ask_its_client_when_it_connects(
    serve: Serve, kind: str
) -> None:
    """Clients up to 2.x are in it from the start."""

    class Asking(Echo):
        def recv_connect(self) -> None:
            self.emit("after", self.call("question", timeout=1))

    client = serve({"": Asking}).client(kind)
    question = client.read()
    assert question["name"] == "question"
    client.ack("", question["id"], "fine")
    assert client.event("") == ["after", "fine"]


@pytest.mark.parametrize("kind", [each for each in KINDS if each[0] != "4"])
def test_clients_up_to_2_x_are_in_the_main_namespace_whatever_they_use(
    serve: Serve, kind: str
) -> None:
    """They hear its broadcasts, so it decides about them when they connect."""
    calls: list[str] = []

    class Main(Chat):
        def initialize(self) -> None:
            calls.append("initialize")

        def recv_connect(self) -> None:
            calls.append("recv_connect")

    live = serve({"": Main, "/chat": Echo})
    client = live.client(kind)
    client.join("/chat")
    assert calls == ["initialize", "recv_connect"]
    live.socket(client)[""].broadcast_event("told")  # type: ignore[attr-defined]
    assert client.event("") == ["told"]
    assert client.call("/chat", "echo", 1) == [1]


def test_a_recv_connect_may_leave_again(serve: Serve, kind: str) -> None:
    class Leaving(Echo):
        def recv_connect(self) -> None:
            self.emit("sorry")
            self.disconnect()

    client = serve({"/chat": Leaving, "/other": Echo}).client(kind)
    client.join("/other")
    client.join("/chat")
    assert client.event("/chat") == ["sorry"]
    assert client.read() == {"type": "disconnect", "endpoint": "/chat"}
    assert client.call("/other", "echo", 1) == [1]


def test_a_client_that_recv_connect_throws_out_is_told(serve: Serve, kind: str) -> None:
    """Without an answer, clients would connect again and again; clients 0.9 do."""

    class Leaving(Echo):
        def recv_connect(self) -> None:
            self.emit("sorry")
            self.socket.disconnect()

    live = serve({"/chat": Leaving})
    client = live.client(kind)
    client.join("/chat")
    assert client.event("/chat") == ["sorry"]
    if not kind.startswith("0.9"):
        assert client.read() == {"type": "disconnect", "endpoint": "/chat"}
    wait_for(lambda: not live.server.sockets, "the session ends")


def test_what_is_for_other_namespaces_is_not_lost_with_a_refusal(
    serve: Serve, kind: str
) -> None:
    namespace = fresh(Holding)

    class Refusing(Echo):
        def recv_connect(self) -> None:
            namespace.entered.set()
            assert namespace.go_on.wait(DEADLINE)
            raise ConnectionRefused("No")

    live = serve({"/chat": Refusing, "/other": Chat})
    client, neighbour = live.client(kind), live.client()
    for each in (client, neighbour):
        each.join("/other")
    client.send(client.dialect.connect("/chat"))
    assert namespace.entered.wait(DEADLINE)
    neighbour.call("/other", "shout to others", 1)
    namespace.go_on.set()
    answers = []
    while not answers or answers[-1] != refusals(kind, "No"):
        answers.append(client.receive())
    events = [client.dialect.read(each) for each in answers[:-1]]
    assert [(each["endpoint"], each["args"]) for each in events] == [("/other", [1])]


def test_a_failing_constructor_refuses_too(serve: Serve, kind: str) -> None:
    class Broken(BaseNamespace):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            raise RuntimeError("the password is sesame")

    client = serve({"/chat": Broken, "/other": Echo}).client(kind)
    client.send(client.dialect.connect("/chat"))
    packet = client.read()
    assert packet["type"] == "refused"
    assert "sesame" not in str(packet)
    client.join("/other")
