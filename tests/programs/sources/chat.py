"""A chat with rooms of its own mixin, as in the examples of that time."""

import logging

from socketio import socketio_manage
from socketio.mixins import BroadcastMixin
from socketio.namespace import BaseNamespace

log = logging.getLogger(__name__)


class MyRoomsMixin(object):
    def __init__(self, *args, **kwargs):
        super(MyRoomsMixin, self).__init__(*args, **kwargs)
        if "chat_rooms" not in self.session:
            self.session["chat_rooms"] = set()

    def enter(self, room):
        self.session["chat_rooms"].add(self._room_name(room))

    def exit(self, room):
        self.session["chat_rooms"].discard(self._room_name(room))

    def _room_name(self, room):
        return self.ns_name + "_" + room

    def say_in_room(self, room, event, *args):
        packet = dict(type="event", name=event, args=args, endpoint=self.ns_name)
        room_name = self._room_name(room)
        for socket in list(self.socket.server.sockets.values()):
            if room_name in socket.session.get("chat_rooms", ()):
                socket.send_packet(packet)


class ChatNamespace(BaseNamespace, MyRoomsMixin, BroadcastMixin):
    nicknames = []

    def initialize(self):
        self.nick = None
        log.info("initialize")

    def recv_connect(self):
        log.info("connect")

    def on_nickname(self, nickname):
        if nickname in self.nicknames:
            return False
        self.nicknames.append(nickname)
        self.nick = nickname
        log.info("%s is here", nickname)
        self.broadcast_event("announcement", "%s has connected" % nickname)
        self.broadcast_event("nicknames", self.nicknames)
        return True, nickname

    def on_enter(self, room):
        self.room = room
        self.enter(room)
        self.say_in_room(room, "entered", self.nick, room)

    def on_leave_room(self):
        self.exit(self.room)
        self.emit("left", self.room)

    def on_user_message(self, msg):
        log.info("%s: %s", self.nick, msg)
        self.say_in_room(self.room, "msg_to_room", self.nick, msg)

    def recv_disconnect(self):
        log.info("%s has gone", self.nick)
        self.nicknames.remove(self.nick)
        self.broadcast_event_not_me("announcement", "%s has gone" % self.nick)
        self.disconnect(silent=True)


namespaces = {"/chat": ChatNamespace}


def application(environ, start_response):
    if environ["PATH_INFO"].startswith("/socket.io"):
        socketio_manage(environ, namespaces)
        return []
    start_response("404 Not Found", [])
    return [b"<h1>Not Found</h1>"]
