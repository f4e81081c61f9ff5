"""Presence of 10,000 members in one process: memory, and how long the steps take.

``python benchmarks/presence.py [members]`` prints JSON: each figure, and its unit.
"""

from __future__ import annotations

import json as stdlib_json
import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

from gevent import monkey

monkey.patch_all()

import gevent  # noqa: E402

from tgext.socketio.engine.concurrency.collector import spared_collector  # noqa: E402
from tgext.socketio.engine.hub.rooms import Rooms  # noqa: E402
from tgext.socketio.engine.io.batcher import Batcher  # noqa: E402
from tgext.socketio.messaging.presence.members import Topic  # noqa: E402
from tgext.socketio.messaging.presence.presence import Presence  # noqa: E402
from tgext.socketio.wire import json  # noqa: E402
from tgext.socketio.wire.socketio.generations import SOCKETIO_5  # noqa: E402

LOBBY: Topic = ("/chat", "lobby")

#: Seconds between two looks how late the event loop is.
LOOK = 0.001


class Outbox:
    """Counts what is sent."""

    size = 0

    def send(self, encoded: Any) -> None:
        self.size += 1


class Client:
    """A client whose output goes nowhere; each packet is encoded as for others."""

    generation = SOCKETIO_5
    json_dumps = staticmethod(json.dumps)
    ended = False

    def __init__(self) -> None:
        self.outbox = Outbox()

    def encode(self, packet: Any) -> Any:
        return SOCKETIO_5.encode(packet, json.dumps)


#: What was measured, with its unit.
figures: dict[str, tuple[float, str]] = {}


def timed(what: str, function: Callable[[], Any], times: int = 1) -> Any:
    begin = time.process_time()
    for _ in range(times):
        result = function()
    seconds = (time.process_time() - begin) / times
    figures[what] = seconds * 1e6, "µs"
    return result


class Lateness:
    """The longest time for which the event loop did not run, in seconds of the CPU:
    what other processes take from it does not count.
    """

    def __init__(self) -> None:
        self.worst = 0.0
        self._greenlet = gevent.spawn(self._watch)

    def _watch(self) -> None:
        while True:
            begin = time.process_time()
            gevent.sleep(LOOK)
            self.worst = max(self.worst, time.process_time() - begin)

    def of(self, what: str, seconds: float) -> None:
        """Let all others run for some seconds, and note the worst."""
        gevent.sleep(2 * LOOK)  # what came before does not count
        self.worst = 0.0
        gevent.sleep(seconds)
        figures[what] = self.worst * 1e3, "ms"


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    rooms: Any = Rooms(Batcher())
    presence = Presence(rooms)
    rooms.watch(presence)
    clients: list[Any] = [Client() for _ in range(count + 1000)]
    for each in clients:
        rooms.join(*LOBBY, each)

    def track(number: int) -> None:
        info = {"name": f"User {number}", "status": "here"}
        presence.track(LOBBY, clients[number], f"user{number}", info, 10.0)

    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(count):
        track(number)
    size = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    figures["memory of a member, its info included"] = size / count, "bytes"
    lateness = Lateness()
    lateness.of(f"the loop, while {count:,} are told of {count:,}", 5.0)
    more = iter(range(count, count + 1000))
    timed("a join (track)", lambda: track(next(more)), 1000)
    lateness.of("the loop, while 1,000 joins are told", 3.0)
    timed("present()", lambda: presence.present(LOBBY), 20)
    rest = iter(clients)
    timed("an end", lambda: rooms.leave_all("/chat", next(rest)), 1000)
    lateness.of("the loop, while 1,000 ends are told", 12.0)
    sent = sum(each.outbox.size for each in clients)
    figures["events sent in all"] = sent, ""
    print(stdlib_json.dumps(figures, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    with spared_collector():  # as in a server
        main()
