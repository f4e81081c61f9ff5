"""Clients that come back to another process than the one that had their connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest
from gevent.event import Event

from tests.engine.clients import wait_for
from tests.redis_server import RedisServer
from tgext.socketio.backends.errors import BrokerUnavailable
from tgext.socketio.engine.mixins import BroadcastMixin
from tgext.socketio.messaging.cluster import publish_elsewhere
from tgext.socketio.messaging.recovery import records, sessions
from tgext.socketio.messaging.recovery.sharedlog import SharedLog, Written
from tgext.socketio.presence import PresenceMixin
from tgext.socketio.wire.socketio.packet import event_packet

from .processes import Start, at, cluster_at, processes
from .readers import Kept, Readers, Reading

__all__ = ["processes"]


class Chat(Reading, BroadcastMixin, PresenceMixin):
    def on_say(self, room: str, number: int) -> None:
        self.emit_to_room(room, "said", number)

    def on_shout_to_others(self, number: int) -> None:
        self.broadcast_event_not_me("shouted", number)

    def on_echo(self, *numbers: int) -> None:
        for each in numbers:
            self.emit("echo", each)

    def on_echo_and_change(self, values: list[int]) -> None:
        self.emit("echo", values)
        values.append(0)

    def on_put(self, name: str, value: Any) -> None:
        self.session[name] = value

    def on_track(self, room: str) -> None:
        self.track(room, mood="well")

    def on_look(self) -> Any:
        values = {k: v for k, v in self.session.items() if k != "rooms"}
        return [self.recovered, sorted(map(str, self.rooms)), self.channels, values]


class History(Kept, Chat): ...


@pytest.fixture
def start(processes: Start) -> Start:
    """Starts a process, with a chat if nothing else is asked for."""

    def start(cls: type[Reading] = Chat, **settings: Any) -> Readers:
        return processes(cls, **settings)

    return start


def test_all_of_it_comes_back(start: Start) -> None:
    here, there = start(), start()
    ann, bob = here.join(), there.join()
    ann.call("enter", "lobby")
    ann.call("put", "name", "Ann")
    bob.call("say", "lobby", 1)
    assert ann.read() == [1]
    ann.call("echo", 2)
    assert ann.heard == [1, 2]
    ann.cut()
    bob.call("say", "kitchen", 0)
    for number in range(3, 6):
        bob.call("say", "lobby", number)
    back = at(there, ann)
    assert back.recovered
    assert back.sid == ann.sid
    assert back.read(3) == [3, 4, 5]
    assert back.call("look") == [True, ["lobby"], [], {"name": "Ann"}]
    bob.call("say", "lobby", 6)
    assert back.read() == [6]
    assert len(here.journal) == 0


def test_before_its_end_was_noticed(start: Start) -> None:
    """The process that has the connection ends it, and gives the session."""
    here, there = start(), start()
    ann, bob = here.join(), there.join()
    ann.call("enter", "lobby")
    sid = ann.client.sid
    ann.call("echo", 1, 2)
    ann.offset = None  # it has received nothing
    bob.call("say", "lobby", 3)
    back = at(there, ann)
    assert back.recovered
    assert back.read(3) == [1, 2, 3]
    assert sid not in here.live.server.sockets


def test_its_process_does_not_answer_in_time(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it is sending may arrive later, and would be heard twice."""
    here, there = start(), start()
    ann, bob = here.join(), there.join()
    monkeypatch.setattr(sessions, "PATIENCE", 0.05)
    sent = Event()
    [rooms] = [each for each in here.live.server.hub.all_rooms if each.journals]
    monkeypatch.setattr(rooms.bus, "flush", sent.wait)
    back = at(there, ann)
    assert not back.recovered
    sent.set()
    bob.call("say", "lobby", 1)


def test_one_session_that_cannot_be_written(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    """It is one of its process only; the others are written."""
    here, there = start(), start()
    ann, bob, eve = here.join(), here.join(), here.join()
    ann.call("put", "large", "x" * records.MOST)
    here.live.socket(eve.client).session |= {5: "a number", "set": {1}, "bytes": b""}
    assert eve.call("put", "kept", [1]) is None
    for each in (ann, bob, eve):
        each.cut()
    here.journal.flush()
    assert not at(there, ann).recovered
    assert at(there, bob).recovered
    assert at(there, eve).call("look")[3] == {"kept": [1]}
    assert "can recover in this process only: it has 262" in caplog.text


def test_its_process_was_stopped(start: Start) -> None:
    here, there = start(), start()
    ann, bob = here.join(), there.join()
    ann.call("enter", "lobby")
    ann.call("put", "name", "Ann")
    here.live.server.stop(timeout=1)
    bob.call("say", "lobby", 1)
    back = at(there, ann)
    assert back.read() == [1]
    assert back.call("look") == [True, ["lobby"], [], {"name": "Ann"}]


def test_its_process_was_stopped_while_it_wrote(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = start(), start()
    ann, _ = here.join(), there.join()
    before = ann.offset
    here.journal.flush()
    append, written = SharedLog.append, []

    def append_later(self: SharedLog, entry: Written) -> None:
        written.append(entry)
        if len(written) == 1:
            Event().wait()
        append(self, entry)

    monkeypatch.setattr(SharedLog, "append", append_later)
    ann.call("echo", 1)
    wait_for(lambda: written, "the message is being written")
    here.live.server.stop(timeout=1)
    assert written == [written[0]] * 2
    ann.offset = before
    assert at(there, ann).read() == [1]


def test_its_own_messages_are_not_sent_to_it(start: Start) -> None:
    here, there = start(), start()
    ann, bob = here.join(), there.join()
    ann.call("shout_to_others", 1)
    assert bob.read() == [1]
    bob.call("shout_to_others", 2)
    ann.cut()
    back = at(there, ann)
    assert back.read() == [2]
    assert back.call("look")[0] is True


def test_it_goes_on_and_comes_back_again(start: Start) -> None:
    processes = [start(), start(), start()]
    bob = processes[0].join()
    ann = processes[1].join()
    ann.call("enter", "lobby")
    for number in range(0, 12, 3):
        bob.call("say", "lobby", number)
        assert ann.read() == [number]
        ann.cut()
        bob.call("say", "lobby", number + 1)
        bob.call("say", "lobby", number + 2)
        ann = at(processes[number // 3 % 3], ann)
        assert ann.recovered
        # The last one is lost on the way, and sent again.
        assert ann.read() == [number + 1]
        ann.cut()
        ann = at(processes[number // 3 % 3], ann)
        assert ann.recovered
        assert ann.read() == [number + 2]


def test_rooms_are_as_they_were_left(start: Start) -> None:
    here, there = start(), start()
    ann, bob = here.join(), there.join()
    for room in ("a", "b"):
        ann.call("enter", room)
    ann.call("exit", "a")
    ann.cut()
    bob.call("say", "a", 0)
    bob.call("say", "b", 1)
    back = at(there, ann)
    assert back.read() == [1]
    assert back.call("look")[1] == ["b"]


def test_old_messages_of_a_room_that_nobody_heard_here(start: Start) -> None:
    """They were sent before the client came into the room."""
    here, there = start(), start()
    ann, bob = here.join(), there.join()
    for number in range(3):
        bob.call("say", "attic", number)
    ann.call("enter", "attic")
    ann.cut()
    bob.call("say", "attic", 3)
    assert at(there, ann).read() == [3]


@pytest.mark.parametrize("cls", [Chat, History])
def test_channels(start: Start, cls: type[Reading]) -> None:
    here, there = start(cls), start(cls)
    there.publish("news", 0)
    ann = here.join().hear("news")
    there.publish("news", 1)
    assert ann.read() == [1]
    ann.cut()
    there.publish("news", 2)
    there.publish("other", 0)
    there.publish("news", 3)
    back = at(there, ann)
    assert back.recovered
    assert back.read(2) == [2, 3]
    there.publish("news", 4)
    assert back.read() == [4]
    form = ["news", str] if cls is History else []
    for each in back.positions:
        assert [type(part) if type(part) is str else part for part in each[1:]] == (
            form[1:]
        )
        assert each[:1] == form[:1]
    assert back.call("channels") == ["news"]


def test_presence(start: Start) -> None:
    here, there = start(), start()
    ann = here.join()
    ann.call("enter", "lobby")
    ann.call("track", "lobby")
    ann.call("look")
    ann.cut()
    back = at(there, ann)
    assert back.call("look")[0] is True
    [rooms] = [each for each in there.live.server.hub.all_rooms if each.journals]
    wait_for(lambda: bool(rooms.watchers), "it is present")


@pytest.mark.parametrize("taken_out", [True, False], ids=["taken out", "dismissed"])
def test_a_command_while_it_was_away(start: Start, taken_out: bool) -> None:
    here, there = start(), start()
    ann, bob = here.join(), there.join()
    ann.call("enter", "lobby")
    ann.cut()
    namespace = there.live.socket(bob.client).active_ns["/chat"]
    target = namespace.socket_by_id(ann.sid)
    if taken_out:
        target.leave("lobby")
    else:
        target.disconnect("banned")
    back = at(there, ann)
    assert back.recovered is taken_out
    assert back.call("look")[1] == []


#: Who has a session, as Redis knows it.
KEY = "tgext.socketio/cluster/recovery/"


def test_nothing_is_left(start: Start, redis: RedisServer) -> None:
    here = start()
    ann = here.join()
    wait_for(lambda: len(redis.client.keys(f"{KEY}*")) == 1, "the session is written")
    [key] = redis.client.keys(f"{KEY}*")
    assert ann.pid not in key
    assert redis.client.pttl(key) > 0
    ann.client.send("41/chat,")  # it leaves
    wait_for(lambda: redis.client.keys(f"{KEY}*") == [], "it is removed")


def test_a_process_that_is_heard_no_more(start: Start) -> None:
    """Its session is taken at once: Redis knows that nobody hears the question."""
    here, there = start(), start()
    ann, bob = here.join(), there.join()
    ann.call("enter", "lobby")
    ann.call("echo", 1)
    here.journal.flush()
    here.channels.backend.listener.close()
    bob.call("say", "lobby", 2)
    ann.offset = None
    back = at(there, ann)
    assert back.recovered
    assert back.read(2) == [1, 2]
    assert back.call("look")[1] == ["lobby"]
    # It finds out when it writes the session, and ends its connection of the client.
    ann.client.emit("/chat", "echo", 3)
    wait_for(lambda: len(here.journal) == 0, "the session is no longer there")
    wait_for(lambda: ann.client.sid not in here.live.server.sockets, "it has ended")


def test_a_room_that_the_process_has_not_heard_before(start: Start) -> None:
    """However much was sent to other topics, which it does not hear."""
    here, there, third = start(), start(), start()
    ann, bob, eve = here.join(), third.join(), there.join()
    ann.call("enter", "lobby")
    ann.cut()
    for number in range(5):
        bob.call("say", "kitchen", number)
    bob.call("say", "lobby", 1)
    for number in range(5):
        bob.call("say", "kitchen", number)
    back = at(there, ann)
    assert back.read() == [1]
    bob.call("say", "lobby", 2)
    assert back.read() == [2]
    eve.call("look")


def test_what_a_script_sent_meanwhile(start: Start, redis: RedisServer) -> None:
    here, there = start(), start()
    ann, bob = here.join(), there.join()
    ann.cut()
    there.say(None, 1)
    publish_elsewhere(event_packet("/chat", "shouted", [2]), None, cluster_at(redis))
    assert bob.read(2) == [1, 2]
    assert at(there, ann).read(2) == [1, 2]


COMMANDS = {
    "taken out": lambda target: target.leave("lobby"),
    "dismissed": lambda target: target.disconnect("banned"),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_command_when_its_process_was_killed(
    start: Start, command: Callable[[Any], object]
) -> None:
    here, there = start(), start()
    ann, bob = here.join(), there.join()
    ann.call("enter", "lobby")
    here.journal.flush()
    here.channels.backend.listener.close()
    namespace = there.live.socket(bob.client).active_ns["/chat"]
    command(namespace.socket_by_id(ann.sid))
    there.journal.flush()
    back = at(there, ann)
    assert not back.recovered
    assert back.call("look")[1] == []


def test_what_was_sent_is_not_changed_later(start: Start) -> None:
    """By the application, which may change its own values after that."""
    here, there = start(), start()
    ann = here.join()
    ann.call("echo_and_change", [1])
    ann.offset = None  # it has received nothing
    here.journal.flush()
    assert at(there, ann).read() == [[1]]


@pytest.mark.parametrize("limit", ["_MOST_WAITING", "_MOST_WAITING_SIZE"])
def test_too_much_waits_for_the_broker(
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    limit: str,
) -> None:
    """Who has received less than that recovers at its own process alone."""
    here, there = start(), start()
    ann, bob = here.join(), here.join()
    for each in (ann, bob):
        each.call("echo", 1)
    here.journal.flush()
    with monkeypatch.context() as broken:
        broken.setattr(sessions, limit, 2)
        broken.setattr(SharedLog, "append", Mock(side_effect=BrokerUnavailable("lost")))
        ann.call("echo", *range(2, 8))
        assert "cannot be written as fast" in caplog.text
    bob.call("echo", 8)
    ann.offset = None
    assert at(here, ann).read(7) == list(range(1, 8))
    assert not at(there, ann).recovered
    assert at(there, bob).recovered
