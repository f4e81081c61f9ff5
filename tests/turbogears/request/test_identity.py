"""The user is looked up for each event, with the cookies that the browser has."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar

import gevent
import pytest
import tg
from gevent.event import Event
from repoze.who.plugins import auth_tkt
from tg import MinimalApplicationConfigurator, TGController, expose, predicates, require
from tg.configuration.auth import TGAuthMetadata
from tg.configurator.components.auth import SimpleAuthenticationConfigurationComponent

from tests.engine.clients import DEADLINE, RESOURCE, Http, wait_for
from tests.engine.conftest import Live
from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.engine.namespace import BaseNamespace
from tgext.socketio.request.cookies import CookieWatch
from tgext.socketio.server import NO_CHALLENGES

DENIED = ["error", "method_access_denied"]


class Users(TGAuthMetadata):
    """The users of the application, and the number of look-ups."""

    def __init__(self) -> None:
        self.permissions = {"ada": ["manage"], "bob": []}
        self.asked = 0

    def authenticate(self, environ: Any, identity: Any) -> str | None:
        return identity["login"] if identity["password"] == "sesame" else None

    def get_user(self, identity: Any, userid: str) -> Any:
        self.asked += 1
        return {"name": userid} if userid in self.permissions else None

    def get_permissions(self, identity: Any, userid: str) -> list[str]:
        return self.permissions[userid]


class Lab(SocketIOTGNamespace):
    left: ClassVar[list[str | None]] = []

    def recv_disconnect(self):
        identity = tg.request.identity
        self.left.append(identity and identity["repoze.who.userid"])

    def on_who(self):
        identity = tg.request.identity
        return identity and [
            identity["repoze.who.userid"],
            identity["user"]["name"],
            identity.get("user")["name"],
            identity.get("nothing", "default"),
        ]

    @require(predicates.has_permission("manage"))
    def on_manage(self):
        return "managed"

    @require(
        predicates.not_anonymous(
            "Log in",
        ),
        smart_denial=True,
    )
    def on_smart(self):
        return "in"


class Members(SocketIOTGNamespace):
    allow_only = predicates.has_permission("manage", msg="Members only")

    def on_who(self):
        return tg.request.identity["repoze.who.userid"]


class Plain(BaseNamespace):
    """A namespace without TurboGears."""

    def recv_connect(self):
        self.emit("welcome")

    def on_who(self):
        return [["anybody"]]


class Asking(SocketIOTGNamespace):
    answers: ClassVar[list[str]] = []

    def on_ask(self):
        self.emit("question", callback=self.answers.append)


class AskingMembers(Asking):
    allow_only = predicates.has_permission("manage", msg="Members only")


class SocketIO(SocketIOController):
    lab = Lab
    plain = Plain
    asking = Asking
    askingmembers = AskingMembers
    members = Members


class GuardedSocketIO(SocketIO):
    allow_only = predicates.has_permission("manage", msg="Members only")


class Admin(TGController):
    """Guards what is below it."""

    allow_only = predicates.has_permission("manage", msg="Members only")
    live = SocketIO()

    @expose()
    def _lookup(self, name: str, *rest: str) -> Any:
        return Room(), rest


class Room(TGController):
    """A controller that is made for each request."""

    def __init__(self) -> None:
        super().__init__()
        self.allow_only = require(
            predicates.has_permission("manage", msg="Members only")
        )
        self.live = Admin.live


class RootController(TGController):
    socketio = SocketIO()
    admin = Admin()
    guarded = GuardedSocketIO()

    @expose()
    def login(self) -> str:
        return "log in"

    @expose()
    def swap(self) -> str:
        """Give the browser another cookie."""
        tg.response.headers["Set-Cookie"] = tg.request.headers["X-Cookie"]
        return "swapped"


class Site:
    """An application with a login, and the clients of its users."""

    def __init__(
        self, serve: Callable[..., Live], resource: str = "socketio", **options: Any
    ) -> None:
        self.users = Users()
        self.resource = resource
        configurator = MinimalApplicationConfigurator()
        configurator.register(SimpleAuthenticationConfigurationComponent)
        configurator.update_blueprint(
            {
                "root_controller": RootController(),
                "sa_auth.enabled": True,
                "sa_auth.cookie_secret": "secret",
                "sa_auth.authmetadata": self.users,
                "sa_auth.post_login_url": "/login",
                "sa_auth.post_logout_url": "/login",
                **options,
            }
        )
        application = CookieWatch(configurator.make_wsgi_app({}, {}))
        self.live = serve(application=application, resource=resource)
        self.live.server.opening_environ = NO_CHALLENGES

    def visit(self, path: str, cookie: str = "") -> str:
        """Visit a page, and return the browser's cookie after it."""
        page = self.live.http().get(path, {"Cookie": cookie} if cookie else {})
        told = page.headers.get_all("Set-Cookie") or []
        values = [each.split(";")[0] for each in told if "Max-Age=0" not in each]
        return values[-1] if values else ""

    def log_in(self, user: str, cookie: str = "") -> str:
        return self.visit(f"/login_handler?login={user}&password=sesame", cookie)

    def connect(self, cookie: str, namespace: str = "/lab") -> Any:
        client = self.live.websocket_5(headers={"Cookie": cookie} if cookie else {})
        client.join(namespace)
        return client


@pytest.fixture
def site(serve: Callable[..., Live]) -> Site:
    return Site(serve)


def test_the_user_is_looked_up_for_each_event(site: Site) -> None:
    client = site.connect(site.log_in("ada"))
    before = site.users.asked
    assert client.call("/lab", "who", number=1) == [["ada", "ada", "ada", "default"]]
    assert client.call("/lab", "manage", number=2) == ["managed"]
    assert site.users.asked == before + 2
    site.users.permissions["ada"].clear()
    client.emit("/lab", "manage")
    assert client.event("/lab")[:2] == DENIED


class Token:
    """A plugin of repoze.who: a header has the user, while the token is valid."""

    valid = True

    def identify(self, environ: dict[str, Any]) -> dict[str, Any] | None:
        user = environ.get("HTTP_X_TOKEN")
        return {"repoze.who.userid": user, "token": user} if user else None

    def authenticate(self, environ: Any, identity: dict[str, Any]) -> str | None:
        return identity["token"] if self.valid and "token" in identity else None

    def remember(self, environ: Any, identity: Any) -> None:
        """No cookie."""

    forget = remember


@pytest.mark.parametrize("resource", ["socketio", "guarded"])
def test_a_plugin_of_repoze_who_is_asked_for_each_event(
    serve: Callable[..., Live], monkeypatch: pytest.MonkeyPatch, resource: str
) -> None:
    monkeypatch.setattr("tests.engine.clients.RESOURCE", f"/{resource}")
    token = Token()
    plugins = {
        "sa_auth.identifiers": [("token", token), ("default", None)],
        "sa_auth.authenticators": [("token", token)],
    }
    site = Site(serve, resource=resource, **plugins)
    client = site.live.websocket_5(headers={"X-Token": "ada"})
    client.join("/lab")
    assert client.call("/lab", "who", number=1)[0][0] == "ada"
    token.valid = False
    client.emit("/lab", "who", number=2)
    assert client.receive() == "1"


def test_an_anonymous_client_has_no_user(site: Site) -> None:
    client = site.connect("")
    assert client.call("/lab", "who", number=1) == [None]
    client.emit("/lab", "smart")
    assert client.event("/lab") == [*DENIED, "Log in"]


def test_a_logout_in_another_tab_is_one_here(site: Site) -> None:
    cookie = site.log_in("ada")
    client, other = site.connect(cookie), site.connect(site.log_in("bob"))
    site.visit("/logout_handler", cookie)
    # The connection ends; the client reconnects as the present user of its browser.
    assert client.receive() == "1"
    client.websocket.receive_close()
    assert other.call("/lab", "who", number=1)[0][0] == "bob"


def test_a_socket_with_the_old_session_does_not_become_the_victim_s(
    serve: Callable[..., Live],
) -> None:
    """Session fixation: the attacker planted its own session in the browser."""
    site = Site(serve)
    planted = "beaker.session.id=planted"
    attacker = site.connect(planted)
    assert attacker.call("/lab", "who", number=1) == [None]
    bystander = site.connect("beaker.session.id=other")
    site.log_in("ada", planted)
    assert attacker.receive() == "1"
    attacker.websocket.receive_close()
    # It reconnects with the cookies that it had.
    again = site.connect(planted)
    assert again.call("/lab", "who", number=1) == [None]
    assert bystander.call("/lab", "who", number=1) == [None]


@pytest.mark.parametrize("looked_up", [True, False])
def test_a_logout_while_a_connection_is_opened_is_one_of_it(
    guarded: Site, looked_up: bool
) -> None:
    """Whether or not the application has looked up the user before."""
    cookie = guarded.log_in("ada")
    entered, go_on = Event(), Event()

    def wait() -> None:
        if not entered.is_set():
            entered.set()
            assert go_on.wait(DEADLINE)

    application = guarded.live.server.application
    find = guarded.users.get_permissions

    def get_permissions(identity: Any, userid: str) -> list[str]:
        wait()
        return find(identity, userid)

    def late(environ: Any, start_response: Any) -> Any:
        result = application(environ, start_response)
        wait()
        return result

    if looked_up:
        guarded.live.server.application = late
    else:
        guarded.users.get_permissions = get_permissions  # type: ignore[method-assign]
    http = guarded.live.http()
    path = f"/{guarded.resource}/?EIO=4&transport=polling"
    opening = gevent.spawn(http.get, path, {"Cookie": cookie})
    assert entered.wait(DEADLINE)
    guarded.visit("/logout_handler", cookie)
    go_on.set()
    assert opening.get(timeout=DEADLINE).status == 503
    assert guarded.live.server.sockets == {}


def test_whom_allow_only_names_no_longer_has_to_go(site: Site) -> None:
    cookie = site.log_in("ada")
    client = site.connect(cookie, "/members")
    assert client.call("/members", "who", number=1) == ["ada"]
    site.users.permissions["ada"].clear()
    client.emit("/members", "who")
    assert client.event("/members") == [*DENIED, "Members only"]
    assert client.read() == {"type": "disconnect", "endpoint": "/members"}


#: A controller with ``allow_only``, and controllers below one that has it.
GUARDED = ["guarded", "admin/live", "admin/kitchen/live"]


@pytest.fixture(params=GUARDED)
def guarded(
    serve: Callable[..., Live],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Site:
    monkeypatch.setattr("tests.engine.clients.RESOURCE", f"/{request.param}")
    assert RESOURCE
    return Site(serve, resource=request.param)


def test_a_guarded_controller_ends_the_connection(guarded: Site) -> None:
    client = guarded.connect(guarded.log_in("ada"))
    assert client.call("/lab", "who", number=1)[0][0] == "ada"
    guarded.users.permissions["ada"].clear()
    client.emit("/lab", "who", number=2)
    assert client.event("/lab") == [*DENIED, "Members only"]
    assert client.read()["type"] == "ack"
    assert client.read()["type"] == "disconnect"
    client.websocket.receive_close()


@pytest.mark.parametrize(
    "then", ["an event of a class without TurboGears", "another namespace", "an ack"]
)
def test_a_guarded_controller_guards_all_that_a_client_asks_for(
    guarded: Site, then: str
) -> None:
    client = guarded.connect(guarded.log_in("ada"), "/asking")
    client.join("/plain")
    assert client.event("/plain") == ["welcome"]
    client.emit("/asking", "ask")
    question = client.read()
    Asking.answers.clear()
    Lab.left.clear()
    guarded.users.permissions["ada"].clear()
    if then == "another namespace":
        client.send("40/lab,")
        assert client.receive() == '44/lab,{"message":"Members only"}'
    elif then == "an ack":
        client.send(client.dialect.ack("/asking", question["id"], ("yes",)))
        assert client.event("/asking") == [*DENIED, "Members only"]
    else:
        client.emit("/plain", "who")
        assert client.event("/plain") == [*DENIED, "Members only"]
    # Later events are not handled.
    client.emit("/plain", "who", number=3)
    assert {client.receive(), client.receive()} == {"41/asking,", "41/plain,"}
    client.websocket.receive_close()
    assert Asking.answers == []
    assert Lab.left == []


@pytest.mark.parametrize("resource", GUARDED)
def test_who_only_listens_has_to_go_too(
    serve: Callable[..., Live], monkeypatch: pytest.MonkeyPatch, resource: str
) -> None:
    monkeypatch.setattr("tests.engine.clients.RESOURCE", f"/{resource}")
    site = Site(serve, resource=resource, **{"socketio.recheck_interval": "0.05"})
    ada = site.connect(site.log_in("ada"), "/plain")
    assert ada.event("/plain") == ["welcome"]
    before = site.users.asked
    wait_for(lambda: site.users.asked > before + 2, "it is asked again")
    site.users.permissions["ada"].clear()
    assert ada.read() == {"type": "disconnect", "endpoint": "/plain"}
    ada.websocket.receive_close()


def test_a_recheck_that_fails_is_logged_and_ends_nothing(
    serve: Callable[..., Live],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("tests.engine.clients.RESOURCE", "/guarded")
    site = Site(serve, resource="guarded", **{"socketio.recheck_interval": "0.05"})
    client = site.connect(site.log_in("ada"), "/plain")
    assert client.event("/plain") == ["welcome"]

    def fail(identity: Any, userid: str) -> list[str]:
        raise LookupError("no database")

    with monkeypatch.context() as patched:
        patched.setattr(site.users, "get_permissions", fail)
        wait_for(lambda: "LookupError: no database" in caplog.text, "it has failed")
    assert client.call("/plain", "who", number=1) == [[["anybody"]]]
    assert "'Runner._recheck'" in caplog.text


def test_an_idle_client_that_cannot_be_asked_has_to_go_while_others_stay(
    serve: Callable[..., Live],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("tests.engine.clients.RESOURCE", "/guarded")
    site = Site(serve, resource="guarded", **{"socketio.recheck_interval": "0.05"})
    site.users.permissions["eve"] = ["manage"]
    ada, eve = (site.connect(site.log_in(user), "/plain") for user in ("ada", "eve"))
    for client in (ada, eve):
        assert client.event("/plain") == ["welcome"]

    def permissions(identity: Any, userid: str) -> list[str]:
        return {"ada": ["manage"]}[userid]

    monkeypatch.setattr(site.users, "get_permissions", permissions)
    assert eve.read() == {"type": "disconnect", "endpoint": "/plain"}
    eve.websocket.receive_close()
    assert "KeyError: 'eve'" in caplog.text
    assert "asking whether it may stay (allow_only) failed 3 times" in caplog.text
    assert ada.call("/plain", "who", number=1) == [[["anybody"]]]


def test_an_idle_client_whose_user_has_changed_comes_back(
    serve: Callable[..., Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.engine.clients.RESOURCE", "/guarded")
    site = Site(serve, resource="guarded", **{"socketio.recheck_interval": "0.05"})
    client = site.connect(site.log_in("ada"), "/plain")
    assert client.event("/plain") == ["welcome"]
    runner: Any = site.live.socket(client).runner
    runner.connection.environ["HTTP_COOKIE"] = ""
    assert client.receive() == "1"
    client.websocket.receive_close()


def test_whom_a_namespace_names_no_longer_cannot_answer(site: Site) -> None:
    client = site.connect(site.log_in("ada"), "/askingmembers")
    client.emit("/askingmembers", "ask")
    question = client.read()
    Asking.answers.clear()
    site.users.permissions["ada"].clear()
    client.send(client.dialect.ack("/askingmembers", question["id"], ("yes",)))
    assert client.event("/askingmembers") == [*DENIED, "Members only"]
    assert client.read()["type"] == "disconnect"
    assert Asking.answers == []


def test_a_connection_never_becomes_another_user_s(site: Site) -> None:
    cookie = site.log_in("ada")
    client = site.connect(cookie)
    other = {"Cookie": cookie, "X-Cookie": site.log_in("bob")}
    assert site.live.http().get("/swap", other).text == "swapped"
    assert client.receive() == "1"
    client.websocket.receive_close()


@pytest.mark.parametrize("namespace", ["/lab", "/members"])
@pytest.mark.parametrize("becomes", ["bob", ""])
def test_an_event_that_finds_another_user_ends_the_connection(
    site: Site, namespace: str, becomes: str
) -> None:
    """However the user has changed."""
    client, other = site.connect(site.log_in("ada")), site.connect(site.log_in("ada"))
    socket = site.live.socket(client)
    runner: Any = socket.runner
    runner.connection.environ["HTTP_COOKIE"] = site.log_in(becomes) if becomes else ""
    if namespace == "/lab":
        client.emit("/lab", "who", number=1)
    else:
        client.send("40/members,")
    # The packet is not answered: a client that is refused would not reconnect.
    assert client.receive() == "1"
    client.websocket.receive_close()
    assert socket.disconnect_reason == "user changed"
    assert other.call("/lab", "who", number=1)[0][0] == "ada"


def test_who_was_nobody_does_not_become_somebody(site: Site) -> None:
    client = site.connect("")
    runner: Any = site.live.socket(client).runner
    runner.connection.environ["HTTP_COOKIE"] = site.log_in("ada")
    client.emit("/lab", "manage", number=1)
    assert client.receive() == "1"


def test_recv_disconnect_has_the_user_that_logged_out(site: Site) -> None:
    cookie = site.log_in("ada")
    client = site.connect(cookie)
    Lab.left.clear()
    site.visit("/logout_handler", cookie)
    client.websocket.drain()
    wait_for(lambda: Lab.left, "recv_disconnect")
    assert Lab.left == ["ada"]


def test_a_ticket_issued_anew_is_the_connection_s_too(
    serve: Callable[..., Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    times = {"sa_auth.authtkt.timeout": 20, "sa_auth.authtkt.reissue_time": 10}
    site = Site(serve, **times, **{"socketio.activity_timeout": 0})
    first = site.log_in("ada")
    client = site.connect(first)
    now = time.time
    monkeypatch.setattr(auth_tkt.time, "time", lambda: now() + 15)
    assert site.visit("/login", first) != ""
    monkeypatch.setattr(auth_tkt.time, "time", lambda: now() + 30)
    assert client.call("/lab", "who", number=1)[0][0] == "ada"
    # A ticket that no page renews expires.
    monkeypatch.setattr(auth_tkt.time, "time", lambda: now() + 60)
    client.emit("/lab", "who", number=2)
    assert client.receive() == "1"


def test_a_look_up_holds_as_long_as_the_option_says(
    serve: Callable[..., Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(serve, **{"socketio.identity_ttl": "60"})
    client = site.connect(site.log_in("ada"))
    who = [["ada", "ada", "ada", "default"]]
    assert client.call("/lab", "who", number=1) == who
    site.users.permissions["ada"].clear()
    # The permissions are those of the last look-up.
    assert client.call("/lab", "manage", number=2) == ["managed"]
    assert client.call("/lab", "who", number=3) == who
    now = time.monotonic
    monkeypatch.setattr(
        "tgext.socketio.request.identity.time.monotonic", lambda: now() + 61
    )
    client.emit("/lab", "manage")
    assert client.event("/lab")[:2] == DENIED


def test_an_anonymous_user_is_remembered_too(serve: Callable[..., Live]) -> None:
    site = Site(serve, **{"socketio.identity_ttl": "60"})
    client = site.connect("")
    assert client.call("/lab", "who", number=1) == [None]
    assert client.call("/lab", "who", number=2) == [None]


def test_pages_are_served_as_before(site: Site) -> None:
    http: Http = site.live.http()
    assert http.get("/login").text == "log in"
