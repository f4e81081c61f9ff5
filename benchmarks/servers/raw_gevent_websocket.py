"""The peer: gevent-websocket's own handler, with the loop of raw_wsgi.py.

Started by run.py, or by hand: `python raw_gevent_websocket.py PORT`
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402
from collections.abc import Callable, Iterable  # noqa: E402
from typing import Any  # noqa: E402

from gevent import pywsgi  # noqa: E402
from geventwebsocket.handler import WebSocketHandler  # noqa: E402


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    websocket = environ["wsgi.websocket"]
    while True:
        message = websocket.receive()
        if message is None:
            break
        websocket.send(message)
    return []


if __name__ == "__main__":
    address = ("127.0.0.1", int(sys.argv[1]))
    pywsgi.WSGIServer(
        address, app, log=None, handler_class=WebSocketHandler
    ).serve_forever()
