"""Methods of controllers that serve a plain WebSocket."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import transaction
from tg import (
    TGController,
    expose,
    request,
)
from tg.configurator.components.transactions import (
    TransactionManagerConfigurationComponent,
)

from tests.engine.clients import wait_for
from tests.engine.conftest import Live, Serve
from tgext.socketio.websocket import websocket
from tgext.socketio.wire.websocket.frames import BINARY

from .conftest import Root, connected, make_app

# The method


@pytest.mark.parametrize(
    ("target", "first"),
    [
        ("/echo", "lobby () []"),
        ("/echo/kitchen", "kitchen () []"),
        ("/echo/kitchen/sink?a=1", "kitchen ('sink',) [('a', '1')]"),
        ("/echo?room=hall", "hall () []"),
    ],
)
def test_arguments_come_from_the_url(live: Live, target: str, first: str) -> None:
    client = connected(live, target)
    assert client.receive() == first
    client.send("hällo")
    assert client.receive() == "Message received: hällo"
    client.leave()


def test_the_decorator_may_stand_outside(live: Live) -> None:
    assert connected(live, "/outermost/kitchen").receive() == "kitchen"


def test_the_method_keeps_its_name_and_its_words() -> None:
    assert Root.echo.__name__ == "echo"
    assert Root.echo.__doc__ == "Sends back."


def test_a_loop_written_for_gevent_websocket_runs(live: Live) -> None:
    client = connected(live, "/loop")
    client.send("text")
    client.send_frame(BINARY, b"\x00\xff")
    assert client.receive() == "text"
    assert client.receive_frame() == (BINARY, b"\x00\xff")
    client.leave()


def test_a_method_that_is_not_decorated_accepts_by_using_it(live: Live) -> None:
    assert live.http().get("/undecorated").text == "a page"
    client = connected(live, "/undecorated")
    assert client.receive() == "accepted by use"
    assert client.receive_close() == 1000


def test_the_context_of_the_request_stays(live: Live) -> None:
    ada, bob = (connected(live, "/context", user) for user in ("ada", "bob"))
    for number in (1, 2, 3):
        ada.send("")
        bob.send("")
        assert ada.receive() == f'["/context","ada",{number}]'
        assert bob.receive() == f'["/context","bob",{number}]'


def test_json_is_what_a_json_page_writes(live: Live) -> None:
    client = connected(live, "/dates")
    assert client.receive() == '{"day":"2026-02-03"}'
    assert client.receive() == '["2026-02-03"]'


# The end


@pytest.mark.parametrize(
    ("how", "logged"),
    [
        ("raises", "ZeroDivisionError: on purpose"),
        ("sends badly", "TypeError: a message is str or bytes"),
        ("another socket", "of another connection"),
        ("aborts", "404 Not Found"),
    ],
)
def test_a_method_that_fails_is_logged_and_told_with_a_code(
    live: Live, caplog: pytest.LogCaptureFixture, how: str, logged: str
) -> None:
    client = connected(live, f"/fails/{how.replace(' ', '%20')}")
    assert client.receive_close() == 1011
    client.close()
    wait_for(lambda: not live.server.websockets, "the method ends")
    errors = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert logged in caplog.text


@pytest.mark.parametrize("how", ["closes", "vanishes"])
def test_a_client_that_leaves_ends_the_method(
    live: Live, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    client = connected(live, "/sends_on")
    assert client.receive() == "tick"
    if how == "closes":
        client.send_close()
    client.close()
    wait_for(lambda: not live.server.websockets, "the method ends")
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR]


# Transactions


class Journal(TGController):
    """Records how the transactions of its methods end."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Any] = []

    def begin(self, name: str) -> None:
        def ended(committed: bool) -> None:
            self.events.append((name, "committed" if committed else "failed"))

        transaction.get().addAfterCommitHook(ended)
        transaction.get().addAfterAbortHook(lambda: self.events.append((name, "gone")))

    @expose()
    @websocket
    def work(self, how: str = "well") -> None:
        self.events.append("method")
        with transaction.manager:
            self.begin("message")
        self.begin("rest")
        request.websocket.send("done")
        request.websocket.receive()
        if how == "badly":
            raise ZeroDivisionError("on purpose")

    def _before(self, *args: Any, **kwargs: Any) -> None:
        self.begin("opening")


@pytest.mark.parametrize(("how", "end"), [("well", "committed"), ("badly", "gone")])
def test_a_transaction_does_not_last_as_long_as_the_socket(
    serve: Serve, how: str, end: str
) -> None:
    journal = Journal()
    options = {"tm.enabled": True}
    application = make_app(journal, TransactionManagerConfigurationComponent, **options)
    live = serve(application=application)
    client = connected(live, f"/work/{how}")
    assert client.receive() == "done"
    assert journal.events == [
        ("opening", "committed"),
        "method",
        ("message", "committed"),
    ]
    client.send("on")
    client.receive_close()
    client.close()
    wait_for(lambda: not live.server.websockets, "the method ends")
    assert journal.events[3:] == [("rest", end)]
