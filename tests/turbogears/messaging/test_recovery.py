"""Clients that lose their connection, and recover: on one server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, ClassVar
from unittest.mock import ANY

import gevent
import pytest
from gevent.event import Event
from tg import MinimalApplicationConfigurator, TGController, require
from tg.predicates import Predicate

from tests.engine.clients import wait_for
from tests.engine.conftest import Live
from tgext.socketio import SocketIOController
from tgext.socketio.engine.mixins import BroadcastMixin, RoomsMixin
from tgext.socketio.namespace import ConnectionRefused
from tgext.socketio.pubsub import PubSubTGNamespace


class Allowed(Predicate):
    message = "not allowed"
    denied = False

    def evaluate(self, environ: Any, credentials: Any) -> None:
        if Allowed.denied:
            self.unmet()


class Chat(RoomsMixin, BroadcastMixin, PubSubTGNamespace):
    recovery = True

    #: Awaited by `recv_connect`, by the text in the auth payload.
    gates: ClassVar[dict[str, Event]] = {}
    refused: ClassVar[set[str]] = set()
    departed: ClassVar[list[Any]] = []
    #: The auth payloads as the namespace sees them.
    seen: ClassVar[list[Any]] = []

    def recv_connect(self) -> None:
        self.seen.append(self.auth)
        name = (self.auth or {}).get("name")
        if name in self.refused:
            raise ConnectionRefused("not you")
        self.session["visits"] = self.session.get("visits", 0) + 1
        self.emit("welcome", self.recovered, self.session["visits"])
        if name in self.gates:
            self.gates[name].wait()

    def recv_disconnect(self) -> None:
        self.departed.append((self.disconnect_reason, set(self.session["rooms"])))
        super().recv_disconnect()

    def subscribe_news(self) -> None: ...

    @require(Allowed())
    def subscribe_secrets(self) -> None: ...

    def on_enter(self, room: str) -> None:
        self.join(room)

    def on_exit(self, room: str) -> None:
        self.leave(room)

    def on_say(self, room: str, *words: Any) -> None:
        self.emit_to_room(room, "said", *words)

    def on_tell(self, rooms: list[str], text: str, without: str) -> None:
        self.emit_to_room(rooms, "told", text, except_=without)

    def on_shout(self, *words: Any) -> None:
        self.broadcast_event("shouted", *words)

    def on_shout_to_others(self, *words: Any) -> None:
        self.broadcast_event_not_me("shouted", *words)

    def on_echo(self, *words: Any) -> None:
        self.emit("echo", *words)

    def on_picture(self) -> None:
        self.emit("picture", b"content")

    def on_text(self, text: str) -> None:
        self.send(text)

    def on_question(self) -> None:
        self.emit("question", "a text", callback=lambda *answer: None)

    def on_work(self) -> None:
        self.gates["work"].wait()
        self.emit("done")

    def on_put(self, name: str, value: Any) -> None:
        self.session[name] = value

    def on_whoami(self) -> Any:
        values = {k: v for k, v in self.session.items() if k not in ("rooms", "visits")}
        return [self.recovered, sorted(self.session["rooms"]), self.channels, values]

    def on_go(self) -> None:
        self.disconnect()


class Plain(Chat):
    recovery = False


class SocketIO(SocketIOController):
    chat = noise = Chat
    plain = Plain


class Globals: ...


class Member:
    """A client that knows its pid and its position, as socket.io-client does."""

    def __init__(
        self, live: Live, pid: str = "", offset: Any = None, **auth: Any
    ) -> None:
        self.live = live
        self.client: Any = live.websocket_5()
        self.pid, self.offset = pid, offset
        self.auth = auth
        if pid:
            auth = {"pid": pid, **auth}
        if pid and offset is not None:
            auth["offset"] = offset
        self.client.send("40/chat," + (json.dumps(auth) if auth else ""))

    def connected(self) -> Member:
        """Wait for the answer of the server."""
        answer = self.client.read()
        assert answer["type"] == "connect", answer
        # socket.io-client compares them, too.
        self.recovered = answer["data"]["pid"] == self.pid
        self.pid = answer["data"]["pid"]
        self.sid = answer["data"]["sid"]
        return self

    def event(self) -> list[Any]:
        """The next event, without its position."""
        name, *args = self.client.event("/chat")
        self.offset = args.pop()
        return [name, *args]

    def events(self, count: int) -> list[list[Any]]:
        return [self.event() for _ in range(count)]

    def emit(self, *event: Any) -> None:
        self.client.emit("/chat", *event)

    def call(self, *event: Any) -> Any:
        """Emit an event, and take its ack; the events before it are lost."""
        self.client.emit("/chat", *event, number=1)
        while (packet := self.client.read())["type"] != "ack":
            pass
        return packet["args"][0]

    def shout(self, *words: Any) -> None:
        """Tell all, and wait until that has happened."""
        self.emit("shout", *words)
        assert self.event() == ["shouted", *words]

    def cut(self) -> Member:
        """Lose the connection, and wait until the server has noticed."""
        sid = self.client.sid
        self.client.websocket.close()
        wait_for(lambda: sid not in self.live.server.sockets, "the end is noticed")
        return self

    def asks(self) -> Member:
        """The client comes back."""
        return Member(self.live, self.pid, self.offset, **self.auth)

    def back(self) -> Member:
        return self.asks().connected()


def join(live: Live, **auth: Any) -> Member:
    member = Member(live, **auth).connected()
    assert not member.recovered
    assert member.event() == ["welcome", False, 1]
    return member


Open = Callable[..., Live]


@pytest.fixture
def open_(serve: Callable[..., Live]) -> Open:
    """Starts a server with options."""

    def start(**options: Any) -> Live:
        class RootController(TGController):
            socketio = SocketIO()

        configurator = MinimalApplicationConfigurator()
        configurator.update_blueprint(
            {"root_controller": RootController(), "app_globals": Globals}
        )
        wsgi = configurator.make_wsgi_app({}, {})
        return serve(application=wsgi, resource="socketio", **options)

    for each in (Chat.gates, Chat.refused, Chat.departed, Chat.seen):
        each.clear()
    Allowed.denied = False
    return start


@pytest.fixture
def live(open_: Open) -> Live:
    return open_()


def test_a_client_gets_what_it_missed(live: Live) -> None:
    ann, bob = join(live), join(live)
    ann.call("enter", "lobby")
    bob.emit("say", "lobby", "one")
    assert ann.event() == ["said", "one"]
    ann.cut()
    bob.emit("say", "lobby", "two")
    bob.emit("say", "kitchen", "not heard")
    bob.shout("three")
    back = ann.back()
    assert back.recovered
    assert back.sid == ann.sid
    assert back.events(2) == [["said", "two"], ["shouted", "three"]]
    assert back.event() == ["welcome", True, 2]
    assert back.call("whoami") == [True, ["/chat_lobby"], [], {}]
    bob.emit("say", "lobby", "four")
    assert back.event() == ["said", "four"]
    assert Chat.departed == [(ANY, {"/chat_lobby"})]


def test_a_client_recovers_before_it_has_received_any_event(live: Live) -> None:
    ann, bob = Member(live).connected(), join(live)
    assert ann.offset is None
    ann.cut()
    bob.shout("one")
    back = ann.back()
    assert back.recovered
    assert back.events(3) == [
        ["welcome", False, 1],
        ["shouted", "one"],
        ["welcome", True, 2],
    ]


def test_a_client_recovers_twice(live: Live) -> None:
    ann, bob = join(live), join(live)
    for number in range(3):
        ann.cut()
        bob.shout(number)
        ann = ann.back()
        assert ann.recovered
        assert ann.events(2) == [["shouted", number], ["welcome", True, number + 2]]


def test_a_client_loses_its_connection_again_at_once(live: Live) -> None:
    """What it missed is sent again, as far as it did not get there."""
    ann, bob = join(live), join(live)
    ann.cut()
    bob.shout(1)
    bob.shout(2)
    ann = ann.back()
    assert ann.event() == ["shouted", 1]
    ann.cut()
    assert ann.back().events(2) == [["shouted", 2], ["welcome", True, 3]]


@pytest.mark.parametrize("offset", ["of another session", None])
def test_an_offset_of_an_earlier_session_is_clamped(
    live: Live, offset: str | None
) -> None:
    """A client whose recovery failed gives its new pid, and the old position."""
    ann, bob = join(live), join(live)
    before = ann.offset
    bob.shout("before")
    ann.cut()
    new = Member(live, "x" * 22, before).connected()
    assert not new.recovered
    new.offset = before if offset else None
    new.cut()
    bob.shout("after")
    back = new.back()
    assert back.recovered
    assert back.events(2) == [["welcome", False, 1], ["shouted", "after"]]


#: What clients may give for a position, and is none.
BAD = ["", "x", "-", "a-", "a-x", "-1", 5, {}, "a-" + "9" * 99]


@pytest.mark.parametrize("offset", BAD)
def test_no_position_is_no_recovery(live: Live, offset: Any) -> None:
    ann = join(live).cut()
    ann.offset = offset
    assert not ann.back().recovered


def test_a_position_that_never_was(live: Live) -> None:
    ann = join(live).cut()
    epoch = ann.offset.partition("-")[0]
    ann.offset = f"{epoch}-999"
    assert not ann.back().recovered


UNSPECIFIED = "You must specify the channel you want to subscribe"


def test_every_event_carries_the_position(live: Live) -> None:
    """An own text at the end of an event is not taken for a position."""
    ann = join(live)
    for event, answer in [
        (("echo",), ["echo"]),
        (("echo", "a text"), ["echo", "a text"]),
        (("text", "hello"), ["message", "hello"]),
        (
            ("nothing",),
            ["error", "no_such_method", 'The method "on_nothing" was not found'],
        ),
    ]:
        ann.emit(*event)
        assert ann.event() == answer
        assert re.fullmatch("[a-z0-9]{12}-[0-9]+", ann.offset), ann.offset
    ann.emit("picture")
    picture, _ = ann.client.read()["args"]
    assert picture == {"_placeholder": True, "num": 0}
    assert ann.client.receive_bytes() == b"content"


def test_an_event_that_asks_for_an_ack_has_no_position(live: Live) -> None:
    """Its last argument is the ack, for the client."""
    ann = join(live)
    ann.emit("question")
    packet = ann.client.read()
    assert (packet["name"], packet["args"]) == ("question", ["a text"])


def test_bytes_are_missed_and_received(live: Live) -> None:
    ann, bob = join(live), join(live)
    ann.cut()
    namespace: Any = live.socket(bob.client)["/chat"]
    namespace.broadcast_event("picture", {"content": b"a picture"})
    back = ann.back()
    assert back.event() == ["picture", {"content": {"_placeholder": True, "num": 0}}]
    assert back.client.receive_bytes() == b"a picture"


def test_a_client_that_missed_its_end_takes_its_session_over(live: Live) -> None:
    """It is back before the server notices that it had gone."""
    ann, bob = join(live), join(live)
    ann.call("enter", "lobby")
    bob.emit("say", "lobby", "lost on the way")
    assert bob.call("whoami")
    back = ann.back()
    assert back.recovered
    assert back.events(2) == [["said", "lost on the way"], ["welcome", True, 2]]
    assert Chat.departed[-1] == ("transport close", {"/chat_lobby"})
    assert len(live.server.sockets) == 2
    bob.emit("say", "lobby", "two")
    assert back.event() == ["said", "two"]


def test_one_s_own_broadcasts_do_not_come_back(live: Live) -> None:
    ann, bob = join(live), join(live)
    for each in (ann, bob):
        each.call("enter", "lobby")
    bob.call("shout_to_others", 1)
    bob.call("say", "lobby", 2)
    bob.cut()
    assert ann.events(2) == [["shouted", 1], ["said", 2]]
    assert bob.back().event() == ["welcome", True, 2]
    ann.cut()
    ann.offset = None
    missed = [["welcome", False, 1], ["shouted", 1], ["said", 2]]
    assert ann.back().events(4) == [*missed, ["welcome", True, 2]]


def test_what_is_for_several_rooms_comes_once(live: Live) -> None:
    ann, eve, bob = join(live), join(live), join(live)
    for client, rooms in ((ann, ["a", "b"]), (eve, ["a", "quiet"])):
        for room in rooms:
            client.call("enter", room)
        client.cut()
    bob.call("tell", ["a", "b"], "both", "quiet")
    bob.call("tell", ["b", "c"], "one", "elsewhere")
    told = [["told", "both"], ["told", "one"]]
    assert ann.back().events(3) == [*told, ["welcome", True, 2]]
    assert eve.back().event() == ["welcome", True, 2]


def test_a_room_is_heard_from_joining_to_leaving(live: Live) -> None:
    """No matter which position the client gives."""
    ann, bob = join(live), join(live)
    bob.call("say", "lobby", "before")
    ann.call("enter", "lobby")
    bob.call("say", "lobby", "inside")
    ann.call("exit", "lobby")
    bob.call("say", "lobby", "outside")
    ann.call("enter", "lobby")
    bob.call("say", "lobby", "inside again")
    back = ann.cut().back()
    assert back.events(3) == [
        ["said", "inside"],
        ["said", "inside again"],
        ["welcome", True, 2],
    ]


def test_what_a_handler_sends_after_the_end_is_not_lost(live: Live) -> None:
    Chat.gates["work"] = Event()
    ann = join(live)
    ann.emit("work")
    wait_for(lambda: live.socket(ann.client).busy, "the handler runs")
    socket = live.socket(ann.client)
    end = gevent.spawn(socket.kill, reason="transport close")
    wait_for(lambda: socket.ended, "the connection ends")
    Chat.gates["work"].set()
    end.join()
    back = ann.back()
    assert back.events(2) == [["done"], ["welcome", True, 2]]


def test_what_is_sent_meanwhile_comes_once_and_in_order(live: Live) -> None:
    """The way in takes long, and messages go on."""
    ann, bob = join(live, name="ann"), join(live)
    ann.cut()
    bob.shout(1)
    gate = Chat.gates["ann"] = Event()
    back = ann.asks()
    wait_for(lambda: len(Chat.seen) == 3, "the way in has begun")
    bob.shout(2)
    gate.set()
    back.connected()
    bob.shout(3)
    got = back.events(4)
    assert got == [["shouted", 1], ["shouted", 2], ["welcome", True, 2], ["shouted", 3]]
    # Its position is that of the last one: nothing is sent again.
    back.cut()
    assert back.asks().connected().event() == ["welcome", True, 3]


def test_who_is_refused_is_a_new_client(live: Live) -> None:
    """Every check is made again."""
    ann = join(live, name="ann").cut()
    Chat.refused.add("ann")
    refused = ann.asks().client.read()
    assert (refused["type"], refused["data"]["message"]) == ("refused", "not you")
    Chat.refused.clear()
    assert not ann.back().recovered


def test_a_client_that_goes_while_it_comes_back_can_come_back(live: Live) -> None:
    ann, bob = join(live, name="ann"), join(live)
    ann.cut()
    bob.shout(1)
    gate = Chat.gates["ann"] = Event()
    ann.asks()
    wait_for(lambda: len(Chat.seen) == 3, "the way in has begun")
    Chat.gates.clear()
    again = ann.back()
    gate.set()
    assert again.recovered
    assert again.events(2) == [["shouted", 1], ["welcome", True, 2]]


def test_the_session_of_the_connection_is_there_again(live: Live) -> None:
    ann = join(live)
    ann.call("put", "basket", [1, {"two": 2}])
    assert ann.cut().back().events(1) == [["welcome", True, 2]]
    back = ann.back()
    back.event()
    assert back.call("whoami")[3] == {"basket": [1, {"two": 2}]}


@pytest.mark.parametrize("leave", ["client", "server"])
def test_who_has_left_is_a_new_client(live: Live, leave: str) -> None:
    ann = join(live)
    if leave == "client":
        ann.client.leave("/chat")
    else:
        ann.emit("go")
    wait_for(lambda: Chat.departed, "the client has left")
    assert not ann.back().recovered


def test_a_client_that_closes_its_connection_can_come_back(live: Live) -> None:
    """Without leaving: as ``socket.io.engine.close()`` does."""
    ann = join(live)
    ann.client.send("1")
    wait_for(lambda: not live.server.sockets, "the connection has ended")
    assert ann.back().recovered


def test_a_client_that_was_away_too_long_is_a_new_one(open_: Open) -> None:
    live = open_(recovery_window=0.1)
    ann = join(live).cut()
    journal = journal_of(live)
    wait_for(lambda: len(journal) == 0, "the session expires")
    assert not ann.back().recovered


def journal_of(live: Live) -> Any:
    found = [rooms.journals for rooms in live.server.hub.all_rooms if rooms.journals]
    assert len(found) == 1
    return found[0]["/chat"]


def test_who_missed_more_than_max_outbox_is_a_new_client(open_: Open) -> None:
    live = open_(max_outbox=4000)
    ann, eve, bob = join(live), join(live), join(live)
    eve.cut()
    for number in range(3):
        bob.shout(number, "x" * 900)
    assert eve.back().events(4)[3] == ["welcome", True, 2]
    ann.cut()
    for number in range(2):
        bob.shout(number, "x" * 900)
    ann.offset = None
    assert not ann.back().recovered


def test_who_misses_too_much_while_it_comes_back(open_: Open) -> None:
    live = open_(max_outbox=4000)
    ann, bob = join(live, name="ann"), join(live)
    ann.cut()
    gate = Chat.gates["ann"] = Event()
    ann.asks()
    wait_for(lambda: len(Chat.seen) == 3, "the way in has begun")
    for number in range(5):
        bob.shout(number, "x" * 900)
    gate.set()
    wait_for(lambda: len(live.server.sockets) == 1, "the connection ends")
    assert not ann.back().recovered


def test_channels_are_heard_again(live: Live) -> None:
    ann = join(live)
    assert ann.call("subscribe", "news") == "news"
    back = ann.cut().back()
    assert back.event() == ["welcome", True, 2]
    assert back.call("whoami")[2] == ["news"]


def test_a_channel_that_is_forbidden_now(live: Live) -> None:
    """All or nothing: the client is a new one."""
    ann = join(live)
    assert ann.call("subscribe", "secrets") == "secrets"
    ann.cut()
    Allowed.denied = True
    back = ann.back()
    assert not back.recovered
    assert back.event() == ["welcome", False, 1]
    assert back.call("whoami")[2] == []


def test_the_application_does_not_see_the_pid(live: Live) -> None:
    ann = join(live, name="ann").cut()
    ann.back()
    join(live).cut().back()
    assert Chat.seen == [{"name": "ann"}, {"name": "ann"}, None, None]


def test_another_namespace_does_not_take_it(live: Live) -> None:
    ann = join(live).cut()
    client = live.websocket_5()
    client.send("40/plain," + json.dumps({"pid": ann.pid, "offset": ann.offset}))
    assert "pid" not in client.read()["data"]


def test_clients_of_other_generations_get_no_position(live: Live, kind: str) -> None:
    if kind.startswith("4-"):
        return
    client = live.client(kind)
    client.join("/chat")
    assert client.event("/chat") == ["welcome", False, 1]
    ann = join(live).cut()
    client.emit("/chat", "shout", "a text")
    assert client.event("/chat") == ["shouted", "a text"]
    client.emit("/chat", "echo", "a text")
    assert client.event("/chat") == ["echo", "a text"]
    assert ann.back().events(2) == [["shouted", "a text"], ["welcome", True, 2]]


def test_namespaces_without_recovery_get_no_position(live: Live) -> None:
    client = live.websocket_5()
    client.send("40/plain,")
    assert set(client.read()["data"]) == {"sid"}
    assert client.event("/plain") == ["welcome", False, 1]
    client.emit("/plain", "shout", 1)
    assert client.event("/plain") == ["shouted", 1]
