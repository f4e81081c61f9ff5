"""Rooms that members are moved to, by a mixin that names them itself."""

import logging

from socketio import socketio_manage
from socketio.mixins import RoomsMixin
from socketio.namespace import BaseNamespace

log = logging.getLogger(__name__)


class NamedRooms(RoomsMixin):
    def _get_room_name(self, room):
        return "room " + room.lower()

    def names(self):
        return sorted(self.session["rooms"])


class Base(BaseNamespace):
    def members(self, nick):
        sockets = list(self.socket.server.sockets.values())
        return [each for each in sockets if each.session.get("nick") == nick]

    def on_nick(self, nick):
        self.session["nick"] = nick
        return self.names()

    def on_enter(self, room):
        self.join(room)
        return self.names()

    def on_exit(self, room):
        self.leave(room)
        return self.names()

    def on_say(self, room, text):
        self.emit_to_room(room, "said", room, text)
        return len(self.socket.server.sockets)

    def on_move(self, room):
        self.session["rooms"] = set([self._get_room_name(room)])
        return self.names()

    def on_invite(self, nick, room):
        for each in self.members(nick):
            each.session["rooms"].add(self._get_room_name(room))

    def on_expel(self, nick, room):
        for each in self.members(nick):
            each.session["rooms"].remove(self._get_room_name(room))

    def on_kick(self, nick):
        for each in self.members(nick):
            each.disconnect()

    def recv_disconnect(self):
        log.info("%s is told", self.session["nick"])
        self.disconnect(silent=True)

    def disconnect(self, *args, **kwargs):
        log.info("%s leaves %s", self.session["nick"], self.names())
        super(Base, self).disconnect(*args, **kwargs)


class LoungeNamespace(Base, NamedRooms):
    pass


class DeskNamespace(Base, RoomsMixin):
    def names(self):
        return sorted(self.session["rooms"])


namespaces = {"/lounge": LoungeNamespace, "/desk": DeskNamespace}


def application(environ, start_response):
    if environ["PATH_INFO"].startswith("/socket.io/"):
        socketio_manage(environ, namespaces)
    start_response("200 OK", [])
    return []
