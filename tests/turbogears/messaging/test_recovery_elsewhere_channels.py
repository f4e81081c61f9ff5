"""Clients with channels that come back to another process."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.clients import wait_for
from tests.redis_server import RedisServer
from tgext.socketio.presence import PresenceMixin
from tgext.socketio.pubsub import publish

from .processes import Start, at, processes
from .readers import Kept, Reading, publishing_while_it_is_read

__all__ = ["processes"]


@pytest.fixture
def start(processes: Start) -> Start:
    return processes


def say(redis: RedisServer, channel: str, *messages: Any) -> None:
    """Publish from a script."""
    settings = {"anypubsub.backend": "redis", "anypubsub.host": redis.url}
    for each in messages:
        publish(channel, each, settings)


@pytest.mark.parametrize("cls", [Reading, Kept])
def test_what_was_published_meanwhile(
    start: Start, redis: RedisServer, cls: type[Reading]
) -> None:
    """Channels that nobody hears at the other process, among them."""
    here, there = start(cls), start(cls)
    ann = here.join()
    names = [f"{each} of {cls.__name__}" for each in ("news", "sport")]
    ann.hear(*names)
    eve = there.join().hear("other")
    say(redis, names[0], 1)
    assert ann.read() == [1]
    ann.cut()
    for number in range(2, 8, 2):
        say(redis, names[0], number)
        say(redis, "other", number)
        say(redis, names[1], number + 1)
    back = at(there, ann)
    assert back.recovered
    assert back.read(6) == list(range(2, 8))
    say(redis, names[1], 8)
    assert back.read() == [8]
    assert back.call("channels") == names
    assert back.heard == list(range(2, 9))
    assert eve.read(3) == [2, 4, 6]
    # And back again.
    back.cut()
    say(redis, names[0], 9)
    again = at(here, back)
    assert again.recovered
    assert again.read() == [9]
    assert again.call("unsubscribe", names[0])


def test_what_a_subscriber_was_sent_first_comes_once(
    start: Start, redis: RedisServer
) -> None:
    here, there = start(Kept), start(Kept)
    here.join().hear("first")
    here.publish("first", 1, 2, 3)
    ann = here.join()
    before = ann.offset
    ann.hear("first")
    assert ann.heard == [2, 3]
    here.publish("first", 4)
    assert ann.read() == [4]
    here.publish("first", 5)
    ann.cut()
    ann.offset = before
    back = at(there, ann)
    assert back.recovered
    assert back.read(4) == [2, 3, 4, 5]
    assert back.call("channels") == ["first"]
    assert back.heard == [2, 3, 4, 5]


def test_a_message_that_was_held_comes_once(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = start(Kept), start(Kept)
    here.join().hear("held")
    here.publish("held", 1)
    ann = here.join()
    before = ann.offset
    with publishing_while_it_is_read(monkeypatch, here, "held", 2):
        ann.hear("held")
    assert ann.heard == [1, 2]
    here.publish("held", 3)
    ann.cut()
    ann.offset = before
    back = at(there, ann)
    assert back.read(3) == [1, 2, 3]
    assert back.call("channels") == ["held"]
    assert back.heard == [1, 2, 3]


def test_who_has_unsubscribed_does_not_hear_it(
    start: Start, redis: RedisServer
) -> None:
    here, there = start(), start()
    ann = here.join().hear("left", "kept")
    say(redis, "left", "inside")
    assert ann.read() == ["inside"]
    assert ann.call("unsubscribe", "left")
    say(redis, "left", "outside")
    ann.cut()
    say(redis, "left", "later")
    say(redis, "kept", 1)
    back = at(there, ann)
    assert back.recovered
    assert back.read() == [1]
    assert back.call("channels") == ["kept"]
    assert back.heard == [1]


class Present(PresenceMixin, Reading):
    def on_track(self, room: Any, info: Any) -> None:
        self.track(room, **info)

    def on_who(self, room: Any = None) -> Any:
        return self.present(room)


def test_a_client_is_present_at_the_other_process(start: Start) -> None:
    here, there = start(Present), start(Present)
    ann, eve = here.join(), there.join()
    ann.call("track", None, {"status": "busy"})
    ann.call("enter", "lobby")
    ann.call("track", "lobby", {"status": "quiet"})
    for room, status in ((None, "busy"), ("lobby", "quiet")):
        expected = {ann.sid: [{"status": status}]}
        wait_for(
            lambda room=room, expected=expected: eve.call("who", room) == expected,
            "it is present in both processes",
        )
    ann.cut()
    back = at(there, ann)
    assert back.recovered
    # Its first process tells that it has gone, when it has.
    for room, status in ((None, "busy"), ("lobby", "quiet")):
        expected = {ann.sid: [{"status": status}]}
        wait_for(
            lambda room=room, expected=expected: back.call("who", room) == expected,
            "it is present once",
        )
    [[presence]] = [
        each.watchers for each in there.live.server.hub.all_rooms if each.watchers
    ]
    socket = there.live.socket(back.client)
    assert presence.rooms_of("/chat", socket) == {None, "lobby"}
