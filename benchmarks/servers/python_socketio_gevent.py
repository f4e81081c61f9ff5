"""The peer: python-socketio on gevent's WSGI server, as its documentation sets it up.

With a URL of Redis, broadcasts go through it.

Started by run.py, or by hand: `python python_socketio_gevent.py PORT [REDIS]`
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402
from typing import Any  # noqa: E402

import socketio  # noqa: E402
from gevent import pywsgi  # noqa: E402

NAMESPACE = "/bench"


def add_handlers(server: socketio.Server) -> None:
    """The events that the servers of this directory know."""

    @server.on("echo", namespace=NAMESPACE)
    def echo(sid: str, data: Any) -> Any:
        server.emit("echoed", data, to=sid, namespace=NAMESPACE)
        return data

    @server.on("ask", namespace=NAMESPACE)
    def ask(sid: str, data: Any) -> Any:
        return data

    @server.on("shout", namespace=NAMESPACE)
    def shout(sid: str, data: Any) -> None:
        server.emit("heard", data, namespace=NAMESPACE)

    @server.on("enter", namespace=NAMESPACE)
    def enter(sid: str, room: str) -> bool:
        server.enter_room(sid, room, namespace=NAMESPACE)
        return True

    @server.on("say", namespace=NAMESPACE)
    def say(sid: str, room: str, data: Any) -> None:
        server.emit("heard", data, to=room, skip_sid=sid, namespace=NAMESPACE)

    @server.on("subscribe", namespace=NAMESPACE)
    def subscribe(sid: str, channel: str) -> bool:
        server.enter_room(sid, channel, namespace=NAMESPACE)
        return True

    @server.on("publish", namespace=NAMESPACE)
    def publish(sid: str, data: Any) -> None:
        server.emit("pubblication", data, to="bench", namespace=NAMESPACE)


def options() -> dict[str, Any]:
    """Options of pywsgi: the handler of gevent-websocket, if that is installed.

    Without it, python-socketio uses simple-websocket.
    """
    try:
        from geventwebsocket.handler import WebSocketHandler
    except ImportError:
        return {}
    return {"handler_class": WebSocketHandler}


def main() -> None:
    manager = socketio.RedisManager(sys.argv[2]) if len(sys.argv) > 2 else None
    server = socketio.Server(async_mode="gevent", client_manager=manager)
    add_handlers(server)
    address = ("127.0.0.1", int(sys.argv[1]))
    app = socketio.WSGIApp(server)
    pywsgi.WSGIServer(address, app, log=None, **options()).serve_forever()


if __name__ == "__main__":
    main()
