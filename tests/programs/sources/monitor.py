"""A monitor that pushes readings from a greenlet, which `recv_connect` begins."""

import logging

import gevent
from socketio import socketio_manage
from socketio.namespace import BaseNamespace

log = logging.getLogger(__name__)

#: One second, in production.
INTERVAL = 0.001


class MonitorNamespace(BaseNamespace):
    readings = {"cpu": 0}

    def recv_connect(self):
        def send_history():
            for number in range(5):
                self.emit("history", {"point": number, "cpu": 10 * number})
                gevent.sleep(INTERVAL)
            self.spawn(self.watch)

        self.spawn(send_history)
        self.emit("configuration", {"interval": INTERVAL})

    def watch(self):
        last = None
        try:
            while True:
                if self.readings != last:
                    last = dict(self.readings)
                    self.emit("reading", last)
                gevent.sleep(INTERVAL)
        finally:
            log.info("nobody watches")

    def on_set(self, name, value):
        self.readings[name] = value


namespaces = {"/monitor": MonitorNamespace}


def application(environ, start_response):
    path = environ["PATH_INFO"].strip("/") or "index.html"
    if path.startswith("socket.io"):
        socketio_manage(environ, namespaces)
        return ""
    start_response("200 OK", [("Content-Type", "text/html")])
    return [b"<h1>Monitor</h1>"]
