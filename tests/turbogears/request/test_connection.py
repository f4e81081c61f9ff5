"""What events inherit from the request that opened their connection."""

from __future__ import annotations

from typing import Any

from tg.appwrappers.identity import IdentityApplicationWrapper
from tg.appwrappers.session import SessionApplicationWrapper

from tgext.socketio.request.application import Application
from tgext.socketio.request.connection import Connection

from .opening import FakeSocket, configuration, context_of, environ_of

ADA = {
    "repoze.who.userid": "ada",
    "user": object(),
    "groups": ["staff"],
    "permissions": ["read"],
}


def connection(*wrappers: type, **environ: Any) -> Connection:
    config = configuration(
        *wrappers, **{"sa_auth.authmetadata": object(), "session.enabled": True}
    )
    application = Application(config)
    opening = environ_of(FakeSocket(), **environ)
    return Connection(opening, context_of(config), application)


def test_the_contexts_of_turbogears_are_inherited() -> None:
    made = connection()
    assert made.app_globals == "globals"
    assert made.translator == "translator"
    assert made.cache == "cache"
    assert made.session == "session"
    assert made.language == ["en"]


def test_a_session_wrapper_provides_the_session_of_each_event() -> None:
    assert connection(SessionApplicationWrapper).session is None


def test_what_belongs_to_the_opening_request_is_not_inherited() -> None:
    made = connection(
        HTTP_COOKIE="a=1", **{"tg.locals": object(), "beaker.session": object()}
    )
    assert made.environ["HTTP_COOKIE"] == "a=1"
    assert made.environ["PATH_INFO"] == "/socketio/"
    assert made.environ["socketio"] is made.socket
    for name in ("wsgi.input", "tg.locals", "beaker.session"):
        assert name not in made.environ


def test_without_a_look_up_the_identity_stays() -> None:
    made = connection(**{"repoze.who.identity": ADA})
    assert made.lookup.user == "ada"
    assert made.environ["repoze.who.identity"] == ADA


def test_with_a_look_up_only_the_user_s_id_stays() -> None:
    opening = {"repoze.who.identity": ADA, "repoze.what.credentials": ADA}
    made = connection(IdentityApplicationWrapper, **opening)
    assert made.lookup.user == "ada"
    assert made.environ["repoze.who.identity"] == {"repoze.who.userid": "ada"}
    assert "repoze.what.credentials" not in made.environ


def test_an_identity_on_the_request_is_inherited_without_a_look_up() -> None:
    attributes = {"webob.adhoc_attrs": {"identity": ADA, "other": 1}}
    assert connection(**attributes).attributes == {"identity": ADA}
    assert connection(IdentityApplicationWrapper, **attributes).attributes == {}


def test_an_anonymous_connection_has_no_user() -> None:
    assert connection().lookup.user is None
