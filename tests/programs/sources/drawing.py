"""A drawing board: all see what one draws, without an echo."""

import logging

from socketio import socketio_manage
from socketio.mixins import BroadcastMixin
from socketio.namespace import BaseNamespace

log = logging.getLogger(__name__)


class DrawNamespace(BaseNamespace, BroadcastMixin):
    strokes = []

    def recv_connect(self):
        for each in self.strokes:
            self.emit("draw", each)
        self.emit("complete", len(self.strokes))
        self.broadcast_event_not_me("newcomer")

    def on_draw(self, stroke):
        self.strokes.append(stroke)
        self.broadcast_event_not_me("draw", stroke)

    def on_cursor(self, x, y):
        self.broadcast_event_not_me("cursor", {"x": x, "y": y})

    def on_clear(self):
        del self.strokes[:]
        self.broadcast_event("clear")


namespaces = {"/draw": DrawNamespace}


def application(environ, start_response):
    if environ["PATH_INFO"].startswith("/socket.io"):
        socketio_manage(environ, namespaces)
    start_response("404 Not Found", [])
    return ["404"]
