"""The peer for 0.9 clients: the fork of gevent-socketio for Python 3, from 2018.

The fork calls `inspect.getargspec`, which Python has removed; this module restores it.

Started by run.py, or by hand: `python gevent_socketio_fork.py PORT`
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import inspect  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable, Iterable  # noqa: E402
from typing import Any  # noqa: E402

if not hasattr(inspect, "getargspec"):
    inspect.getargspec = inspect.getfullargspec  # type: ignore[attr-defined]

from socketio import socketio_manage  # noqa: E402
from socketio.mixins import BroadcastMixin  # noqa: E402
from socketio.namespace import BaseNamespace  # noqa: E402
from socketio.server import SocketIOServer  # noqa: E402


class Bench(BaseNamespace, BroadcastMixin):
    def on_echo(self, data: Any) -> None:
        self.emit("echoed", data)

    def on_shout(self, data: Any) -> None:
        self.broadcast_event("heard", data)


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"].startswith("/socket.io"):
        socketio_manage(environ, {"/bench": Bench})
    start_response("200 OK", [("Content-Length", "0")])
    return [b""]


if __name__ == "__main__":
    address = ("127.0.0.1", int(sys.argv[1]))
    SocketIOServer(
        address, app, resource="socket.io", policy_server=False, log=None
    ).serve_forever()
