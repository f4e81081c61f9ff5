"""Which pages may connect."""

from __future__ import annotations

import pytest

from .conftest import Serve

HANDSHAKE = "/socket.io/?EIO=4&transport=polling"
LISTED = "https://listed.example"
CREDENTIALS = "Access-Control-Allow-Credentials"
ORIGIN = "Access-Control-Allow-Origin"


@pytest.mark.cites("Engine.IO 3, XHR 1")
@pytest.mark.parametrize(
    "origin", ["http://elsewhere", "null", "::", "http://[", "http://[::1"]
)
def test_a_foreign_origin_is_refused(serve: Serve, origin: str) -> None:
    reply = serve().http().get(HANDSHAKE, {"Origin": origin})
    assert reply.status == 403
    assert reply.json == {"code": 4, "message": "Forbidden"}
    assert reply.headers[ORIGIN] is None


@pytest.mark.parametrize(
    "target",
    [
        HANDSHAKE,
        "/socket.io/1/",
        "/socket.io/1/xhr-polling/abc",
        "/socket.io/1//abc",
        "/socket.io/?EIO=4&transport=polling&sid=abc",
        "/socket.io/?EIO=3&transport=polling",
    ],
)
def test_a_foreign_origin_is_refused_before_all_else(serve: Serve, target: str) -> None:
    http = serve(allowed_origins=[LISTED]).http()
    for method in ("GET", "POST", "OPTIONS"):
        reply = http.request(method, target, headers={"Origin": "http://elsewhere"})
        assert reply.status == 403
        assert reply.headers[ORIGIN] is None


def test_a_foreign_page_opens_no_websocket(serve: Serve) -> None:
    live = serve(allowed_origins=[LISTED])
    foreign = {"Origin": "http://elsewhere"}
    session = live.polling_5()
    for target in (
        HANDSHAKE.replace("polling", "websocket"),
        session.target.replace("polling", "websocket"),
    ):
        websocket = live.websocket(target, headers=foreign)
        assert websocket.refusal().status == 403
    assert list(live.server.sockets) == [session.sid]


@pytest.mark.cites("Engine.IO 3, XHR 1")
@pytest.mark.parametrize(
    ("allowed", "origin", "answer", "credentials"),
    [
        ([], "http://HOST", None, None),
        # A proxy in front may speak TLS.
        ([], "https://HOST", None, None),
        ([LISTED], None, None, None),
        ([LISTED], LISTED, LISTED, "true"),
        ([LISTED + "/"], LISTED, LISTED, "true"),
        (["HTTPS://Listed.Example"], LISTED, LISTED, "true"),
        ([LISTED], "http://HOST", None, None),
        (["*"], "http://elsewhere", "*", None),
        (["*", LISTED], LISTED, LISTED, "true"),
    ],
)
def test_a_page_that_may_connect_is_told_so(
    serve: Serve,
    allowed: list[str],
    origin: str | None,
    answer: str | None,
    credentials: str | None,
) -> None:
    live = serve({}, allowed_origins=allowed)
    headers = {}
    if origin is not None:
        headers["Origin"] = origin.replace("HOST", f"127.0.0.1:{live.port}")
    reply = live.http().get(HANDSHAKE, headers)
    assert reply.status == 200
    assert reply.headers[ORIGIN] == answer
    assert reply.headers[CREDENTIALS] == credentials
    # What is answered by origin must not be cached for another.
    assert reply.headers["Vary"] == ("Origin" if credentials else None)
    assert live.websocket_5(headers=headers).websocket.status == 101
    for socket in list(live.server.sockets.values()):
        socket.kill()


def test_an_error_can_be_read_by_a_page_that_may_connect(serve: Serve) -> None:
    target = "/socket.io/?EIO=4&transport=polling&sid=abc"
    reply = serve(allowed_origins=[LISTED]).http().get(target, {"Origin": LISTED})
    assert reply.status == 400
    assert reply.headers[ORIGIN] == LISTED


def test_a_preflight_request_opens_nothing(serve: Serve) -> None:
    live = serve({}, allowed_origins=[LISTED])
    reply = live.http().request("OPTIONS", HANDSHAKE, headers={"Origin": LISTED})
    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers[ORIGIN] == LISTED
    assert reply.headers[CREDENTIALS] == "true"
    assert reply.headers["Access-Control-Allow-Methods"] == "GET, POST, OPTIONS"
    assert reply.headers["Access-Control-Allow-Headers"] == "Content-Type"
    assert live.server.sockets == {}
