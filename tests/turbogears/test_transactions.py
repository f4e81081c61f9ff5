"""What waits for the commit: of events, jobs, pages, and threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import tg
import transaction
from tg import MinimalApplicationConfigurator, TGController, expose
from tg.appwrappers.transaction_manager import TransactionApplicationWrapper

from tests.engine.conftest import Live
from tests.native import start_in_pool
from tgext.socketio import SocketIOController
from tgext.socketio.engine.mixins import BroadcastMixin, RoomsMixin
from tgext.socketio.pubsub import PubSubTGNamespace, publish
from tgext.socketio.transactions import on_commit


class Note:
    """An object of a database session, which ends with the transaction."""

    ended = False

    def __json__(self):
        assert not self.ended, "it was read after its session"
        return {"text": "a note"}


def end(success: bool, note: Note) -> None:
    note.ended = True


def tell(send: Callable[..., Any], *args: Any) -> None:
    """Send an object, and end it before the commit is over."""
    note = Note()
    transaction.get().addBeforeCommitHook(end, (True, note))
    content = [1]
    send(*args, note, content)
    content.append(2)


class Lab(PubSubTGNamespace, RoomsMixin, BroadcastMixin):
    def recv_connect(self):
        self.join("A")

    def subscribe_news(self):
        return None

    def send_to_me(self):
        tell(self.emit_on_commit, "told")

    def send_to_all(self):
        tell(self.broadcast_event_on_commit, "told")

    def send_to_others(self):
        tell(self.broadcast_event_not_me_on_commit, "told")

    def send_to_room(self):
        tell(self.emit_to_room_on_commit, "A", "told")

    def send_by_handle(self):
        tell(SocketIO.namespace("/lab").emit_on_commit, "told")

    def send_to_room_by_handle(self):
        tell(SocketIO.namespace("/lab").emit_to_room_on_commit, "A", "told")

    def send_on_channel(self):
        tell(lambda *args: self.publish("news", args, on_commit=True))

    def send_by_function(self):
        tell(lambda *args: publish("news", args, on_commit=True))

    def on_send(self, name, how):
        getattr(self, name)()
        self.broadcast_event("before the end")
        finish(how)

    def on_job(self, name, how):
        self.spawn(self.job, name, how)

    def job(self, name, how):
        try:
            with transaction.manager:
                self.on_send(name, how)
        finally:
            self.broadcast_event("over")

    def on_part(self, name, how):
        self.spawn(self.part, name, how)

    def part(self, name, how):
        try:
            self.run_in_app(self.on_send, name, how)
        finally:
            self.broadcast_event("over")

    def on_wrong(self):
        for send in (self.broadcast_event_on_commit, self.emit_on_commit):
            with pytest.raises(TypeError):
                send("told", object())
        with pytest.raises(TypeError, match="a room is"):
            self.emit_to_room_on_commit(None, "told")
        return "told"


def finish(how: str) -> None:
    if how == "doom":
        transaction.doom()
    if how == "fail":
        raise RuntimeError


class SocketIO(SocketIOController):
    lab = Lab


class RootController(TGController):
    socketio = SocketIO()

    @expose()
    def page(self, name: str, how: str = "") -> str:
        handle = SocketIO.namespace("/lab")
        send: Any = {
            "emit": lambda *args: handle.emit_on_commit("told", *args),
            "room": lambda *args: handle.emit_to_room_on_commit("A", "told", *args),
            "publish": lambda *args: publish("news", args, on_commit=True),
            "function": lambda *args: on_commit(handle.emit, "told", *args),
        }[name]
        if name == "function":
            send({"text": "a note"}, [1])
        else:
            tell(send)
        handle.emit("before the end")
        if how == "abort":
            tg.abort(400)
        finish(how)
        return ""


class Globals: ...


def veto(environ: Any, status: str, headers: Any) -> bool:
    return status.startswith(("4", "5"))


@pytest.fixture
def live(serve: Callable[..., Live]) -> Live:
    configurator = MinimalApplicationConfigurator()
    configurator.register_application_wrapper(TransactionApplicationWrapper)
    configurator.update_blueprint(
        {
            "root_controller": RootController(),
            "app_globals": Globals,
            "tm.enabled": True,
            "tm.commit_veto": veto,
        }
    )
    application = configurator.make_wsgi_app({}, {})
    return serve(application=application, resource="socketio")


@pytest.fixture
def pair(live: Live) -> tuple[Any, Any]:
    """The client that begins it, and another one."""
    return enter(live, "4-websocket"), enter(live, "0.9-websocket")


def enter(live: Live, kind: str) -> Any:
    client = live.client(kind)
    client.join("/lab")
    assert client.call("/lab", "subscribe", "news") == ["news"]
    return client


#: The methods of the namespace, and whether the client itself gets what they send.
SENT = {
    "send_to_me": (True, False),
    "send_to_all": (True, True),
    "send_to_others": (False, True),
    "send_to_room": (False, True),
    "send_by_handle": (True, True),
    "send_to_room_by_handle": (True, True),
    "send_on_channel": (True, True),
    "send_by_function": (True, True),
}

CONTENT = [{"text": "a note"}, [1]]


def told(name: str) -> list[Any]:
    if name in ("send_on_channel", "send_by_function", "publish"):
        return ["pubblication", CONTENT]
    return ["told", *CONTENT]


@pytest.mark.parametrize("event", ["send", "job", "part"])
@pytest.mark.parametrize("name", SENT)
def test_it_leaves_after_the_commit(
    pair: tuple[Any, Any], event: str, name: str
) -> None:
    pair[0].emit("/lab", event, name, "")
    for client, gets in zip(pair, SENT[name], strict=True):
        assert client.event("/lab") == ["before the end"]
        expected = [told(name)] if gets else []
        if event != "send":
            expected.append(["over"])
        got = [client.event("/lab") for _ in expected]
        if told(name)[0] == "pubblication":
            got.sort(reverse=True)  # channels and broadcasts travel on their own
        assert got == expected


@pytest.mark.parametrize("how", ["fail", "doom"])
@pytest.mark.parametrize("event", ["job", "part"])
@pytest.mark.parametrize("name", SENT)
def test_it_never_leaves_when_a_job_is_rolled_back(
    pair: tuple[Any, Any], event: str, name: str, how: str
) -> None:
    pair[0].emit("/lab", event, name, how)
    for client in pair:
        assert client.event("/lab") == ["before the end"]
        assert client.event("/lab") == ["over"]


@pytest.mark.parametrize("how", ["fail", "doom"])
@pytest.mark.parametrize("name", SENT)
def test_it_never_leaves_when_an_event_is_rolled_back(
    live: Live, pair: tuple[Any, Any], name: str, how: str
) -> None:
    client, other = pair
    client.emit("/lab", "send", name, how)
    for each in pair:
        assert each.event("/lab") == ["before the end"]
    if how == "fail":
        assert client.event("/lab")[:2] == ["error", "internal_error"]
    assert client.call("/lab", "wrong") == ["told"]
    SocketIO.namespace("/lab").emit("over")
    assert other.event("/lab") == ["over"]


@pytest.mark.parametrize("how", ["", "fail", "abort", "doom"])
@pytest.mark.parametrize("name", ["emit", "room", "publish", "function"])
def test_a_page_tells_what_it_committed(
    live: Live, pair: tuple[Any, Any], name: str, how: str
) -> None:
    live.http().get(f"/page?name={name}&how={how}")
    SocketIO.namespace("/lab").emit("over")
    expected = [["before the end"], ["over"]]
    if not how:
        expected.insert(1, told(name))
    for client in pair:
        got = [client.event("/lab") for _ in expected]
        assert sorted(got, key=str) == sorted(expected, key=str)
        assert got[0] == expected[0]


@pytest.mark.parametrize("fails", [False, True])
def test_a_thread_tells_what_it_committed(
    live: Live, pair: tuple[Any, Any], fails: bool
) -> None:
    handle = SocketIO.namespace("/lab")

    def work() -> None:
        try:
            with transaction.manager:
                handle.emit_on_commit("told", 1)
                handle.emit("before the end")
                finish("fail" if fails else "")
        finally:
            handle.emit("over")

    outcome = start_in_pool(work)
    expected = [["before the end"], ["told", 1], ["over"]]
    if fails:
        del expected[1]
    for client in pair:
        assert [client.event("/lab") for _ in expected] == expected
    if fails:
        with pytest.raises(RuntimeError):
            outcome.get()


def test_outside_of_everything_it_leaves_at_once(
    live: Live, pair: tuple[Any, Any]
) -> None:
    SocketIO.namespace("/lab").emit_on_commit("told", *CONTENT)
    for client in pair:
        assert client.event("/lab") == ["told", *CONTENT]


def test_a_handle_tells_at_once_what_it_cannot_send(live: Live) -> None:
    handle = SocketIO.namespace("/lab")
    with transaction.manager:
        with pytest.raises(TypeError):
            handle.emit_on_commit("told", object())
        with pytest.raises(TypeError, match="a room is"):
            handle.emit_to_room_on_commit(1.5, "told")
