"""Several namespaces of one client, which send on each other."""

import logging

from socketio import socketio_manage
from socketio.namespace import BaseNamespace

log = logging.getLogger(__name__)


class Base(BaseNamespace):
    def initialize(self):
        log.info("%s begins beside %s", self.ns_name, sorted(self.socket.active_ns))

    def disconnect(self, *args, **kwargs):
        log.info("%s ends", self.ns_name)
        super(Base, self).disconnect(*args, **kwargs)


class FeedNamespace(Base):
    def on_ping(self, value):
        self.emit("pong", value)

    def push(self, value):
        self.emit("pushed", value)


class AdminNamespace(Base):
    def get_initial_acl(self):
        return set(["recv_connect", "recv_disconnect"])

    def recv_connect(self):
        if "/feed" in self.socket.active_ns:
            self.socket["/feed"].emit("admin", "is here")
        self.emit("ready")

    def on_restart(self):
        self.emit("restarting")
        if "/feed" in self.socket.active_ns:
            self.socket["/feed"].push("restart")


class ControlNamespace(Base):
    def on_grant(self, method):
        self.socket["/admin"].add_acl_method(method)
        return sorted(self.socket["/admin"].allowed_methods)

    def on_push(self, where, value):
        try:
            namespace = self.socket[where]
        except KeyError as error:
            return "no " + str(error.args[0])
        namespace.push(value)
        return sorted(self.socket.active_ns)

    def on_close(self, where):
        self.socket[where].disconnect()
        self.emit("closed", where, sorted(self.socket.active_ns))


namespaces = {
    "/feed": FeedNamespace,
    "/admin": AdminNamespace,
    "/control": ControlNamespace,
}


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path.startswith("/socket.io/"):
        socketio_manage(environ, namespaces)
    start_response("404 Not Found", [])
    return [b"Not Found"]
