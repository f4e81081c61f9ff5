"""What is kept for clients that recover: all of it can be read, and sent again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tg import MinimalApplicationConfigurator, TGController

from tests.engine.clients import wait_for
from tests.engine.conftest import Live
from tgext.socketio import SocketIOController
from tgext.socketio.backends.logs.entries import Keep
from tgext.socketio.backends.logs.memory import MemoryLog
from tgext.socketio.engine.hub.selection import Selection
from tgext.socketio.engine.mixins import BroadcastMixin
from tgext.socketio.messaging.busmessage import BusCodec
from tgext.socketio.messaging.recovery.journals import LoggedNamespace
from tgext.socketio.namespace import BaseNamespace
from tgext.socketio.wire.limits import Limits
from tgext.socketio.wire.socketio.packet import event_packet

MOST = 10

Emit = Callable[..., object]


class Chat(BroadcastMixin, BaseNamespace):
    recovery = True

    def recv_connect(self) -> None:
        count = (self.auth or {}).get("count", 0)
        self.emit("welcome", self.recovered, self.sends(self.emit, count))

    def sends(self, emit: Emit, count: int) -> str:
        try:
            emit("bytes", *[b"x"] * count)
        except TypeError as error:
            return str(error)
        return "sent"

    def on_echo(self, count: int) -> str:
        return self.sends(self.emit, count)

    def on_shout(self, count: int) -> str:
        return self.sends(self.broadcast_event, count)


class SocketIO(SocketIOController):
    chat = Chat


class Globals: ...


@pytest.fixture
def live(serve: Callable[..., Live]) -> Live:
    class RootController(TGController):
        socketio = SocketIO()

    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint(
        {"root_controller": RootController(), "app_globals": Globals}
    )
    wsgi = configurator.make_wsgi_app({}, {})
    return serve(application=wsgi, resource="socketio")


def connect(live: Live, **auth: Any) -> tuple[Any, str]:
    client = live.websocket_5()
    client.send("40/chat," + json.dumps(auth))
    answer = client.read()
    assert answer["type"] == "connect", answer
    return client, answer["data"]["pid"]


@pytest.mark.parametrize("way", ["echo", "shout"])
def test_what_was_refused_is_not_sent_later(live: Live, way: str) -> None:
    client, pid = connect(live)
    assert client.event("/chat")[0] == "bytes"
    *welcome, offset = client.event("/chat")
    assert welcome == ["welcome", False, "sent"]
    client.emit("/chat", way, MOST + 1, number=1)
    answer = client.read()
    assert "attachments" in answer["args"][0], answer
    client.websocket.close()
    wait_for(lambda: not live.server.sockets, "the end is noticed")
    client, again = connect(live, pid=pid, offset=offset)
    assert again == pid
    assert client.event("/chat")[0] == "bytes"
    assert client.event("/chat")[:3] == ["welcome", True, "sent"]


def test_who_is_being_admitted_is_not_sent_it_either(live: Live) -> None:
    client, _ = connect(live, count=MOST + 1)
    name, recovered, outcome, _ = client.event("/chat")
    assert (name, recovered) == ("welcome", False)
    assert "attachments" in outcome


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


def logged(log: MemoryLog) -> LoggedNamespace:
    codec = BusCodec("log", limits=Limits(max_attachments=MOST))
    return LoggedNamespace(log, "log", codec, Keep(100, 60))


def test_what_is_sent_to_nobody_is_not_kept(log: MemoryLog) -> None:
    record = logged(log)
    start = record.now()
    for args, fits in (([b"x"] * (MOST + 1), False), ([b"x"] * MOST, True)):
        packet = event_packet("/chat", "bytes", args)
        if fits:
            record.append(None, packet, Selection((None,)))
            continue
        with pytest.raises(TypeError, match="attachments"):
            record.append(None, packet, Selection((None,)))
    missed = record.read([None], start)
    assert missed.complete
    assert [each.packet["args"] for each in missed.entries] == [[b"x"] * MOST]


def test_a_message_that_cannot_be_read_is_missing(
    log: MemoryLog, caplog: pytest.LogCaptureFixture
) -> None:
    record = logged(log)
    start = record.now()
    for number in range(3):
        packet = event_packet("/chat", "number", [number])
        record.append(None, packet, Selection((None,)))
        if number == 1:
            log.append("log NoneType ", "not a message", Keep(100, 60))
    missed = record.read([None], start)
    assert not missed.complete
    assert [each.packet["args"] for each in missed.entries] == [[0], [1], [2]]
    assert "is lost" in caplog.text
