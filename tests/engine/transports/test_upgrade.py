"""The upgrade from polling to a WebSocket."""

from __future__ import annotations

import socket
from typing import Any

import gevent
import pytest
from gevent.event import AsyncResult, Event

from tgext.socketio.engine.hub import registry as connections
from tgext.socketio.engine.namespace import BaseNamespace
from tgext.socketio.engine.transports import websocket as websocket_module
from tgext.socketio.wire.websocket.frames import BINARY, PING, PONG, TEXT, encode_frame

from ..clients import DEADLINE, MASK, Polling5, WebSocket, wait_for
from ..conftest import Live, Serve
from ..sample_namespaces import Echo, Holding, Witness, fresh
from ..upgraders import NAME, Numbers, crowd


class Busy(BaseNamespace):
    """Handlers that go on when the test says so."""

    entered: Event
    go_on: Event

    def hold(self) -> None:
        self.entered.set()
        assert self.go_on.wait(DEADLINE)

    def on_ask(self) -> Any:
        self.hold()
        answer: AsyncResult[Any] = AsyncResult()
        self.emit("question", callback=answer.set)
        return answer.get(timeout=DEADLINE / 2)

    def on_part(self) -> None:
        self.hold()
        self.disconnect()


def busy() -> type[Busy]:
    return type("New", (Busy,), {"entered": Event(), "go_on": Event()})


def probe(live: Live, polling: Polling5) -> WebSocket:
    """A WebSocket that has probed, before the upgrade from ``polling``."""
    websocket = live.websocket(polling.target.replace("polling", "websocket"))
    assert websocket.status == 101
    websocket.send("2probe")
    assert websocket.receive() == "3probe"
    return websocket


def test_a_handler_that_asks_its_client_holds_no_upgrade_up(serve: Serve) -> None:
    namespace = busy()
    live = serve({"/chat": namespace})
    polling = live.polling_5()
    polling.join("/chat")
    polling.emit("/chat", "ask", number=5)
    assert namespace.entered.wait(DEADLINE)
    websocket = probe(live, polling)
    websocket.send("5")
    # The test cannot see when the packet was read; it was long before this ends.
    gevent.sleep(0.05)
    namespace.go_on.set()
    assert websocket.receive() == '42/chat,1["question"]'
    websocket.send('43/chat,1["fine"]')
    assert websocket.receive() == '43/chat,5["fine"]'


def test_a_session_that_ends_during_the_upgrade_ends_both_transports(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "NAMESPACE_TIMEOUT", 0.1)
    monkeypatch.setattr(websocket_module, "CLOSE_TIMEOUT", 0.1)
    namespace = busy()
    live = serve({"/chat": namespace})
    polling = live.polling_5()
    polling.join("/chat")
    polling.emit("/chat", "part")
    assert namespace.entered.wait(DEADLINE)
    websocket = probe(live, polling)
    websocket.send("5")
    # The test cannot see when the packet was read; it was long before this ends.
    gevent.sleep(0.05)
    namespace.go_on.set()
    websocket.drain()
    websocket.expect_end()


def test_a_stop_ends_a_websocket_that_probes(serve: Serve) -> None:
    live = serve()
    websocket = probe(live, live.polling_5())
    live.server.stop()
    websocket.drain()
    websocket.expect_end()


def waiting(live: Live, polling: Polling5) -> gevent.Greenlet[..., Any]:
    """A poll that waits."""
    poll = gevent.spawn(polling.poll)
    transport: Any = live.socket(polling).transport
    wait_for(lambda: transport.polling, "a poll waits")
    return poll


def upgraded(live: Live, polling: Polling5) -> WebSocket:
    """The WebSocket of a client that has upgraded from ``polling``."""
    websocket = probe(live, polling)
    websocket.send("5")
    socket = live.socket(polling)
    wait_for(lambda: socket.transport.name == "websocket", "the WebSocket takes over")
    return websocket


@pytest.mark.cites("Engine.IO 4, Upgrade 1", "Engine.IO 4, Upgrade 2")
def test_the_upgrade_of_a_client_whose_poll_waits(serve: Serve) -> None:
    namespace = fresh(Witness)
    live = serve({"/chat": namespace})
    polling = live.polling_5()
    polling.join("/chat")
    poll = waiting(live, polling)
    websocket = probe(live, polling)
    # The client waits for the end of its last poll before it sends the upgrade packet.
    assert poll.get(timeout=DEADLINE) == ["6"]
    websocket.send("5")
    websocket.send('42/chat,1["echo","hello"]')
    assert websocket.receive() == '43/chat,1["hello"]'
    # The same session now has a WebSocket.
    reply = polling.gets.get(polling.target)
    assert reply.json == {"code": 3, "message": "Bad request"}
    websocket.leave()
    wait_for(lambda: not live.server.sockets, "the session ends")
    assert namespace.left == ["transport close"]


@pytest.mark.cites("Engine.IO 4, Upgrade 3")
def test_what_is_sent_during_the_upgrade_arrives_once_and_in_order(
    serve: Serve,
) -> None:
    live = serve({"/chat": Echo})
    polling = live.polling_5()
    polling.join("/chat")
    namespace = live.socket(polling)["/chat"]
    sent = iter(range(100))

    def send() -> None:
        for _ in range(3):
            namespace.emit("number", next(sent))

    received: list[str] = []
    send()
    poll = gevent.spawn(polling.poll)
    websocket = live.websocket(polling.target.replace("polling", "websocket"))
    send()
    websocket.send("2probe")
    received += poll.get(timeout=DEADLINE)
    send()
    assert websocket.receive() == "3probe"
    send()
    received += polling.poll()
    send()  # no poll fetches this one
    websocket.send("5")
    send()
    received += [websocket.receive()]
    send()
    received = [each for each in received if each != "6"]
    total = next(sent)
    while len(received) < total:
        received.append(websocket.receive())
    assert received == [f'42/chat,["number",{number}]' for number in range(total)]


def test_what_came_by_polling_is_handled_before_what_comes_by_the_websocket(
    serve: Serve,
) -> None:
    namespace = fresh(Holding)
    live = serve({"/chat": namespace})
    polling = live.polling_5()
    polling.join("/chat")
    polling.emit("/chat", "hold", number=1)
    polling.emit("/chat", "note", 1, number=2)
    assert namespace.entered.wait(DEADLINE)
    websocket = upgraded(live, polling)
    websocket.send('42/chat,3["note",2]')
    websocket.send_frame(PING, b"all read")
    namespace.go_on.set()
    assert [websocket.receive() for _ in range(3)] == [
        "43/chat,1[null]",
        "43/chat,2[1]",
        "43/chat,3[2]",
    ]
    assert namespace.notes == [1, 2]


def test_frames_may_follow_the_upgrade_in_one_segment(serve: Serve) -> None:
    live = serve({"/chat": Echo})
    polling = live.polling_5()
    polling.join("/chat")
    texts = ["2probe", "5", '42/chat,1["echo",1]', '42/chat,2["echo",2]']
    early = b"".join(encode_frame(TEXT, each.encode(), MASK) for each in texts)
    target = polling.target.replace("polling", "websocket")
    websocket = live.websocket(target, early=early)
    assert [websocket.receive() for _ in range(3)] == [
        "3probe",
        "43/chat,1[1]",
        "43/chat,2[2]",
    ]


def test_messages_are_posted_while_the_websocket_probes(serve: Serve) -> None:
    live = serve({"/chat": Echo})
    polling = live.polling_5()
    polling.join("/chat")
    probe(live, polling)
    assert polling.call("/chat", "echo", 1) == [1]


@pytest.mark.parametrize(
    "frames",
    [
        b"",
        encode_frame(TEXT, b"", MASK),
        encode_frame(TEXT, b"garbage", MASK),
        encode_frame(TEXT, b'42/chat,["echo"]', MASK),
        encode_frame(TEXT, b"2", MASK),
        encode_frame(TEXT, b"1", MASK),
        encode_frame(BINARY, b"5", MASK),
        encode_frame(TEXT, b"5"),
        encode_frame(TEXT, b"\xff", MASK),
        b"\xff\xff\xff",
    ],
)
@pytest.mark.parametrize("probed", [True, False])
def test_a_websocket_that_does_not_upgrade_leaves_polling_as_it_was(
    serve: Serve, frames: bytes, probed: bool
) -> None:
    namespace = fresh(Witness)
    live = serve({"/chat": namespace})
    polling = live.polling_5()
    polling.join("/chat")
    poll = waiting(live, polling)
    if probed:
        websocket = probe(live, polling)
        assert poll.get(timeout=DEADLINE) == ["6"]
    else:
        websocket = live.websocket(polling.target.replace("polling", "websocket"))
    if frames:
        websocket.send_raw(frames)
        websocket.expect_end()
    else:
        websocket.close()
    transport: Any = live.socket(polling).transport
    wait_for(lambda: transport.follower is None, "the upgrade is given up")
    if not probed:
        live.socket(polling)["/chat"].emit("still", "here")
        assert poll.get(timeout=DEADLINE) == ['42/chat,["still","here"]']
    # Polls wait again.
    poll = waiting(live, polling)
    polling.emit("/chat", "echo", 1, number=2)
    assert poll.get(timeout=DEADLINE) == ["43/chat,2[1]"]
    assert namespace.left == []
    # And another try succeeds.
    websocket = upgraded(live, polling)
    websocket.send('42/chat,3["echo"]')
    assert websocket.receive() == "43/chat,3[]"


@pytest.mark.parametrize("probed", [True, False])
def test_control_frames_may_come_before_the_upgrade(serve: Serve, probed: bool) -> None:
    """A ping or pong at any time is legal (RFC 6455, section 5.5)."""
    live = serve({"/chat": Echo})
    polling = live.polling_5()
    polling.join("/chat")
    websocket = live.websocket(polling.target.replace("polling", "websocket"))
    if probed:
        websocket.send("2probe")
        assert websocket.receive() == "3probe"
    websocket.send_frame(PONG, b"nobody asked")
    websocket.send_frame(PING, b"alive?")
    assert websocket.receive_frame() == (PONG, b"alive?")
    if not probed:
        websocket.send("2probe")
        assert websocket.receive() == "3probe"
    websocket.send("5")
    websocket.send('42/chat,1["echo"]')
    assert websocket.receive() == "43/chat,1[]"


def test_who_probes_without_end_and_reads_no_answer_does_not_upgrade(
    serve: Serve,
) -> None:
    """The answers are the server's own output, which does not count for the client."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 10_000)
    live = serve({"/chat": Echo}, listener=listener, max_outbox=20_000)
    polling = live.polling_5()
    polling.join("/chat")
    target = polling.target.replace("polling", "websocket")
    websocket = live.websocket(target, receive_buffer=10_000)
    transport: Any = live.server.sockets[polling.sid].transport
    outbox = transport.follower.outbox
    most = 0
    probes = encode_frame(TEXT, b"2probe", MASK) * 1000
    try:
        for _ in range(50):
            websocket.send_raw(probes)
            gevent.sleep(0.001)
            most = max(most, outbox.size)
    except OSError:
        pass  # it was closed
    wait_for(lambda: transport.follower is None, "the upgrade ends")
    assert most < 2 * 20_000
    assert polling.call("/chat", "echo", 1) == [1]


def test_a_websocket_that_closes_before_the_upgrade_is_answered(serve: Serve) -> None:
    live = serve({"/chat": Echo})
    polling = live.polling_5()
    polling.join("/chat")
    websocket = probe(live, polling)
    websocket.send_close()
    assert websocket.receive_close() == 1000
    websocket.expect_end()
    assert polling.call("/chat", "echo", 1) == [1]
    websocket = upgraded(live, polling)
    websocket.send('42/chat,3["echo"]')
    assert websocket.receive() == "43/chat,3[]"


@pytest.mark.cites("Engine.IO 4, WebSocket 3")
def test_one_websocket_probes_at_a_time(serve: Serve) -> None:
    live = serve({"/chat": Echo})
    polling = live.polling_5()
    first = probe(live, polling)
    second = live.websocket(polling.target.replace("polling", "websocket"))
    assert second.refusal().json == {"code": 3, "message": "Bad request"}
    first.send("5")
    first.send("40/chat,")
    assert first.receive().startswith("40/chat,")


def test_a_client_that_leaves_during_the_upgrade(serve: Serve) -> None:
    namespace = fresh(Witness)
    live = serve({"/chat": namespace})
    polling = live.polling_5()
    polling.join("/chat")
    websocket = probe(live, polling)
    polling.close()
    websocket.drain()
    websocket.expect_end()
    assert namespace.left == ["client namespace disconnect"]


def test_a_websocket_that_took_over_has_a_heartbeat(serve: Serve) -> None:
    namespace = fresh(Witness)
    live = serve({"/chat": namespace}, heartbeat_interval=0.1, heartbeat_timeout=0.15)
    polling = live.polling_5()
    polling.join("/chat")
    websocket = upgraded(live, polling)
    for _ in range(4):
        assert websocket.receive() == "2"
        websocket.send("3")
    wait_for(lambda: not live.server.sockets, "the server gives the client up")
    assert namespace.left == ["ping timeout"]


@pytest.mark.cites("Engine.IO 3, Transport upgrading 2", "Engine.IO 4, Upgrade 3")
@pytest.mark.parametrize("version", [3, 4])
def test_nothing_is_lost_doubled_or_reordered_by_an_upgrade_under_load(
    serve: Serve, version: int
) -> None:
    """``load_upgrade.py`` does it with more of everything."""
    live = serve({NAME: fresh(Numbers, rate=250.0)})
    journeys = crowd(live.port, version, size=12, rate=250, seconds=1.2)
    assert [fault for each in journeys for fault in each.faults()] == []
    # Messages came by both transports.
    by_polling = sum(each.by_polling for each in journeys)
    assert 0 < by_polling < sum(each.sent_by_server for each in journeys)


UPGRADE = (
    "GET {target} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
POLL = "GET {target} HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    ("generation", "others"), [("0.9", UPGRADE), ("0.9", POLL), ("4", UPGRADE)]
)
def test_only_one_of_two_transports_at_once_is_accepted(
    serve: Serve, generation: str, others: str
) -> None:
    """Two requests are read in the same turn of the event loop."""
    live = serve({"/chat": fresh(Witness)})
    if generation == "4":
        polling = live.polling_5()
        sid, target = polling.sid, polling.target.replace("polling", "websocket")
    else:
        sid = live.http().get("/socket.io/1/").text.partition(":")[0]
        target = f"/socket.io/1/websocket/{sid}"
    other = target if others is UPGRADE else target.replace("websocket", "xhr-polling")
    raws = [live.raw(), live.raw()]
    gevent.sleep(0.05)  # the server waits for both
    raws[0].send_raw(UPGRADE.format(target=target).encode())
    raws[1].send_raw(others.format(target=other).encode())
    statuses = sorted(each.receive_head()[0] for each in raws)
    assert statuses[-1] == 400
    assert statuses[0] in (101, 200)
    live.server.sockets[sid].kill()


@pytest.mark.parametrize("generation", ["0.9", "4"])
def test_what_ends_when_its_websocket_is_accepted_stays_ended(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, generation: str
) -> None:
    live = serve({"/chat": fresh(Witness)})
    target = "/socket.io/?EIO=4&transport=websocket"
    if generation == "0.9":
        sid = live.http().get("/socket.io/1/").text.partition(":")[0]
        target = f"/socket.io/1/websocket/{sid}"
    registry = live.server.hub.registry
    came = registry.transport_came

    def ends(socket: Any) -> None:
        came(socket)
        socket.kill()

    monkeypatch.setattr(registry, "transport_came", ends)
    raw = live.raw()
    raw.send_raw(UPGRADE.format(target=target).encode())
    assert raw.receive_head()[0] == 101
    while raw.sock.recv(65536):
        pass
    assert live.server.sockets == {}
