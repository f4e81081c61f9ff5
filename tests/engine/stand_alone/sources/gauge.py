"""A gauge: each client has a loop of its own, and one loop serves all."""

from gevent import monkey

monkey.patch_all()

import sys

import gevent
from socketio import socketio_manage
from socketio.namespace import BaseNamespace
from socketio.server import SocketIOServer


class Gauge(BaseNamespace):
    watchers = 0

    def recv_connect(self):
        self.__class__.watchers += 1

        def measure():
            number = 0
            while True:
                number += 1
                self.emit("measured", {"number": number, "watched": Gauge.watchers > 0})
                gevent.sleep(0.05)

        self.spawn(measure)


def site(environ, start_response):
    if environ["PATH_INFO"].startswith("/socket.io"):
        socketio_manage(environ, {"/gauge": Gauge, "/clock": BaseNamespace})
        return "done"
    start_response("200 OK", [("Content-Type", "text/html")])
    return [b"<h1>Gauge</h1>"]


def tell_the_time(server):
    while True:
        packet = {
            "type": "event",
            "name": "time",
            "args": ["now"],
            "endpoint": "/clock",
        }
        for _, socket in list(server.sockets.items()):
            socket.send_packet(packet)
        gevent.sleep(0.05)


if __name__ == "__main__":
    address = ("127.0.0.1", int(sys.argv[1]))
    server = SocketIOServer(address, site, namespace="socket.io", policy_server=False)
    gevent.spawn(tell_the_time, server)
    server.serve_forever()
