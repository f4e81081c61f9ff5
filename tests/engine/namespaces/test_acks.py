"""Callbacks, timeouts and calls that wait for the acks of a client."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import gevent
import pytest
from gevent.event import AsyncResult, Event

from tgext.socketio.engine.namespaces.acks import AckTimeout, ConnectionLost

from ..clients import DEADLINE, Client, wait_for
from ..conftest import Serve
from ..runners import around
from ..sample_namespaces import Witness, fresh

#: Seconds of a timeout that tests let pass.
SOON = 0.1


class Asking(Witness):
    """Records the answers of its client.

    :cvar notes: what callbacks were called with, what calls returned or raised.
    """

    notes: list[Any]
    entered: Event

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.notes, cls.entered = [], Event()

    def note(self, *args: Any) -> None:
        self.notes.append(args)

    def ask(self, timeout: float) -> Any:
        try:
            answer = self.call("question", 1, timeout=timeout)
        except (AckTimeout, ConnectionLost) as error:
            answer = type(error).__name__, str(error)
        self.notes.append(answer)
        return answer

    def on_emit(self, timeout: float | None) -> None:
        self.emit("question", 1, callback=self.note, timeout=timeout)

    def on_call(self, timeout: float = DEADLINE / 2) -> Any:
        self.entered.set()
        return self.ask(timeout)

    def on_call_in_job(self, timeout: float = DEADLINE / 2) -> None:
        self.spawn(self.ask, timeout)


class Impatient(Asking):
    """Does not catch the errors that tell that the client has gone."""

    def on_impatient(self) -> None:
        self.entered.set()
        self.call("question")

    def on_impatient_in_job(self) -> None:
        self.spawn(self.on_impatient)


def question(client: Client) -> int:
    """The ack id of the event in the next message."""
    packet = client.read()
    assert (packet["name"], packet["args"]) == ("question", [1])
    return int(packet["id"])


# Callbacks


@pytest.mark.parametrize("timeout", [None, DEADLINE])
@pytest.mark.parametrize("args", [[], [1], ["a", {"b": [None]}]])
def test_a_callback_is_called_with_the_ack(
    serve: Serve, kind: str, timeout: float | None, args: list[Any]
) -> None:
    namespace = fresh(Asking)
    live = serve({"/chat": namespace})
    client = live.joined(kind)
    client.emit("/chat", "emit", timeout)
    number = question(client)
    client.ack("/chat", number, *args)
    assert client.call("/chat", "echo", 1) == [1]
    # A second ack of the same event is ignored.
    client.ack("/chat", number, "again")
    assert client.call("/chat", "echo", 2) == [2]
    assert namespace.notes == [tuple(args)]
    assert live.socket(client).ack_callbacks == {}


def test_a_callback_is_told_when_no_ack_comes_in_time(serve: Serve, kind: str) -> None:
    namespace = fresh(Asking)
    live = serve({"/chat": namespace})
    client = live.joined(kind)
    client.emit("/chat", "emit", SOON)
    number = question(client)
    wait_for(lambda: namespace.notes, "the callback is told")
    ((timeout,),) = namespace.notes
    assert isinstance(timeout, AckTimeout)
    assert str(timeout) == f"no ack within {SOON} s"
    assert live.socket(client).ack_callbacks == {}
    # The ack that comes after all goes nowhere.
    client.ack("/chat", number, "late")
    assert client.call("/chat", "echo", 1) == [1]
    assert len(namespace.notes) == 1


def test_a_callback_may_block_that_is_told_of_a_timeout(serve: Serve) -> None:
    """It has a greenlet of its own, which ends with the connection."""
    entered = Event()

    class Blocking(Witness):
        def on_emit(self) -> None:
            self.emit("question", callback=self.block, timeout=SOON)

        def block(self, timeout: AckTimeout) -> None:
            entered.set()
            gevent.sleep(DEADLINE)

    client = serve({"/chat": Blocking}).joined("4-websocket")
    client.emit("/chat", "emit")
    assert client.read()["name"] == "question"
    assert entered.wait(DEADLINE)
    assert client.call("/chat", "echo", 1) == [1]


@pytest.mark.parametrize("error", [RuntimeError, gevent.Timeout])
def test_a_callback_that_fails_harms_no_other_client(
    serve: Serve, caplog: pytest.LogCaptureFixture, error: type[BaseException]
) -> None:
    class Failing(Witness):
        def on_emit(self) -> None:
            self.emit("question", callback=self.fail, timeout=SOON)

        def fail(self, timeout: AckTimeout) -> None:
            raise error

    client = serve({"/chat": Failing}).joined("4-websocket")
    client.emit("/chat", "emit")
    assert client.read()["name"] == "question"
    text = "The callback of an ack failed after the timeout"
    wait_for(lambda: text in caplog.text, "the failure is logged")
    assert client.call("/chat", "echo", 1) == [1]


def test_a_callback_that_is_told_of_a_timeout_runs_in_the_frameworks_context(
    serve: Serve,
) -> None:
    inside: list[bool] = []
    namespace = fresh(Asking)

    class Looking(namespace):  # type: ignore[valid-type, misc]
        def note(self, *args: Any) -> None:
            namespace.notes.append(bool(inside))

    def context(function: Callable[..., Any], *args: Any) -> Any:
        inside.append(True)
        try:
            return function(*args)
        finally:
            inside.pop()

    live = serve(application=around({"/chat": Looking}, context))
    client = live.joined("4-websocket")
    client.emit("/chat", "emit", SOON)
    wait_for(lambda: namespace.notes, "the callback is told")
    assert namespace.notes == [True]


def test_a_timeout_goes_with_a_callback(serve: Serve) -> None:
    live = serve({"/chat": Asking})
    client = live.joined("4-websocket")
    with pytest.raises(ValueError, match="timeout needs a callback"):
        live.socket(client)["/chat"].emit("question", timeout=1)


def test_callbacks_are_released_with_the_connection(serve: Serve, kind: str) -> None:
    """The fixture checks that they leave no timer behind."""
    namespace = fresh(Asking)
    live = serve({"/chat": namespace})
    client = live.joined(kind)
    socket = live.socket(client)
    for timeout in (None, DEADLINE):
        client.emit("/chat", "emit", timeout)
        question(client)
    assert len(socket.ack_callbacks) == 2
    client.close()
    wait_for(lambda: not live.server.sockets, "the session ends")
    assert socket.ack_callbacks == {}
    assert namespace.notes == []


def test_nothing_waits_for_an_event_that_could_not_be_sent(serve: Serve) -> None:
    live = serve({"/chat": fresh(Asking)})
    client = live.joined("4-websocket")
    socket = live.socket(client)
    namespace: Any = socket["/chat"]
    for timeout in (None, DEADLINE):
        with pytest.raises(TypeError):
            namespace.emit("a", object(), callback=namespace.note, timeout=timeout)
    with pytest.raises(TypeError):
        namespace.call("a", object())
    with pytest.raises(TypeError):
        namespace.send(object(), json=True, callback=namespace.note)
    assert socket.ack_callbacks == {}


# Calls


@pytest.mark.parametrize(
    ("args", "answer"),
    [
        ([], None),
        ([None], None),
        ([0], 0),
        ([[]], []),
        (["fine"], "fine"),
        ([1, "b"], [1, "b"]),
    ],
)
@pytest.mark.parametrize("event", ["call", "call in job"])
def test_a_call_returns_what_the_client_answers(
    serve: Serve, kind: str, event: str, args: list[Any], answer: Any
) -> None:
    namespace = fresh(Asking)
    client = serve({"/chat": namespace}).joined(kind)
    client.emit("/chat", event)
    client.ack("/chat", question(client), *args)
    wait_for(lambda: namespace.notes, "the answer arrives")
    assert namespace.notes == [tuple(answer) if len(args) > 1 else answer]
    assert client.call("/chat", "echo", 1) == [1]


def test_a_call_may_be_made_by_any_greenlet(serve: Serve, kind: str) -> None:
    live = serve({"/chat": fresh(Asking)})
    client = live.joined(kind)
    namespace: Any = live.socket(client)["/chat"]
    calling = gevent.spawn(namespace.call, "question", 1)
    client.ack("/chat", question(client), "fine")
    assert calling.get(timeout=DEADLINE) == "fine"


@pytest.mark.parametrize("event", ["call", "call in job"])
def test_a_call_that_is_not_answered_times_out(
    serve: Serve, kind: str, event: str
) -> None:
    namespace = fresh(Asking)
    live = serve({"/chat": namespace})
    client = live.joined(kind)
    client.emit("/chat", event, SOON)
    number = question(client)
    wait_for(lambda: namespace.notes, "the call times out")
    assert namespace.notes == [("AckTimeout", f"no ack within {SOON} s")]
    # The ack that comes after all goes nowhere.
    client.ack("/chat", number, "late")
    assert client.call("/chat", "echo", 1) == [1]
    assert len(namespace.notes) == 1


def test_nothing_is_left_of_a_call_that_timed_out(serve: Serve, kind: str) -> None:
    """A connection may live for days, and its client never answer."""
    namespace = fresh(Asking)
    live = serve({"/chat": namespace})
    client = live.joined(kind)
    client.emit("/chat", "call", SOON)
    question(client)
    wait_for(lambda: namespace.notes, "the call times out")
    assert live.socket(client).ack_callbacks == {}


@pytest.mark.parametrize("event", ["call", "call in job"])
def test_a_call_ends_with_the_connection(serve: Serve, kind: str, event: str) -> None:
    """Jobs of a namespace just end; a handler gets an exception."""
    namespace = fresh(Asking)
    live = serve({"/chat": namespace})
    client = live.joined(kind)
    client.emit("/chat", event)
    question(client)
    client.close()
    wait_for(lambda: not live.server.sockets, "the session ends")
    if event == "call":
        wait_for(lambda: namespace.notes, "the handler is told")
        assert namespace.notes == [("ConnectionLost", "the connection ended")]


def test_a_call_of_another_greenlet_ends_with_the_connection(
    serve: Serve, kind: str
) -> None:
    live = serve({"/chat": fresh(Asking)})
    client = live.joined(kind)
    namespace: Any = live.socket(client)["/chat"]
    calling = gevent.spawn(namespace.ask, DEADLINE)
    question(client)
    live.socket(client).kill()
    assert calling.get(timeout=DEADLINE / 2) == (
        "ConnectionLost",
        "the connection ended",
    )


def test_a_call_after_the_end_of_the_connection_fails_at_once(
    serve: Serve, kind: str
) -> None:
    live = serve({"/chat": fresh(Asking)})
    client = live.joined(kind)
    namespace: Any = live.socket(client)["/chat"]
    live.socket(client).kill()
    calling = gevent.spawn(namespace.ask, 1)
    assert calling.get(timeout=DEADLINE) == ("ConnectionLost", "the connection ended")


def test_a_callback_of_an_event_after_the_end_is_not_kept(serve: Serve) -> None:
    live = serve({"/chat": fresh(Asking)})
    client = live.joined("4-websocket")
    socket = live.socket(client)
    namespace: Any = socket["/chat"]
    socket.kill()
    namespace.emit("question", callback=namespace.note)
    namespace.emit("question", callback=namespace.note, timeout=0.5)
    assert socket.ack_callbacks == {}


def test_a_call_when_the_client_is_leaving_holds_nothing_up(
    serve: Serve, kind: str
) -> None:
    result: AsyncResult[Any] = AsyncResult()

    class Asks(Witness):
        def recv_disconnect(self) -> None:
            try:
                self.call("why", timeout=1)
            except Exception as error:
                result.set(type(error))
            super().recv_disconnect()

    live = serve({"/chat": Asks})
    client = live.joined(kind)
    live.socket(client).kill()
    assert result.get(timeout=DEADLINE) is ConnectionLost


def test_calls_of_one_connection_do_not_meet(serve: Serve, kind: str) -> None:
    live = serve({"/chat": fresh(Asking)})
    client = live.joined(kind)
    namespace: Any = live.socket(client)["/chat"]
    calls = [gevent.spawn(namespace.call, "question", 1) for _ in range(3)]
    numbers = [question(client) for _ in calls]
    for number in reversed(numbers):
        client.ack("/chat", number, number)
    assert [each.get(timeout=DEADLINE) for each in calls] == numbers


@pytest.mark.parametrize("way", ["impatient", "impatient_in_job"])
def test_a_client_that_leaves_before_it_answers_is_no_failure(
    serve: Serve, kind: str, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    cls = fresh(Impatient)
    live = serve({"/chat": cls})
    client = live.joined(kind)
    client.emit("/chat", way)
    assert cls.entered.wait(DEADLINE)
    with caplog.at_level("INFO"):
        client.close()
        wait_for(lambda: "before it answered" in caplog.text, "the line")
    assert [each for each in caplog.records if each.levelno > logging.INFO] == []
