"""A site with a table of routes, as small frameworks have it, in debug mode."""

from gevent import monkey

monkey.patch_all()

import re
import sys

from socketio import namespace, server, socketio_manage


class NotFound(Exception):
    pass


class Framework:
    """The first route that matches counts. A view has to return a text."""

    def __init__(self):
        self.routes = []

    def route(self, pattern):
        # <name> is one part of a path, <path:name> is one or more.
        regex = re.sub(r"<(\w+)>", r"(?P<\1>[^/]+)", pattern)
        regex = re.sub(r"<path:(\w+)>", r"(?P<\1>.+)", regex)

        def add(view):
            self.routes.append((re.compile(regex), view))
            return view

        return add

    def __call__(self, environ, start_response):
        for route, view in self.routes:
            match = route.fullmatch(environ["PATH_INFO"])
            if match:
                try:
                    text = view(environ, **match.groupdict())
                except NotFound:
                    break
                if text is None:
                    raise TypeError("the view did not return a response")
                start_response("200 OK", [("Content-Type", "text/plain")])
                return [text.encode()]
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"no such page"]


app = Framework()


class Greeter(namespace.BaseNamespace):
    def on_hello(self, whom):
        self.emit("greeted", whom, self.request)
        return "hello " + whom


@app.route("/")
def index(environ):
    return "the index"


@app.route("/rooms/<path:slug>")
def room(environ, slug):
    return "room " + slug


@app.route("/<slug>/")
def page(environ, slug):
    if slug != "about":
        raise NotFound
    return "about"


@app.route("/socket.io/<path:rest>")
def sockets(environ, rest):
    socketio_manage(environ, {"/greeter": Greeter}, request="of " + rest[0])


if __name__ == "__main__":
    server.SocketIOServer(("127.0.0.1", int(sys.argv[1])), app).serve_forever()
