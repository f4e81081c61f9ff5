"""A radio: the handler of each listener blocks in a loop, as long as it listens."""

import logging

from gevent.queue import Queue
from socketio import socketio_manage
from socketio.namespace import BaseNamespace

log = logging.getLogger(__name__)


class Station(object):
    def __init__(self):
        self.listeners = []
        self.playing = None

    def play(self, song):
        self.playing = song
        for each in self.listeners:
            each.put(song)


station = Station()


class RadioNamespace(BaseNamespace):
    def on_listen(self, name):
        """Never returns by itself."""
        queue = Queue()
        station.listeners.append(queue)
        log.info("%s listens", name)
        self.emit("playing", station.playing)
        try:
            while True:
                song = queue.get()
                self.emit("song", song)
                if song is None:
                    return "off the air"
        finally:
            station.listeners.remove(queue)
            log.info("%s is gone, %d left", name, len(station.listeners))


class StudioNamespace(BaseNamespace):
    def on_play(self, song):
        station.play(song)
        return len(station.listeners)


namespaces = {"/radio": RadioNamespace, "/studio": StudioNamespace}


def application(environ, start_response):
    if "socketio" in environ:
        socketio_manage(environ, namespaces)
        return "out"
    start_response("200 OK", [("Content-Type", "text/html")])
    return [b"<h1>Radio</h1>"]
