"""What is done with all sockets of a user, of a room, or of an id."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.engine.hub.roomkeys import user_room
from tgext.socketio.engine.namespaces.commands import Command, obey

from ..clients import wait_for
from ..conftest import Serve
from .people import Club, Plain, fresh, namespace_of, people, sid_of


@pytest.fixture(params=[Club, Plain])
def club(request: pytest.FixtureRequest) -> Any:
    return fresh(request.param)


def test_users_join_and_leave_rooms(serve: Serve, kind: str, club: Any) -> None:
    live = serve({"/chat": club})
    anna, ben, anna_too = people(live, "anna", "ben", "anna", kind=kind)
    namespace = namespace_of(live, ben)
    namespace.user("anna").join("lobby")
    namespace.socket_by_id(sid_of(live, ben)).join("lobby")
    namespace.room("lobby").join("hall")
    namespace.user("anna").join("lobby")  # a second time
    assert namespace.room("lobby").count() == namespace.room("hall").count() == 3
    namespace.user("anna").leave("lobby")
    namespace.user("anna").leave("nowhere")
    assert namespace.room("lobby").count() == 1
    namespace.room("hall").emit("news")
    for client in (anna, ben, anna_too):
        assert client.event("/chat") == ["news"]
    if club.__mro__[1] is Club:
        assert anna.call("/chat", "rooms") == [["hall"]]
        assert ben.call("/chat", "rooms") == [["hall", "lobby"]]
        names = {"/chat_hall", "/chat_lobby"}
        assert live.socket(ben).session["rooms"] == names


def test_who_has_too_many_rooms_joins_no_other(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    live = serve({"/chat": fresh()}, max_rooms=1)
    anna, ben = people(live, "anna", "ben")
    anna.call("/chat", "enter", "lobby")
    namespace = namespace_of(live, anna)
    for user in ("anna", "ben"):
        namespace.user(user).join("hall")
    assert anna.call("/chat", "rooms") == [["lobby"]]
    assert ben.call("/chat", "rooms") == [["hall"]]
    assert "max_rooms" in caplog.text


@pytest.mark.parametrize("reason", [None, "banned"])
def test_users_are_disconnected_with_a_reason(
    serve: Serve, kind: str, club: Any, reason: str | None
) -> None:
    live = serve({"/chat": club})
    anna, ben, anna_too = people(live, "anna", "ben", "anna", kind=kind)
    target = namespace_of(live, ben).user("anna")
    target.disconnect(*([reason] if reason else []))
    for client in (anna, anna_too):
        told = client.read()
        assert (told["type"], told["endpoint"]) == ("disconnect", "/chat")
    wait_for(lambda: len(club.left) == 2, "both have left")
    assert club.left == [reason or "server namespace disconnect"] * 2
    assert target.count() == 0
    assert ben.call("/chat", "echo") == []


def test_an_override_that_does_nothing_keeps_nobody(serve: Serve) -> None:
    class Sticky(Club):
        def disconnect(self, *args: Any, **kwargs: Any) -> None: ...

        def recv_disconnect(self) -> None: ...

    live = serve({"/chat": Sticky})
    anna, ben = people(live, "anna", "ben")
    target = namespace_of(live, ben).user("anna")
    target.disconnect()
    assert anna.read()["type"] == "disconnect"
    wait_for(lambda: target.count() == 0, "Anna has left")


def test_what_fails_for_one_is_done_for_the_others(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    class Named(Club):
        def _get_room_name(self, room: Any) -> str:
            if self.on_fire:
                raise RuntimeError("on fire")
            return f"my {room}"

        on_fire = False

    live = serve({"/chat": Named})
    clients = people(live, "anna", "anna", "anna")
    namespace = namespace_of(live, clients[0])
    namespace.on_fire = True
    namespace_of(live, clients[1]).user("anna").join("lobby")
    assert "RuntimeError: on fire" in caplog.text
    assert clients[2].call("/chat", "rooms") == [["my lobby"]]
    assert namespace_of(live, clients[1]).room("lobby").count() == 2


def test_connections_are_closed_with_all_their_namespaces(
    serve: Serve, kind: str
) -> None:
    live = serve({"/chat": fresh(), "/news": fresh(Plain)})
    anna, ben = people(live, "anna", "ben", kind=kind)
    for each in (anna, ben):
        each.join("/news")
    socket = live.socket(anna)
    command = Command("close", "banned")
    obey(live.server.rooms, "/chat", user_room("anna"), command)
    told = anna.read()
    assert (told["type"], told["endpoint"]) == ("disconnect", "/chat")
    wait_for(lambda: socket.ended and not socket.active_ns, "the connection has ended")
    assert ben.call("/news", "echo") == []
