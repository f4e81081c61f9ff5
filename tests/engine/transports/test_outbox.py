"""The output for a polling client: it stays in order, is limited, and is moved at an
upgrade."""

from __future__ import annotations

import gevent
import pytest

from tgext.socketio.engine.io.backlog import OutputBounds
from tgext.socketio.engine.transports.outbox import PollingOutbox
from tgext.socketio.wire.socketio.encoded import Encoded

from ..clients import DEADLINE
from ..io.test_output import Pair, bounds


def packets(outbox: PollingOutbox, *texts: str) -> None:
    for text in texts:
        outbox.send(Encoded(text))


def test_a_poll_takes_what_waits_oldest_first() -> None:
    outbox = PollingOutbox(bounds())
    packets(outbox, *map(str, range(20)))
    assert (len(outbox), outbox.size) == (20, 30)
    # The public Python client refuses a body of more.
    assert outbox.take() == [str(number) for number in range(16)]
    assert outbox.take() == ["16", "17", "18", "19"]
    assert outbox.take() == []
    assert (len(outbox), outbox.size) == (0, 0)


def test_the_bound_counts_bytes() -> None:
    overflows: list[str] = []
    outbox = PollingOutbox(bounds(4), overflows.append)
    packets(outbox, "ää", "ää", "ää", "ää")
    assert outbox.size == 16
    outbox.take()
    packets(outbox, *["ää"] * 6)
    assert len(overflows) == 1
    # Nothing is delivered, since one message would be missing.
    assert outbox.closed
    assert outbox.take() == []


def test_past_the_bound_without_anyone_to_tell() -> None:
    outbox = PollingOutbox(bounds(1))
    packets(outbox, "large enough", "abcd", "e")
    assert outbox.closed


def test_a_poll_takes_no_more_bytes_than_are_sent_at_once() -> None:
    outbox = PollingOutbox(bounds())
    packets(outbox, "ää", "b" * 5, "c" * 6, "d" * 20, "e")
    assert [outbox.take(most_bytes=10) for _ in range(5)] == [
        ["ää", "b" * 5],
        ["c" * 6],
        ["d" * 20],
        ["e"],
        [],
    ]


def test_a_large_message_alone_passes_for_polling_too() -> None:
    outbox = PollingOutbox(bounds(10))
    packets(outbox, "x" * 100)
    assert outbox.take() == ["x" * 100]


@pytest.mark.parametrize("ends", ["send", "wake", "close"])
def test_a_poll_waits(ends: str) -> None:
    outbox = PollingOutbox(bounds())
    packets(outbox, "before")
    outbox.take()
    waiting = gevent.spawn(outbox.wait)
    gevent.sleep(0)
    assert not waiting.ready()
    if ends == "send":
        packets(outbox, "a")
    else:
        getattr(outbox, ends)()
    waiting.get(timeout=DEADLINE)
    assert outbox.take() == (["a"] if ends == "send" else [])


def test_what_waits_when_polling_ends_can_be_fetched() -> None:
    outbox = PollingOutbox(bounds())
    packets(outbox, "a")
    outbox.close()
    packets(outbox, "too late")
    assert outbox.take() == ["a"]
    # A poll does not wait.
    gevent.spawn(outbox.wait).get(timeout=DEADLINE)


def test_a_poll_takes_text_and_bytes_in_order() -> None:
    outbox = PollingOutbox(bounds())
    outbox.send(Encoded("aä", [b"1", b"22"]))
    packets(outbox, "b")
    assert (len(outbox), outbox.size) == (4, 7)
    assert outbox.take(3) == ["aä", b"1", b"22"]
    assert outbox.take() == ["b"]
    assert outbox.size == 0


@pytest.mark.parametrize("prefix", [b"", b"\x04"])
def test_what_waits_moves_to_the_websocket(prefix: bytes) -> None:
    pair = Pair()
    polling = PollingOutbox(bounds())
    packets(polling, "a", "b")
    polling.send(Encoded("c", [b"1", b"2"], prefix))
    polling.move_to(pair.outbox, prefix)
    packets(polling, "too late")
    frames = [Encoded("a").frame, Encoded("b").frame]
    frames.append(Encoded("c", [b"1", b"2"], prefix).frame)
    assert pair.read() == b"".join(frames)
    assert (polling.take(), polling.size) == ([], 0)
    pair.close()


def test_half_a_surrogate_pair_counts_as_what_replaces_it() -> None:
    outbox = PollingOutbox(bounds())
    outbox.send(Encoded("a\ud800b"))
    assert outbox.size == 3


def test_packets_that_are_put_back_are_the_next_ones() -> None:
    outbox = PollingOutbox(OutputBounds(1000, 1.0))
    for text in "abc":
        outbox.send(Encoded(text))
    taken = outbox.take(2)
    outbox.put_back(taken)
    assert outbox.size == 3
    assert outbox.take() == ["a", "b", "c"]
    assert not outbox.ready
