"""What the examples of the documentation take as given, and a page does not show."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock

import gevent
import sqlalchemy
import tg
from tg import MinimalApplicationConfigurator, TGController

from tgext.socketio import SocketIOController, SocketIOTGNamespace, event, pubsub
from tgext.socketio.engine import socketio_manage
from tgext.socketio.engine.mixins import BroadcastMixin, RoomsMixin
from tgext.socketio.engine.namespace import BaseNamespace
from tgext.socketio.engine.server import SocketIOServer
from tgext.socketio.engine.virtsocket import Socket
from tgext.socketio.websocket import websocket


class Chat(pubsub.PubSubTGNamespace, RoomsMixin, BroadcastMixin):
    players = 0


class SocketIO(SocketIOController):
    chat = Chat


class MockServer:
    """The server of gevent-socketio's tests."""

    def __init__(self) -> None:
        self.sockets: dict[str, Socket] = {}


def application(environ: Any, start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [])
    return [b""]


#: On each page.
EVERYWHERE: dict[str, Any] = {
    "BaseController": TGController,
    "BaseNamespace": BaseNamespace,
    "BroadcastMixin": BroadcastMixin,
    "Chat": Chat,
    "PubSubTGNamespace": pubsub.PubSubTGNamespace,
    "RoomsMixin": RoomsMixin,
    "SocketIO": SocketIO,
    "SocketIOController": SocketIOController,
    "SocketIOTGNamespace": SocketIOTGNamespace,
    "TGController": TGController,
    "base_config": MinimalApplicationConfigurator(),
    "event": event,
    "expose": tg.expose,
    "gevent": gevent,
    "predicates": tg.predicates,
    "request": tg.request,
    "require": tg.require,
    "tg": tg,
    "validate": tg.validate,
    "websocket": websocket,
}


def of_gevent_socketio() -> dict[str, Any]:
    """A client in a namespace, and what such an application has around it."""
    socket = Socket(MockServer(), {})
    environ = {"socketio": socket, "REMOTE_ADDR": "127.0.0.1"}
    chat = Chat(environ, "/chat")
    return {
        "self": chat,
        "socket": socket,
        "environ": environ,
        "account": "ann",
        "app": application,
        "job": chat.spawn(gevent.sleep),
        "nick": "ann",
        "packet": {"type": "event", "name": "hello", "args": [], "endpoint": "/chat"},
        "text": "hello",
        "ChatController": SocketIO,
        "Column": sqlalchemy.Column,
        "Integer": sqlalchemy.Integer,
        "MagicMock": MagicMock,
        "MockServer": MockServer,
        "Shop": Chat,
        "Socket": Socket,
        "SocketIOServer": SocketIOServer,
        "String": sqlalchemy.String,
        "abort": tg.abort,
        "logged_in": bool,
        "partial": functools.partial,
        "socketio_manage": socketio_manage,
        "stock": None,
    }


#: On single pages.
MORE = {"docs/coming_from_gevent_socketio.rst": of_gevent_socketio}


def given(page: str) -> dict[str, Any]:
    """The names that the examples of a page have."""
    return EVERYWHERE | (MORE[page]() if page in MORE else {})
