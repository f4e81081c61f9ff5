"""What all events of one application share."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from tg.appwrappers.identity import IdentityApplicationWrapper

from tgext.socketio.request.application import Application

from .opening import Wrapper, configuration


@pytest.mark.parametrize("value", ["soon", "-1", "nan", [1]])
def test_an_invalid_ttl_is_named(value: object) -> None:
    with pytest.raises(ValueError, match=r"socketio.identity_ttl: .* is not a number"):
        Application({"socketio.identity_ttl": value})


@pytest.mark.parametrize(
    ("value", "seconds"), [(None, 0), ("", 0), ("0", 0), ("2.5", 2.5), (60, 60)]
)
def test_the_ttl_is_in_seconds(value: object, seconds: float) -> None:
    config = configuration(**{"socketio.identity_ttl": value})
    assert Application(config).identity_ttl == seconds


def test_an_application_without_wrappers_dispatches_nothing() -> None:
    application = Application(configuration())
    assert application.dispatch is None
    assert application.dispatch_known is None


def test_an_application_with_wrappers_dispatches_events() -> None:
    application = Application(configuration(Wrapper))
    assert application.dispatch is not None
    assert application.dispatch_known is None


def with_identity(ttl: str, *wrappers: type) -> Application:
    options = {"socketio.identity_ttl": ttl, "identity.enabled": True}
    config = configuration(*wrappers, IdentityApplicationWrapper, **options)
    config["sa_auth.authmetadata"] = SimpleNamespace()
    return Application(config)


def test_a_remembered_identity_is_dispatched_without_the_look_up() -> None:
    application = with_identity("60")
    assert application.wrappers.identity
    assert application.dispatch is not None
    assert application.dispatch_known is not None
    handled: list[object] = []
    known = application.dispatch_known
    assert known(lambda *args: handled.append(args), {}, "context") is None
    assert handled == [({}, "context")]


def test_without_a_ttl_every_event_looks_up_the_identity() -> None:
    assert with_identity("0").dispatch_known is None


def test_the_other_wrappers_stay_around_a_remembered_identity() -> None:
    application = with_identity("60", Wrapper)
    assert application.dispatch_known is not None
    response = SimpleNamespace(status_int=200)
    application.dispatch_known(lambda *args: response, {}, "context")
    assert application.config["seen"] == ["before", 200]


def removes() -> SimpleNamespace:
    return SimpleNamespace(remove=lambda: "removed")


def test_what_it_closes_is_computed_once() -> None:
    assert Application(configuration()).close_resources is None
    config = configuration(use_sqlalchemy=True, DBSession=removes())
    close = Application(config).close_resources
    assert close is not None
    assert close() == "removed"
