"""A program in the main namespace alone, with a second for those who log in."""

import logging

from socketio import socketio_manage
from socketio.mixins import BroadcastMixin
from socketio.namespace import BaseNamespace

log = logging.getLogger(__name__)


class MainNamespace(BaseNamespace, BroadcastMixin):
    def initialize(self):
        log.info("begins")
        self.count = 0
        self.emit("hello", self.ns_name)

    def recv_connect(self):
        log.info("recv_connect")

    def on_click(self, *args):
        self.count += len(args)
        self.emit("clicks", self.count)

    def on_shout(self, text):
        self.broadcast_event("heard", text)

    def recv_disconnect(self):
        log.info("leaves after %d", self.count)
        self.disconnect(silent=True)


class PrivateNamespace(BaseNamespace):
    def recv_connect(self):
        log.info("private, beside %s", sorted(self.socket.active_ns))

    def on_ping(self):
        return "pong", self.ns_name


namespaces = {"": MainNamespace, "/private": PrivateNamespace}


def application(environ, start_response):
    if environ["PATH_INFO"].startswith("/socket.io"):
        socketio_manage(environ, namespaces)
    start_response("200 OK", [])
    return []
