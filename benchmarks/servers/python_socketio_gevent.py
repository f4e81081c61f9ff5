"""The peer: python-socketio on gevent's WSGI server, as its documentation sets it up.

Started by quick.py, or by hand: `python python_socketio_gevent.py PORT`
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
    """The three events every server of this directory knows."""

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


def options() -> dict[str, Any]:
    """How pywsgi speaks WebSocket: through gevent-websocket if that is installed.

    Without it python-socketio upgrades by itself, with simple-websocket.
    """
    try:
        from geventwebsocket.handler import WebSocketHandler
    except ImportError:
        return {}
    return {"handler_class": WebSocketHandler}


def main() -> None:
    server = socketio.Server(async_mode="gevent")
    add_handlers(server)
    address = ("127.0.0.1", int(sys.argv[1]))
    app = socketio.WSGIApp(server)
    pywsgi.WSGIServer(address, app, log=None, **options()).serve_forever()


if __name__ == "__main__":
    main()
