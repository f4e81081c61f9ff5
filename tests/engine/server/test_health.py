"""``health_path``: whether the server serves."""

from __future__ import annotations

import logging
from typing import Any

import gevent
import pytest

from ..clients import DEADLINE, wait_for
from ..conftest import Serve
from ..sample_namespaces import Holding, fresh

HEALTH = "/socketio/health"


def failing(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    raise AssertionError("the application was asked")


def test_a_server_that_serves_is_live_and_ready(serve: Serve) -> None:
    http = serve(application=failing).http()
    reply = http.get(HEALTH)
    assert (reply.status, reply.json) == (200, {"live": True, "ready": True})
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers["Cache-Control"] == "no-store"
    assert http.get(HEALTH + "?any=query").status == 200
    head = http.request("HEAD", HEALTH)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(reply.body))
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        reply = http.request(method, HEALTH, b"")
        assert (reply.status, reply.headers["Allow"]) == (405, "GET, HEAD")


def test_the_access_log_does_not_have_it(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tgext.socketio.access")
    http = serve().http()
    for path in (HEALTH, "/page", HEALTH):
        assert http.get(path).status == 200
    wait_for(lambda: caplog.records, "the line of the page")
    assert http.get(HEALTH).status == 200
    [line] = [each.getMessage() for each in caplog.records]
    assert "GET /page" in line


@pytest.mark.parametrize(
    ("option", "path", "own"),
    [
        ("/up", "/up", True),
        ("/up", HEALTH, False),
        ("/socket.io/health", "/socket.io/health", True),
        ("", HEALTH, False),
        (None, HEALTH, True),
        (None, HEALTH + "/", False),
        (None, HEALTH + "y", False),
    ],
)
def test_the_path_is_an_option(
    serve: Serve, option: str | None, path: str, own: bool
) -> None:
    reply = serve(health_path=option).http().get(path)
    assert reply.status == 200
    assert (reply.text != "a page") is own


def test_connections_are_opened_below_that_path(serve: Serve) -> None:
    """A client whose path is that of the option is still a client."""
    http = serve(health_path="/socket.io/").http()
    assert http.get("/socket.io/?EIO=4&transport=polling").text[0] == "0"
    assert http.get("/socket.io/").json["ready"] is True


def test_a_server_that_stops_is_not_ready(serve: Serve) -> None:
    """It answers while handlers may finish, also on new connections."""
    namespace = fresh(Holding)
    live = serve({"/chat": namespace})
    client, http = live.client(), live.http()
    client.join("/chat")
    client.emit("/chat", "hold")
    assert namespace.entered.wait(DEADLINE)
    assert http.get(HEALTH).status == 200
    stopping = gevent.spawn(live.server.stop)
    wait_for(lambda: live.server.stopping, "the stop")
    for each in (http, live.http()):
        reply = each.get(HEALTH)
        assert (reply.status, reply.json) == (503, {"live": True, "ready": False})
        assert each.request("HEAD", HEALTH).status == 503
    namespace.go_on.set()
    stopping.get(timeout=DEADLINE)
