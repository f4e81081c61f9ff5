"""Plain WebSockets without TurboGears: the handler loop of gevent-websocket.

Started by run.py, or by hand: `python raw_wsgi.py PORT`
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402
from collections.abc import Callable, Iterable  # noqa: E402
from typing import Any  # noqa: E402

from tgext.socketio.engine.server import SocketIOServer  # noqa: E402


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    websocket = environ["wsgi.websocket"]
    while True:
        message = websocket.receive()
        if message is None:
            break
        websocket.send(message)
    return []


if __name__ == "__main__":
    SocketIOServer(("127.0.0.1", int(sys.argv[1])), app).serve_forever()
