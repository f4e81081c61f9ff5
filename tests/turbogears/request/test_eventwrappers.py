"""An event finds out what it reads, and nothing else."""

from __future__ import annotations

import builtins
import io
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tg
from tg import FullStackApplicationConfigurator, TGController, expose, hooks
from tg.configuration.auth import TGAuthMetadata
from tg.i18n import get_lang, ugettext
from tg.predicates import has_permission

from tests.engine.conftest import Live
from tgext.socketio import SocketIOController, SocketIOTGNamespace

transaction = pytest.importorskip("transaction")
pytest.importorskip("beaker")
pytest.importorskip("repoze.who")


class Users(TGAuthMetadata):
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.known = {"ada": ["manage"]}

    def authenticate(self, environ: Any, identity: Any) -> str | None:
        return identity["login"]

    def get_user(self, identity: Any, userid: str) -> Any:
        self.asked.append("user")
        return SimpleNamespace(name=userid) if userid in self.known else None

    def get_groups(self, identity: Any, userid: str) -> list[str]:
        self.asked.append("groups")
        return []

    def get_permissions(self, identity: Any, userid: str) -> list[str]:
        self.asked.append("permissions")
        return self.known[userid]


class Lab(SocketIOTGNamespace):
    attempts = 0

    def on_nothing(self):
        return "done"

    def on_login(self):
        return tg.request.identity["repoze.who.userid"]

    def on_user(self):
        return tg.request.identity["user"].name

    @tg.require(has_permission("manage"))
    def on_manage(self):
        return "managed"

    def on_anonymous(self):
        return not tg.request.identity

    def on_colour(self):
        return tg.session["colour"]

    def on_translate(self):
        return [str(ugettext("welcome")), get_lang()[:2]]

    def on_retry(self):
        type(self).attempts += 1
        name = tg.request.identity["user"].name
        languages = get_lang()[:2]
        if self.attempts == 1:
            raise transaction.interfaces.TransientError("conflict")
        return [self.attempts, name, languages]


class SocketIO(SocketIOController):
    lab = Lab


class RootController(TGController):
    socketio = SocketIO()

    @expose(content_type="text/plain")
    def welcome(self, **came_from: str) -> str:
        tg.session["colour"] = "blue"
        tg.session["tg_lang"] = ["it"]
        tg.session.save()
        return "welcome"


class Site:
    def __init__(
        self, serve: Callable[..., Live], directory: Path, **options: Any
    ) -> None:
        self.users = Users()
        self.sessions = directory / "sessions"
        configurator = FullStackApplicationConfigurator()
        configurator.update_blueprint(
            {
                "root_controller": RootController(),
                "package": sys.modules[__name__],
                "renderers": ["json"],
                "localedir": str(directory),
                "session.type": "file",
                "session.data_dir": str(self.sessions),
                "session.key": "lab",
                "session.secret": "no secret",
                "sa_auth.enabled": True,
                "sa_auth.cookie_secret": "no secret",
                "sa_auth.authmetadata": self.users,
                "sa_auth.post_login_url": "/welcome",
                "i18n.enabled": True,
                "tm.enabled": True,
                "tm.attempts": 2,
                **options,
            }
        )
        app = configurator.make_wsgi_app({}, {})
        self.live = serve(application=app, resource="socketio")

    def connect(self, language: str = "de") -> Any:
        """Log in, begin a session, and join."""
        cookie = self._visit("/login_handler?login=ada&password=x", "")
        cookie = "; ".join((cookie, self._visit("/welcome", cookie)))
        headers = {"Cookie": cookie, "Accept-Language": language}
        client = self.live.websocket_5(headers=headers)
        client.join("/lab")
        self.users.asked.clear()
        return client

    def _visit(self, path: str, cookie: str) -> str:
        page = self.live.http().get(path, {"Cookie": cookie} if cookie else {})
        told = page.headers.get_all("Set-Cookie") or []
        return "; ".join(each.split(";")[0] for each in told if "Max-Age" not in each)


@pytest.fixture
def site(serve: Callable[..., Live], tmp_path: Path) -> Site:
    return Site(serve, tmp_path)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are opened."""
    names: list[str] = []
    own = builtins.open

    def noting(name: Any, *args: Any, **options: Any) -> Any:
        names.append(str(name))
        return own(name, *args, **options)

    monkeypatch.setattr(builtins, "open", noting)
    monkeypatch.setattr(io, "open", noting)
    return names


#: Events, their answers, what they ask the application for, and whether they read the
#: session.
EVENTS = [
    ("nothing", "done", [], False),
    ("login", "ada", [], False),
    ("user", "ada", ["user"], False),
    ("manage", "managed", ["user", "permissions"], False),
    ("colour", "blue", [], True),
    ("translate", ["welcome", ["it", "de"]], [], True),
]


@pytest.mark.parametrize(("event", "answer", "asked", "reads"), EVENTS)
def test_an_event_finds_out_what_it_reads_and_nothing_else(
    site: Site,
    opened: list[str],
    event: str,
    answer: Any,
    asked: list[str],
    reads: bool,
) -> None:
    client = site.connect()
    opened.clear()
    assert client.call("/lab", event, number=1) == [answer]
    assert site.users.asked == asked
    files = [name for name in opened if name.startswith(str(site.sessions))]
    assert bool(files) == reads


def test_listeners_for_the_language_hear_of_each_event(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Any] = []
    listeners = vars(hooks)["_hooks"]
    monkeypatch.setitem(listeners, "set_request_lang", [heard.append])
    client = site.connect()
    heard.clear()
    assert client.call("/lab", "nothing", number=1) == ["done"]
    assert [each[:2] for each in heard] == [["it", "de"]]


def test_where_users_must_exist_each_event_asks_for_them(
    serve: Callable[..., Live], tmp_path: Path
) -> None:
    site = Site(serve, tmp_path, **{"identity.allow_missing_user": False})
    client = site.connect()
    assert client.call("/lab", "anonymous", number=1) == [False]
    assert site.users.asked == ["user", "groups", "permissions"]
    site.users.known.clear()
    assert client.call("/lab", "anonymous", number=2) == [True]


def test_a_transaction_that_is_tried_again_finds_all_out_anew(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lab, "attempts", 0)
    client = site.connect()
    answer = client.call("/lab", "retry", number=1)
    assert answer == [[2, "ada", ["it", "de"]]]
    assert site.users.asked == ["user", "user"]


def test_an_identity_is_remembered_with_what_was_not_read(
    serve: Callable[..., Live], tmp_path: Path
) -> None:
    site = Site(serve, tmp_path, **{"socketio.identity_ttl": 60})
    client = site.connect()
    for number in range(3):
        assert client.call("/lab", "manage", number=number) == ["managed"]
    assert site.users.asked.count("permissions") <= 1
