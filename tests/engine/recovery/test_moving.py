"""Sessions that another process had: with a list in the place of what all share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tgext.socketio.engine.hub.roomkeys import ChannelRoom, SocketRoom
from tgext.socketio.engine.recovery.kept import Kept, Read
from tgext.socketio.engine.recovery.record import Position, Start
from tgext.socketio.engine.recovery.spans import Spans
from tgext.socketio.wire.socketio.packet import Packet, event_packet

from ..conftest import Live
from .servers import Chat, Server

PID = "p" * 22


class Bus:
    """Hears all rooms, or none."""

    hears = True

    def listen(self, endpoint: str, room: Any) -> None: ...
    def unlisten(self, endpoint: str, room: Any) -> None: ...
    def publish(self, packet: Any, receivers: Any) -> None: ...
    def close(self) -> None: ...

    def wait(self, endpoint: str, rooms: Any) -> bool:
        return self.hears


class Shared:
    """What another process has written of one session."""

    def __init__(self, since: int = 0) -> None:
        spans = Spans(0)
        for each in (None, "lobby", SocketRoom("sid")):
            spans.begin(each, 3)
        start = Start(Position("there", 3))
        self.kept: Any = Kept(None, "sid", start, since, spans, {"a": 1}, {}, False)
        self.missed: Any = [
            ("lobby", event_packet("/chat", "said", (each,))) for each in ("one", "two")
        ]
        self.after: list[int] = []
        self.forgotten: list[str] = []
        self.saved: set[Any] = set()
        self.channels: dict[str, str] = {}
        self.here = True

    def take(self, pid: str, user: Any) -> Any:
        kept, self.kept = self.kept, None
        return kept if pid == PID else None

    def read(self, kept: Any, places: Any, after: Position, until: Position) -> Any:
        self.after.append(after.number)
        return None if self.missed is None else Read(self.missed, ("", 0))

    def has(self, session: Any) -> bool:
        return self.here

    def hear(self, kept: Any) -> Any:
        self.channels = dict(kept.channels)
        return self.channels.clear

    def command(self, target: Any, room: Any) -> None: ...

    def forget(self, pid: str) -> None:
        self.forgotten.append(pid)

    def save(self, session: Any) -> None:
        self.saved.add(session)

    def remove(self, session: Any) -> None: ...
    def keep(self, room: Any, packet: Any) -> None: ...
    def wait(self) -> None: ...
    def close(self) -> None: ...


@pytest.fixture
def server(serve: Callable[..., Live]) -> Server:
    server = Server(serve)
    server.connect()  # makes the journal
    bus: Any = Bus()
    server.live.server.hub.rooms.bus = bus
    return server


def test_what_was_missed_is_numbered_anew(server: Server) -> None:
    shared = server.journal.shared = Shared()
    client, pid = server.connect(PID, "there-5")
    assert pid == PID
    events = [client.event("/chat") for _ in range(3)]
    assert [each[:2] for each in events] == [
        ["said", "one"],
        ["said", "two"],
        ["welcome", True],
    ]
    assert shared.after == [5]
    assert len(shared.saved) == 1
    # It is cut while it is sent what it missed, and comes back to this process.
    back, again = server.connect(PID, events[0][-1])
    assert again == PID
    assert back.event("/chat")[:2] == ["said", "two"]
    # It has received nothing of this process, and gives the old position.
    back, again = server.connect(PID, "there-5")
    assert again == PID
    assert back.event("/chat")[:2] == ["said", "one"]


def test_it_has_received_more_where_it_was(server: Server) -> None:
    """Its process did not know that another one has the session, and went on."""
    server.journal.shared = Shared()
    _, pid = server.connect(PID, "there-5-2")
    assert pid == PID
    # Its connection was cut before it heard of that; its first process sent it more.
    client, pid = server.connect(PID, "there-7-4")
    assert pid != PID
    assert client.event("/chat")[:2] == ["welcome", False]
    # It gives this position until it has received an event of the new session.
    back, again = server.connect(pid, "there-7-4")
    assert again == pid
    assert [back.event("/chat")[1] for _ in range(2)] == [False, True]


def test_what_it_got_there_before_others_heard_it(server: Server) -> None:
    """Its first process sends to its own clients at once; the broker was away."""
    shared = server.journal.shared = Shared()
    shared.missed = []
    client, pid = server.connect(PID, "there-5-2")
    assert pid == PID
    assert client.event("/chat")[:2] == ["welcome", True]
    for number in (5, 6):
        packet: Packet = {
            **event_packet("/chat", "said", (number,)),
            "position": f"there-{number}-2",
        }
        server.live.server.hub.rooms.hear(packet, None)
    assert client.event("/chat")[:2] == ["said", 6]
    back, again = server.connect(PID, None)
    assert again == PID
    assert [back.event("/chat")[:2] for _ in range(2)] == [
        ["said", 6],
        ["welcome", True],
    ]


def test_another_process_took_it_and_ended(server: Server) -> None:
    shared = server.journal.shared = Shared()
    server.connect(PID, "there-5")
    assert len(server.journal) == 2
    shared.here = False
    _, again = server.connect(PID, "elsewhere-7")
    assert again != PID
    assert len(server.journal) == 2


def test_the_log_does_not_have_all(server: Server) -> None:
    shared = server.journal.shared = Shared()
    shared.missed = None
    assert_new(server, shared)


def test_its_messages_were_kept_in_its_process_alone(server: Server) -> None:
    assert_new(server, Shared(since=6))


def test_its_rooms_are_not_heard(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bus, "hears", False)
    assert_new(server, Shared())


def assert_new(server: Server, shared: Shared) -> None:
    server.journal.shared = shared
    client, pid = server.connect(PID, "there-5")
    assert pid != PID
    assert client.event("/chat")[:2] == ["welcome", False]
    assert shared.forgotten == [PID]


def hears(shared: Shared, *channels: str) -> None:
    """The client heard channels."""
    for each in channels:
        shared.kept.spans.begin(ChannelRoom(each), 3)


def test_it_was_killed_while_the_client_subscribed(server: Server) -> None:
    """It may not have been sent what a subscriber is sent first."""
    shared = server.journal.shared = Shared()
    hears(shared, "news", "sport")
    shared.kept = shared.kept._replace(channels={"news": "news"})
    assert_new(server, shared)


def test_channels_are_heard_until_the_client_hears_them(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what was noted, only those to which its subscription has not ended."""
    heard: list[Any] = []

    def hear_again(namespace: Any, channels: Any) -> bool:
        heard.append((dict(channels), dict(shared.channels)))
        return False

    monkeypatch.setattr(Chat, "_tgsio_hears_again", hear_again)
    shared = server.journal.shared = Shared()
    hears(shared, "news")
    shared.kept = shared.kept._replace(channels={"news": "asked", "gone": "gone"})
    client, pid = server.connect(PID, "there-5")
    assert heard == [({"news": "asked"}, {"news": "asked"})]
    assert pid != PID
    assert client.event("/chat")[:2] == ["welcome", False]
    assert shared.channels == {}
