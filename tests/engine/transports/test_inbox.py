"""What polling clients posted: handled in order, charged, and dropped at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from gevent.event import Event

from tgext.socketio.engine.hub.hub import Hub
from tgext.socketio.engine.session.session import Socket
from tgext.socketio.engine.transports.polling import PollingTransport
from tgext.socketio.wire.errors import PayloadError
from tgext.socketio.wire.socketio.generations import SOCKETIO_5

from ..clients import DEADLINE
from ..sample_namespaces import Chat


class Slow(Chat):
    """Records the numbers that it gets; waits while its gate is closed."""

    def initialize(self) -> None:
        self.gate = Event()
        self.numbers: list[int] = []
        self.answers: list[Any] = []

    def on_number(self, number: int) -> None:
        self.gate.wait()
        self.numbers.append(number)

    def on_ask(self) -> None:
        answered = Event()

        def note(*args: Any) -> None:
            self.answers.append(args)
            answered.set()

        self.emit("question", callback=note)
        answered.wait()


@pytest.fixture
def polling() -> Iterator[PollingTransport]:
    """The transport of a client that is in /chat."""
    hub = Hub()
    hub.server = hub
    socket = Socket(hub, {})
    socket.generation = SOCKETIO_5
    socket.environ = {"socketio": socket, "QUERY_STRING": ""}
    socket.namespaces = {"/chat": Slow}
    transport = PollingTransport(hub, socket)
    transport.open()
    transport.post(["40/chat,"])
    assert transport.handled.wait(DEADLINE)
    yield transport
    gevent.spawn(socket.kill).join(DEADLINE)


def namespace_of(polling: PollingTransport) -> Any:
    return polling.socket.active_ns["/chat"]


def numbers(*values: int) -> list[str | bytes]:
    return [f'42/chat,["number",{value}]' for value in values]


def test_messages_are_handled_in_order_after_the_post(
    polling: PollingTransport,
) -> None:
    namespace = namespace_of(polling)
    polling.post(numbers(1, 2))
    polling.post(numbers(3))
    assert not polling.handled.is_set()
    assert (len(polling.inbox), namespace.numbers) == (3, [])
    namespace.gate.set()
    assert polling.handled.wait(DEADLINE)
    assert (len(polling.inbox), namespace.numbers) == (0, [1, 2, 3])
    assert polling.inbox.worker is None


def test_what_waits_is_charged_until_it_is_handled(polling: PollingTransport) -> None:
    account = polling.socket.account
    before = account.size
    polling.post(numbers(*range(100)))
    assert account.size > before
    namespace_of(polling).gate.set()
    assert polling.handled.wait(DEADLINE)
    assert account.size == before


def test_of_an_invalid_body_nothing_is_taken(polling: PollingTransport) -> None:
    before = polling.socket.account.size

    def body() -> Iterator[str | bytes]:
        yield from numbers(1, 2)
        raise PayloadError("its third message is invalid")

    with pytest.raises(PayloadError):
        polling.post(body())
    assert len(polling.inbox) == 0
    assert polling.handled.is_set()
    assert polling.socket.account.size == before


def test_an_ack_passes_the_handler_that_waits_for_it(
    polling: PollingTransport,
) -> None:
    namespace = namespace_of(polling)
    polling.post(['42/chat,["ask"]', *numbers(1)])
    gevent.sleep(0)
    question = next(each for each in polling.outbox.take() if "question" in str(each))
    number = str(question).partition(",")[2].partition("[")[0]
    namespace.gate.set()
    polling.post([f'43/chat,{number}["yes"]'])
    assert polling.handled.wait(DEADLINE)
    assert namespace.answers == [("yes",)]
    assert namespace.numbers == [1]


def test_after_the_end_nothing_is_taken(polling: PollingTransport) -> None:
    namespace = namespace_of(polling)
    polling.post(numbers(1, 2))
    gevent.spawn(polling.socket.kill)
    gevent.idle()
    polling.post(numbers(3))
    assert len(polling.inbox) == 0
    assert polling.handled.is_set()
    namespace.gate.set()
    gevent.idle()
    # The running handler goes on; later messages are dropped.
    assert namespace.numbers in ([], [1])
