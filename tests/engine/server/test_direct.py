"""Connections that need no greenlet while they wait."""

from __future__ import annotations

import gc
import random
import struct
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

import gevent
import pytest

from tgext.socketio.engine.concurrency import clock
from tgext.socketio.engine.concurrency.pool import MOST_IDLE
from tgext.socketio.engine.io.hangup import LOOK

from ..clients import DEADLINE, RESOURCE, Raw, wait_for
from ..conftest import Live, Serve, manage
from ..sample_namespaces import Witness, fresh

HEAD = "HTTP/1.1\r\nHost: here\r\n"
PAGE = f"GET /page {HEAD}\r\n".encode()
OPENING = f"GET {RESOURCE}/?EIO=4&transport=polling {HEAD}\r\n".encode()


def poll(client: Any) -> bytes:
    return f"GET {client.target} {HEAD}\r\n".encode()


def post(client: Any, body: str, chunks: int = 0) -> bytes:
    """A POST in one piece, or in chunks of a size."""
    data, line = body.encode(), f"POST {client.target} {HEAD}".encode()
    if not chunks:
        return line + b"Content-Length: %d\r\n\r\n" % len(data) + data
    parts = [data[at : at + chunks] for at in range(0, len(data), chunks)]
    coded = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in [*parts, b""])
    return line + b"Transfer-Encoding: chunked\r\n\r\n" + coded


def transport_of(live: Live, client: Any) -> Any:
    return live.socket(client).transport


def waiting(live: Live, client: Any) -> Raw:
    """A connection on which a poll of a client waits."""
    raw = live.raw()
    raw.send_raw(poll(client))
    wait_for(lambda: transport_of(live, client).polling, "the poll waits")
    gevent.sleep(0.01)
    return raw


class Talk(Witness):
    """Sends each client what it says."""

    def on_say(self, number: int) -> None:
        self.emit("said", number)


def joined(live: Live) -> Any:
    client = live.polling_5()
    client.join("/chat")
    return client


def test_polls_that_wait_have_no_greenlets(
    serve: Serve, greenlets: Callable[[], list[Any]]
) -> None:
    live = serve({"/chat": fresh(Talk)})
    raws = [waiting(live, joined(live)) for _ in range(20)]
    wait_for(lambda: len(greenlets()) <= MOST_IDLE, "only those of the pool are left")
    for socket in live.server.sockets.values():
        socket.active_ns["/chat"].emit("news", 1)
    for raw in raws:
        assert raw.receive_reply().text == '42/chat,["news",1]'


def test_what_is_sent_in_one_turn_is_one_answer(serve: Serve) -> None:
    live = serve({"/chat": fresh(Talk)})
    client = joined(live)
    raw = waiting(live, client)
    for number in range(3):
        live.socket(client)["/chat"].emit("news", number)
    texts = [f'42/chat,["news",{number}]' for number in range(3)]
    assert raw.receive_reply().text == "\x1e".join(texts)


def test_a_request_behind_a_poll_is_answered_after_it(serve: Serve) -> None:
    live = serve({"/chat": fresh(Talk)})
    client = joined(live)
    raw = waiting(live, client)
    raw.send_raw(PAGE + post(client, '42/chat,["say",7]'))
    gevent.sleep(0.01)
    live.socket(client)["/chat"].emit("news", 1)
    answers = [raw.receive_reply().text for _ in range(3)]
    assert answers == ['42/chat,["news",1]', "a page", "ok"]
    assert client.event("/chat") == ["said", 7]


@pytest.mark.parametrize("sends", [b"", PAGE], ids=["nothing", "a request"])
@pytest.mark.parametrize("how", ["closed", "reset"])
def test_a_client_that_leaves_its_poll_is_noticed_at_once(
    serve: Serve, sends: bytes, how: str
) -> None:
    """No message has to come for it, nor a heartbeat."""
    live = serve({"/chat": fresh(Talk)}, heartbeat_interval=DEADLINE)
    client = joined(live)
    raw = waiting(live, client)
    raw.send_raw(sends)
    gevent.sleep(LOOK / 10)
    if how == "reset":
        raw.sock.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()
    transport = transport_of(live, client)
    wait_for(lambda: not transport.polling, "it is noticed")
    assert transport.deserted
    live.socket(client)["/chat"].emit("news", 1)
    assert client.event("/chat") == ["news", 1]  # the next poll gets it


@pytest.mark.parametrize("first", [b"", b"GET /", OPENING, PAGE], ids=repr)
def test_who_sends_nothing_more_is_not_waited_for(serve: Serve, first: bytes) -> None:
    live = serve(
        {"/chat": fresh(Talk)},
        header_timeout=0.1,
        keepalive_timeout=0.1,
        handshake_timeout=0.1,
    )
    raw = live.raw()
    raw.send_raw(first)
    if first.endswith(b"\r\n\r\n"):
        assert raw.receive_reply().status == 200
    raw.expect_end()
    assert not live.server.connections.direct


@pytest.fixture
def moved() -> Iterator[Callable[[float], None]]:
    """Moves the clock of the timers forward."""
    yield clock.advance
    clock.reset()


def test_each_request_renews_the_time(
    serve: Serve, moved: Callable[[float], None]
) -> None:
    live = serve({"/chat": fresh(Talk)}, header_timeout=5, keepalive_timeout=5)
    client = joined(live)
    raw = live.raw()
    for _ in range(4):
        raw.send_raw(post(client, '42/chat,["say",1]'))
        assert raw.receive_reply().text == "ok"
        moved(3)
    moved(3)
    raw.expect_end()
    live.socket(client).kill()


def test_a_poll_that_waits_is_not_idle(
    serve: Serve, moved: Callable[[float], None]
) -> None:
    live = serve({"/chat": fresh(Talk)}, header_timeout=5, keepalive_timeout=5)
    client = joined(live)
    raw = waiting(live, client)
    for _ in range(3):
        moved(6)
        gevent.sleep(0.01)
    live.socket(client)["/chat"].emit("news", 1)
    assert raw.receive_reply().text == '42/chat,["news",1]'
    live.socket(client).kill()


def test_nothing_is_left_of_a_server_that_stops(serve: Serve) -> None:
    live = serve({"/chat": fresh(Talk)})
    idle, fresh_one, client = live.raw(), live.raw(), joined(live)
    idle.send_raw(post(client, '42/chat,["echo",1]'))
    assert idle.receive_reply().text == "ok"
    raw = waiting(live, client)
    assert len(live.server.connections.direct) >= 3
    live.server.stop()
    assert raw.receive_reply().text == "1"
    for each in (idle, fresh_one, raw):
        each.expect_end()
    assert not live.server.connections.direct
    assert not live.server.hub.requests.number


def test_a_poll_whose_connection_the_server_closes_waits_no_longer(
    serve: Serve,
) -> None:
    live = serve({"/chat": fresh(Talk)})
    client = joined(live)
    raw = waiting(live, client)
    live.server.connections.close()
    raw.expect_end()
    assert not transport_of(live, client).polling
    assert not live.server.hub.requests.number
    live.socket(client).kill()


def test_nothing_of_one_handshake_reaches_the_next_on_its_connection(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """A proxy may send the requests of several clients over one connection."""
    kept, variable = threading.local(), ContextVar("variable", default="nobody")
    seen: list[tuple[str, str]] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append((getattr(kept, "user", "nobody"), variable.get()))
        kept.user = environ["QUERY_STRING"]
        variable.set(environ["QUERY_STRING"])
        gevent.Timeout.start_new(0.02)  # it is never cancelled
        gevent.sleep(0.01)
        return manage({"/chat": fresh(Talk)})(environ, start_response)

    live = serve(application=application, handshake_timeout=0.2)
    body = OPENING.replace(b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\n")
    for data in (OPENING * 4, body + b"12345" + OPENING, OPENING):
        raw = live.raw()
        raw.send_raw(data)
        for _ in range(data.count(b"GET ")):
            assert raw.receive_reply().status == 200
    raw = live.raw()
    raw.send_raw(body)
    assert raw.receive_reply().status == 200
    raw.send_raw(b"12345" + OPENING)
    assert raw.receive_reply().status == 200
    assert seen == [("nobody", "nobody")] * 9
    assert [each for each in caplog.records if each.levelname == "ERROR"] == []


@pytest.mark.parametrize("target", ["?EIO=4&transport=polling", "?EIO=9"])
def test_a_server_that_stops_serves_no_request_that_has_come_already(
    serve: Serve, target: str
) -> None:
    live = serve({"/chat": fresh(Talk)}, shutdown_timeout=0.2)
    request = f"OPTIONS {RESOURCE}/{target} {HEAD}\r\n".encode()
    raws = [live.raw() for _ in range(4)]
    for raw in raws:
        raw.send_raw(request * 2000)
    for raw in raws:
        assert raw.receive_reply().status == 204
    live.server.stop()
    wait_for(lambda: not live.server.connections.direct, "all connections end")
    assert not live.server.hub.requests.number


@pytest.mark.parametrize("part", [b"", b"42"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_server_that_stops_waits_for_no_body(
    serve: Serve, greenlets: Callable[[], list[Any]], method: str, part: bytes
) -> None:
    live = serve({"/chat": fresh(Talk)}, shutdown_timeout=0.1)
    client = joined(live)
    target = client.target if method == "POST" else f"{RESOURCE}/?EIO=4"
    raw = live.raw()
    raw.send_raw(f"{method} {target} {HEAD}Content-Length: 100\r\n\r\n".encode() + part)
    gevent.sleep(0.05)
    live.server.stop()
    wait_for(lambda: not live.server.hub.requests.number, "no request is served")
    wait_for(lambda: len(greenlets()) <= MOST_IDLE, "all greenlets end")
    wait_for(lambda: not live.server.connections.direct, "the connection ends")


def test_of_a_poll_that_waits_little_is_kept(serve: Serve) -> None:
    live = serve({"/chat": fresh(Talk)}, max_header_size=60_000)
    client = joined(live)
    raw = live.raw()
    large = "X-Large: " + "x" * 50_000
    raw.send_raw(f"GET {client.target} {HEAD}{large}\r\n\r\n".encode())
    wait_for(lambda: transport_of(live, client).polling, "the poll waits")
    gevent.sleep(0.01)
    texts = [each for each in gc.get_objects() if isinstance(each, dict)]
    assert not any("HTTP_X_LARGE" in each for each in texts)
    live.socket(client)["/chat"].emit("news", 1)
    assert raw.receive_reply().text == '42/chat,["news",1]'


def test_a_connection_ends_with_a_failure_that_nobody_expects(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    live = serve({"/chat": fresh(Talk)})
    client = joined(live)

    def fail(*args: Any) -> Any:
        raise LookupError("unexpected")

    monkeypatch.setattr(live.server, "get_socket", fail)
    raw = live.raw()
    raw.send_raw(poll(client) + PAGE)
    reply = raw.receive_reply()
    assert (reply.status, reply.text) == (500, "Internal Server Error")
    raw.expect_end()
    monkeypatch.undo()
    (record,) = [each for each in caplog.records if each.levelname == "ERROR"]
    assert record.getMessage() == f"GET {RESOURCE}/ failed"
    assert record.exc_info is not None
    assert client.sid not in caplog.text


@pytest.mark.parametrize("seed", range(30))
def test_requests_of_both_kinds_are_read_as_they_were_sent(
    serve: Serve, seed: int
) -> None:
    """In pieces of any size, with bodies of both kinds, some of them unread."""
    rng = random.Random(seed)
    live = serve({"/chat": fresh(Talk)})
    client = joined(live)
    data, expected, numbers = b"", [], 0
    for _ in range(rng.randrange(5, 25)):
        kind = rng.randrange(6)
        if kind == 0:
            data, expected = data + PAGE, [*expected, (200, "a page")]
        elif kind == 1:
            body = b"GET /hidden HTTP/1.1\r\nHost: here\r\n\r\n"
            length = b"Content-Length: %d\r\n\r\n" % len(body)
            data += f"POST /page {HEAD}".encode() + length + body
            expected.append((200, "a page"))
        elif kind == 2:
            unknown = client.target.replace(client.sid, "unknown")
            body = b"GET /hidden HTTP/1.1\r\nHost: here\r\n\r\n"
            length = b"Content-Length: %d\r\n\r\n" % len(body)
            data += f"POST {unknown} {HEAD}".encode() + length + body
            expected.append((400, '{"code":1,"message":"Session ID unknown"}'))
        else:
            count = rng.randrange(1, 4)
            packets = [
                f'42/chat,["say",{number}]'
                for number in range(numbers, numbers + count)
            ]
            chunks = rng.choice([0, 0, 1, 7, 100])
            data += post(client, "\x1e".join(packets), chunks)
            expected.append((200, "ok"))
            numbers += count
    raw = live.raw()
    sending = gevent.spawn(_send_pieces, raw, data, rng)
    got = [raw.receive_reply() for _ in expected]
    sending.get(timeout=DEADLINE)
    assert [(each.status, each.text) for each in got] == expected
    assert raw.received == b""
    events = [client.event("/chat") for _ in range(numbers)]
    assert events == [["said", number] for number in range(numbers)]


def _send_pieces(raw: Raw, data: bytes, rng: random.Random) -> None:
    while data:
        size = rng.choice([1, 3, 50, 200, 5000])
        raw.send_raw(data[:size])
        data = data[size:]
        if rng.random() < 0.3:
            gevent.sleep(0.001)
