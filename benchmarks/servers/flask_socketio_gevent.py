"""The peer: Flask-SocketIO on gevent, run as its documentation says.

Started by run.py, or by hand: `python flask_socketio_gevent.py PORT`
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402
from typing import Any  # noqa: E402

from flask import Flask  # noqa: E402
from flask_socketio import SocketIO, emit, join_room  # noqa: E402

app = Flask(__name__)
socketio = SocketIO(app, async_mode="gevent")
NAMESPACE = "/bench"


@socketio.on("echo", namespace=NAMESPACE)
def echo(data: Any) -> Any:
    emit("echoed", data)
    return data


@socketio.on("ask", namespace=NAMESPACE)
def ask(data: Any) -> Any:
    return data


@socketio.on("shout", namespace=NAMESPACE)
def shout(data: Any) -> None:
    emit("heard", data, broadcast=True)


@socketio.on("enter", namespace=NAMESPACE)
def enter(room: str) -> bool:
    join_room(room)
    return True


@socketio.on("say", namespace=NAMESPACE)
def say(room: str, data: Any) -> None:
    emit("heard", data, to=room, include_self=False)


if __name__ == "__main__":
    socketio.run(app, host="127.0.0.1", port=int(sys.argv[1]))
