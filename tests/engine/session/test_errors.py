"""The error handler, which tells a client of an error."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent.event import Event

from tgext.socketio.engine.virtsocket import default_error_handler
from tgext.socketio.wire.socketio.packet import Packet, event_packet

from ..conftest import Serve, manage
from ..sample_namespaces import Echo
from .failing import Failing


def test_an_error_handler_that_raises_leaves_the_connection(
    serve: Serve, kind: str
) -> None:
    def error_handler(*args: Any) -> None:
        raise RuntimeError

    application = manage({"/chat": Failing}, error_handler=error_handler)
    client = serve(application=application).client(kind)
    client.join("/chat")
    client.emit("/chat", "unheard of")
    assert client.call("/chat", "echo", 1) == [1]


def test_error_handlers_that_wait_may_end_in_any_order(serve: Serve, kind: str) -> None:
    """They send errors to a client that is not in the namespace."""
    waiting = {"first": Event(), "second": Event()}

    def error_handler(socket: Any, name: str, *args: Any) -> None:
        waiting[name].wait()
        default_error_handler(socket, name, *args)

    application = manage({"/chat": Echo, "/other": Echo}, error_handler=error_handler)
    live = serve(application=application)
    client = live.client(kind)
    client.join("/other")
    error = live.socket(client).error
    for name, event in waiting.items():
        gevent.spawn(error, name, "info", "/chat")
        gevent.sleep(0)
        assert not event.is_set()
    for name, event in waiting.items():
        event.set()
        assert client.event("/chat") == ["error", name, "info"]


@pytest.mark.parametrize("quiet", [False, True])
@pytest.mark.parametrize(
    ("endpoint", "where"), [("/chat", "/chat"), ("", "/"), (None, "/")]
)
def test_an_error_is_an_event_and_a_line_of_the_log(
    caplog: pytest.LogCaptureFixture, endpoint: str | None, where: str, quiet: bool
) -> None:
    packets: list[Packet] = []
    socket: Any = SimpleNamespace(send_packet=packets.append)
    with caplog.at_level(logging.INFO):
        default_error_handler(socket, "not_now", {"a": "b"}, endpoint, None, quiet)
    assert caplog.messages == [f"not_now: {{'a': 'b'}} (namespace {where})"]
    event = event_packet(endpoint or "", "error", ["not_now", {"a": "b"}])
    assert packets == ([] if quiet else [event])


def test_an_application_s_error_handler_is_called_instead(serve: Serve) -> None:
    calls: list[Any] = []

    def handler(socket: Any, *args: Any) -> str:
        calls.append(args)
        return "handled"

    namespaces = {"/chat": Echo}
    live = serve(application=manage(namespaces, error_handler=handler))
    client = live.client()
    client.join("/chat")
    namespace = live.socket(client)["/chat"]
    namespace.error("not_now", "later", msg_id=5, quiet=True)
    assert calls == [("not_now", "later", "/chat", 5, True)]
    assert client.call("/chat", "echo", 1) == [1]  # nothing else was sent
