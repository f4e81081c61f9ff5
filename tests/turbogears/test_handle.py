"""Events that pages and jobs send."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from tg import MinimalApplicationConfigurator, TGController, expose

from tests.engine.conftest import Live, manage
from tests.engine.hub.test_roomkeys import NO_ROOMS
from tests.redis_server import RedisServer, running_redis
from tgext.socketio import SocketIOController
from tgext.socketio.engine.mixins import BroadcastMixin
from tgext.socketio.engine.namespace import BaseNamespace

from .handled import Chat, SocketIO

TOLD = ["told", "all"]


class Another(SocketIOController):
    chat = Chat


class RootController(TGController):
    socketio = SocketIO()

    @expose()
    def tell(self, room: str = "") -> str:
        handle = SocketIO.namespace("/chat")
        if room:
            handle.emit_to_room(room, "told", room)
        else:
            handle.emit("told", "all")
        return str(len(handle.sockets))

    @expose()
    def tell_later(self) -> str:
        gevent.spawn(self.socketio.namespace("/").emit, "told", "later")
        return ""


def make_application(root: TGController) -> Any:
    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": root})
    return configurator.make_wsgi_app({}, {})


@pytest.fixture
def live(serve: Callable[..., Live]) -> Live:
    gc.collect()  # forgets the servers of other tests
    application = make_application(RootController())
    return serve(application=application, resource="socketio")


def test_a_page_emits_to_a_namespace_and_to_a_room(live: Live) -> None:
    assert live.http().get("/tell").text == "0"
    old, new = live.websocket_1(), live.polling_5()
    for client in (old, new):
        client.join("/chat")
    old.call("/chat", "enter", "A", number=1)
    assert live.http().get("/tell").text == "2"
    assert live.http().get("/tell?room=A").text == "2"
    assert old.event("/chat") == ["told", "all"]
    assert old.event("/chat") == ["told", "A"]
    assert new.event("/chat") == ["told", "all"]
    old.close()
    new.close()


def test_a_handle_has_targets(live: Live) -> None:
    handle = SocketIO.namespace("/chat")
    target = handle.room("A")
    assert target.count() == 0  # no client has connected yet
    assert target.emit("question", ack=1) == ({}, [])
    target.join("B")
    client = live.websocket_5()
    client.join("/chat")
    client.call("/chat", "enter", "A")
    target.emit("told", "A")
    assert client.event("/chat") == ["told", "A"]
    target.join("B")
    handle.room("B").emit_on_commit("told", "B")
    assert client.event("/chat") == ["told", "B"]
    assert repr(handle.user("anna")) == "<Target UserRoom('anna') of /chat>"
    assert repr(handle.socket("x")) == "<Target SocketRoom('x') of /chat>"


def test_a_greenlet_emits_to_the_main_namespace(live: Live) -> None:
    client = live.websocket_5()
    client.join("")
    assert live.http().get("/tell_later").status == 200
    assert client.event("") == ["told", "later"]


def test_who_does_not_read_misses_what_is_volatile(live: Live) -> None:
    quick, slow = live.websocket_5(), live.polling_5()
    for client in (quick, slow):
        client.join("/chat")
        client.call("/chat", "enter", "A", number=1)
    handle = SocketIO.namespace("/chat")
    handle.emit("at", 1, volatile=True)
    handle.emit_to_room("A", "at", 2, volatile=True)
    handle.emit("told", "all")
    assert [quick.event("/chat") for _ in "123"] == [["at", 1], ["at", 2], TOLD]
    assert slow.event("/chat") == TOLD


def test_the_base_class_reaches_all_controllers(live: Live) -> None:
    client = live.websocket_5()
    client.join("/chat")
    sockets = SocketIOController.namespace("/chat").sockets
    assert live.socket(client) in sockets
    assert Another.namespace("chat").sockets == []
    assert repr(Another.namespace("chat")) == "<NamespaceHandle /chat>"


class Pages(TGController):
    """Pages of an application without the controller."""

    @expose()
    def tell(self) -> str:
        handle = SocketIO.namespace("/chat")
        handle.emit("told", "strangers")
        everywhere = SocketIOController.namespace("/chat")
        return str(len(handle.sockets) + len(everywhere.sockets))


class Tenant(TGController):
    socketio = SocketIO()


class Tenants(Pages):
    """Has the controller, where only a request finds it."""

    @expose()
    def _lookup(self, tenant: str, *path: str) -> Any:
        return Tenant(), path


@pytest.mark.parametrize("root", [Pages, Tenants])
def test_a_page_reaches_no_client_of_another_application(
    live: Live, serve: Callable[..., Live], root: type[TGController]
) -> None:
    client = live.websocket_5()
    client.join("/chat")
    other = serve(application=make_application(root()))
    assert other.http().get("/tell").text == "0"
    SocketIO.namespace("/chat").emit("told", "all")  # in no application
    assert client.event("/chat") == ["told", "all"]


def test_below_a_lookup_a_page_reaches_its_own_clients(
    live: Live, serve: Callable[..., Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.engine.clients.RESOURCE", "/ada/socketio")
    own = serve(application=make_application(Tenants()), resource="ada/socketio")
    client = own.websocket_5()
    client.join("/chat")
    assert own.http().get("/tell").text == "2"
    assert client.event("/chat") == ["told", "strangers"]


class Plain(BaseNamespace, BroadcastMixin):
    def on_shout(self, text: str) -> None:
        self.broadcast_event("shouted", text)


def test_a_plain_application_in_the_server_has_clients_of_its_own(
    serve: Callable[..., Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that calls ``socketio_manage`` itself, as those for gevent-socketio."""
    plain, pages = manage({"/chat": Plain}), make_application(RootController())

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        is_plain = environ["PATH_INFO"].startswith("/plain")
        return (plain if is_plain else pages)(environ, start_response)

    live = serve(application=application, resource=["socketio", "plain"])
    member = live.websocket_5()
    member.join("/chat")
    monkeypatch.setattr("tests.engine.clients.RESOURCE", "/plain")
    speaker, listener = live.websocket_5(), live.websocket_5()
    for client in (speaker, listener):
        client.join("/chat")
    assert live.http().get("/tell").text == "1"
    assert member.event("/chat") == ["told", "all"]
    speaker.emit("/chat", "shout", "hello")
    for client in (speaker, listener):
        assert client.event("/chat") == ["shouted", "hello"]
    SocketIO.namespace("/chat").emit("told", "later")
    assert member.event("/chat") == ["told", "later"]


def test_a_namespace_that_is_set_later_is_reached(
    live: Live, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a connection, too, that was open before."""
    client = live.client(kind)
    with pytest.raises(ValueError, match="has no namespace '/late'"):
        SocketIO.namespace("/late")
    monkeypatch.setattr(SocketIO, "late", Chat, raising=False)
    client.join("/late")
    SocketIO.namespace("/late").emit("told", 1)
    assert client.event("/late") == ["told", 1]


def test_a_namespace_that_is_not_mounted_is_named() -> None:
    message = "Another has no namespace '/chess'; it has /chat"
    with pytest.raises(ValueError, match=message):
        Another.namespace("/chess")
    message = "No controller of this process has a namespace '/chess'; there are .*/ch"
    with pytest.raises(ValueError, match=message):
        SocketIOController.namespace("/chess")


def test_the_settings_of_a_controller_check_its_names_too() -> None:
    with pytest.raises(ValueError, match="has no namespace '/chess'"):
        Another.namespace("/chess", settings={})
    handle = SocketIOController.namespace("/chess", settings={})
    assert repr(handle) == "<NamespaceHandle /chess>"


def test_a_handle_emits_to_several_rooms_without_others(live: Live) -> None:
    clients = [live.websocket_5() for _ in range(3)]
    for client, rooms in zip(clients, ["AB", "B", "C"], strict=True):
        client.join("/chat")
        for room in rooms:
            client.call("/chat", "enter", room)
    handle = SocketIO.namespace("/chat")
    first, second, third = clients
    for suffix in ("", "_on_commit"):
        emit = getattr(handle, f"emit{suffix}")
        emit_to_room = getattr(handle, f"emit_to_room{suffix}")
        for local in (False, True):
            emit_to_room(["A", "B"], "told", 1, local=local)
            emit("told", 2, except_=["C", live.socket(second)], local=local)
            emit_to_room({"A", "C"}, "told", 3, except_="A", local=local)
            assert first.event("/chat") == ["told", 1]
            assert first.event("/chat") == ["told", 2]
            assert second.event("/chat") == ["told", 1]
            assert third.event("/chat") == ["told", 3]
    for client in clients:
        client.call("/chat", "enter", "B")  # nothing else was told


@pytest.mark.parametrize("room", NO_ROOMS, ids=repr)
def test_a_page_cannot_emit_to_what_is_no_room(live: Live, room: object) -> None:
    client = live.client("4-websocket")
    client.join("/chat")
    handle = SocketIO.namespace("/chat")
    with pytest.raises(TypeError, match="a room is a str or an int"):
        handle.emit_to_room(room, "news", "for nobody")
    with pytest.raises(TypeError, match="a room is a str or an int"):
        handle.emit_to_room(["A", room], "news", "for nobody")
    with pytest.raises(TypeError, match="a room is a str or an int"):
        handle.emit("news", "for nobody", except_=[room])
    handle.emit("news", "for all")
    assert client.event("/chat") == ["news", "for all"]


# Processes without the server

ROOT = Path(__file__).parents[2]

#: The beginning of a script.
BEGIN = """
from tests.turbogears.handled import SocketIO
from tgext.socketio import SocketIOController
from tgext.socketio.engine.mixins import BroadcastMixin
from tgext.socketio.engine.namespace import BaseNamespace
from tg import MinimalApplicationConfigurator, TGController, expose

class RootController(TGController):
    @expose()
    def tell(self):
        SocketIO.namespace("/chat").emit("told", "by a page")
        return "told"

def application(**options):
    class Globals: ...
    configurator = MinimalApplicationConfigurator()
    options = {"root_controller": RootController(), "app_globals": Globals, **options}
    configurator.update_blueprint(options)
    return configurator.make_wsgi_app({}, {})

def visit(application):
    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": "/tell", "SERVER_NAME": "localhost",
        "SERVER_PORT": "80", "wsgi.url_scheme": "http",
    }
    return b"".join(application(environ, print))
"""


def run(script: str, *args: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own, which has no server."""
    return subprocess.run(
        [sys.executable, "-c", BEGIN + script, *args],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


EMIT = 'SocketIO.namespace("/chat").emit("told", 1)'
COMMIT = 'SocketIO.namespace("/chat").emit_on_commit("told", 1)'
SETTINGS = 'SocketIO.namespace("/chat", {"anypubsub.backend": "redis"}).emit("told")'
FORKED = """
import os
from tgext.socketio.engine.concurrency.threads import expect_server
expect_server("this script")
SocketIO.namespace("/chat").emit("told", 1)
if os.fork() == 0:
    try:
        SocketIO.namespace("/chat").emit("told", 1)
    except LookupError as error:
        print("forked:", error, flush=True)
    os._exit(0)
raise SystemExit(os.wait()[1] or "the parent was silent")
"""


@pytest.mark.parametrize(
    "script",
    [EMIT, COMMIT, SETTINGS, "visit(application())", FORKED],
    ids=["script", "on commit", "settings without cluster", "page", "forked"],
)
def test_where_nothing_leads_to_the_clients_it_says_so(script: str) -> None:
    ran = run(script)
    told = ran.stdout + ran.stderr
    assert ran.returncode == 1, told
    assert "nothing leads to the clients of /chat. Give namespace()" in told
    if script is FORKED:
        assert "the parent was silent" in told


WEBTEST = """
from webtest import TestApp
assert TestApp(application()).get("/tell").text == "told"
"""
SERVED = "import tgext.socketio.server\n" + BEGIN + EMIT


@pytest.mark.parametrize("script", [WEBTEST, SERVED], ids=["test", "server"])
def test_where_clients_may_come_later_there_are_none_yet(script: str) -> None:
    """The test of a page needs no server. An application may emit before it serves."""
    ran = subprocess.run(
        [sys.executable, "-c", script if script is SERVED else BEGIN + script],
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


GIVEN = """
import sys
settings = {
    "anypubsub.backend": "redis", "anypubsub.host": sys.argv[1],
    "socketio.cluster": "true",
}
"""
EVERYWHERE = (
    GIVEN
    + """
handle = SocketIOController.namespace("/chat", settings=settings)
handle.emit("told", "nobody", local=True)
handle.emit("told", "one")
handle.emit("told", "nobody", except_="A")
handle.emit_to_room(["A", "B"], "told", b"two")
"""
)
BY_CONTROLLER = EVERYWHERE.replace("SocketIOController.namespace", "SocketIO.namespace")
COMMITTED = (
    GIVEN
    + """
import transaction
handle = SocketIO.namespace("/chat", settings=settings)
for text in ("lost", "one"):
    try:
        with transaction.manager:
            handle.emit_on_commit("told", text)
            if text == "lost":
                raise KeyError
    except KeyError:
        pass
handle.emit_to_room_on_commit("A", "told", b"two")
"""
)
OF_AN_APPLICATION = (
    GIVEN
    + """
application(**settings)
SocketIO.namespace("/chat").emit("told", "one")
SocketIO.namespace("/chat").emit_to_room("A", "told", b"two")
"""
)


@pytest.mark.parametrize(
    "script",
    [EVERYWHERE, BY_CONTROLLER, COMMITTED, OF_AN_APPLICATION],
    ids=["everywhere", "controller", "on commit", "application"],
)
def test_a_process_without_a_server_emits_over_the_broker(
    serve: Callable[..., Live], redis: RedisServer, script: str
) -> None:
    class Globals: ...

    options: dict[str, Any] = {
        "root_controller": RootController(),
        "app_globals": Globals,
        "anypubsub.backend": "redis",
        "anypubsub.host": redis.url,
        "socketio.cluster": "true",
    }
    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint(options)
    application = configurator.make_wsgi_app({}, {})
    client = serve(application=application, resource="socketio").websocket_5()
    client.join("/chat")
    client.call("/chat", "enter", "A")
    ran = run(script, redis.url)
    assert ran.returncode == 0, ran.stderr
    assert client.event("/chat") == ["told", "one"]
    assert client.read()["attachments"] == 1
    assert client.receive_bytes() == b"two"


NO_APPLICATION = """
from tgext.socketio.pubsub import publish
publish("news", "hello")
"""


def test_publishing_without_an_application_says_what_to_give() -> None:
    """TurboGears' default configuration has ``tg.app_globals``, which is None."""
    ran = run(NO_APPLICATION)
    assert "LookupError: There is no TurboGears application in this" in ran.stderr
