"""An event has a TurboGears context of its own."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import gevent
import pytest
import tg
from gevent.event import Event
from tg import MinimalApplicationConfigurator, TGController, predicates, require
from tg.i18n import lazy_ugettext
from tg.predicates import has_permission, is_user

from tests.engine.clients import wait_for
from tests.engine.conftest import Live
from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.engine.concurrency.greenlets import Job
from tgext.socketio.server import NO_CHALLENGES

COOKIE = "Cookie"


class Lab(SocketIOTGNamespace):
    def initialize(self):
        self.seen = [("initialize", tg.request.identity["user"])]

    def recv_connect(self):
        self.seen.append(("recv_connect", tg.request.identity["user"]))

    def on_history(self):
        return self.seen

    def on_who(self):
        return tg.request.identity["user"]

    def on_mark(self, value):
        before = getattr(tg.tmpl_context, "mark", "")
        tg.tmpl_context.mark = value
        tg.request.mark = value
        tg.response.headers["X-Mark"] = value
        return before, hasattr(self.request, "mark")

    def on_linger(self, nonce, seconds):
        """Return what this event sees of itself, repeatedly, while others run."""
        tg.tmpl_context.nonce = nonce
        tg.request.nonce = nonce
        environ = tg.request.environ
        seen = set()
        for _ in range(3):
            gevent.sleep(seconds)
            assert tg.request.environ is environ
            seen.add(
                (
                    tg.request.identity["user"],
                    tg.request.cookies["user"],
                    tg.tmpl_context.nonce,
                    tg.request.nonce,
                )
            )
        return sorted(map(list, seen))

    def on_ask(self):
        def answered():
            self.emit("answered", tg.request.identity["user"])

        self.emit("question", callback=answered)

    def on_job(self):
        done = Event()

        def job():
            try:
                self.emit("job", tg.request.identity["user"])
            except TypeError:
                self.emit("job", "no user")
            done.set()

        self.spawn(job)
        done.wait()

    def on_lazy(self):
        return str(lazy_ugettext("untranslated"))

    def on_environment(self):
        environ = tg.request.environ
        return [
            environ["wsgi.input"].read().decode(),
            environ["REMOTE_ADDR"],
            environ is self.environ,
            tg.request.headers["X-Test"],
            "paste.registry" in environ,
            "tg.locals" in self.environ,
        ]

    def on_config(self):
        return tg.config["answer"], tg.app_globals is not None

    @require(is_user("ada"))
    def on_for_ada(self):
        return "for ada"

    def on_fail(self):
        tg.tmpl_context.left = "behind"
        raise RuntimeError

    def on_left(self):
        return getattr(tg.tmpl_context, "left", "")


class Members(SocketIOTGNamespace):
    allow_only = predicates.is_user("ada", msg="Ada only")

    def on_who(self):
        return tg.request.identity["user"]


class SocketIO(SocketIOController):
    lab = Lab
    members = Members


class Guarded(SocketIO):
    allow_only = predicates.not_anonymous(msg="Members only")


class Administered(SocketIO):
    allow_only = has_permission("administer", msg="Administrators only")


class Globals:
    pass


def make_app(controller: SocketIOController, **options: Any) -> Any:
    """An application that accepts the cookie ``user`` without a check."""

    class RootController(TGController):
        socketio = controller

    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint(
        {
            "root_controller": RootController(),
            "answer": 42,
            "app_globals": Globals,
            **options,
        }
    )
    inner = configurator.make_wsgi_app({}, {})

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        request = tg.request_local.Request(environ)
        user = request.cookies.get("user")
        # What the identity wrapper of a full-stack application sets.
        request.identity = {"user": user} if user else None
        if user:
            credentials = {"repoze.what.userid": user, "permissions": (), "groups": ()}
            environ["repoze.what.credentials"] = credentials
            environ["repoze.who.identity"] = {"repoze.who.userid": user}
        return inner(environ, start_response)

    return application


@pytest.fixture
def live(serve: Callable[..., Live]) -> Live:
    made = serve(application=make_app(SocketIO()), resource="socketio")
    made.server.opening_environ = NO_CHALLENGES
    return made


def connect(live: Live, user: str = "ada", generation: int = 5) -> Any:
    headers = {COOKIE: f"user={user}", "X-Test": "yes"}
    client = live.websocket_5(headers=headers)
    client.join("/lab")
    return client


@pytest.mark.parametrize(
    ("event", "args", "answer"),
    [
        ("who", [], ["ada"]),
        ("history", [], [[["initialize", "ada"], ["recv_connect", "ada"]]]),
        ("lazy", [], ["untranslated"]),
        ("environment", [], [["", "127.0.0.1", False, "yes", False, False]]),
        ("config", [], [42, True]),
        ("for_ada", [], ["for ada"]),
    ],
)
def test_an_event_sees_the_connection_s_request(
    live: Live, event: str, args: list[Any], answer: list[Any]
) -> None:
    assert connect(live).call("/lab", event, *args) == answer


def test_nothing_passes_from_one_event_to_the_next(live: Live) -> None:
    client = connect(live)
    assert client.call("/lab", "mark", "first", number=1) == ["", False]
    assert client.call("/lab", "mark", "second", number=2) == ["", False]


def test_nothing_is_left_by_an_event_that_fails(live: Live) -> None:
    client = connect(live)
    client.emit("/lab", "fail")
    assert client.event("/lab") == ["error", "internal_error", "Internal server error"]
    assert client.call("/lab", "left") == [""]


def test_a_client_s_ack_is_an_event_too(live: Live) -> None:
    client = connect(live)
    client.emit("/lab", "ask")
    question = client.read()
    assert question["name"] == "question"
    client.ack("/lab", question["id"])
    assert client.event("/lab") == ["answered", "ada"]


def test_a_job_outlives_its_event_s_context(live: Live) -> None:
    client = connect(live)
    client.emit("/lab", "job")
    assert client.event("/lab") == ["job", "no user"]


class Sessions:
    """Replaces SQLAlchemy's scoped session: records in what sessions were removed."""

    def __init__(self) -> None:
        self.removed: list[type] = []

    def remove(self) -> None:
        self.removed.append(type(gevent.getcurrent()))


def test_the_database_session_of_an_event_and_of_a_job_is_removed(
    serve: Callable[..., Live],
) -> None:
    sessions = Sessions()
    options = {"use_sqlalchemy": True, "DBSession": sessions}
    application = make_app(SocketIO(), **options)
    live = serve(application=application, resource="socketio")
    client = connect(live)
    sessions.removed.clear()
    assert client.call("/lab", "who") == ["ada"]
    wait_for(lambda: len(sessions.removed) == 1, "the event's is removed")
    client.emit("/lab", "job")
    assert client.event("/lab") == ["job", "no user"]
    wait_for(lambda: len(sessions.removed) == 3, "the job's is removed")
    assert [each is Job for each in sessions.removed].count(True) == 1


def test_two_users_at_once_never_see_each_other(live: Live) -> None:
    """50 connections of two users, whose events sleep while others run."""
    users = {index: "ada" if index % 2 else "bob" for index in range(50)}
    clients = {index: connect(live, user) for index, user in users.items()}
    rng = random.Random(50)

    def converse(index: int) -> None:
        for number in range(1, 5):
            nonce = f"{index}-{number}"
            seconds = rng.uniform(0, 0.01)
            seen = clients[index].call("/lab", "linger", nonce, seconds, number=number)
            assert seen == [[[users[index], users[index], nonce, nonce]]]

    talks = [gevent.spawn(converse, index) for index in clients]
    gevent.joinall(talks, raise_error=True)


def test_require_sees_the_user_of_the_connection(live: Live) -> None:
    client = connect(live, "bob")
    client.emit("/lab", "for_ada")
    denied = 'You do not have access to method "on_for_ada"'
    assert client.event("/lab") == ["error", "method_access_denied", denied]


def test_allow_only_refuses_a_namespace(live: Live) -> None:
    new = live.websocket_5(headers={COOKIE: "user=bob"})
    new.send("40/members,")
    assert new.receive() == '44/members,{"message":"Ada only"}'
    old = live.websocket_1(headers={COOKIE: "user=bob"})
    old.send("1::/members")
    assert old.receive() == "7::/members:2"


def test_allow_only_lets_in_whom_it_names(live: Live) -> None:
    client = live.websocket_5(headers={COOKIE: "user=ada"})
    client.join("/members")
    assert client.call("/members", "who") == ["ada"]


@pytest.mark.cites("Socket.IO 1, Handshake 2")
@pytest.mark.parametrize(
    ("controller", "user", "status"),
    [
        (Guarded, None, 401),
        (Guarded, "ada", 200),
        (Administered, "ada", 403),
        (Administered, None, 401),
    ],
)
@pytest.mark.parametrize("path", ["/socketio/1/", "/socketio/?EIO=4&transport=polling"])
def test_allow_only_of_the_controller_refuses_the_handshake(
    serve: Callable[..., Live],
    controller: type[SocketIOController],
    user: str | None,
    status: int,
    path: str,
) -> None:
    live = serve(
        application=make_app(controller()), resource="socketio", handshake_timeout=0.2
    )
    live.server.opening_environ = NO_CHALLENGES
    headers = {COOKIE: f"user={user}"} if user else {}
    assert live.http().get(path, headers).status == status


def test_the_wrong_controller_is_a_404(serve: Callable[..., Live]) -> None:
    class RootController(TGController):
        pass

    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": RootController()})
    application = configurator.make_wsgi_app({}, {})
    live = serve(application=application, resource="socketio")
    answer = live.http().get("/socketio/?EIO=4&transport=polling")
    assert answer.status == 404
