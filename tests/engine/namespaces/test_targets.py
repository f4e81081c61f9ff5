"""Users, rooms and sockets of a namespace, in one process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ..conftest import Serve
from .people import Club, Plain, fresh, namespace_of, people, sid_of


@pytest.fixture(params=[Club, Plain])
def club(request: pytest.FixtureRequest) -> Any:
    return fresh(request.param)


def test_an_event_goes_to_all_sockets_of_a_user(
    serve: Serve, kind: str, club: Any
) -> None:
    live = serve({"/chat": club})
    anna, ben, anna_too = people(live, "anna", "ben", "anna", kind=kind)
    namespace = namespace_of(live, ben)
    namespace.user("anna").emit("news", "for Anna")
    namespace.user("carl").emit("news", "for nobody")
    namespace.socket_by_id(sid_of(live, anna_too)).emit("news", "for one")
    for client in (anna, anna_too):
        assert client.event("/chat") == ["news", "for Anna"]
    assert anna_too.event("/chat") == ["news", "for one"]
    for client in (anna, ben, anna_too):
        assert client.call("/chat", "echo") == []
    assert namespace.user("anna").count() == 2
    assert namespace.user("carl").count() == 0
    assert namespace.socket_by_id(sid_of(live, ben)).count() == 1
    assert namespace.socket_by_id("x").count() == 0


def test_a_room_has_its_members_and_nobody_is_in_a_room_by_name(serve: Serve) -> None:
    live = serve({"/chat": fresh()})
    anna, ben, carl = people(live, "anna", "ben", "carl")
    carl.call("/chat", "enter", "anna")
    carl.call("/chat", "enter", sid_of(live, anna))
    namespace = namespace_of(live, ben)
    for target, receiver in (
        (namespace.room("anna"), carl),
        (namespace.user("anna"), anna),
        (namespace.socket_by_id(sid_of(live, anna)), anna),
    ):
        assert target.count() == 1
        target.emit("news", repr(target))
        assert receiver.event("/chat") == ["news", repr(target)]
    assert repr(namespace.user("anna")) == "<Target UserRoom('anna') of /chat>"
    for client in (anna, ben, carl):
        assert client.call("/chat", "echo") == []


INVALID: dict[str, tuple[Callable[[Any], Any], type[Exception], str]] = {
    "no user": (lambda n: n.user(None), TypeError, "a user is a str or an int"),
    "no id": (lambda n: n.socket_by_id(7), TypeError, "the id of a socket is a str"),
    "no room": (lambda n: n.room(None), TypeError, "a room is a str or an int"),
    "a room to join": (lambda n: n.user("a").join(1.5), TypeError, "a room is a str"),
    "a room to leave": (lambda n: n.user("a").leave(b"x"), TypeError, "a room is"),
    "a reason": (lambda n: n.user("a").disconnect(1), TypeError, "a reason is a str"),
    "a value": (lambda n: n.user("a").emit("e", object()), TypeError, "JSON"),
    "a value to ack": (lambda n: n.user("a").emit("e", {1j}, ack=1), TypeError, "JSON"),
    "a name": (lambda n: n.user("a").emit(None), TypeError, "the name of an event"),
    "no time": (lambda n: n.user("a").emit("e", ack=0), ValueError, "ack is 0: give"),
    "too long": (lambda n: n.user("a").emit("e", ack=3601), ValueError, "ack is 3601"),
    "for ever": (lambda n: n.user("a").emit("e", ack=float("inf")), ValueError, "inf:"),
    "both": (
        lambda n: n.user("a").emit("e", ack=1, volatile=True),
        ValueError,
        "a volatile event has no ack",
    ),
    "some": (
        lambda n: n.user("a").emit("e", ack=1, except_="b"),
        ValueError,
        "all sockets are asked",
    ),
    "exceptions": (
        lambda n: n.user("a").emit("e", except_=1.5),
        TypeError,
        "a room is",
    ),
    "less": (lambda n: n.user("a").emit("e", ack=-1), ValueError, "ack is -1: give"),
}


@pytest.mark.parametrize(("use", "error", "text"), INVALID.values(), ids=INVALID)
def test_what_is_invalid_is_refused_at_the_call(
    serve: Serve, use: Any, error: type[Exception], text: str
) -> None:
    live = serve({"/chat": fresh(Plain)})
    [anna] = people(live, "a")
    with pytest.raises(error, match=text):
        use(namespace_of(live, anna))
    assert anna.call("/chat", "echo") == []


def test_a_volatile_event_is_not_for_those_whose_output_waits(serve: Serve) -> None:
    live = serve({"/chat": fresh()})
    [ready] = people(live, "anna")
    [idle] = people(live, "anna", kind="4-polling")  # has no poll open
    namespace_of(live, ready).user("anna").emit("news", volatile=True)
    assert ready.event("/chat") == ["news"]
    assert idle.call("/chat", "echo") == []


def test_the_other_tabs_of_a_user_are_told(serve: Serve) -> None:
    live = serve({"/chat": fresh()})
    this, other, away = people(live, "anna", "anna", "anna")
    away.call("/chat", "enter", "away")
    namespace = namespace_of(live, this)
    target = namespace.user("anna")
    target.emit("read", 5, except_=namespace)
    target.emit_on_commit("read", 6, except_=[namespace, "away"])
    assert other.event("/chat") == ["read", 5]
    assert other.event("/chat") == ["read", 6]
    assert away.event("/chat") == ["read", 5]
    for client in (this, away):
        assert client.call("/chat", "echo") == []
