"""A client that asks where the server has no Socket.IO is told of in the log."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tgext.socketio.engine.server.astray import is_handshake, without_session

from ..clients import wait_for
from ..conftest import Serve

HANDSHAKES = [
    "/socket.io/?EIO=4&transport=polling&t=Pq1",
    "/socket.io/?EIO=3&transport=polling&b64=1",
    "/socket.io/1/?t=1796042645123",
    "/socket.io/1/?jsonp=0&t=1796042645123",
]
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    found = environ["PATH_INFO"].startswith("/page")
    start_response("200 OK" if found else "404 Not Found", [])
    return [b"the application's"]


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        *((each, {}) for each in HANDSHAKES),
        ("/socket.io/?EIO=4&transport=websocket", UPGRADE),
    ],
)
def test_the_line_names_the_path_to_set(
    serve: Serve, caplog: pytest.LogCaptureFixture, url: str, headers: dict[str, str]
) -> None:
    caplog.set_level(logging.INFO, "tgext.socketio")
    live = serve(application=application, resource="live")
    answer = live.http().get(url, headers)
    assert (answer.status, answer.body) == (404, b"the application's")
    wait_for(lambda: "Refused" in caplog.text, "it is logged")
    [line] = [each for each in caplog.messages if each.startswith("Refused")]
    path = url.partition("?")[0]
    assert line == (
        f"Refused GET {path} of 127.0.0.1: 404, it is a Socket.IO client, and "
        "Socket.IO is at /live/ (set the client's path: io('/chat', {path: '/live/'}); "
        "or list this path in socketio_resource, and mount the controller there)"
    )


@pytest.mark.parametrize(
    "url",
    [
        "/page?EIO=4&transport=polling",
        "/nowhere",
        "/nowhere/1/?start=5",
        "/nowhere/1/?t=5",
        "/nowhere?EIO=4",
    ],
)
def test_other_requests_are_not_told(
    serve: Serve, caplog: pytest.LogCaptureFixture, url: str
) -> None:
    caplog.set_level(logging.INFO, "tgext.socketio")
    live = serve(application=application, resource="live")
    assert live.http().get(url).body == b"the application's"
    assert live.http().get("/last").status == 404
    assert "Refused" not in caplog.text


@pytest.mark.parametrize("url", HANDSHAKES)
def test_the_requests_of_all_generations_are_known(url: str) -> None:
    path, _, query = url.partition("?")
    assert is_handshake(path, query)


SID = "Afhb4ZsDZ3j-0ryWMxc_Q1"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            f"//live/?EIO=4&transport=websocket&sid={SID}",
            "//live/?EIO=4&transport=websocket&sid=...",
        ),
        (f"/a/?sid={SID}&EIO=3&t=1", "/a/?sid=...&EIO=3&t=1"),
        (f"/a/1/xhr-polling/{SID}?t=1", "/a/1/xhr-polling/...?t=1"),
        (f"//live/1//websocket/{SID}", "//live/1//websocket/..."),
        ("/page?sid=7", "/page?sid=7"),
        ("/page/1/books/7", "/page/1/books/7"),
    ],
)
def test_no_line_has_the_id_of_a_session(
    serve: Serve, caplog: pytest.LogCaptureFixture, url: str, shown: str
) -> None:
    caplog.set_level(logging.INFO, "tgext.socketio")
    live = serve(application=application, resource="live")
    live.http().get(url)
    wait_for(lambda: f'"GET {shown} HTTP/1.1"' in caplog.text, "the line of the access")
    assert SID not in caplog.text
    assert without_session(url) == shown
