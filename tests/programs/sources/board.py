"""A board game for many, which walks the sockets of the server."""

import logging

from socketio import socketio_manage
from socketio.namespace import BaseNamespace

log = logging.getLogger(__name__)

COLORS = ["red", "green", "blue"]


class BoardNamespace(BaseNamespace):
    players = 0
    board = {}

    def initialize(self):
        self.color = None

    def recv_connect(self):
        self.__class__.players += 1
        taken = [each.color for each in self.everyone()]
        self.color = [each for each in COLORS if each not in taken][0]
        self.emit("you are", self.color)
        self.tell("joined", self.color, len(list(self.everyone())))

    def everyone(self):
        for sessid, socket in sorted(self.socket.server.sockets.items()):
            if self.ns_name in socket.active_ns:
                yield socket[self.ns_name]

    def tell(self, event, *args):
        for each in self.everyone():
            each.emit(event, *args)

    def on_put(self, x, y):
        place = "%d,%d" % (x, y)
        if place in self.board:
            return "taken by " + self.board[place]
        self.board[place] = self.color
        self.tell("put", x, y, self.color)

    def on_score(self):
        colors = list(self.board.values())
        return dict((each.color, colors.count(each.color)) for each in self.everyone())

    def on_surrender(self):
        for place, color in list(self.board.items()):
            if color == self.color:
                del self.board[place]
        self.tell("cleared", self.color)

    def recv_disconnect(self):
        self.__class__.players -= 1
        log.info("%s goes, %d left", self.color, self.players)
        for each in self.everyone():
            if each is not self:
                each.emit("gone", self.color)
        self.disconnect(silent=True)


namespaces = {"/board": BoardNamespace}


def application(environ, start_response):
    if environ["PATH_INFO"].startswith("/socket.io"):
        socketio_manage(environ, namespaces)
    start_response("200 OK", [("Content-Type", "text/html")])
    return [b"<html></html>"]
