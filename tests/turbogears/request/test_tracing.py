"""Whether there are spans, and what travels between processes."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry import trace

from tgext.socketio.request.tracing import (
    find_tracer,
    is_traceparent,
    is_wanted,
    publishing,
    receiving,
)

from .spans import Spans, spans

__all__ = ["spans"]

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_without_a_tracer_provider_there_is_no_tracer() -> None:
    assert find_tracer() is None


def test_a_provider_that_does_nothing_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "get_tracer_provider", trace.NoOpTracerProvider)
    assert find_tracer() is None


@pytest.mark.parametrize(
    ("value", "wanted"),
    [(None, True), ("true", True), (True, True), ("false", False)],
)
def test_the_option_turns_them_off(value: Any, wanted: bool) -> None:
    assert is_wanted({"socketio.tracing": value}) is wanted
    assert is_wanted({}) is True


def test_an_invalid_option_is_named() -> None:
    with pytest.raises(
        ValueError, match=r"^socketio.tracing: 'some' is not true or false"
    ):
        is_wanted({"socketio.tracing": "some"})


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        (PARENT, True),
        (PARENT.upper(), False),
        (PARENT + "0", False),
        (PARENT + "\n", False),
        ("", False),
        (None, False),
        (b"00", False),
        ({}, False),
    ],
)
def test_what_another_process_sends_is_checked(value: Any, valid: bool) -> None:
    assert is_traceparent(value) is valid


def test_who_receives_continues_the_trace_of_who_published(spans: Spans) -> None:
    tracer = find_tracer()
    with publishing(tracer, "publish /chat", socketio_namespace="/chat") as parent:
        pass
    assert is_traceparent(parent)
    with receiving(tracer, parent, "deliver /chat"):
        pass
    published, delivered = spans.ended
    assert published.attributes["socketio.namespace"] == "/chat"
    assert published.kind is trace.SpanKind.PRODUCER
    assert delivered.kind is trace.SpanKind.CONSUMER
    assert delivered.parent.span_id == published.context.span_id
    assert delivered.context.trace_id == published.context.trace_id


def test_what_fails_is_in_its_span(spans: Spans) -> None:
    with pytest.raises(LookupError), publishing(find_tracer(), "publish /chat"):
        raise LookupError
    [span] = spans.ended
    assert span.status.status_code is trace.StatusCode.ERROR


class WithoutText(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (ValueError("no number: '\ud800'"), r"no number: '\ud800'"),
        (ValueError("a\n\x1b[31m"), r"a\n\x1b[31m"),
        (ValueError("x" * 3_000_000), "x" * 2000 + "..."),
        (WithoutText(), "<WithoutText without a text>"),
    ],
    ids=["surrogate", "control", "long", "without a text"],
)
def test_an_exporter_can_send_what_an_exception_says(
    spans: Spans, error: Exception, shown: str
) -> None:
    with (
        pytest.raises(type(error)) as raised,
        publishing(find_tracer(), "publish /chat"),
    ):
        raise error from ValueError("\ud800")
    assert raised.value is error
    [event] = spans.ended[0].events
    assert event.attributes["exception.message"] == shown
    told = str(dict(event.attributes)) + event.attributes["exception.stacktrace"]
    assert len(told.encode()) < 50_000


def test_without_a_tracer_or_a_parent_there_are_no_spans(spans: Spans) -> None:
    with publishing(None, "publish") as parent:
        assert parent is None
    with receiving(None, PARENT, "deliver"), receiving(find_tracer(), None, "deliver"):
        pass
    assert spans.ended == []
