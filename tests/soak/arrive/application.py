"""One process of the application: clients recover, and messages are numbered.

``python -m tests.soak.arrive.application PORT NAME DIRECTORY RATE ROOMS [REDIS-PORT]``.
From the request of ``/begin`` on it publishes RATE messages a second in ROOMS rooms,
until ``/end`` is requested. What it has published is written to the ledger NAME in
DIRECTORY, see ``ledger.py``.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import logging  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402
from tg import MinimalApplicationConfigurator, TGController, expose  # noqa: E402

from tgext.socketio import SocketIOController, SocketIOTGNamespace  # noqa: E402
from tgext.socketio.engine.mixins import RoomsMixin  # noqa: E402
from tgext.socketio.engine.server import SocketIOServer  # noqa: E402

from .ledger import Ledger  # noqa: E402

#: Greenlets that publish. Each has rooms of its own, so that those are in order.
PUBLISHERS = 10

#: Seconds between two pings, and until an answer. Half of a connection is noticed then.
HEARTBEAT = 5.0


class Arrive(SocketIOTGNamespace, RoomsMixin):
    recovery = True

    def on_enter(self, rooms: list[str]) -> float:
        """Join rooms; returns when that was done."""
        for each in rooms:
            self.join(each)
        return time.monotonic()

    def on_look(self) -> tuple[bool, list[str]]:
        """What the namespace knows of its client."""
        return self.recovered, sorted(map(str, self.rooms))


class SocketIO(SocketIOController):
    arrive = Arrive


class Publisher:
    """Publishes numbered messages."""

    def __init__(self, name: str, rate: float, rooms: list[str], ledger: Ledger):
        self._name = name
        self._rate = rate
        self._rooms = rooms
        self._ledger = ledger
        self._ends = False
        self._greenlets: list[Any] = []

    def begin(self) -> None:
        handle = SocketIO.namespace("/arrive")
        shares = [self._rooms[first::PUBLISHERS] for first in range(PUBLISHERS)]
        for share in filter(None, shares):
            self._greenlets.append(gevent.spawn(self._publish, handle, share))

    def end(self) -> None:
        self._ends = True
        gevent.joinall(self._greenlets)

    def _publish(self, handle: Any, rooms: list[str]) -> None:
        interval = len(self._rooms) / len(rooms) / self._rate
        due = time.monotonic()
        number = 0
        while True:
            number += 1
            for room in rooms:
                if self._ends:
                    return
                self._publish_one(handle, room, number)
                # What could not be published in time is not made up for.
                due = max(due + interval, time.monotonic() - 10 * interval)
                gevent.sleep(max(0.0, due - time.monotonic()))

    def _publish_one(self, handle: Any, room: str, number: int) -> None:
        begin = time.monotonic()
        try:
            handle.emit_to_room(room, "heard", room, self._name, number, begin)
        except Exception as error:
            self._ledger.failed(room, number, begin, error)
        else:
            self._ledger.published(room, number, begin)


def main() -> None:
    port, name, directory, rate, rooms = sys.argv[1:6]
    logging.basicConfig(format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("tgext").setLevel(logging.INFO)
    names = [f"r{number}" for number in range(int(rooms))]
    publisher = Publisher(name, float(rate), names, Ledger(Path(directory), name))

    class RootController(TGController):
        socketio = SocketIO()

        @expose()
        def begin(self) -> str:
            publisher.begin()
            return "begun"

        @expose()
        def end(self) -> str:
            publisher.end()
            return "ended"

    class Globals: ...

    settings: dict[str, Any] = {
        "root_controller": RootController(),
        "app_globals": Globals,
    }
    if len(sys.argv) > 6:
        settings["anypubsub.backend"] = "redis"
        settings["anypubsub.port"] = sys.argv[6]
        settings["socketio.cluster"] = "true"
    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint(settings)
    application = configurator.make_wsgi_app({}, {})
    server = SocketIOServer(
        ("127.0.0.1", int(port)),
        application,
        resource="socketio",
        heartbeat_interval=HEARTBEAT,
        heartbeat_timeout=HEARTBEAT,
    )
    server.serve_forever()


if __name__ == "__main__":
    main()
