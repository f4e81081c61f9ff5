"""The requests of Socket.IO, as HTTP."""

from __future__ import annotations

from typing import Any

import gevent
import pytest

from tgext.socketio.engine.http import connection

from ..clients import (
    DEADLINE,
    Polling1,
    Polling5,
    WebSocket1,
    handshake_1,
    kinds,
    wait_for,
)
from ..conftest import Live, Serve
from ..sample_namespaces import Echo, Holding, Witness, fresh

POLLING = "/socket.io/?EIO=4&transport=polling"
WEBSOCKET = "/socket.io/?EIO=4&transport=websocket"


def test_no_browser_looks_for_a_type_of_its_own(serve: Serve) -> None:
    """What a client sent, or was refused for, is no script (Fetch, section 3.6)."""
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


@pytest.mark.parametrize(
    ("offered", "answer"),
    [("chat", "chat"), ("b, a", "b"), (None, None), ("", None)],
)
def test_an_offered_subprotocol_is_chosen(
    serve: Serve, offered: str | None, answer: str | None
) -> None:
    """Browsers fail where they offer some and none is chosen (RFC 6455, 4.1)."""
    live = serve({"/chat": Echo})
    headers = {"Sec-WebSocket-Protocol": offered}
    polling = live.polling_5()
    sid = handshake_1(live.http())[0]
    for target in (
        WEBSOCKET,
        WEBSOCKET.replace("4", "3"),
        polling.target.replace("polling", "websocket"),
        f"/socket.io/1/websocket/{sid}",
    ):
        websocket = live.websocket(target, headers=headers)
        assert websocket.status == 101
        chosen = websocket.headers.get_all("Sec-WebSocket-Protocol", [])
        assert chosen == ([answer] if answer else [])
        websocket.close()


def test_extensions_that_nobody_can_read_are_not_looked_at(serve: Serve) -> None:
    """None is ever agreed on (RFC 6455, section 9.1)."""
    live = serve({"/chat": Echo})
    for offers in ("a; =b", ";", 'permessage-deflate; x="', "permessage-deflate"):
        websocket = live.websocket(
            WEBSOCKET, headers={"Sec-WebSocket-Extensions": offers}
        )
        assert websocket.status == 101
        assert websocket.headers["Sec-WebSocket-Extensions"] is None
        websocket.close()


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: 1000000\r\n\r\nthe first bytes",
        b"Transfer-Encoding: chunked\r\n\r\nc8\r\n" + b"x" * 200 + b"\r\n",
    ],
    ids=["stated", "chunked"],
)
def test_a_body_past_the_limit_is_refused_unread(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    monkeypatch.setattr(connection, "LINGER", 0.1)
    live = serve({}, max_message_size=100)
    client = live.polling_5()
    raw = live.raw()
    raw.send_raw(f"POST {client.target} HTTP/1.1\r\nHost: here\r\n".encode() + body)
    reply = raw.receive_reply()
    assert reply.status == 413
    assert reply.headers["Connection"] == "close"
    raw.expect_end()
    assert client.sid not in live.server.sockets


def test_a_body_that_is_cut_off_is_no_error_of_the_server(serve: Serve) -> None:
    live = serve({})
    client = live.polling_5()
    raw = live.raw()
    head = f"POST {client.target} HTTP/1.1\r\nHost: here\r\nContent-Length: 50\r\n\r\n4"
    raw.send_raw(head.encode())
    wait_for(lambda: live.server.hub.requests.number, "the request arrives")
    raw.close()
    wait_for(lambda: not live.server.hub.requests.number, "the request ends")


@pytest.mark.cites("Engine.IO 4, Handshake 3")
@pytest.mark.parametrize("kind", kinds("polling"))
def test_a_body_of_the_largest_size_is_taken(serve: Serve, kind: str) -> None:
    live = serve({"/chat": Echo}, max_message_size=1000)
    client = live.client(kind)
    client.join("/chat")
    empty = client.dialect.event("/chat", "echo", ("",), 1)
    # Before it stand its length and a colon where payloads have them.
    text = "x" * (1000 - len(empty) - (4 if kind.startswith("2") else 0))
    assert client.call("/chat", "echo", text) == [text]
    reply: Any = client.post(  # type: ignore[attr-defined]
        client.dialect.event("/chat", "echo", (text + "x",), 1)
    )
    assert reply.status == 413


def test_a_chunked_body_is_taken(serve: Serve) -> None:
    live = serve({"/chat": Echo})
    client = live.polling_5()
    raw = live.raw()
    head = f"POST {client.target} HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked"
    raw.send_raw(head.encode() + b"\r\n\r\n3\r\n40/\r\n5\r\nchat,\r\n0\r\n\r\n")
    assert raw.receive_reply().body == b"ok"
    assert client.read()["endpoint"] == "/chat"


# What cannot be


@pytest.mark.cites(
    "Engine.IO 3, URLs 2",
    "Engine.IO 4, Query parameters 1",
    "Engine.IO 4, Sending data 1",
    "Engine.IO 4, Receiving data 1",
    "Engine.IO 4, WebSocket 1",
)
@pytest.mark.parametrize(
    ("target", "code", "message"),
    [
        ("/socket.io/?EIO=4", 0, "Transport unknown"),
        ("/socket.io/?EIO=4&transport=flashsocket", 0, "Transport unknown"),
        ("/socket.io/?EIO=4&transport=xhr-polling", 0, "Transport unknown"),
        ("/socket.io/?EIO=4&transport=flashsocket&sid=SID", 0, "Transport unknown"),
        ("/socket.io/?EIO=1&transport=polling", 5, "Unsupported protocol version"),
        ("/socket.io/?EIO=5&transport=websocket", 5, "Unsupported protocol version"),
        ("/socket.io/?EIO=5&transport=polling", 5, "Unsupported protocol version"),
        (
            "/socket.io/?EIO=5&transport=polling&sid=SID",
            5,
            "Unsupported protocol version",
        ),
    ],
)
def test_engineio_says_what_was_wrong(
    serve: Serve, target: str, code: int, message: str
) -> None:
    live = serve({"/chat": Echo})
    client = live.polling_5()
    reply = live.http().get(target.replace("SID", client.sid))
    assert reply.status == 400
    assert reply.json == {"code": code, "message": message}
    assert reply.headers["Content-Type"] == "application/json"
    # Who was there is not harmed.
    client.join("/chat")


@pytest.mark.cites("Socket.IO 1, Transport ID 1")
@pytest.mark.parametrize("transport", ["flashsocket", "polling", "unheard"])
def test_a_0_9_client_is_refused_a_transport_that_is_not_served(
    serve: Serve, transport: str
) -> None:
    live = serve({}, handshake_timeout=0.2)
    http = live.http()
    sid = http.get("/socket.io/1/").text.partition(":")[0]
    reply = http.get(f"/socket.io/1/{transport}/{sid}")
    assert (reply.status, reply.text) == (400, "Transport unknown")


def test_a_0_9_client_polls_before_it_posts(serve: Serve) -> None:
    live = serve({}, handshake_timeout=0.1)
    http = live.http()
    sid = http.get("/socket.io/1/").text.partition(":")[0]
    reply = http.post(f"/socket.io/1/xhr-polling/{sid}", "1::/chat")
    assert (reply.status, reply.text) == (400, "Bad request")


# WebSocket handshakes


def targets(live: Live) -> list[str]:
    """Where a WebSocket can be opened."""
    sid = live.http().get("/socket.io/1/").text.partition(":")[0]
    upgrade = live.polling_5().target.replace("polling", "websocket")
    return [WEBSOCKET, upgrade, f"/socket.io/1/websocket/{sid}"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upgrade": None}, 400),
        ({"Upgrade": "h2c"}, 400),
        ({"Connection": None}, 400),
        ({"Connection": "keep-alive"}, 400),
        ({"Sec-WebSocket-Version": None}, 426),
        ({"Sec-WebSocket-Version": "8"}, 426),
        ({"Sec-WebSocket-Key": None}, 400),
        ({"Sec-WebSocket-Key": "c2hvcnQ="}, 400),
        ({"Sec-WebSocket-Key": "not base64 at all !!"}, 400),
        ({"Sec-WebSocket-Key": "ä" * 24}, 400),
    ],
)
def test_a_websocket_handshake_that_cannot_be_accepted(
    serve: Serve, headers: dict[str, str | None], status: int
) -> None:
    live = serve({"/chat": Echo}, handshake_timeout=0.2)
    for target in targets(live):
        reply = live.websocket(target, headers=headers).refusal()
        assert (reply.status, reply.text) == (status, "Invalid WebSocket request")
        version = "13" if status == 426 else None
        assert reply.headers["Sec-WebSocket-Version"] == version
        # The HTTP connection and the session go on; another try succeeds.
        if target != WEBSOCKET:
            assert live.websocket(target).status == 101


def test_a_websocket_is_opened_by_a_get(serve: Serve) -> None:
    """RFC 6455, section 4.1: "The method of the request MUST be GET"."""
    live = serve({}, handshake_timeout=0.2)
    for target in targets(live):
        websocket = live.websocket(target, method="POST")
        assert websocket.status == 400


@pytest.mark.parametrize("upgrade", ["websocket", "WebSocket", "h2c, websocket"])
def test_header_values_are_read_as_http_has_them(serve: Serve, upgrade: str) -> None:
    headers = {"Upgrade": upgrade, "Connection": "Keep-Alive, UPGRADE"}
    live = serve({"/chat": Echo})
    client = live.websocket_5(headers=headers)
    client.join("/chat")


# Overlapping polls


def hanging(live: Live, client: Polling1 | Polling5) -> gevent.Greenlet[..., Any]:
    """A poll that waits, on a connection of its own."""
    http = live.http()
    poll = gevent.spawn(http.get, client.target)
    transport: Any = live.socket(client).transport
    wait_for(lambda: transport.polling, "a poll waits")
    return poll


@pytest.mark.cites("Socket.IO 1, Noop 1")
def test_a_0_9_client_may_give_up_a_poll(serve: Serve) -> None:
    """It polls anew, and the old poll, which may have gone, must take nothing."""
    live = serve({"/chat": Echo})
    client: Any = live.client("0.9-xhr-polling")
    client.join("/chat")
    first = hanging(live, client)
    client.gets.get(client.target)
    assert first.get(timeout=DEADLINE).text == "8::"
    client.emit("/chat", "echo", 1, number=2)
    answer = client.receive()
    while answer == "8::":
        answer = client.receive()
    assert answer == "6::/chat:2+[1]"


# Leaving


@pytest.mark.cites("Socket.IO 1, Query 1", "Socket.IO 1, Forced disconnection 1")
def test_a_0_9_client_leaves_by_a_request(serve: Serve) -> None:
    namespace = fresh(Witness)
    live = serve({"/chat": namespace})
    for number, target in enumerate(
        ["/socket.io/1//SID", "/socket.io/1/xhr-polling/SID?disconnect=1"]
    ):
        for client in (live.client("0.9-xhr-polling"), live.client("0.9-websocket")):
            client.join("/chat")
            reply = live.http().get(target.replace("SID", client.sid))
            assert (reply.status, reply.body) == (200, b"")
            assert client.sid not in live.server.sockets
            if isinstance(client, WebSocket1):
                assert client.websocket.receive_close() == 1000
        assert namespace.left == ["client namespace disconnect"] * 2 * (number + 1)


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
def test_a_connection_that_is_closed_is_said_to_be(serve: Serve, target: str) -> None:
    """A client that keeps its connections would send its next request into nothing."""
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
            # It is kept, for as many requests as the client has.
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


# Headers that take their time


def test_a_connection_between_two_requests_has_time(serve: Serve) -> None:
    live = serve(header_timeout=0.1)
    raw, http, slow = live.raw(), live.http(), live.raw()
    for each in (raw, http):
        if each is http:
            assert http.get("/").text == "a page"
        else:
            raw.send_raw(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
            assert raw.receive_reply().status == 200
    # Another one, which began later, has been given up meanwhile.
    late = live.raw()
    late.expect_end()
    assert http.get("/").text == "a page"
    raw.send_raw(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
    assert raw.receive_reply().status == 200
    # But once a request has begun, it has no more than the first.
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


def test_the_time_for_headers_is_none_for_bodies_polls_and_websockets(
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
