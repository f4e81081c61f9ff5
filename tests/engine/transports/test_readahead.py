"""A handler that waits for its client's ack gets it, while the rest keeps its order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import gevent
import pytest
from gevent.event import AsyncResult
from gevent.queue import Queue
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.wire.strategies import machine_settings
from tgext.socketio.engine.concurrency.heartbeat import Heartbeat
from tgext.socketio.engine.hub.account import Account, Bounds, cost
from tgext.socketio.engine.namespace import BaseNamespace
from tgext.socketio.engine.session.decoder import AckFilter
from tgext.socketio.engine.transports.readahead import ReadAhead
from tgext.socketio.wire.websocket.frames import Message

from ..clients import DEADLINE, WebSocketClient, kinds, wait_for
from ..conftest import Serve
from ..sample_namespaces import Holding, fresh


class Asking(BaseNamespace):
    """Handlers that call the client, and return its answer."""

    def ask(self) -> Any:
        answer: AsyncResult[Any] = AsyncResult()
        self.emit("question", callback=answer.set)
        return answer.get(timeout=DEADLINE / 2)

    def on_ask(self) -> Any:
        return self.ask()

    def on_ask_in_job(self) -> Any:
        return self.spawn(self.ask).get()

    def on_echo(self, value: Any) -> Any:
        return value


@pytest.mark.parametrize("event", ["ask", "ask_in_job"])
def test_a_handler_gets_the_ack_that_it_waits_for(
    serve: Serve, kind: str, event: str
) -> None:
    client = serve({"/chat": Asking}).client(kind)
    client.join("/chat")
    client.emit("/chat", event, number=7)
    question = client.read()
    assert question["name"] == "question"
    client.ack("/chat", question["id"], "fine")
    assert client.read() == {
        "type": "ack",
        "endpoint": "/chat",
        "number": 7,
        "args": ["fine"],
    }
    # The connection goes on.
    assert client.call("/chat", "echo", 1, number=8) == [1]


def test_what_comes_while_a_handler_waits_is_handled_after_it_in_order(
    serve: Serve, kind: str
) -> None:
    class Patient(Asking):
        def on_ask(self) -> Any:
            notes.append("asks")
            answer = self.ask()
            notes.append(answer)
            return answer

        def on_note(self, value: Any) -> None:
            notes.append(value)

    notes: list[Any] = []
    client = serve({"/chat": Patient}).client(kind)
    client.join("/chat")
    dialect = client.dialect
    # Events come together with the one that asks, after it, and together with the ack.
    client.send(
        dialect.event("/chat", "ask", (), None),
        dialect.event("/chat", "note", (1,), None),
        dialect.event("/chat", "note", (2,), None),
    )
    question = client.read()
    for number in (3, 4):
        client.emit("/chat", "note", number)
    client.send(
        dialect.event("/chat", "note", (5,), None),
        dialect.ack("/chat", question["id"], ("answer",)),
        dialect.event("/chat", "note", (6,), None),
    )
    assert client.call("/chat", "echo", 7, number=9) == [7]
    assert notes == ["asks", "answer", 1, 2, 3, 4, 5, 6]


def test_a_handler_asks_again_and_again(serve: Serve, kind: str) -> None:
    class Curious(Asking):
        def on_ask(self) -> Any:
            return [self.ask() for _ in range(3)]

    client = serve({"/chat": Curious}).client(kind)
    client.join("/chat")
    client.emit("/chat", "ask", number=7)
    for number in range(3):
        client.ack("/chat", client.read()["id"], number)
    assert client.read()["args"] == [[0, 1, 2]]


def test_acks_that_come_together_are_not_confused(serve: Serve, kind: str) -> None:
    class Curious(Asking):
        def on_ask(self) -> Any:
            jobs = [self.spawn(self.ask) for _ in range(3)]
            return [job.get() for job in jobs]

    client = serve({"/chat": Curious}).client(kind)
    client.join("/chat")
    client.emit("/chat", "ask", number=7)
    numbers = [client.read()["id"] for _ in range(3)]
    client.send(
        *(client.dialect.ack("/chat", number, (number,)) for number in numbers[::-1])
    )
    assert client.read()["args"] == [numbers]


@pytest.mark.cites("Real clients, Payloads 6")
def test_a_handler_that_does_not_wait_is_not_read_ahead_of(
    serve: Serve, kind: str
) -> None:
    class Brief(Asking):
        def on_ask(self, value: Any) -> Any:
            self.emit("question", callback=lambda *args: None)
            return value

    client = serve({"/chat": Brief}).client(kind)
    client.join("/chat")
    events = [client.dialect.event("/chat", "ask", (each,), each) for each in range(40)]
    client.send(*events)
    packets = [client.read() for _ in range(80)]
    answers = [each["args"] for each in packets if each["type"] == "ack"]
    assert answers == [[each] for each in range(40)]


class Waiting(Holding):
    """A namespace whose handler calls its client, and goes on when the test says so."""

    def on_note(self, value: Any, *more: Any) -> None:
        self.notes.append(value)

    def on_ask(self) -> None:
        self.emit("question", callback=self.notes.append)
        self.hold()


def asked(serve: Serve, kind: str, **options: Any) -> tuple[Any, Any, Any]:
    """A server, a namespace and a client whose handler waits for it."""
    namespace = fresh(Waiting)
    live = serve({"/chat": namespace}, **options)
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "ask")
    assert client.event("/chat") == ["question"]
    return live, namespace, client


websockets = pytest.mark.parametrize("kind", kinds("websocket"))


@websockets
def test_a_client_that_leaves_is_noticed_while_a_handler_waits(
    serve: Serve, kind: str
) -> None:
    live, namespace, client = asked(serve, kind)
    client.close()
    wait_for(lambda: not live.server.sockets, "the session ends")
    assert namespace.left == ["transport close"]
    namespace.go_on.set()


@websockets
def test_a_broken_frame_is_answered_while_a_handler_waits(
    serve: Serve, kind: str
) -> None:
    live, namespace, client = asked(serve, kind)
    assert isinstance(client, WebSocketClient)
    client.emit("/chat", "note", "never handled")
    client.websocket.send_raw(b"\xff\xff")
    wait_for(lambda: not live.server.sockets, "the session ends")
    assert namespace.left == ["parse error"]
    namespace.go_on.set()
    while (frame := client.websocket.receive_frame())[0] != 8:
        assert isinstance(frame[1], str)
    assert frame[1] == (1002).to_bytes(2, "big")
    client.close()
    live.expect_nothing_left()
    assert namespace.notes == []


@websockets
def test_no_more_is_kept_than_one_message_may_have(serve: Serve, kind: str) -> None:
    """Beyond that the client has to wait, as when no ack is awaited."""
    _, namespace, client = asked(serve, kind, max_message_size=500)
    # More than one read takes, so that the ack behind them is not read.
    dialect = client.dialect
    texts = [dialect.event("/chat", "note", (n, "x" * 400), None) for n in range(300)]
    ack = dialect.ack("/chat", 1, ("answer",))
    sending = gevent.spawn(client.send, *texts, ack)
    gevent.sleep(0.02)
    assert namespace.notes == []
    namespace.go_on.set()
    sending.get(timeout=DEADLINE)
    assert client.call("/chat", "echo", 1, number=5) == [1]
    assert namespace.notes == [*range(300), "answer"]


@websockets
def test_control_frames_are_answered_after_the_handler(serve: Serve, kind: str) -> None:
    _, namespace, client = asked(serve, kind)
    client.websocket.send_frame(9, b"are you there?")
    client.emit("/chat", "note", 1)
    client.ack("/chat", 1, "answer")
    wait_for(lambda: namespace.notes, "the ack is handled")
    assert namespace.notes == ["answer"]
    namespace.go_on.set()
    assert client.websocket.receive_frame() == (10, b"are you there?")
    wait_for(lambda: len(namespace.notes) == 2, "the event is handled")


# A model: messages arrive, are handled, and handlers wait, in any order


class Source:
    """The results of the reads."""

    def __init__(self) -> None:
        self.queue: Queue[Iterator[Message]] = Queue()

    def __iter__(self) -> Source:
        return self

    def __next__(self) -> Iterator[Message]:
        return self.queue.get()


class Filter:
    """Takes acks, which may have an attachment, and records them."""

    def __init__(self) -> None:
        self.taken: list[str | bytes] = []
        self._begun: list[str | bytes] = []

    @property
    def incomplete(self) -> bool:
        return bool(self._begun)

    def take(self, content: str | bytes) -> bool:
        if isinstance(content, bytes):
            if self._begun:
                self.taken += [*self._begun, content]
                self._begun = []
                return True
            return False
        if content.startswith("ping"):
            self.taken.append(content)
            return True
        if "ack" in content and self._begun:
            self.reset()  # an attachment was due
            return False
        if content.startswith("begun ack"):
            self._begun.append(content)
            return True
        if content.startswith("ack"):
            self.taken.append(content)
            return True
        return False

    def reset(self) -> None:
        self._begun = []


contents = st.sampled_from(
    ["event", "ack", "begun ack", "bytes", "ping", "control", "large"]
)


class Reading(RuleBasedStateMachine):
    """A transport that handles messages one by one, and reads ahead while one waits."""

    def __init__(self) -> None:
        super().__init__()
        self.source = Source()
        self.filter = Filter()
        self.account = Account(Bounds(1000, 4 * 1000, {}))
        self.ahead: ReadAhead | None = None
        self.current: Iterator[Message] = iter(())
        self.sent: list[str | bytes] = []
        self.handled: list[str | bytes] = []
        self.gone: list[object] = []

    @rule(kinds=st.lists(contents, max_size=6))
    def come(self, kinds: list[str]) -> None:
        messages: list[Message] = []
        for kind in kinds:
            text = f"{kind} {len(self.sent)}"
            if kind == "large":
                text += "x" * 30_000
            content: str | bytes = text.encode() if kind == "bytes" else text
            self.sent.append(content)
            messages.append((9 if kind == "control" else 1, content))
        self.source.queue.put(iter(messages))

    @rule(long=st.booleans())
    def wait(self, long: bool) -> None:
        """A handler expects an ack, and may not wait for it."""
        if self.ahead is None:
            self.ahead = ReadAhead(
                self.current,
                self.source,
                lambda message: message[1] if message[0] == 1 else None,
                cast(AckFilter, self.filter),
                self.gone.append,
                self.account,
                Heartbeat(1, 1, lambda: None, lambda: None),
            )
        self.ahead.start()
        if long:
            for _ in range(5):
                gevent.sleep(0)

    @rule(number=st.integers(1, 5))
    def handle(self, number: int) -> None:
        for _ in range(number):
            message = self.following()
            if message is None:
                break
            self.handled.append(message[1])

    def following(self) -> Message | None:
        while True:
            if self.ahead is not None:
                message = next(self.ahead, None)
                if message is None:
                    self.current, self.ahead = self.ahead.rest, None
            else:
                message = next(self.current, None)
                if message is None:
                    if self.source.queue.empty():
                        return None
                    self.current = next(self.source)
            if message is not None:
                return message

    @invariant()
    def order_is_kept(self) -> None:
        assert len(set(self.handled)) == len(self.handled)
        numbers = [
            self.sent.index(each)
            for each in self.handled
            # Incomplete acks are handled last.
            if isinstance(each, str) and "ack" not in each
        ]
        assert numbers == sorted(numbers)
        assert not set(self.handled) & set(self.filter.taken)

    @invariant()
    def what_is_kept_is_charged(self) -> None:
        kept = [] if self.ahead is None else self.ahead.kept
        assert self.account.size == sum(cost(each[1]) for each in kept)
        # The last message may be a large one.
        assert self.account.size < 65_536 + 31_000

    def teardown(self) -> None:
        self.handle(10**6)
        self.order_is_kept()
        handled, taken = set(self.handled), set(self.filter.taken)
        assert handled | taken == set(self.sent)
        assert self.account.size == 0
        assert self.gone == []


Reading.TestCase.settings = machine_settings(40, 30)
TestReading = Reading.TestCase


def test_no_more_is_read_after_text_where_an_attachment_is_due() -> None:
    """The ack is invalid, and would be read on to the limit that ends a connection."""
    reading = Reading()
    reading.come(["begun ack", *["large"] * 9])
    reading.wait(long=True)
    reading.what_is_kept_is_charged()
    reading.teardown()
