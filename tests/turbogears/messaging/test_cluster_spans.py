"""Spans of what one process publishes and others deliver."""

from __future__ import annotations

import pytest

from tests.engine.clients import wait_for
from tests.turbogears.request.spans import Spans, spans
from tgext.socketio.messaging.busmessage import BusCodec

from .clusters import Start

__all__ = ["spans"]


def test_a_trace_goes_on_in_the_other_processes(start: Start, spans: Spans) -> None:
    first, second = start(), start()
    here, there = first.join(), second.join()
    wait_for(lambda: first.bus.wait("/chat", [None]), "the topic here")
    wait_for(lambda: second.bus.wait("/chat", [None]), "the topic there")
    here.emit("/chat", "shout", "hello")
    assert there.event("/chat") == ["shouted", "hello"]
    wait_for(lambda: spans.named("deliver /chat"), "its span")
    wait_for(lambda: spans.named("/chat shout"), "that of the event")
    [event], [published] = spans.named("/chat shout"), spans.named("publish /chat")
    [delivered] = spans.named("deliver /chat")
    assert published.parent.span_id == event.context.span_id
    assert delivered.parent.span_id == published.context.span_id
    assert {each.context.trace_id for each in (event, published, delivered)} == {
        event.context.trace_id
    }


def test_a_channel_is_published_in_a_span(start: Start, spans: Spans) -> None:
    client = start().join(endpoint="/spy")
    client.emit("/spy", "publish", "news", "text")
    wait_for(lambda: spans.named("/spy publish"), "the span of the event")
    [event], [published] = spans.named("/spy publish"), spans.named("publish channel")
    assert published.parent.span_id == event.context.span_id
    assert published.attributes["messaging.destination.name"] == "news"


PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    ("value", "kept"),
    [(PARENT, PARENT), ("00-x", None), (5, None), (None, None), ({"a": 1}, None)],
)
def test_an_invalid_traceparent_is_left_out(value: object, kept: str | None) -> None:
    codec = BusCodec("a topic")
    event = {"type": "event", "name": "shouted", "args": [1], "endpoint": "/chat"}
    read = codec.read(codec.write({**event, "trace": value}, None))
    assert read.packet.get("trace") == kept
    assert read.packet["args"] == [1]
