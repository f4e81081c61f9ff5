"""A framework's extension: applications register functions, not classes."""

import logging

from socketio import socketio_manage
from socketio.namespace import BaseNamespace

log = logging.getLogger(__name__)


class Extension(object):
    """Finds the handlers of events, and wraps the namespaces."""

    def __init__(self):
        self.handlers = {}
        self.rooms = {}
        self.current = None

    def on(self, message, namespace=""):
        def decorator(f):
            self.handlers.setdefault(namespace, {})[message] = f
            return f

        return decorator

    def dispatch(self, namespace, message, args=()):
        handler = self.handlers[namespace.ns_name].get(message)
        if handler is None:
            return None
        before, self.current = self.current, namespace
        try:
            return handler(*args)
        finally:
            self.current = before

    def namespaces(self):
        extension = self

        class GenericNamespace(BaseNamespace):
            def initialize(self):
                self.my_rooms = set()

            def process_event(self, packet):
                return extension.dispatch(self, packet["name"], packet["args"])

            def recv_connect(self):
                if extension.dispatch(self, "connect") is False:
                    self.disconnect()

            def recv_disconnect(self):
                extension.dispatch(self, "disconnect")
                for each in list(self.my_rooms):
                    self.leave_room(each)
                self.disconnect(silent=True)

            def recv_message(self, data):
                return extension.dispatch(self, "message", [data])

            def recv_json(self, data):
                return extension.dispatch(self, "json", [data])

            def join_room(self, room):
                self.my_rooms.add(room)
                extension.rooms.setdefault((self.ns_name, room), []).append(self)

            def leave_room(self, room):
                self.my_rooms.discard(room)
                extension.rooms[self.ns_name, room].remove(self)

            def emit(self, event, *args, **kwargs):
                room = kwargs.pop("room", None)
                broadcast = kwargs.pop("broadcast", False)
                others = kwargs.pop("include_self", True) is False
                if room is None and not broadcast:
                    return super(GenericNamespace, self).emit(event, *args, **kwargs)
                if room is not None:
                    members = extension.rooms.get((self.ns_name, room), [])
                else:
                    sockets = self.socket.server.sockets.values()
                    members = [
                        each[self.ns_name]
                        for each in sockets
                        if self.ns_name in each.active_ns
                    ]
                for each in list(members):
                    if not (others and each is self):
                        super(GenericNamespace, each).emit(event, *args, **kwargs)

        return dict((name, GenericNamespace) for name in self.handlers)


extension = Extension()


def emit(event, *args, **kwargs):
    return extension.current.emit(event, *args, **kwargs)


@extension.on("connect", namespace="/test")
def connect():
    log.info("connect")
    emit("my response", {"data": "Connected", "count": 0})


@extension.on("my event", namespace="/test")
def my_event(message):
    session = extension.current.session
    session["count"] = session.get("count", 0) + 1
    emit("my response", {"data": message["data"], "count": session["count"]})


@extension.on("my broadcast event", namespace="/test")
def my_broadcast(message):
    emit("my response", message, broadcast=True)


@extension.on("others", namespace="/test")
def others(message):
    emit("my response", message, broadcast=True, include_self=False)
    return "sent"


@extension.on("join", namespace="/test")
def join(message):
    extension.current.join_room(message["room"])
    return sorted(extension.current.my_rooms)


@extension.on("leave", namespace="/test")
def leave(message):
    extension.current.leave_room(message["room"])
    return sorted(extension.current.my_rooms)


@extension.on("my room event", namespace="/test")
def to_room(message):
    emit("my response", message["data"], room=message["room"])


@extension.on("message", namespace="/test")
def message(data):
    extension.current.send(data.upper())
    return "taken"


@extension.on("json", namespace="/test")
def json(data):
    extension.current.send({"got": data}, json=True)


@extension.on("odd:name", namespace="/test")
def odd(*args):
    return args


@extension.on("disconnect", namespace="/test")
def disconnect():
    log.info("disconnected after %s events", extension.current.session["count"])


@extension.on("connect", namespace="/closed")
def refuse():
    return False


namespaces = extension.namespaces()


def application(environ, start_response):
    if environ["PATH_INFO"].startswith("/socket.io"):
        socketio_manage(environ, namespaces, request=environ)
        return []
    start_response("404 NOT FOUND", [])
    return [b"not found"]
