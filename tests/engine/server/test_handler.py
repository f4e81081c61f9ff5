"""Connections that serve requests of Socket.IO, and pages beside them."""

from __future__ import annotations

from typing import Any

import gevent
import pytest

from ..clients import (
    DEADLINE,
)
from ..conftest import Serve
from ..sample_namespaces import Echo, Holding, fresh
from .test_polling import hanging

POLLING = "/socket.io/?EIO=4&transport=polling"
WEBSOCKET = "/socket.io/?EIO=4&transport=websocket"


def test_browsers_do_not_guess_types(serve: Serve) -> None:
    """Answers that quote a client's text are not scripts (Fetch, "nosniff")."""
    live = serve({"": Echo}, allowed_origins=["http://listed.example"])
    http = live.http()
    sid_1 = http.get("/socket.io/1/").text.partition(":")[0]
    opened = http.get(POLLING.replace("4", "3")).text
    sid_3 = opened.partition('"sid":"')[2].partition('"')[0]
    foreign = {"Origin": "http://elsewhere.example"}
    listed = {"Origin": "http://listed.example"}
    replies = [
        http.get("/socket.io/1/"),
        http.get("/socket.io/1/?jsonp=0"),
        http.get("/socket.io/1/?jsonp=x"),
        http.get("/socket.io/1/", foreign),
        http.get(f"/socket.io/1/xhr-polling/{sid_1}"),
        http.post(f"/socket.io/1/xhr-polling/{sid_1}", "2::"),
        http.get("/socket.io/1/xhr-polling/abc"),
        http.get("/socket.io/1/websocket/abc"),
        http.get(f"/socket.io/1//{sid_1}"),
        http.get(POLLING),
        http.get(POLLING, foreign),
        http.get(POLLING, listed),
        http.get(POLLING.replace("4", "3") + "&j=0"),
        http.get(POLLING.replace("4", "9")),
        http.get(POLLING + "&sid=abc"),
        http.post(f"{POLLING.replace('4', '3')}&sid={sid_3}", "2:1x"),
        http.get(WEBSOCKET),
        http.request("OPTIONS", POLLING),
        http.request("OPTIONS", POLLING, headers=listed),
        http.request("PUT", "/socket.io/1/"),
    ]
    assert {each.status for each in replies} == {200, 204, 400, 403, 405}
    for reply in replies:
        assert reply.headers.get_all("X-Content-Type-Options") == ["nosniff"]
    assert http.get("/page").headers["X-Content-Type-Options"] is None
    for socket in list(live.server.sockets.values()):
        socket.kill()


def test_what_the_application_refuses_with_says_it_once(serve: Serve) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        headers = [("x-content-type-options", "nosniff"), ("Content-Type", "text/html")]
        start_response("401 Unauthorized", headers)
        return [b"<p>"]

    reply = serve(application=application).http().get(POLLING)
    assert reply.headers.get_all("X-Content-Type-Options") == ["nosniff"]


@pytest.mark.cites("Real clients, HTTP 2")
def test_pages_and_polls_share_a_connection(serve: Serve) -> None:
    live = serve({"/chat": Echo})
    http = live.http()
    assert http.get("/").text == "a page"
    reply = http.get(POLLING)
    client = live.polling_5()
    assert http.get("/socket.io/").text == "a page"
    assert http.post(client.target, "40/chat,").text == "ok"
    assert http.get(client.target).text.startswith("40/chat,")
    assert http.get("/").text == "a page"
    sid = reply.text.split('"')[3]
    assert http.post(f"{POLLING}&sid={sid}", "1").text == "ok"


@pytest.mark.cites("Real clients, HTTP 1")
@pytest.mark.parametrize("target", ["/", POLLING, "/socket.io/1/xhr-polling/unheard"])
def test_a_connection_that_is_closed_is_announced(serve: Serve, target: str) -> None:
    """Otherwise a client that reuses the connection would lose its next request."""
    live = serve({}, handshake_timeout=0.2)
    for version, asked, said in [
        ("1.1", "Connection: close\r\n", "close"),
        ("1.0", "", "close"),
        ("1.1", "", None),
    ]:
        raw = live.raw()
        raw.send_raw(f"GET {target} HTTP/{version}\r\nHost: h\r\n{asked}\r\n".encode())
        reply = raw.receive_reply()
        assert reply.headers.get_all("Connection") == (said and [said])
        if said is None:
            # The connection is kept for any number of requests.
            raw.send_raw(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            assert raw.receive_reply().body == b"a page"
        raw.expect_end()


@pytest.mark.cites("Real clients, HTTP 1")
def test_a_server_that_stops_says_that_it_closes(serve: Serve) -> None:
    namespace = fresh(Holding, recv_disconnect=Holding.hold)
    live = serve({"/chat": namespace})
    client, http = live.polling_5(), live.http()
    client.join("/chat")
    assert http.get("/").headers["Connection"] is None
    stopping = gevent.spawn(live.server.stop)
    assert namespace.entered.wait(DEADLINE)
    for each, target in ((http, "/"), (live.http(), POLLING)):
        assert each.get(target).headers["Connection"] == "close"
    namespace.go_on.set()
    assert client.gets.get(client.target).headers["Connection"] == "close"
    stopping.get(timeout=DEADLINE)


def test_a_connection_between_two_requests_has_time(serve: Serve) -> None:
    live = serve(header_timeout=0.1)
    raw, http, slow = live.raw(), live.http(), live.raw()
    for each in (raw, http):
        if each is http:
            assert http.get("/").text == "a page"
        else:
            raw.send_raw(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
            assert raw.receive_reply().status == 200
    # A connection that began later has been given up meanwhile.
    late = live.raw()
    late.expect_end()
    assert http.get("/").text == "a page"
    raw.send_raw(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
    assert raw.receive_reply().status == 200
    # The time of a second request is limited like that of the first.
    raw.send_raw(b"G")
    raw.expect_end()
    slow.expect_end()


def test_a_kept_connection_may_be_closed_by_the_client(serve: Serve) -> None:
    live = serve(header_timeout=0.1)
    raw = live.raw()
    raw.send_raw(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
    assert raw.receive_reply().status == 200
    raw.close()


def test_requests_may_follow_each_other_without_waiting(serve: Serve) -> None:
    raw = serve(header_timeout=0.1).raw()
    raw.send_raw(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n" * 3)
    for _ in range(3):
        assert raw.receive_reply().body == b"a page"


def test_the_time_for_headers_does_not_limit_bodies_polls_and_websockets(
    serve: Serve,
) -> None:
    live = serve({"/chat": Echo}, header_timeout=0.1)
    websocket, polling = live.websocket_5(), live.polling_5()
    websocket.join("/chat")
    polling.join("/chat")
    poll = hanging(live, polling)
    raw = live.raw()
    head = f"POST {polling.target} HTTP/1.1\r\nHost: here\r\nContent-Length: 19"
    raw.send_raw(head.encode() + b"\r\n\r\n")
    # A connection that began later is given up.
    live.raw().expect_end()
    raw.send_raw(b'42/chat,7["echo",1]')
    assert raw.receive_reply().status == 200
    assert poll.get(timeout=DEADLINE).status == 200
    assert websocket.call("/chat", "echo", 1) == [1]
