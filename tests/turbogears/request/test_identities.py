"""The identity of an event: what the application is asked for, and when."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tgext.socketio.request.identities import EventIdentity, KnownIdentity

LOGIN = {"repoze.who.userid": "ada", "timestamp": 7}
WHOLE = {
    **LOGIN,
    "repoze.what.userid": "ada",
    "user": {"name": "ada"},
    "groups": ["managers"],
    "permissions": ["manage"],
}


class Users:
    """Notes what it is asked for, as ``TGAuthMetadata`` is."""

    def __init__(self, user: Any = WHOLE["user"]) -> None:
        self.asked: list[str] = []
        self.user = user

    def get_user(self, identity: Any, userid: str) -> Any:
        assert userid == "ada"
        self.asked.append("user")
        return self.user

    def get_groups(self, identity: Any, userid: str) -> list[str]:
        self.asked.append("groups")
        return ["managers"] if identity["user"] else []

    def get_permissions(self, identity: Any, userid: str) -> list[str]:
        self.asked.append("permissions")
        return ["manage"] if "managers" in identity["groups"] else []


#: What is read, what it is, and what the application is asked for.
READ: list[tuple[str, Callable[[Any], Any], Any, list[str]]] = [
    ("the id", lambda it: it["repoze.who.userid"], "ada", []),
    ("the id, by get", lambda it: it.get("repoze.what.userid"), "ada", []),
    ("an item of the login", lambda it: it.get("timestamp"), 7, []),
    ("whether there is one", bool, True, []),
    ("whether there is a user", lambda it: "user" in it, True, []),
    ("how it is printed", lambda it: "ada" in repr(it), False, []),
    ("the user", lambda it: it["user"]["name"], "ada", ["user"]),
    ("the groups", lambda it: it["groups"], ["managers"], ["user", "groups"]),
    (
        "the permissions",
        lambda it: it.get("permissions"),
        ["manage"],
        ["user", "permissions", "groups"],
    ),
]

#: What shows all items, as it shows those of a page's identity.
SHOWN: list[tuple[str, Callable[[Any], Any]]] = [
    ("dict", dict),
    ("unpacked", lambda it: {**it}),
    ("update", lambda it: _updated(it)),
    ("copy", lambda it: it.copy()),
    ("copy.copy", lambda it: dict(copy.copy(it))),
    ("items", lambda it: dict(it.items())),
    ("keys", lambda it: _named(it.keys())),
    ("iteration", lambda it: _named(iter(it))),
    ("values", lambda it: dict(zip(it, it.values(), strict=True))),
    ("or", lambda it: it | {}),
    ("JSON", lambda it: json.loads(json.dumps(it))),
    ("equal", lambda it: WHOLE if it == WHOLE else None),
    ("not equal", lambda it: None if it != WHOLE else WHOLE),
    ("length", lambda it: WHOLE if len(it) == len(WHOLE) else None),
]


def _named(names: Iterable[str]) -> dict[str, Any]:
    return {name: WHOLE[name] for name in names}


def _updated(identity: Any) -> dict[str, Any]:
    updated: dict[str, Any] = {}
    updated.update(identity)
    return updated


@pytest.mark.parametrize(
    ("read", "value", "asked"), [row[1:] for row in READ], ids=[row[0] for row in READ]
)
def test_only_what_is_read_is_looked_up_and_once(
    read: Callable[[Any], Any], value: Any, asked: list[str]
) -> None:
    users = Users()
    identity = EventIdentity(LOGIN, users)
    assert read(identity) == value == read(identity)
    assert users.asked == asked


@pytest.mark.parametrize("show", [row[1] for row in SHOWN], ids=[r[0] for r in SHOWN])
def test_whatever_reads_all_items_sees_those_of_a_page(
    show: Callable[[Any], Any],
) -> None:
    assert show(EventIdentity(LOGIN, Users())) == WHOLE


@pytest.mark.parametrize("missing", [None, {}])
def test_a_user_who_was_deleted_has_no_groups(missing: Any) -> None:
    users = Users(missing)
    identity = EventIdentity(LOGIN, users)
    assert identity["permissions"] == [] == identity["groups"]
    assert identity["user"] == missing
    assert users.asked == ["user"]


def test_an_item_that_nobody_knows_is_missing() -> None:
    identity = EventIdentity(LOGIN, Users())
    assert "tenant" not in identity
    assert identity.get("tenant", "none") == "none"
    with pytest.raises(KeyError, match="tenant"):
        identity["tenant"]


def test_an_item_that_the_look_up_adds_is_there() -> None:
    class Adding(Users):
        def get_user(self, identity: Any, userid: str) -> Any:
            identity["tenant"] = "north"
            return super().get_user(identity, userid)

    assert EventIdentity(LOGIN, Adding())["tenant"] == "north"
    assert EventIdentity(LOGIN, Adding()).get("tenant") == "north"
    assert "tenant" in EventIdentity(LOGIN, Adding())


def test_while_the_user_is_looked_up_the_identity_has_none() -> None:
    class Keeping(Users):
        def get_user(self, identity: Any, userid: str) -> Any:
            assert "user" not in identity
            assert identity.get("user") is None
            assert identity.get("nothing") is None
            return super().get_user(identity, userid)

    assert EventIdentity(LOGIN, Keeping())["permissions"] == ["manage"]


@pytest.mark.parametrize("error", [KeyError("ada"), OSError("no database")])
def test_a_look_up_that_fails_raises_what_the_application_raised(
    error: Exception,
) -> None:
    class Failing(Users):
        def get_user(self, identity: Any, userid: str) -> Any:
            raise error

    identity = EventIdentity(LOGIN, Failing())
    for read in (lambda: identity["permissions"], lambda: identity.get("user")):
        with pytest.raises(type(error)) as raised:
            read()
        assert raised.value is error


def test_another_transaction_looks_it_up_anew() -> None:
    users = Users()
    identity = EventIdentity(LOGIN, users)
    assert identity["groups"] == ["managers"]
    identity.forget()
    users.user = None
    assert identity["user"] is None
    assert identity["groups"] == []


def test_who_waits_for_the_look_up_is_told_once() -> None:
    found: list[Any] = []
    identity = EventIdentity(LOGIN, Users())
    identity.when_found(lambda each: found.append(KnownIdentity(each, {})))
    assert identity["timestamp"] == 7
    assert found == []
    assert identity["permissions"] == ["manage"]
    assert [dict(each) for each in found] == [
        {name: value for name, value in WHOLE.items() if name != "user"}
    ]
