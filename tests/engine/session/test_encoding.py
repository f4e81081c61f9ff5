"""Events that have the name of one of the client's own, such as ``connect``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tgext.socketio.engine.namespaces.acks import AckTimeout
from tgext.socketio.engine.namespaces.base import BaseNamespace

from ..clients import KINDS, wait_for
from ..conftest import Serve
from ..sample_namespaces import Chat, fresh

LOGGER = "tgext.socketio.engine.session.encoding"

#: How an application sends an event.
WAYS: dict[str, Callable[..., Any]] = {
    "emit": lambda namespace, name: namespace.emit(name, 1),
    "callback": lambda namespace, name: namespace.emit(name, 1, callback=print),
    "send_packet": lambda namespace, name: namespace.socket.send_packet(
        {"type": "event", "name": name, "args": [1], "endpoint": "/chat"}
    ),
    "broadcast_event": lambda namespace, name: namespace.broadcast_event(name, 1),
    "emit_to_room": lambda namespace, name: [
        namespace.join("A"),
        namespace.socket.hub.rooms.broadcast(
            {"type": "event", "name": name, "args": [1], "endpoint": "/chat"}, "A"
        ),
    ],
}


class Telling(Chat):
    """Sends events with a client's own name when it is asked to."""

    #: ``initialize``, ``recv_connect`` or ``event``.
    when = "event"
    way = "emit"
    name = "connect"

    def tell(self, when: str) -> None:
        if when == self.when:
            WAYS[self.way](self, self.name)

    def initialize(self) -> None:
        self.tell("initialize")

    def recv_connect(self) -> None:
        self.tell("recv_connect")

    def on_tell(self) -> str:
        self.tell("event")
        return "told"


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name == LOGGER]


@pytest.mark.parametrize(
    ("when", "way"),
    [
        ("initialize", "emit"),
        ("initialize", "broadcast_event"),
        ("recv_connect", "emit"),
        ("recv_connect", "callback"),
        *[("event", way) for way in WAYS],
    ],
)
def test_only_0_9_clients_receive_it(
    serve: Serve, kind: str, when: str, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    namespace = fresh(Telling, when=when, way=way)
    live = serve({"/chat": namespace})
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "tell", number=1)
    if kind.startswith("0.9"):
        assert client.event("/chat") == ["connect", 1]
        assert not warnings(caplog)
    # The handler has succeeded, the connection goes on.
    assert client.read()["args"] == ["told"]
    assert client.call("/chat", "echo", 2, number=2) == [2]
    if not kind.startswith("0.9"):
        [line] = warnings(caplog)
        assert "'connect'" in line
        assert f"{namespace.__module__}.{namespace.__qualname__}" in line
        # No ack will come.
        assert not live.socket(client).ack_callbacks


def test_the_log_tells_it_once_for_a_class_and_a_name(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    first, other = fresh(Telling), fresh(Telling, name="disconnect")
    live = serve({"/chat": first, "/other": other})
    for _ in range(3):
        client = live.client()
        for endpoint in ("/chat", "/other"):
            client.join(endpoint)
            for number in (1, 2):
                assert client.call(endpoint, "tell", number=number) == ["told"]
    lines = warnings(caplog)
    assert len(lines) == 2
    assert "'connect'" in lines[0]
    assert "'disconnect'" in lines[1]


@pytest.mark.parametrize("when", ["initialize", "event"])
def test_the_log_names_the_class_that_a_function_makes(
    serve: Serve, when: str, caplog: pytest.LogCaptureFixture
) -> None:
    classes = [fresh(Telling, when=when) for _ in "ab"]

    def made_by(cls: type) -> Any:
        return lambda *args, **kwargs: cls(*args, **kwargs)

    live = serve({f"/{number}": made_by(cls) for number, cls in enumerate(classes)})
    client = live.client()
    for number, cls in enumerate(classes):
        caplog.clear()
        client.join(f"/{number}")
        assert client.call(f"/{number}", "tell") == ["told"]
        [line] = warnings(caplog)
        assert f"{cls.__module__}.{cls.__qualname__}" in line
        assert f"/{number}" in line


@pytest.mark.parametrize("kind", [each for each in KINDS if each[0] != "0"])
def test_who_waits_for_the_ack_is_told(serve: Serve, kind: str) -> None:
    told: list[Any] = []

    class Asking(BaseNamespace):
        def on_call(self) -> str:
            with pytest.raises(TypeError, match="'connect'"):
                self.call("connect")
            return "told"

        def on_ask(self) -> None:
            self.emit("connect", callback=told.append, timeout=0.01)

    live = serve({"/chat": Asking})
    client = live.client(kind)
    client.join("/chat")
    assert client.call("/chat", "call") == ["told"]
    client.emit("/chat", "ask")
    wait_for(lambda: told, "the callback is called")
    assert isinstance(told[0], AckTimeout)
    assert not live.socket(client).ack_callbacks


# What is no JSON


class Ticket:
    pass


class Unwritable(Chat):
    def on_sent(self) -> None:
        self.emit("claimed", 7, {"ticket": Ticket()})

    def on_asked(self) -> None:
        self.emit("claimed", 7, {"ticket": Ticket()}, callback=print)

    def on_broadcast(self) -> None:
        self.broadcast_event("claimed", 7, {"ticket": Ticket()})

    def on_answered(self) -> Any:
        return 7, {"ticket": Ticket()}

    def on_acked(self) -> None:
        args = 7, {"ticket": Ticket()}
        self.socket.send_packet(
            {"type": "ack", "endpoint": self.ns_name, "ackId": 3, "args": args}
        )

    def on_packet(self) -> None:
        self.socket.send_packet(
            {
                "type": "event",
                "endpoint": self.ns_name,
                "name": "claimed",
                "args": (7, {"ticket": Ticket()}),
            }
        )

    async def on_awaited(self) -> None: ...


WHERE = (
    f"argument 2, at ['ticket'], is of the type {__name__}.Ticket, which cannot be "
    "written as JSON. Send a dict, or give the class a __json__ method"
)


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
@pytest.mark.parametrize(
    ("event", "message"),
    [
        ("sent", f"event 'claimed': {WHERE}"),
        ("asked", f"event 'claimed': {WHERE}"),
        ("broadcast", f"event 'claimed': {WHERE}"),
        ("packet", f"event 'claimed': {WHERE}"),
        ("acked", f"ack 3: {WHERE}"),
        ("answered", f"answer to the event 'answered': {WHERE}"),
        (
            "awaited",
            "answer to the event 'awaited': argument 1 is of the type coroutine, which "
            "cannot be written as JSON. Nothing awaits it: define the handler with "
            "def, not async def",
        ),
    ],
)
def test_what_is_no_json_is_named_in_one_message(
    serve: Serve,
    kind: str,
    caplog: pytest.LogCaptureFixture,
    event: str,
    message: str,
) -> None:
    client = serve({"/chat": Unwritable}).client(kind)
    client.join("/chat")
    client.emit("/chat", event, number=1)
    error = ["error", "internal_error", "Internal server error"]
    assert client.event("/chat") == error
    [record] = [each for each in caplog.records if each.exc_text or each.exc_info]
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == message
    shown = caplog.handler.format(record)
    assert shown.count("Traceback (most recent call last)") == 1
