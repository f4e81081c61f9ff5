"""Handlers of a client that has moved: they go on in the process that it was in."""

from __future__ import annotations

from typing import Any, ClassVar
from unittest.mock import Mock

import pytest
from gevent.event import Event

from tests.engine.clients import wait_for
from tgext.socketio.backends.errors import BrokerUnavailable
from tgext.socketio.engine.mixins import BroadcastMixin
from tgext.socketio.messaging.recovery import sessions
from tgext.socketio.wire.socketio.reasons import TRANSPORT_CLOSE

from .processes import Start, at, processes
from .readers import Reader, Readers, Reading

__all__ = ["processes"]


class Working(Reading, BroadcastMixin):
    """What it does ends when the test says so."""

    go: ClassVar[Event]
    leave: ClassVar[Event]
    begun: ClassVar[Event]
    seen: ClassVar[list[str]]

    def on_work(self, *results: Any) -> None:
        self.emit("result", "at once")
        self.begun.set()
        self.go.wait()
        for each in results:
            self.emit("result", each)

    def on_work_and_send(self) -> None:
        self.begun.set()
        self.go.wait()
        self.send("a text")

    def on_fail(self) -> Any:
        self.begun.set()
        self.go.wait()
        try:
            self.emit("result", {1, 2})
        except TypeError:
            self.emit("result", "no JSON")

    def on_say(self, room: str, value: Any) -> None:
        self.emit_to_room(room, "said", value)

    def on_shout(self, value: Any) -> None:
        self.broadcast_event("shouted", value)

    def on_echo(self, value: Any) -> None:
        self.emit("echo", value)

    def recv_disconnect(self) -> None:
        self.leave.wait()
        self.seen.append("left")
        super().recv_disconnect()


@pytest.fixture
def start(processes: Start) -> Start:
    Working.go, Working.leave, Working.begun = Event(), Event(), Event()
    Working.leave.set()
    Working.seen = []
    return lambda cls=Working, **settings: processes(cls, **settings)


def working(here: Readers, *event: Any) -> Reader:
    """A client whose handler is running."""
    ann = here.join()
    ann.client.emit("/chat", *(event or ("work", 1, 2)))
    Working.begun.wait()
    return ann


def end(here: Readers, ann: Reader) -> None:
    """Its connection ends, which nobody reads while a handler runs."""
    here.live.socket(ann.client).kill(reason=TRANSPORT_CLOSE)


EVENTS = {
    "events": (("work", 1, 2), ["at once", 1, 2]),
    "a message": (("work_and_send",), ["a text"]),
    "what is no JSON": (("fail",), ["no JSON"]),
}


@pytest.mark.parametrize(("event", "expected"), EVENTS.values(), ids=EVENTS)
@pytest.mark.parametrize("noticed", [True, False], ids=["its end", "unnoticed"])
def test_what_it_emits_reaches_its_client(
    start: Start, event: tuple[Any, ...], expected: list[Any], noticed: bool
) -> None:
    here, there = start(), start()
    ann = working(here, *event)
    if noticed:
        end(here, ann)
    back = at(there, ann)
    assert back.recovered
    Working.go.set()
    assert back.read(len(expected)) == expected


def test_its_client_is_away_again(start: Start) -> None:
    here, there, third = start(), start(), start()
    ann = working(here)
    end(here, ann)
    back = at(there, ann)
    assert back.read() == ["at once"]
    back.cut()
    Working.go.set()
    wait_for(lambda: there.journal.position.number >= 3, "it has arrived")
    again = at(third, back)
    assert again.recovered
    assert again.read(2) == [1, 2]


def test_its_client_is_back_where_it_was(start: Start) -> None:
    here, there = start(), start()
    ann = working(here)
    end(here, ann)
    back = at(there, ann)
    assert back.read() == ["at once"]
    back.cut()
    again = at(here, back)
    assert again.recovered
    Working.go.set()
    assert again.read(2) == [1, 2]


def test_the_broker_does_not_take_it(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    here, there = start(), start()
    ann = working(here)
    end(here, ann)
    back = at(there, ann)
    [rooms] = [each for each in here.live.server.hub.all_rooms if each.journals]
    with monkeypatch.context() as broken:
        broken.setattr(rooms.bus, "publish", Mock(side_effect=BrokerUnavailable("off")))
        Working.go.set()
        wait_for(lambda: "is at another process, is lost: off" in caplog.text, "logged")
    assert back.call("echo", 3) is None
    assert back.heard == ["at once", 3]


def test_its_end_is_not_waited_for(start: Start) -> None:
    """However long `recv_disconnect` takes."""
    here, there = start(), start()
    ann, bob = here.join(), here.join()
    Working.leave.clear()
    ann.call("echo", 1)
    back = at(there, ann)
    assert back.recovered
    assert Working.seen == []
    assert at(there, bob).recovered
    Working.leave.set()
    wait_for(lambda: Working.seen == ["left"] * 2, "both have left")


def test_it_has_usually_left_before_it_is_elsewhere(start: Start) -> None:
    class Telling(Working):
        def recv_connect(self) -> None:
            self.seen.append(f"came {self.recovered}")

    here, there = start(Telling), start(Telling)
    at(there, here.join())
    assert Working.seen == ["came False", "left", "came True"]


@pytest.mark.parametrize("received", [0, 1, 3])
def test_it_moves_on_before_it_has_received_what_it_missed(
    start: Start, received: int
) -> None:
    """What the second process read for it goes with it to the third, and on."""
    here, there, third, fourth = start(), start(), start(), start()
    ann, bob = here.join(), third.join()
    ann.call("enter", "lobby")
    ann.call("echo", 0)
    ann.cut()
    bob.call("say", "lobby", 1)
    bob.call("say", "lobby", 2)
    back = at(there, ann)
    bob.call("say", "lobby", 3)
    assert back.read(3) == [1, 2, 3]
    back.offset = [ann.offset, *back.offsets][received]
    for number, each in enumerate((third, fourth), 4):
        back.cut()
        bob.call("say", "lobby", number)
        offset, back = back.offset, at(each, back)
        assert back.recovered
        expected = list(range(received + 1, number + 1))
        assert back.read(len(expected)) == expected
        back.offset = offset
    bob.call("say", "lobby", 6)
    assert back.read() == [6]


def test_too_much_for_a_message_stays_where_it_is(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there, third = start(), start(), start()
    ann, bob = here.join(), third.join()
    ann.call("echo", 0)
    ann.cut()
    bob.call("shout", "x" * 1000)
    back = at(there, ann)
    back.offset = ann.offset
    back.cut()
    monkeypatch.setattr(sessions, "MOST", 1000)
    again = at(third, back)
    assert not again.recovered


def test_what_it_emitted_before_is_sent_once(start: Start) -> None:
    """Also when the client goes on to a third process."""
    here, there, third = start(), start(), start()
    ann, bob = here.join(), third.join()
    first = ann.offset
    for each in range(3):
        ann.call("echo", each)
    ann.offset = first  # it has received none of them
    back = at(there, ann)
    assert back.read(3) == [0, 1, 2]
    back.cut()
    bob.call("shout", 3)
    again = at(third, back)
    assert again.recovered
    assert again.read() == [3]
