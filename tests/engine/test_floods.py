"""One client sends as fast as it can: how much is kept for it, how long others wait.

The limits of waiting are many times the usual time, for slow machines. The tests find
waits that grow with the amount that is sent.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import thread_time
from typing import Any

import gevent
import pytest

from tgext.socketio.engine.virtsocket import Socket
from tgext.socketio.engine.websocket.inbox import OVERHEAD, READ_AHEAD
from tgext.socketio.wire.engineio import v3 as engineio_3
from tgext.socketio.wire.engineio import v4 as engineio
from tgext.socketio.wire.socketio import v1 as socketio_1
from tgext.socketio.wire.websocket.frames import BINARY, TEXT, encode_frame

from .clients import BINARY_KINDS, DEADLINE, KINDS, MASK, kinds, wait_for
from .conftest import Live, Serve
from .plain import Held, serving
from .sample_namespaces import Chat, Echo, Holding, fresh

#: Seconds of work for which another client may wait.
PATIENCE = 0.4

MB = 1_000_000


class Gaps:
    """The longest time that a ready greenlet had to wait for its turn.

    It is measured in seconds of the processor, which others on the machine do not use.
    """

    longest = 0.0


@contextmanager
def others() -> Iterator[Gaps]:
    """Measures how long others wait meanwhile."""
    gaps = Gaps()
    over = False

    def tick() -> None:
        before = thread_time()
        while not over:
            gevent.sleep(0.001)
            now = thread_time()
            gaps.longest = max(gaps.longest, now - before)
            before = now

    ticking = gevent.spawn(tick)
    gevent.sleep(0.01)
    gaps.longest = 0.0
    yield gaps
    gevent.sleep(0.01)
    over = True
    ticking.join()
    print(f"others waited {gaps.longest * 1000:.0f} ms at most")


class Waiting(Holding):
    """A namespace whose handlers wait, and call their client."""

    def on_ask(self) -> None:
        self.emit("question", callback=self.notes.append)
        self.hold()

    def on_brief(self, value: Any = None) -> None:
        self.emit("brief question", callback=self.notes.append)


websockets = pytest.mark.parametrize("kind", kinds("websocket"))
polling = pytest.mark.parametrize("kind", ["0.9-xhr-polling", "2-polling", "4-polling"])


def idle(serve: Serve, kind: str, **options: Any) -> tuple[Live, Any, Any, Socket]:
    """A client, and the server's socket of it."""
    namespace = fresh(Waiting)
    live = serve({"/chat": namespace}, **options)
    client = live.joined(kind)
    return live, namespace, client, live.socket(client)


def held(serve: Serve, kind: str, **options: Any) -> tuple[Live, Any, Any, Socket]:
    """A client whose handler waits for the test, and the server's socket of it."""
    live, namespace, client, socket = idle(serve, kind, **options)
    client.emit("/chat", "ask")
    assert client.event("/chat") == ["question"]
    return live, namespace, client, socket


def pour(client: Any, data: bytes) -> tuple[gevent.Greenlet[..., Any], list[int]]:
    """Send over a WebSocket as much as is accepted, and count it."""
    sent = [0]

    def run() -> None:
        try:
            for start in range(0, len(data), 65536):
                piece = data[start : start + 65536]
                client.websocket.send_raw(piece)
                sent[0] += len(piece)
        except OSError:
            pass

    return gevent.spawn(run), sent


def settle(sent: list[int]) -> None:
    """Wait until no more is accepted."""
    before = -1
    while before != sent[0]:
        before = sent[0]
        gevent.sleep(0.1)


TINY_FRAMES = {
    "empty binary": encode_frame(BINARY, b"", MASK),
    "empty text": encode_frame(TEXT, b"", MASK),
    "tiny event": encode_frame(TEXT, b"42[]", MASK),
    "ping": encode_frame(9, b"", MASK),
}


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (kind, what)
        for kind in kinds("websocket")
        for what in TINY_FRAMES
        # Clients before 3.x cannot send empty binary messages.
        if what != "empty binary" or kind[0] == "4"
    ],
)
def test_tiny_messages_while_a_handler_waits(
    serve: Serve, kind: str, what: str
) -> None:
    frame = TINY_FRAMES[what]
    live, namespace, client, socket = held(serve, kind, max_message_size=100_000)
    bounds = live.server.hub.bounds
    with others() as gaps:
        pouring, sent = pour(client, frame * (20 * MB // len(frame)))
        settle(sent)
    # The server has stopped reading: the kernel's buffers are full, so the client
    # waits.
    assert not pouring.ready()
    assert bounds.unread < socket.account.size < bounds.unread + 1000
    ahead: Any = socket.transport.ahead  # type: ignore[union-attr]
    assert len(ahead.kept) * 90 < socket.account.size
    assert gaps.longest < PATIENCE
    # The client has gone. Nothing of it is kept, although its handler still waits.
    socket.kill(reason="transport error")
    pouring.kill()
    client.websocket.close()
    assert socket.account.size == 0
    assert not ahead.kept
    wait_for(lambda: not live.server.sockets, "the session ends")
    namespace.go_on.set()


@websockets
def test_events_that_ask_for_acks_while_a_handler_waits(
    serve: Serve, kind: str
) -> None:
    """Reading ahead starts and stops with each event; it is not nested."""
    _, namespace, client, socket = held(serve, kind, max_pending_acks=10**6)
    event = client.dialect.event("/chat", "brief", (), None)
    number = 3000
    client.send(*[event] * number)
    client.ack("/chat", 1, "answer")
    wait_for(lambda: namespace.notes, "the ack is handled")
    questions = gevent.spawn(lambda: [client.read() for _ in range(number)])
    with others() as gaps:
        namespace.go_on.set()
        assert len(questions.get(timeout=DEADLINE)) == number
    assert gaps.longest < PATIENCE
    assert socket.account.size == 0
    client.ack("/chat", number + 1, "last")
    wait_for(lambda: namespace.notes == ["answer", "last"], "it is handled")


class Working(Echo):
    def on_work(self) -> None:
        """Uses the processor for ten milliseconds."""
        end = thread_time() + 0.01
        while thread_time() < end:
            pass


@pytest.mark.parametrize("kind", KINDS)
def test_handlers_that_take_long(serve: Serve, kind: str) -> None:
    """Other greenlets run after each event, not only after several."""
    live = serve({"/chat": Working})
    client: Any = live.client(kind)
    client.join("/chat")
    work = client.dialect.event("/chat", "work", (), None)
    last = client.dialect.event("/chat", "echo", ("done",), 1)
    with others() as gaps:
        client.send(*[work] * 30, last)
        assert client.read()["type"] == "ack"
    # A few events may be handled in one turn, but not all.
    assert gaps.longest < 0.12


@pytest.mark.parametrize("what", ["empty binary", "empty text", "ping"])
def test_tiny_messages_to_a_plain_websocket(serve: Serve, what: str) -> None:
    held = Held()
    live = serve(application=serving(held))
    client = live.websocket("/")
    frame = TINY_FRAMES[what]
    with others() as gaps:
        pouring, sent = pour(_Plain(client), frame * (20 * MB // len(frame)))
        settle(sent)
    stream: Any = held.first().stream
    assert len(stream.inbox.messages) <= READ_AHEAD // OVERHEAD + 1
    assert stream.outbox.size <= live.server.settings.max_outbox
    assert gaps.longest < PATIENCE
    pouring.kill()
    client.close()
    held.go_on.set()


def test_a_plain_websocket_that_ended_keeps_no_half_message(serve: Serve) -> None:
    held = Held()
    client = serve(application=serving(held)).websocket("/")
    client.send_raw(encode_frame(BINARY, b"x" * 500_000, MASK)[:400_000])
    stream: Any = held.first().stream
    wait_for(lambda: stream.connection.frame_size > 500_000, "it has come")
    client.close()
    wait_for(lambda: not stream.open, "the end is noticed")
    assert stream.connection.frame_size == 2  # of a frame that has not begun
    held.go_on.set()


class _Plain:
    """A client for `pour`, with a plain WebSocket."""

    def __init__(self, websocket: Any) -> None:
        self.websocket = websocket


def body_of(kind: str, *packets: str | bytes) -> bytes:
    if kind.startswith("0.9"):
        return socketio_1.encode_payload([str(each) for each in packets])
    if kind.startswith("2"):
        return engineio_3.encode_payload(packets)
    return engineio.encode_payload(packets)


ENDS = {
    "0.9-xhr-polling": "0::",
    "2-polling": "1",
    "4-polling": "1",
}


@polling
@pytest.mark.parametrize("busy", [False, True])
def test_a_body_of_packets_that_end_the_session(
    serve: Serve, kind: str, busy: bool, greenlets: Callable[[], list[Any]]
) -> None:
    """The first one ends the session, and the others are ignored."""
    live, namespace, client, socket = (held if busy else idle)(serve, kind)
    body = body_of(kind, *[ENDS[kind]] * 50_000)
    before = len(greenlets())
    with others() as gaps:
        http = live.http()
        http.post(client.target, body)
        wait_for(lambda: not live.server.sockets, "the session ends")
        assert len(greenlets()) < before + 20
    assert gaps.longest < PATIENCE
    assert socket.account.size == 0
    namespace.go_on.set()


@polling
def test_a_body_of_packets_that_leave_a_namespace(serve: Serve, kind: str) -> None:
    live = serve({"/chat": Echo})
    client: Any = live.client(kind)
    client.join("/chat")
    leaving = client.dialect.leave("/chat")
    with others() as gaps:
        client.post(body_of(kind, *[leaving] * 30_000).decode())
    assert gaps.longest < PATIENCE


TINY = {
    "pongs": lambda kind: ["2::" if kind[0] == "0" else "3"],
    "noops": lambda kind: ["8::" if kind[0] == "0" else "6"],
    "events": lambda kind: ['5:::{"name":"a"}' if kind[0] == "0" else '42["a"]'],
    "binary": lambda kind: ["3:::" if kind[0] == "0" else b""],
}


@polling
@pytest.mark.parametrize("what", list(TINY))
@pytest.mark.parametrize("busy", [False, True])
def test_a_body_of_very_many_packets(
    serve: Serve, kind: str, what: str, busy: bool
) -> None:
    """They are handled, or refused because of the memory that they would need."""
    live, namespace, client, socket = (held if busy else idle)(serve, kind)
    packet = TINY[what](kind)
    most = 600_000 // len(body_of(kind, *packet * 100)) * 100
    body = body_of(kind, *packet * most)
    assert len(body) < MB
    with others() as gaps:
        reply = live.http().post(client.target, body)
        assert reply.status in (200, 400, 413)
        assert socket.account.size <= live.server.hub.bounds.most
        namespace.go_on.set()
        if socket.transport is not None:
            assert socket.transport.handled.wait(DEADLINE)  # type: ignore[union-attr]
    assert gaps.longest < PATIENCE
    assert socket.account.size == 0


def test_posts_of_one_session_take_turns(serve: Serve) -> None:
    """Clients 0.9 do not wait for an answer; two bodies at once are in order."""
    kind = "0.9-xhr-polling"
    live, namespace, client, socket = held(serve, kind, max_message_size=200_000)
    text = client.dialect.event("/chat", "note", ("x" * 100_000,), None)
    replies: list[int] = []

    def post() -> None:
        replies.append(live.http().post(client.target, text).status)

    posts = [gevent.spawn(post) for _ in range(40)]
    transport: Any = socket.transport
    with others() as gaps:
        wait_for(lambda: replies.count(503) >= 20, "those that are too many end")
    assert gaps.longest < PATIENCE
    assert transport.posting <= 16
    bounds = live.server.hub.bounds
    assert socket.account.size < bounds.unread + 200_000
    before = len(namespace.notes)
    namespace.go_on.set()
    gevent.joinall(posts, timeout=DEADLINE, raise_error=True)
    assert replies.count(200) + replies.count(503) == 40
    wait_for(lambda: socket.account.size == 0, "all is handled")
    assert len(namespace.notes) - before == replies.count(200) >= 16


def test_posts_that_wait_end_with_the_session(serve: Serve) -> None:
    kind = "0.9-xhr-polling"
    live, namespace, client, socket = held(serve, kind, max_message_size=50_000)
    text = client.dialect.event("/chat", "note", ("x" * 40_000,), None)
    posts = [gevent.spawn(live.http().post, client.target, text) for _ in range(10)]
    wait_for(lambda: socket.account.full, "some are read")
    assert any(not each.ready() for each in posts)
    socket.kill(reason="transport close")
    gevent.joinall(posts, timeout=DEADLINE, raise_error=True)
    assert {each.value.status for each in posts} == {200, 400}
    assert socket.account.size == 0
    namespace.go_on.set()


BRACES = ",".join(["{}"] * 150_000)


@pytest.mark.usefixtures("small_heap")
@pytest.mark.parametrize("kind", BINARY_KINDS)
@pytest.mark.parametrize("packet", ["event", "ack"])
def test_what_waits_for_attachments_is_kept_as_text(
    serve: Serve, kind: str, packet: str
) -> None:
    """The value of its JSON needs many times as much memory."""
    text = {
        "event": '451-/chat,["note",{"_placeholder":true,"num":0},[%s]]',
        "ack": '461-/chat,1[[{"_placeholder":true,"num":0},%s]]',
    }[packet] % BRACES
    _, namespace, client, socket = held(serve, kind)
    if packet == "event":
        namespace.go_on.set()
    client.send(text)
    wait_for(lambda: socket.account.size > len(text), "it has come")
    gc.collect()
    kept = [each for each in gc.get_objects() if type(each) is list]
    assert not any(len(each) > 100_000 and each[:1] == [{}] for each in kept)
    del kept
    assert socket.account.size < 2 * len(text)
    client.send(b"data")
    wait_for(lambda: namespace.notes, "it is put together")
    assert namespace.notes[0] == b"data" or namespace.notes[0][0] == b"data"
    namespace.go_on.set()
    wait_for(lambda: socket.account.size == 0, "nothing is kept")


@pytest.mark.parametrize("kind", ["2-websocket", "4-polling"])
def test_what_never_comes_whole_is_let_go_at_the_end(serve: Serve, kind: str) -> None:
    live = serve({"/chat": Echo})
    client: Any = live.client(kind)
    client.join("/chat")
    socket = live.socket(client)
    client.send('452-/chat,["echo",{"_placeholder":true,"num":0}]', b"x" * 10_000)
    wait_for(lambda: socket.account.size > 10_000, "it has come")
    socket.kill()
    assert socket.account.size == 0
    assert socket.assembler.partial is None


@pytest.mark.parametrize(
    "connect",
    ['40/chat,{"token":"%s"}', "40/chat?token=%s,"],
    ids=["auth", "query"],
)
def test_what_a_client_connects_with_is_small(
    serve: Serve, connect: str, caplog: pytest.LogCaptureFixture
) -> None:
    live = serve({"/chat": Echo})
    client = live.websocket_5()
    client.send(connect % ("x" * 60_000))
    assert client.read()["type"] == "connect"
    client.leave("/chat")
    with caplog.at_level("INFO", "tgext.socketio"):
        client.send(connect % ("x" * 70_000))
        wait_for(lambda: not live.server.sockets, "the session ends")
    assert any("of more than 65536 characters" in each for each in caplog.messages)


def test_leaving_very_many_rooms_lets_others_run(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = serve({"/chat": Chat}, max_rooms=10**6)
    client = live.websocket_5()
    client.join("/chat")
    socket = live.socket(client)
    namespace: Any = socket["/chat"]
    for number in range(50_000):
        live.server.rooms.join("/chat", str(number), socket)
    assert namespace
    with others() as gaps:
        client.close()
        rooms = live.server.rooms
        wait_for(lambda: rooms.statistics() == (0, 0), "all are left")
    assert gaps.longest < PATIENCE


@pytest.mark.usefixtures("small_heap")
@websockets
def test_nothing_holds_a_connection_that_has_ended(serve: Serve, kind: str) -> None:
    """Neither the account nor the garbage collector finds anything that is kept."""
    live, namespace, client, socket = held(serve, kind)
    client.emit("/chat", "note", "x" * 100_000)
    account = socket.account
    wait_for(lambda: account.size > 100_000, "it is kept")
    client.close()
    wait_for(lambda: not live.server.sockets, "the session ends")
    namespace.go_on.set()
    reference = weakref.ref(socket)
    del socket

    def gone() -> bool:
        gc.collect()
        return reference() is None

    wait_for(gone, "it is collected")
