"""A salon whose host greets with an event called connect, and sends guests away."""

import logging

from socketio import socketio_manage
from socketio.mixins import BroadcastMixin
from socketio.namespace import BaseNamespace

log = logging.getLogger(__name__)


class SalonNamespace(BaseNamespace, BroadcastMixin):
    def initialize(self):
        self.name = None
        self.emit("connect", {"motd": "be kind"})

    def on_enter(self, name):
        self.name = name
        self.broadcast_event("entered", name)

    def find(self, name):
        for socket in self.socket.server.sockets.values():
            namespace = socket.active_ns.get(self.ns_name)
            if namespace is not None and namespace.name == name:
                return namespace

    def on_boot(self, name):
        self.find(name).disconnect()

    def on_drop(self, name):
        """The guest is not told."""
        self.find(name).disconnect(silent=True)

    def on_close(self, name):
        self.find(name).socket.disconnect()

    def on_go(self):
        self.emit("goodbye", self.name)
        self.disconnect()

    def disconnect(self, *args, **kwargs):
        log.info("%s goes", self.name)
        super(SalonNamespace, self).disconnect(*args, **kwargs)


namespaces = {"/salon": SalonNamespace}


def application(environ, start_response):
    if environ["PATH_INFO"].startswith("/socket.io"):
        socketio_manage(environ, namespaces)
    start_response("200 OK", [])
    return []
