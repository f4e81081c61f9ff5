"""Events of jobs for those who have logged in: decided in `recv_connect`."""

import logging

from socketio import socketio_manage
from socketio.namespace import BaseNamespace

log = logging.getLogger(__name__)

TOKENS = {"t-ann": "ann"}


class TokenNamespace(BaseNamespace):
    def get_allowed_methods(self):
        return []

    def get_initial_acl(self):
        return set(["recv_connect"])

    def user_of(self, environ):
        for each in environ.get("HTTP_COOKIE", "").split(";"):
            name, _, value = each.strip().partition("=")
            if name == "token":
                return TOKENS.get(value.strip('"'))
        return None

    def recv_connect(self):
        self.user = self.user_of(self.environ)
        if self.user is None:
            log.info("refused")
            self.error("Authentication Failed", "no valid token")
            self.disconnect()
        else:
            log.info("%s is in", self.user)
            for each in self.get_allowed_methods():
                self.add_acl_method(each)
            self.emit("connected", self.user)


class JobEventNamespace(TokenNamespace):
    def get_allowed_methods(self):
        return ["on_job", "recv_disconnect"]

    def on_job(self, number):
        self.emit("job %d" % number, {"status": "running"})


class AdHocNamespace(TokenNamespace):
    pass


namespaces = {"/job_events": JobEventNamespace, "/ad_hoc": AdHocNamespace}


class Application(object):
    def __call__(self, environ, start_response):
        if environ["PATH_INFO"].strip("/").startswith("socket.io"):
            socketio_manage(environ, namespaces)
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"Not Found"]


application = Application()
