"""Each limit of the server, at its value and one above, as a client notices it.

The rows are the server's options; an option without a row fails the last test.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import gevent
import pytest

from tgext.socketio.engine.hub.settings import OPTIONS
from tgext.socketio.wire.limits import MAX_REQUEST_LINE
from tgext.socketio.wire.socketio import v1 as socketio_1

from .. import test_generations
from ..clients import DEADLINE, Http, wait_for
from ..concurrency import test_heartbeat
from ..conftest import Serve
from ..handover import test_internal
from ..http import test_forms, test_forwarded, test_origins
from ..io import test_output as test_outbox
from ..io import test_proxied
from ..namespaces import test_ratelimits
from ..sample_namespaces import Echo, Witness, fresh
from ..server import test_handler, test_health, test_server, test_stopping
from ..server import test_opening as test_sessions
from ..session import test_candidate, test_recovery, test_watching
from ..session import test_decoder as test_assembler
from ..transports import test_polling as test_transports
from . import test_account

POLLING = "/socket.io/?EIO=4&transport=polling"
HANDSHAKE_1 = "/socket.io/1/"

#: Bytes that a message may have in these tests.
SIZE = 1000


def event_of(client: Any, size: int) -> str:
    """An event whose message, or body, has this number of bytes."""
    text: str = client.dialect.event("/chat", "echo", ("",), 1)
    overhead = len(text)
    if client.__class__.__name__ == "Polling4":
        overhead += len("996:")
    text = client.dialect.event("/chat", "echo", ("x" * (size - overhead),), 1)
    return text


# max_message_size


def test_a_message_as_large_as_is_allowed(serve: Serve, kind: str) -> None:
    client = serve({"/chat": Echo}, max_message_size=SIZE).joined(kind)
    client.send(event_of(client, SIZE))
    assert client.read()["type"] == "ack"


def test_a_message_one_byte_larger(serve: Serve, kind: str) -> None:
    namespace = fresh(Witness)
    client = serve({"/chat": namespace}, max_message_size=SIZE).joined(kind)
    text = event_of(client, SIZE + 1)
    if "polling" in kind:
        assert client.post(text).status == 413
    else:
        client.send(text)
        client.receive()  # the farewell
        assert client.websocket.receive_close() == 1009
    wait_for(lambda: namespace.left, "the client is sent away")
    assert namespace.left == ["parse error"]


# max_connections


@pytest.mark.parametrize("target", [POLLING, HANDSHAKE_1])
@pytest.mark.parametrize("name", ["max_connections", "max_connections_per_address"])
def test_as_many_connections_as_are_allowed_and_one_more(
    serve: Serve, name: str, target: str
) -> None:
    live = serve({"/chat": Echo}, **{name: 3}, handshake_timeout=0.3)
    http = live.http()
    assert [http.get(target).status for _ in range(4)] == [200, 200, 200, 503]
    wait_for(lambda: not live.server.sockets, "they are dropped, as nobody comes")
    assert http.get(target).status == 200


# handshake_timeout, header_timeout, body_timeout, send_timeout, keepalive_timeout


def post_head(client: Any, length: int) -> bytes:
    head = f"POST {client.target} HTTP/1.1\r\nHost: here\r\nContent-Length: {length}"
    return f"{head}\r\n\r\n".encode()


@pytest.mark.parametrize("kind", ["0.9-xhr-polling", "2-polling", "4-polling"])
def test_a_body_that_comes_in_time(serve: Serve, kind: str) -> None:
    live = serve({"/chat": Echo}, body_timeout=DEADLINE)
    client = live.joined(kind)
    body = client.dialect.event("/chat", "echo", (1,), 1).encode()
    if kind.startswith("2"):
        body = b"%d:%s" % (len(body), body)
    raw = live.raw()
    raw.send_raw(post_head(client, len(body)))
    for byte in body:
        raw.send_raw(bytes([byte]))
    assert raw.receive_reply().status == 200
    assert client.read()["type"] == "ack"


@pytest.mark.parametrize("kind", ["0.9-xhr-polling", "2-polling", "4-polling"])
def test_a_body_that_takes_too_long(serve: Serve, kind: str) -> None:
    live = serve({"/chat": Echo}, body_timeout=0.3)
    client = live.joined(kind)
    raw = live.raw()
    raw.send_raw(post_head(client, 1000))

    def trickle() -> None:
        """Send a byte at a time, each before the time-out."""
        try:
            while True:
                raw.send_raw(b"a")
                gevent.sleep(0.02)
        except OSError:
            pass

    trickling = gevent.spawn(trickle)
    assert raw.receive_reply().status == 408
    trickling.get(timeout=DEADLINE)
    assert client.call("/chat", "echo", 1) == [1]


def test_a_body_that_nobody_wants_is_not_waited_for_for_ever(serve: Serve) -> None:
    """It is read before the next request; a slow one would occupy its greenlet."""
    live = serve({"/chat": Echo}, body_timeout=0.3)
    raw = live.raw()
    raw.send_raw(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n\r\n")
    assert raw.receive_reply().status == 200

    def trickle() -> None:
        try:
            while True:
                raw.send_raw(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"[:5])
                gevent.sleep(0.02)
        except OSError:
            pass

    gevent.spawn(trickle).get(timeout=DEADLINE)
    # No request was read, so nothing was answered.
    assert raw.received == b""


def test_a_page_waits_for_a_body_no_longer_either(serve: Serve) -> None:
    ended: list[OSError] = []

    def application(environ: Any, start_response: Any) -> list[bytes]:
        try:
            environ["wsgi.input"].read()
        except OSError as error:
            ended.append(error)
        start_response("400 Bad Request", [("Content-Length", "0")])
        return []

    live = serve(application=application, body_timeout=0.1)
    raw = live.raw()
    raw.send_raw(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\nabc")
    assert raw.receive_reply().status == 400
    assert len(ended) == 1


def test_a_page_that_waits_in_vain_for_a_body_is_answered_for(
    serve: Serve, unhandled: list[BaseException]
) -> None:
    def application(environ: Any, start_response: Any) -> list[bytes]:
        environ["wsgi.input"].read()
        raise AssertionError("it has come")

    raw = serve(application=application, body_timeout=0.1).raw()
    raw.send_raw(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\nabc")
    reply = raw.receive_reply()
    assert (reply.status, reply.headers["Connection"]) == (408, "close")
    raw.expect_end()
    assert unhandled == []


def test_who_takes_nothing_of_an_answer_is_let_go(
    serve: Serve, unhandled: list[BaseException]
) -> None:
    def application(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b"x" * 20_000_000]

    live = serve(application=application, send_timeout=0.3)
    raw = live.raw()
    raw.send_raw(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
    wait_for(lambda: live.server.hub.requests.number, "the request begins")
    wait_for(lambda: not live.server.hub.requests.number, "it is given up")
    assert unhandled == []


def test_who_takes_it_slowly_is_not(serve: Serve) -> None:
    def application(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Length", "5000000")])
        return [b"x" * 5_000_000]

    live = serve(application=application, send_timeout=0.5)
    raw = live.raw()
    raw.send_raw(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
    raw.receive_head()
    received = len(raw.received)
    while received < 5_000_000:
        gevent.sleep(0.02)
        received += len(raw.sock.recv(100_000))


def test_a_connection_without_a_further_request_is_closed(serve: Serve) -> None:
    live = serve({}, keepalive_timeout=0.2)
    raw = live.raw()
    for _ in range(2):
        raw.send_raw(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        assert raw.receive_reply().status == 200
    raw.expect_end()


# max_header_size


def head_of(size: int, line: bytes = b"GET /") -> bytes:
    """A request whose head has this number of bytes."""
    head = line + b" HTTP/1.1\r\nHost: here\r\nX: "
    return head + b"x" * (size - len(head) - 4) + b"\r\n\r\n"


@pytest.mark.parametrize("size", [300, 8192, 65536])
def test_headers_as_large_as_is_allowed_and_larger(serve: Serve, size: int) -> None:
    live = serve({"/chat": Echo}, max_header_size=size)
    neighbour = live.joined("4-websocket")
    raw = live.raw()
    for _ in range(2):
        raw.send_raw(head_of(size))
        assert raw.receive_reply().text == "a page"
    raw.send_raw(head_of(size + 1))
    reply = raw.receive_reply()
    assert (reply.status, reply.headers["Connection"]) == (431, "close")
    assert "max_header_size" in reply.text
    raw.expect_end()
    assert neighbour.call("/chat", "echo", 1) == [1]


def test_headers_without_an_end_are_refused_when_they_are_too_large(
    serve: Serve,
) -> None:
    raw = serve({}).raw()
    raw.send_raw(head_of(200_000)[:-4])
    assert raw.receive_reply().status == 431
    raw.expect_end()


def test_many_headers_and_a_long_query(serve: Serve) -> None:
    live = serve({"/chat": Echo}, handshake_timeout=0.3)
    headers = {f"X-Header-{number}": "x" * 100 for number in range(120)}
    http = live.http()
    assert http.get("/", headers).text == "a page"
    assert http.get("/?q=" + "x" * 14_000).text == "a page"
    reply = http.get(f"{POLLING}&token={'x' * 14_000}", headers)
    assert reply.status == 200
    environ = live.server.sockets[json.loads(reply.text[1:])["sid"]].environ
    assert len(environ["QUERY_STRING"]) > 14_000
    texts = [each for each in environ.values() if isinstance(each, str)]
    assert sum(map(sys.getsizeof, texts)) < 65536


@pytest.mark.parametrize("end", [b" HTTP/1.1\r\nHost: here\r\n\r\n", b""])
def test_a_request_line_as_long_as_is_allowed_and_longer(
    serve: Serve, end: bytes
) -> None:
    line = b"GET /" + b"x" * (MAX_REQUEST_LINE - len(b"GET / HTTP/1.1"))
    raw = serve({}).raw()
    raw.send_raw(line + b" HTTP/1.1\r\nHost: here\r\n\r\n")
    assert raw.receive_reply().text == "a page"
    raw.send_raw(line + b"x" * 20 + end)
    assert raw.receive_reply().status == 414
    raw.expect_end()


# Methods


def test_a_handshake_with_another_method_is_a_bad_request(serve: Serve) -> None:
    """As the reference server has it: error 2, whichever method it is."""
    http: Http = serve({}).http()
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        reply = http.request(method, POLLING, b"")
        assert reply.status == 400
        assert reply.json == {"code": 2, "message": "Bad handshake method"}
    assert http.request("PUT", HANDSHAKE_1, b"").status == 405
    assert socketio_1.NOOP


# All options

#: The tests of each option at its limit and above.
TESTS: dict[str, tuple[object, ...]] = {
    "transports": (test_generations,),
    "heartbeat_interval": (test_heartbeat,),
    "heartbeat_timeout": (test_heartbeat,),
    "close_timeout": (test_generations,),
    "handshake_timeout": (test_sessions,),
    "recovery_window": (test_recovery.test_the_time_within_which_a_client_recovers,),
    # What it limits is above the engine: tests/.../messaging/test_recovery_bounds.py.
    "max_recovery_log": (),
    "connect_timeout": (
        test_candidate.test_a_way_in_that_ends_in_time,
        test_candidate.test_a_way_in_that_never_ends_is_refused,
    ),
    "shutdown_timeout": (test_stopping,),
    "max_message_size": (
        test_a_message_as_large_as_is_allowed,
        test_a_message_one_byte_larger,
    ),
    "max_attachments": (
        test_assembler.test_as_many_attachments_as_are_allowed,
        test_transports,
    ),
    "max_attachments_size": (
        test_assembler.test_attachments_as_large_as_is_allowed_together_and_larger,
    ),
    "max_outbox": (
        test_outbox.test_a_client_that_reads_in_time_gets_all,
        test_outbox.test_a_client_that_does_not_read_is_disconnected_and_others_are_not,
    ),
    "max_rooms": (test_account.test_as_many_rooms_as_are_allowed_and_one_more,),
    # An option of TurboGears: see tests/turbogears/pubsub/test_subscribing.py.
    "max_channels": (),
    "max_jobs": (test_account.test_as_many_jobs_as_a_connection_may_have_and_one_more,),
    "max_pending_acks": (
        test_account.test_as_many_acks_as_a_client_may_owe_and_one_more,
    ),
    "slow_timeout": (
        test_outbox.test_a_client_that_reads_slowly_gets_all,
        test_outbox.test_a_client_that_does_not_read_is_disconnected_and_others_are_not,
    ),
    "max_events_per_second": (
        test_ratelimits.test_a_server_limits_the_events_of_each_connection,
    ),
    "max_connections": (test_as_many_connections_as_are_allowed_and_one_more,),
    "max_connections_per_address": (
        test_as_many_connections_as_are_allowed_and_one_more,
        test_server,
    ),
    "allowed_origins": (test_origins,),
    "health_path": (test_health,),
    "slow_event": (test_watching,),
    "trusted_proxies": (test_forwarded,),
    "proxy_protocol": (test_proxied,),
    "cookie": (test_sessions,),
    "cookie_samesite": (test_sessions,),
    "internal_address": (test_internal,),
    "max_header_size": (
        test_headers_as_large_as_is_allowed_and_larger,
        test_headers_without_an_end_are_refused_when_they_are_too_large,
    ),
    "max_form_fields": (test_forms,),
    "header_timeout": (
        test_handler.test_a_connection_between_two_requests_has_time,
        test_handler.test_the_time_for_headers_does_not_limit_bodies_polls_and_websockets,
    ),
    "body_timeout": (test_a_body_that_comes_in_time, test_a_body_that_takes_too_long),
    "send_timeout": (
        test_who_takes_it_slowly_is_not,
        test_who_takes_nothing_of_an_answer_is_let_go,
    ),
    "keepalive_timeout": (test_a_connection_without_a_further_request_is_closed,),
    "certfile": (),
    "keyfile": (),
}


def test_each_option_has_its_tests() -> None:
    assert set(OPTIONS) == set(TESTS)
