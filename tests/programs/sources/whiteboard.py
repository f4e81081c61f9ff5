"""Rooms of gevent-socketio's mixin, which the program reads and writes itself."""

import logging

from socketio import socketio_manage
from socketio.mixins import BroadcastMixin, RoomsMixin
from socketio.namespace import BaseNamespace

log = logging.getLogger(__name__)


class RoomNamespace(BaseNamespace, RoomsMixin, BroadcastMixin):
    def on_join(self, room):
        self.join(room)
        return sorted(self.session["rooms"])

    def on_leave(self, room):
        try:
            self.leave(room)
        except KeyError:
            return "not in it"
        return sorted(self.session["rooms"])

    def on_say(self, room, *words):
        self.emit_to_room(room, "said", room, *words)
        self.emit("sent", room)

    def on_members(self, room):
        name = self._get_room_name(room)
        sockets = self.socket.server.sockets.values()
        return len([each for each in sockets if name in each.session.get("rooms", ())])

    def on_only(self, room):
        """Goes past the mixin."""
        self.session["rooms"] = set([self._get_room_name(room)])

    def on_add(self, room):
        self.session["rooms"].add(self._get_room_name(room))

    def on_throw_out(self, room):
        """Writes in the sessions of others."""
        name = self._get_room_name(room)
        for each in list(self.socket.server.sockets.values()):
            if each is not self.socket:
                each.session["rooms"].discard(name)
        self.broadcast_event("thrown out", room)


namespaces = {"/rooms": RoomNamespace, "/other": RoomNamespace}


def application(environ, start_response):
    if environ["PATH_INFO"].startswith("/socket.io"):
        socketio_manage(environ, namespaces)
    start_response("200 OK", [])
    return []
