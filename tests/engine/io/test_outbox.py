"""What waits in an outbox: whether a packet would leave at once, and when all has left.

The limits of both kinds of outboxes are in ``test_backlog.py``.
"""

from __future__ import annotations

import gevent

from tgext.socketio.engine.transports.outbox import PollingOutbox
from tgext.socketio.wire.socketio.encoded import Encoded

from ..clients import DEADLINE, wait_for
from .test_output import Pair, bounds, pair

__all__ = ["pair"]


def test_an_outbox_is_writable_until_the_kernel_refuses_output(pair: Pair) -> None:
    assert pair.outbox.writable
    pair.batcher.hold()
    pair.outbox.write(b"part of a batch")
    assert pair.outbox.writable
    pair.batcher.release()
    pair.outbox.flush()
    expected = b"part of a batch" + pair.fill()
    assert not pair.outbox.writable
    pair.read_all(len(expected))
    wait_for(lambda: pair.outbox.writable, "all was sent")
    pair.outbox.close()
    assert not pair.outbox.writable


def test_an_outbox_of_polling_is_writable_while_a_poll_waits() -> None:
    outbox = PollingOutbox(bounds())
    assert not outbox.writable
    poll = gevent.spawn(lambda: (outbox.wait(), outbox.take())[1])
    gevent.sleep(0)
    assert outbox.writable
    outbox.send(Encoded("one"))
    assert outbox.writable  # the poll takes both
    outbox.send(Encoded("two"))
    assert poll.get(timeout=DEADLINE) == ["one", "two"]
    assert not outbox.writable
    outbox.send(Encoded("three"))
    assert not outbox.writable


def test_a_poll_takes_no_more_than_may_wait_anyway() -> None:
    outbox = PollingOutbox(bounds(10))
    poll = gevent.spawn(outbox.wait)
    gevent.sleep(0)
    outbox.send(Encoded("much more"))
    assert not outbox.writable
    poll.join(DEADLINE)


def test_polls_fetch_what_is_waited_for() -> None:
    outbox = PollingOutbox(bounds())
    assert outbox.wait_drained(None)
    for number in range(20):  # more than one poll takes
        outbox.send(Encoded(str(number)))
    waiting = gevent.spawn(outbox.wait_drained, DEADLINE)
    outbox.take()
    gevent.sleep(0)
    assert not waiting.ready()
    assert outbox.wait_drained(0) is False
    outbox.take()
    assert waiting.get(timeout=DEADLINE) is True


def test_the_end_wakes_who_waits_for_polls() -> None:
    outbox = PollingOutbox(bounds())
    outbox.send(Encoded("not fetched"))
    waiting = gevent.spawn(outbox.wait_drained, None)
    gevent.sleep(0)
    outbox.close()
    assert waiting.get(timeout=DEADLINE) is False
