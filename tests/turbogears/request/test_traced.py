"""Each event has a span."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry import trace
from tg import MinimalApplicationConfigurator, TGController, require
from tg.predicates import not_anonymous

from tests.engine.clients import wait_for
from tests.engine.conftest import Live, Serve
from tgext.socketio import SocketIOController, SocketIOTGNamespace

from .spans import Spans, spans

__all__ = ["spans"]


class WithoutText(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class Chat(SocketIOTGNamespace):
    def on_ask(self, value: Any) -> Any:
        span = trace.get_current_span()
        span.set_attribute("of my own", value)
        return value

    def on_fail(self) -> None:
        raise LookupError("no such thing")

    def on_fail_without_a_text(self) -> None:
        raise WithoutText

    @require(not_anonymous())
    def on_secret(self) -> None: ...


def start(serve: Serve, **options: Any) -> Live:
    class SocketIO(SocketIOController):
        chat = Chat

    class RootController(TGController):
        socketio = SocketIO()

    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": RootController(), **options})
    application = configurator.make_wsgi_app({}, {})
    return serve(application=application, resource="socketio")


def test_an_event_is_a_span_with_its_client(
    serve: Serve, kind: str, spans: Spans
) -> None:
    live = start(serve)
    client = live.joined(kind)
    assert client.call("/chat", "ask", 5) == [5]
    wait_for(lambda: spans.ended, "the span")
    [span] = spans.ended
    assert (span.name, span.kind) == ("/chat ask", trace.SpanKind.SERVER)
    assert span.parent is None
    assert dict(span.attributes) == {
        "messaging.system": "socketio",
        "socketio.namespace": "/chat",
        "socketio.event": "ask",
        "socketio.session": live.socket(client).log_name,
        "client.address": "127.0.0.1",
        "of my own": 5,
    }
    assert span.status.status_code is trace.StatusCode.UNSET


def test_a_failure_is_an_exception_of_the_span(serve: Serve, spans: Spans) -> None:
    client = start(serve).joined()
    client.emit("/chat", "fail")
    wait_for(lambda: spans.ended, "the span")
    [span] = spans.ended
    assert span.status.status_code is trace.StatusCode.ERROR
    [event] = span.events
    assert event.attributes["exception.type"] == "LookupError"


def test_an_exception_without_a_text_fails_once(
    serve: Serve, spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    client = start(serve).joined()
    client.emit("/chat", "fail_without_a_text")
    wait_for(lambda: spans.ended, "the span")
    [event] = spans.ended[0].events
    assert event.attributes["exception.type"] == f"{__name__}.WithoutText"
    failed = [each for each in caplog.records if each.levelname == "ERROR"]
    assert [each.name for each in failed] == ["tgext.socketio.request.failures"]


@pytest.mark.parametrize(
    ("event", "name", "error"),
    [
        ("secret", "/chat secret", "method_access_denied"),
        ("unheard of", "/chat other", "no_such_method"),
        ("a:b", "/chat other", "unallowed_event_name"),
    ],
)
def test_a_refusal_is_an_attribute_and_no_failure(
    serve: Serve, event: str, name: str, error: str, spans: Spans
) -> None:
    client = start(serve).joined()
    client.emit("/chat", event)
    wait_for(lambda: spans.ended, "the span")
    [span] = spans.ended
    assert (span.name, span.attributes["socketio.error"]) == (name, error)
    assert span.status.status_code is trace.StatusCode.UNSET


def test_the_option_turns_them_off(serve: Serve, spans: Spans) -> None:
    client = start(serve, **{"socketio.tracing": "false"}).joined()
    assert client.call("/chat", "ask", 5) == [5]
    assert spans.ended == []
