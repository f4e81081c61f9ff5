"""Who is there: told by a `disconnect` that cleans up and calls super."""

import logging

from socketio import socketio_manage
from socketio.mixins import BroadcastMixin
from socketio.namespace import BaseNamespace

log = logging.getLogger(__name__)


class PresenceNamespace(BaseNamespace, BroadcastMixin):
    users = {}

    def recv_connect(self):
        self.emit("users", sorted(self.users))

    def on_login(self, name):
        self.name = name
        self.users[name] = self
        self.broadcast_event("online", name)

    def on_kick(self, name):
        self.users[name].disconnect()
        self.emit("kicked", name)

    def disconnect(self, *args, **kwargs):
        log.info("disconnect %s %s", self.name, sorted(kwargs.items()))
        del self.users[self.name]
        self.broadcast_event_not_me("offline", self.name)
        super(PresenceNamespace, self).disconnect(*args, **kwargs)


namespaces = {"/presence": PresenceNamespace}


def application(environ, start_response):
    if environ["PATH_INFO"].startswith("/socket.io/"):
        socketio_manage(environ, namespaces, request=environ)
    start_response("200 OK", [])
    return []
