"""What one administrator is sent, when it reads quickly, slowly, or not at all."""

from __future__ import annotations

from typing import Any

import gevent

from tests.engine.clients import wait_for
from tgext.socketio.operation.admin.feed import AT_ONCE, MOST, Feed


class Reader:
    """The namespace of an administrator."""

    def __init__(self, reads: bool = True) -> None:
        self.reads = reads
        self.sent: list[list[Any]] = []

    def emit(self, event: str, *args: Any) -> None:
        self.sent.append([event, *args])

    def drain(self, timeout: float | None = None) -> bool:
        gevent.sleep(0)
        return self.reads


def sockets(number: int) -> list[dict[str, Any]]:
    return [{"id": str(each), "handshake": {"time": "now"}} for each in range(number)]


def run(feed: Feed) -> Any:
    return gevent.spawn(feed.run)


def test_all_sockets_come_in_parts() -> None:
    there = sockets(2 * AT_ONCE + 1)
    reader = Reader()
    feed = Feed(reader, lambda: there)
    feed.begin_anew()
    greenlet = run(feed)
    wait_for(lambda: not len(feed), "all is sent")
    first, *others = reader.sent
    assert first == ["all_sockets", there[:AT_ONCE]]
    assert others == [["socket_connected", each, "now"] for each in there[AT_ONCE:]]
    feed.add([["room_joined", "/chat", "lobby", "0", "now"]])
    wait_for(lambda: reader.sent[-1][0] == "room_joined", "the change is sent")
    greenlet.kill()


def test_it_ends_when_what_was_sent_is_not_read() -> None:
    reader = Reader(reads=False)
    feed = Feed(reader, list)
    feed.add([["room_joined"]] * (AT_ONCE + 1))
    run(feed).join()
    assert len(reader.sent) == AT_ONCE


def test_what_waits_is_bounded() -> None:
    there = sockets(3)
    feed = Feed(Reader(), lambda: there)
    for _ in range(3 * MOST):
        feed.add([["event_sent"]])
    assert len(feed) <= MOST + len(there)
    greenlet = run(feed)
    wait_for(lambda: not len(feed), "all is sent")
    greenlet.kill()


def test_more_sockets_than_changes_may_wait() -> None:
    """Otherwise each change would begin anew, and never come to an end."""
    there = sockets(2 * MOST)
    reader = Reader()
    feed = Feed(reader, lambda: there)
    feed.begin_anew()
    feed.add([["event_sent"]])
    greenlet = run(feed)
    wait_for(lambda: not len(feed), "all is sent")
    greenlet.kill()
    assert reader.sent[-1] == ["event_sent"]
    assert [each[0] for each in reader.sent].count("all_sockets") == 1
