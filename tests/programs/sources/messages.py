"""Messages without a name, as before there were events."""

import logging

from socketio import socketio_manage
from socketio.namespace import BaseNamespace

log = logging.getLogger(__name__)


class EchoNamespace(BaseNamespace):
    def recv_message(self, data):
        log.info("message %r", data)
        if data == "bye":
            self.send("goodbye", callback=self.received)
        else:
            self.send("echo %s" % data)

    def received(self, *args):
        log.info("received, %r", args)
        self.send({"closing": True}, json=True)

    def recv_json(self, data):
        log.info("json %r", data)
        self.send(data, json=True)
        self.emit("got", data)


class MainNamespace(EchoNamespace):
    def recv_message(self, data):
        self.send(data[::-1])


namespaces = {"/echo": EchoNamespace, "": MainNamespace}


def application(environ, start_response):
    if environ["PATH_INFO"].startswith("/socket.io"):
        socketio_manage(environ, namespaces)
    start_response("200 OK", [])
    return ["old"]
