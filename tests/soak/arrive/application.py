"""One process of the application: clients recover, and messages are numbered.

``python -m tests.soak.arrive.application PORT NAME DIRECTORY RATE ROOMS CLIENTS
[REDIS-PORT]``. From the request of ``/begin`` on it publishes RATE messages a second,
until ``/end`` is requested: in ROOMS rooms, in pairs of these, and to the users of some
of CLIENTS. What it has published is written to the ledger NAME in DIRECTORY, see
``ledger.py``.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import logging  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402
from urllib.parse import parse_qs  # noqa: E402

import gevent  # noqa: E402
from tg import MinimalApplicationConfigurator, TGController, expose  # noqa: E402

from tgext.socketio import SocketIOController, SocketIOTGNamespace  # noqa: E402
from tgext.socketio.engine.mixins import RoomsMixin  # noqa: E402
from tgext.socketio.engine.server import SocketIOServer  # noqa: E402

from .ledger import Ledger  # noqa: E402

#: Greenlets that publish. Each has topics of its own, so that those are in order.
PUBLISHERS = 25

#: Seconds between two pings, and until an answer. Half of a connection is noticed then.
HEARTBEAT = 5.0


class Arrive(SocketIOTGNamespace, RoomsMixin):
    recovery = True

    def on_enter(self, rooms: list[str]) -> float:
        """Join rooms; returns when that was done."""
        for each in rooms:
            self.join(each)
        return time.monotonic()

    def on_move(self, old: str, new: str) -> tuple[float, float]:
        """Leave a room, and join another one; returns when each was done."""
        self.leave(old)
        left = time.monotonic()
        self.join(new)
        return left, time.monotonic()

    def on_look(self) -> tuple[bool, list[str]]:
        """What the namespace knows of its client."""
        return self.recovered, sorted(map(str, self.rooms))


class SocketIO(SocketIOController):
    arrive = Arrive


class Publisher:
    """Publishes numbered messages."""

    def __init__(self, name: str, rate: float, topics: list[str], ledger: Ledger):
        self._name = name
        self._rate = rate
        self._topics = topics
        self._ledger = ledger
        self._ends = False
        self._greenlets: list[Any] = []

    def begin(self) -> None:
        handle = SocketIO.namespace("/arrive")
        shares = [self._topics[first::PUBLISHERS] for first in range(PUBLISHERS)]
        for share in filter(None, shares):
            self._greenlets.append(gevent.spawn(self._publish, handle, share))

    def end(self) -> None:
        self._ends = True
        gevent.joinall(self._greenlets)

    def _publish(self, handle: Any, topics: list[str]) -> None:
        interval = len(self._topics) / len(topics) / self._rate
        due = time.monotonic()
        number = 0
        while True:
            number += 1
            for topic in topics:
                if self._ends:
                    return
                self._publish_one(handle, topic, number)
                # What could not be published in time is not made up for.
                due = max(due + interval, time.monotonic() - 10 * interval)
                gevent.sleep(max(0.0, due - time.monotonic()))

    def _publish_one(self, handle: Any, topic: str, number: int) -> None:
        begin = time.monotonic()
        event = ("heard", topic, self._name, number, begin)
        try:
            if topic.startswith("u"):
                handle.user(topic).emit(*event)
            else:
                handle.emit_to_room(topic.split("+"), *event)
        except Exception as error:
            how = type(error).__name__
        else:
            how = "ok"
        self._ledger.write(topic, number, begin, time.monotonic(), how)


def topics_of(rooms: int, clients: int) -> list[str]:
    """What is published to: rooms, pairs of rooms, and users."""
    names = [f"r{number}" for number in range(rooms)]
    pairs = ["+".join(each) for each in zip(names[::2], names[1::2], strict=False)]
    return [*names, *pairs, *(f"u{number}" for number in range(0, clients, 10))]


class Identified:
    """Knows the user of a request by its query."""

    def __init__(self, application: Any) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        user = parse_qs(environ["QUERY_STRING"]).get("user")
        if user:
            environ["repoze.who.identity"] = {"repoze.who.userid": user[0]}
        return self._application(environ, start_response)


def main() -> None:
    port, name, directory, rate, rooms, clients = sys.argv[1:7]
    logging.basicConfig(format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("tgext").setLevel(logging.INFO)
    topics = topics_of(int(rooms), int(clients))
    publisher = Publisher(name, float(rate), topics, Ledger(Path(directory), name))

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
    if len(sys.argv) > 7:
        settings["anypubsub.backend"] = "redis"
        settings["anypubsub.port"] = sys.argv[7]
        settings["socketio.cluster"] = "true"
    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint(settings)
    application = configurator.make_wsgi_app({}, {})
    server = SocketIOServer(
        ("127.0.0.1", int(port)),
        Identified(application),
        resource="socketio",
        heartbeat_interval=HEARTBEAT,
        heartbeat_timeout=HEARTBEAT,
    )
    server.serve_forever()


if __name__ == "__main__":
    main()
