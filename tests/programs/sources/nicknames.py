"""Names kept in the session, which the namespaces of one client share."""

import logging

from socketio import socketio_manage
from socketio.mixins import BroadcastMixin, RoomsMixin
from socketio.namespace import BaseNamespace

log = logging.getLogger(__name__)


class Base(BaseNamespace):
    @property
    def nickname(self):
        return self.session.get("nickname", "anonymous")

    def others(self):
        """The sockets of the others that have a name."""
        return [
            each
            for each in self.socket.server.sockets.values()
            if each is not self.socket and "nickname" in each.session
        ]


class LoginNamespace(Base):
    def on_nickname(self, nickname):
        taken = [each.session["nickname"] for each in self.others()]
        if nickname in taken:
            self.emit("taken", nickname, sorted(taken))
            return False
        self.socket.session["nickname"] = nickname
        return self.socket.session is self.session

    def on_forget(self):
        self.session.clear()
        self.session["rooms"] = set()


class TalkNamespace(Base, RoomsMixin, BroadcastMixin):
    def on_who(self):
        return self.nickname, sorted(self.session)

    def on_enter(self, room):
        self.session["room"] = room
        self.join(room)
        return sorted(self.session["rooms"])

    def on_exit(self):
        self.leave(self.session.pop("room"))
        return sorted(self.session["rooms"])

    def on_say(self, text):
        self.emit_to_room(self.session["room"], "said", self.nickname, text)

    def on_tell(self, nickname, text):
        for each in self.others():
            if each.session["nickname"] == nickname:
                each["/talk"].emit("told", self.nickname, text)
                return True
        return False

    def recv_disconnect(self):
        log.info("%s leaves %s", self.nickname, self.session.get("room"))
        self.disconnect(silent=True)


namespaces = {"/login": LoginNamespace, "/talk": TalkNamespace}


def application(environ, start_response):
    if environ["PATH_INFO"].startswith("/socket.io"):
        socketio_manage(environ, namespaces)
    start_response("404 Not Found", [])
    return [b""]
