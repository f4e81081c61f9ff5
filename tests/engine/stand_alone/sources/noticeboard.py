"""A chat in one file: pages and sockets in one WSGI application."""

from gevent import monkey

monkey.patch_all()

import sys

from socketio import socketio_manage
from socketio.mixins import BroadcastMixin, RoomsMixin
from socketio.namespace import BaseNamespace
from socketio.server import SocketIOServer


class Noticeboard(BaseNamespace, RoomsMixin, BroadcastMixin):
    def on_sign(self, name):
        self.request["present"].append(name)
        self.socket.session["name"] = name
        self.broadcast_event("present", self.request["present"])
        self.join("hall")

    def on_pin(self, text):
        name = self.socket.session["name"]
        self.emit_to_room("hall", "pinned", name, text)
        return len(text)

    def recv_disconnect(self):
        self.request["present"].remove(self.socket.session["name"])
        self.broadcast_event("present", self.request["present"])
        self.disconnect(silent=True)


class Site:
    def __init__(self):
        self.state = {"present": []}

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"].strip("/")
        if not path:
            start_response("200 OK", [("Content-Type", "text/html")])
            return [b"<h1>Noticeboard</h1>"]
        if path.startswith("socket.io"):
            socketio_manage(environ, {"/board": Noticeboard}, self.state)
            return None
        start_response("404 Not Found", [])
        return [b"<h1>Not here</h1>"]


if __name__ == "__main__":
    SocketIOServer(
        ("127.0.0.1", int(sys.argv[1])),
        Site(),
        resource="socket.io",
        policy_server=True,
        policy_listener=("127.0.0.1", 10843),
    ).serve_forever()
