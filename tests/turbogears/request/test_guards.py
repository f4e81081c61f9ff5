"""Predicates and requirements that a client meets or does not meet."""

from __future__ import annotations

from typing import Any

import pytest
from tg import predicates, require
from webob.exc import HTTPForbidden

from tgext.socketio.request.guards import (
    all_met,
    denial,
    first_unmet,
    requirements_of,
    unmet,
)

ADA = {"repoze.who.userid": "ada", "groups": ("staff",), "permissions": ("read",)}


def environ_of(user: str | None) -> Any:
    environ: dict[str, Any] = {}
    if user is not None:
        identity = {**ADA, "repoze.who.userid": user}
        credentials = {**identity, "repoze.what.userid": user}
        environ["repoze.who.identity"] = identity
        environ["repoze.what.credentials"] = credentials
    return lambda: environ


def never() -> dict[str, Any]:
    raise AssertionError("no predicate needs the environment")


def forbid(reason: str) -> None:
    raise HTTPForbidden(detail=f"Sorry: {reason}")


def stay_silent(reason: str) -> None:
    """Refuse without an answer."""


IS_ADA = predicates.is_user("ada", msg="Ada only")
MEMBERS = predicates.not_anonymous(msg="Members only")


class Controller:
    """A controller with ``allow_only``, and one below it."""

    def __init__(self, *allow_only: Any) -> None:
        if allow_only:
            [self.allow_only] = allow_only


def test_without_a_predicate_nothing_is_unmet() -> None:
    assert unmet(None, never) is None
    assert unmet(require(None), never) is None


@pytest.mark.parametrize("predicate", [IS_ADA, require(IS_ADA)])
def test_a_predicate_that_is_not_met_says_why(predicate: Any) -> None:
    assert unmet(predicate, environ_of("ada")) is None
    assert unmet(predicate, environ_of("bob")) == "Ada only"
    assert unmet(predicate, environ_of(None)) == "Ada only"


def test_a_predicate_may_hold_another() -> None:
    not_ada = predicates.Not(IS_ADA, msg="Everybody else")
    assert unmet(not_ada, environ_of("bob")) is None
    assert unmet(not_ada, environ_of("ada")) == "Everybody else"


def test_what_a_predicate_raises_otherwise_is_not_a_denial() -> None:
    class Broken(predicates.Predicate):
        def evaluate(self, environ: Any, credentials: Any) -> None:
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        unmet(Broken(), environ_of("ada"))


def test_all_requirements_have_to_be_met() -> None:
    both = [require(MEMBERS), require(IS_ADA)]
    assert all_met([], never)
    assert all_met(both, environ_of("ada"))
    assert not all_met(both, environ_of("bob"))
    assert not all_met(both, environ_of(None))


def test_a_requirement_without_a_predicate_is_never_met() -> None:
    assert not all_met([require(None)], never)
    assert denial([require(None)], never, reasons=True) is None


def test_a_requirement_tells_no_reason_by_default() -> None:
    assert denial([require(IS_ADA)], environ_of("bob"), reasons=False) is None
    assert denial([require(IS_ADA)], environ_of("bob"), reasons=True) == "Ada only"


def test_smart_denial_tells_the_reason() -> None:
    smart = require(IS_ADA, smart_denial=True)
    assert denial([smart], environ_of("bob"), reasons=False) == "Ada only"


@pytest.mark.parametrize("reasons", [True, False])
def test_a_denial_handler_tells_its_own_text(reasons: bool) -> None:
    own = require(IS_ADA, denial_handler=forbid)
    assert denial([own], environ_of("bob"), reasons) == "Sorry: Ada only"


def test_a_denial_handler_may_stay_silent() -> None:
    own = require(IS_ADA, denial_handler=stay_silent, smart_denial=True)
    assert denial([own], environ_of("bob"), reasons=False) is None


def test_the_first_requirement_with_a_text_is_told() -> None:
    requirements = [
        require(IS_ADA),
        require(MEMBERS, smart_denial=True),
        require(IS_ADA, denial_handler=forbid),
    ]
    told = denial(requirements, environ_of(None), reasons=False)
    assert told == "Members only"
    assert denial(requirements, environ_of("bob"), reasons=False) == "Sorry: Ada only"
    assert denial(requirements, environ_of("ada"), reasons=True) is None


@pytest.mark.parametrize(
    ("controllers", "user", "reason"),
    [
        ([], None, None),
        ([Controller(), Controller(None)], None, None),
        ([Controller(MEMBERS), Controller()], None, "Members only"),
        ([Controller(), Controller(MEMBERS)], None, "Members only"),
        ([Controller(require(MEMBERS)), Controller(IS_ADA)], None, "Members only"),
        ([Controller(MEMBERS), Controller(IS_ADA)], "bob", "Ada only"),
        ([Controller(IS_ADA), Controller(MEMBERS), Controller()], "ada", None),
    ],
)
def test_all_controllers_on_the_way_are_asked_from_the_outermost(
    controllers: list[Controller], user: str | None, reason: str | None
) -> None:
    assert first_unmet(requirements_of(controllers), environ_of(user)) == reason


def test_without_requirements_no_environment_is_made() -> None:
    assert first_unmet(requirements_of([Controller()]), never) is None
