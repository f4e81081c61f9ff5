"""A controller that handles lead to, for tests and the scripts that they run."""

from __future__ import annotations

from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.engine.mixins import RoomsMixin


class Chat(SocketIOTGNamespace, RoomsMixin):
    def on_enter(self, room):
        self.join(room)


class SocketIO(SocketIOController):
    chat = Chat
    global_namespace = Chat
