"""Messages that many clients have missed are read once."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.engine.hub.selection import Selection
from tgext.socketio.messaging.busmessage import BusCodec
from tgext.socketio.messaging.recovery.recent import LONGEST, MOST, RecentMessages
from tgext.socketio.messaging.sealed import BusMessageError
from tgext.socketio.wire.socketio.packet import event_packet


class Counting(BusCodec):
    """Counts what it reads."""

    count = 0

    def read(self, data: Any) -> Any:
        Counting.count += 1
        return super().read(data)


@pytest.fixture(autouse=True)
def _count() -> None:
    Counting.count = 0


def written(topic: str, text: str) -> str:
    packet = event_packet("/chat", "said", (text,))
    return BusCodec(topic).write(packet, Selection((None,)))


def test_a_message_is_read_once() -> None:
    recent = RecentMessages(Counting)
    news = written("news", "hello")
    for _ in range(3):
        assert recent.read("news", news).packet["args"] == ["hello"]
    assert Counting.count == 1


def test_the_topic_belongs_to_a_message() -> None:
    """A signature covers it."""
    recent = RecentMessages(lambda topic: BusCodec(topic, "secret"))
    packet = event_packet("/chat", "said", ("hello",))
    news = BusCodec("news", "secret").write(packet, Selection((None,)))
    assert recent.read("news", news).packet["args"] == ["hello"]
    with pytest.raises(BusMessageError):
        recent.read("others", news)


def test_what_is_remembered_is_bounded() -> None:
    recent = RecentMessages(Counting)
    long = written("news", "x" * LONGEST)
    texts = [written("news", str(number)) for number in range(MOST + 1)]
    for each in (long, long, *texts, texts[-1], texts[0]):
        recent.read("news", each)
    assert Counting.count == 2 + len(texts) + 1


def test_an_invalid_message_is_invalid_each_time() -> None:
    recent = RecentMessages(BusCodec)
    for _ in range(2):
        with pytest.raises(BusMessageError):
            recent.read("news", "nothing")
