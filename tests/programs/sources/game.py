"""A game whose loop emits frames while its player moves, with one loop per player."""

import logging

import gevent
from socketio import socketio_manage
from socketio.mixins import BroadcastMixin
from socketio.namespace import BaseNamespace

log = logging.getLogger(__name__)

STEPS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}


class GameNamespace(BaseNamespace, BroadcastMixin):
    running = False

    def initialize(self):
        self.moves = []
        self.position = (1, 1)

    def on_start(self, player, options={}):
        self.player = player
        self.limit = options.get("size", 3)
        self.running = True
        self.loop = self.spawn(self.run, "frame")
        return "started"

    def run(self, event):
        frame = 0
        try:
            while self.running:
                self.emit(event, {"number": frame, "at": self.position})
                while not self.moves:
                    gevent.sleep(0.001)
                frame += 1
                x, y = self.position
                dx, dy = STEPS[self.moves.pop(0)]
                self.position = (x + dx, y + dy)
                if not all(0 <= each < self.limit for each in self.position):
                    self.broadcast_event("lost", self.player, frame)
                    log.info("%s lost", self.player)
                    return
        finally:
            log.info("the loop of %s ends", self.player)

    def on_move(self, direction):
        if direction not in STEPS:
            self.error("bad_move", "There is no way %s" % direction)
            return
        self.moves.append(direction)

    def on_stop(self):
        self.running = False
        self.loop.kill()
        return len(self.jobs)

    def recv_disconnect(self):
        log.info("%s disconnects", self.player)
        self.disconnect(silent=True)


namespaces = {"/game": GameNamespace}


def not_found(start_response):
    start_response("404 Not Found", [("Content-Type", "text/plain")])
    return [b"Not Found"]


def application(environ, start_response):
    path = environ["PATH_INFO"].strip("/")
    if path.startswith("socket.io"):
        socketio_manage(environ, namespaces)
    else:
        return not_found(start_response)
