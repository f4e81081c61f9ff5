"""Events that pages and jobs send."""

from __future__ import annotations

import gc
from collections.abc import Callable

import gevent
import pytest
from tg import MinimalApplicationConfigurator, TGController, expose

from tests.engine.conftest import Live
from tests.engine.hub.test_rooms import NO_ROOMS
from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.engine.mixins import RoomsMixin


class Chat(SocketIOTGNamespace, RoomsMixin):
    def on_enter(self, room):
        self.join(room)


class SocketIO(SocketIOController):
    chat = Chat
    global_namespace = Chat


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


@pytest.fixture
def live(serve: Callable[..., Live]) -> Live:
    gc.collect()  # forgets the servers of other tests
    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": RootController()})
    application = configurator.make_wsgi_app({}, {})
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


def test_a_greenlet_emits_to_the_main_namespace(live: Live) -> None:
    client = live.websocket_5()
    client.join("")
    assert live.http().get("/tell_later").status == 200
    assert client.event("") == ["told", "later"]


def test_the_base_class_reaches_all_controllers(live: Live) -> None:
    client = live.websocket_5()
    client.join("/chat")
    sockets = SocketIOController.namespace("/chat").sockets
    assert live.socket(client) in sockets
    assert Another.namespace("chat").sockets == []
    assert repr(Another.namespace("chat")) == "<NamespaceHandle /chat>"


def test_a_namespace_that_is_not_mounted_is_named() -> None:
    message = "Another has no namespace '/chess'; it has /chat"
    with pytest.raises(ValueError, match=message):
        Another.namespace("/chess")


@pytest.mark.parametrize("room", NO_ROOMS, ids=repr)
def test_a_page_cannot_emit_to_what_is_no_room(live: Live, room: object) -> None:
    client = live.client("4-websocket")
    client.join("/chat")
    handle = SocketIO.namespace("/chat")
    with pytest.raises(TypeError, match="a room is a str or an int"):
        handle.emit_to_room(room, "news", "for nobody")
    handle.emit("news", "for all")
    assert client.event("/chat") == ["news", "for all"]
