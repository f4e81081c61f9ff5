"""Looks at the request: the environ, cookies and the page's query."""

import logging
from urllib.parse import parse_qsl

from socketio import socketio_manage
from socketio.namespace import BaseNamespace
from webob import Request

log = logging.getLogger(__name__)


class VisitNamespace(BaseNamespace):
    def initialize(self):
        self.user = self.request.cookies.get("user", "nobody")

    def recv_connect(self):
        self.emit("welcome", self.user, self.environ["REMOTE_ADDR"])

    def on_request(self):
        return {
            "room": self.request.GET.get("room"),
            "method": self.request.method,
            "address": self.request.remote_addr,
            "same": self.request.environ["socketio"] is self.socket,
        }

    def on_environ(self):
        environ = self.environ
        return {
            "cookie": environ.get("HTTP_COOKIE"),
            "method": environ["REQUEST_METHOD"],
            "page": dict(parse_qsl(environ["QUERY_STRING"])).get("page"),
            "socket": environ["socketio"] is self.socket,
            "of socket": self.socket.environ["REMOTE_ADDR"],
            "scheme": environ["wsgi.url_scheme"],
        }

    def on_transport(self):
        path = self.environ.get("SCRIPT_NAME", "") + self.environ["PATH_INFO"]
        parts = path.strip("/").split("/")
        query = dict(parse_qsl(self.environ["QUERY_STRING"]))
        return {
            "path": parts[1:-1],
            "session": parts[-1] == self.socket.sessid,
            "query": sorted(query),
            "websocket": "wsgi.websocket" in self.environ,
        }


namespaces = {"/visits": VisitNamespace}


def application(environ, start_response):
    request = Request(environ)
    if request.path_info.startswith("/socket.io"):
        socketio_manage(environ, namespaces, request)
    start_response("200 OK", [])
    return []
