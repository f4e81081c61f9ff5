"""Failures: a decorator for all handlers and jobs, and the client's errors."""

import functools
import logging

from socketio import socketio_manage
from socketio.namespace import BaseNamespace

log = logging.getLogger(__name__)


class FailingNamespace(BaseNamespace):
    def exception_handler_decorator(self, fun):
        @functools.wraps(fun)
        def wrap(*args, **kwargs):
            try:
                return fun(*args, **kwargs)
            except Exception as error:
                log.info("%s: %s", fun.__name__, error)
                self.emit("failed", fun.__name__, str(error))
                return "failure"

        return wrap

    def on_divide(self, a, b):
        return a // b

    def on_count(self, packet):
        return len(packet["args"])

    def on_background(self, *numbers):
        self.spawn(self.background, numbers, key="value")
        return len(numbers)

    def background(self, numbers, key=None):
        raise ValueError("%s %s" % (sum(numbers), key))

    def on_complain(self):
        self.error("complaint", {"about": "food"})
        self.error("secret", "only logged", quiet=True)
        self.socket.error("general", "for the main namespace", endpoint="")

    def recv_error(self, packet):
        log.info("the client says %s, %s", packet["reason"], packet["advice"])
        self.emit("sorry", packet["reason"])


class StrictNamespace(FailingNamespace):
    def recv_connect(self):
        self.emit("welcome")
        raise RuntimeError("while connecting")


namespaces = {
    "/strict": StrictNamespace,
    "/failing": FailingNamespace,
    "": BaseNamespace,
}


def application(environ, start_response):
    if environ["PATH_INFO"].startswith("/socket.io"):
        socketio_manage(environ, namespaces)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return []
