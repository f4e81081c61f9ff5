"""Noughts and crosses: pairs those who wait, and ends a match when one goes."""

import logging

from socketio import socketio_manage
from socketio.namespace import BaseNamespace

log = logging.getLogger(__name__)

waiting = []


class Match(object):
    def __init__(self, first, second):
        self.players = {"X": first, "O": second}
        self.turn = "X"
        self.cells = {}

    def tell(self, event, *args):
        for each in self.players.values():
            each.emit(event, *args)


class MatchNamespace(BaseNamespace):
    match = None

    def on_play(self, name):
        self.name = name
        if not waiting:
            waiting.append(self)
            self.emit("wait")
            return
        other = waiting.pop()
        match = Match(other, self)
        for mark, player in sorted(match.players.items()):
            player.match = match
            player.mark = mark
            player.emit("start", mark, other.name if player is self else self.name)

    def on_mark(self, cell):
        match = self.match
        if match.turn != self.mark or cell in match.cells:
            self.emit("invalid", cell)
            return
        match.cells[cell] = self.mark
        match.turn = "O" if self.mark == "X" else "X"
        match.tell("marked", cell, self.mark)

    def recv_disconnect(self):
        log.info("%s goes", self.name)
        if self in waiting:
            waiting.remove(self)
        match, self.match = self.match, None
        if match is not None:
            for mark, player in list(match.players.items()):
                player.match = None
                if player is not self:
                    player.emit("aborted", self.name)
                    player.disconnect()
        self.disconnect(silent=True)


namespaces = {"/match": MatchNamespace}


def application(environ, start_response):
    if environ["PATH_INFO"].startswith("/socket.io"):
        socketio_manage(environ, namespaces)
    start_response("200 OK", [])
    return []
