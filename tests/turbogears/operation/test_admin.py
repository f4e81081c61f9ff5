"""The namespace of administrators, as the UI sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from tg import require
from tg.predicates import Predicate, is_user, not_anonymous

from tests.engine.clients import KINDS, wait_for
from tests.engine.conftest import Live
from tgext.socketio import SocketIOController
from tgext.socketio.operation.admin import AdminNamespace

from .watching import Chat, Watcher, application

Serve = Callable[..., Live]

ACTING = {"EMIT", "JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT"}


@pytest.fixture
def start(serve: Serve) -> Callable[..., Live]:
    def start(**namespaces: Any) -> Live:
        return serve(application=application(**namespaces), resource="socketio")

    return start


# Who may


@pytest.mark.parametrize("given", [None, True, "manage", require(None)])
def test_a_class_without_a_predicate_is_refused(given: Any) -> None:
    with pytest.raises(TypeError, match=r"Admin\.allow_only is .*: .* has_permission"):
        type("Admin", (AdminNamespace,), {"allow_only": given})


@pytest.mark.parametrize("given", [not_anonymous(), require(not_anonymous())])
def test_a_class_with_one_is_not(given: Any) -> None:
    cls = type("Admin", (AdminNamespace,), {"allow_only": given})
    assert type("Further", (cls,), {}).allow_only is given


def test_the_class_itself_is_not_mounted() -> None:
    cls = type("SocketIO", (SocketIOController,), {"admin": AdminNamespace})
    with pytest.raises(TypeError, match=r"AdminNamespace\.allow_only is None"):
        cls()


@pytest.mark.parametrize(
    ("name", "value"),
    [("mode", "Production"), ("max_sockets", -1), ("max_events", 1.5)],
)
def test_invalid_attributes(name: str, value: Any) -> None:
    members = {"allow_only": not_anonymous(), name: value}
    with pytest.raises(TypeError, match=rf"Admin\.{name} is {value!r}: "):
        type("Admin", (AdminNamespace,), members)


@pytest.mark.parametrize("user", ["", "bob"])
def test_others_are_refused(start: Callable[..., Live], user: str) -> None:
    client = start().websocket_5(query=f"user={user}")
    client.send('40/admin,{"username": "ada", "password": "sesame"}')
    refusal = client.receive()
    assert refusal.startswith("44/admin,")
    assert "ada" in refusal


# What is shown


@pytest.mark.parametrize("kind", KINDS)
def test_clients_that_are_there_and_that_come(
    start: Callable[..., Live], kind: str
) -> None:
    live = start()
    before = live.joined(kind)
    before.call("/chat", "enter", "lobby")
    ada = Watcher(live)
    ada.until(lambda: ada.rooms() == [["lobby"]])
    [[_, socket]] = [each for each in ada.shown.items() if each[0][0] == "/chat"]
    assert socket["transport"] in kind
    assert socket["handshake"]["address"] == "127.0.0.1"
    after = live.joined(kind)
    ada.until(lambda: ada.rooms() == [[], ["lobby"]])
    after.call("/chat", "enter", "attic")
    ada.until(lambda: ada.rooms() == [["attic"], ["lobby"]])
    before.call("/chat", "exit", "lobby")
    ada.until(lambda: ada.rooms() == [[], ["attic"]])
    before.close()
    ada.until(lambda: ada.rooms() == [["attic"]])


def test_events_that_are_received_and_sent(start: Callable[..., Live]) -> None:
    live = start()
    client = live.joined()
    ada = Watcher(live)
    ada.next("all_sockets")
    client.emit("/chat", "say", "hello", {"to": 1})
    received, sent = ada.next("event_received"), ada.next("event_sent")
    [sid] = ada.ids()
    assert received[1:3] == sent[1:3] == ["/chat", sid]
    args = ["hello", {"to": 1}]
    assert (received[3], sent[3]) == (["say", *args], ["heard", *args])
    client.emit("/chat", "shout", "fire")
    assert ada.next("event_sent")[3] == ["shouted", "fire"]


class Kept(Chat):
    recovery = True


def test_events_of_clients_that_recover(start: Callable[..., Live]) -> None:
    live = start(chat=Kept)
    client = live.joined()
    ada = Watcher(live)
    ada.next("all_sockets")
    client.emit("/chat", "say", "hello")
    assert ada.next("event_sent")[3] == ["heard", "hello"]


def test_the_process_tells_of_itself(start: Callable[..., Live]) -> None:
    live = start()
    live.joined("4-polling")
    ada = Watcher(live)
    [_, stats] = ada.next("server_stats")
    assert (stats["clientsCount"], stats["pollingClientsCount"]) == (2, 1)
    assert stats["serverId"].endswith(f"#{stats['pid']}")
    counts = {each["name"]: each["socketsCount"] for each in stats["namespaces"]}
    assert counts == {"/chat": 1, "/admin": 1}


def test_an_administrator_who_does_not_read(
    start: Callable[..., Live],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("tgext.socketio.operation.admin.feed.PATIENCE", 0.01)
    live = start()
    live.joined()
    client = live.client("4-polling", query="user=ada")
    client.join("/admin")  # and no poll follows
    wait_for(lambda: "Disconnected administrator ada" in caplog.text, "it is logged")
    sockets = live.server.hub.registry.sockets
    wait_for(lambda: len(sockets) == 1, "the connection has ended")


# What is done


def test_what_administrators_do(
    start: Callable[..., Live], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "tgext.socketio.operation")
    live = start()
    ann, bob = live.joined(), live.joined()
    ada = Watcher(live)
    ada.until(lambda: len(ada.ids()) == 2)
    first, second = ada.ids()
    ada.do("join", "/chat", "lobby", first)
    ada.until(lambda: ada.rooms() == [[], ["lobby"]])
    ada.do("emit", "/chat", "lobby", "news", 1)
    assert ann.event("/chat") == ["news", 1]
    ada.do("emit", "/chat", None, "news", 2)
    assert ann.event("/chat") == bob.event("/chat") == ["news", 2]
    ada.do("leave", "/chat", "lobby")
    ada.until(lambda: ada.rooms() == [[], []])
    ada.do("_disconnect", "/chat", False, second)
    assert bob.read()["type"] == "disconnect"
    ada.until(lambda: ada.ids() == [first])
    ada.do("_disconnect", "/chat", True, first)
    assert ann.read()["type"] == "disconnect"
    ada.until(lambda: not ada.ids())
    assert f"Administrator ada: disconnect in /chat of {first}" in caplog.text


@pytest.mark.parametrize(
    "event",
    [
        ("join", "/chat", {"a": "room"}),
        ("leave", "/chat", 1.5, "lobby"),
        ("emit", "/chat", ["lobby"], "news"),
        ("_disconnect", "/chat", False, True),
    ],
)
def test_invalid_commands(start: Callable[..., Live], event: Any) -> None:
    ada = Watcher(start())
    ada.do(*event)
    assert ada.next("error")[1] == "invalid_method_args"


class Managers(Predicate):
    message = "Only managers"
    now: ClassVar[set[str]] = set()

    def evaluate(self, environ: Any, credentials: Any) -> None:
        if credentials["repoze.what.userid"] not in self.now:
            self.unmet()


class Managed(AdminNamespace):
    allow_only = Managers()


def test_each_command_is_authorised_again(
    start: Callable[..., Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Managers, "now", {"ada"})
    live = start(admin=Managed)
    client = live.joined()
    ada = Watcher(live)
    Managers.now.clear()
    ada.do("_disconnect", "/chat", True)
    assert ada.next("error")[1:] == ["method_access_denied", "Only managers"]
    ada.next("disconnect")
    assert client.call("/chat", "count") == [1]


def test_two_kinds_of_administrators(start: Callable[..., Live]) -> None:
    live = start(support=Readers)
    live.joined()
    ada, eve = Watcher(live), Watcher(live, endpoint="/support")
    for each in (ada, eve):
        each.until(lambda each=each: len(each.ids()) == 1)
    eve.do("_disconnect", "/chat", True)
    assert eve.next("error")[1] == "method_access_denied"
    ada.do("_disconnect", "/chat", True)
    for each in (ada, eve):
        each.until(lambda each=each: not each.ids())


class Readers(AdminNamespace):
    allow_only = is_user("ada")
    readonly = True


def test_administrators_who_only_look(start: Callable[..., Live]) -> None:
    live = start(admin=Readers)
    client = live.joined()
    ada = Watcher(live)
    assert not ACTING & set(ada.features)
    for event in (
        ("join", "/chat", "lobby"),
        ("leave", "/chat", "lobby"),
        ("emit", "/chat", None, "news"),
        ("_disconnect", "/chat", True),
    ):
        ada.do(*event)
        assert ada.next("error")[1] == "method_access_denied"
    assert client.call("/chat", "count") == [1]


class Counters(AdminNamespace):
    allow_only = is_user("ada")
    mode = "production"


def test_only_numbers_in_production(start: Callable[..., Live]) -> None:
    live = start(admin=Counters)
    live.joined()
    ada = Watcher(live)
    assert set(ada.features) == {"AGGREGATED_EVENTS", *ACTING}
    for _ in range(2):
        ada.next("server_stats")
    assert [each[0] for each in ada.told] == ["config"]
