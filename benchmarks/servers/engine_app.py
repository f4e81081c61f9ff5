"""The engine alone: the namespace of ours_app.py on gevent, without TurboGears.

The difference between the two is the cost of the TurboGears floor.

Started by run.py, or by hand: `python engine_app.py PORT`
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402
from collections.abc import Callable, Iterable  # noqa: E402
from typing import Any  # noqa: E402

from tgext.socketio.engine import socketio_manage  # noqa: E402
from tgext.socketio.engine.mixins import BroadcastMixin, RoomsMixin  # noqa: E402
from tgext.socketio.engine.namespace import BaseNamespace  # noqa: E402
from tgext.socketio.engine.server import SocketIOServer  # noqa: E402


class Bench(BaseNamespace, BroadcastMixin, RoomsMixin):
    def on_echo(self, data: Any) -> Any:
        self.emit("echoed", data)
        return data

    def on_ask(self, data: Any) -> Any:
        return data

    def on_shout(self, data: Any) -> None:
        self.broadcast_event("heard", data)

    def on_enter(self, room: str) -> bool:
        self.join(room)
        return True

    def on_say(self, room: str, data: Any) -> None:
        self.emit_to_room(room, "heard", data)


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Accept every socket, and answer other requests with an empty page."""
    if "socketio" in environ:
        socketio_manage(environ, {"/bench": Bench})
    start_response("200 OK", [("Content-Length", "0")])
    return [b""]


def main() -> None:
    address = ("127.0.0.1", int(sys.argv[1]))
    SocketIOServer(address, app, resource="socketio").serve_forever()


if __name__ == "__main__":
    main()
