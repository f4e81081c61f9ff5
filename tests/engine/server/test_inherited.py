"""Options of gevent-socketio's server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tgext.socketio.engine.server import SocketIOServer
from tgext.socketio.wire.socketio.generations import SOCKETIO_1

from ..clients import wait_for
from ..conftest import Serve
from ..sample_namespaces import Echo

LOGGER = "tgext.socketio.engine.server.inherited"


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name == LOGGER]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"policy_server": True}, ["policy_server (Flash is not served)"]),
        (
            {"policy_server": True, "policy_listener": ("0.0.0.0", 10843)},
            ["policy_server (Flash is not served)", "policy_listener (Flash"],
        ),
        ({"policy_listener": ("0.0.0.0", 843)}, ["policy_listener"]),
        (
            {"transports": ["websocket", "flashsocket", "xhr-polling"]},
            ["flashsocket in transports (Flash is not served)"],
        ),
        ({"namespace": "socket.io"}, ["namespace (it is the old name of resource"]),
        ({"ws_handler_class": object}, ["ws_handler_class (the server has"]),
        ({"ssl_version": 2}, ["ssl_version (the server speaks TLS 1.2"]),
    ],
)
def test_an_option_without_effect_is_taken_with_one_warning(
    serve: Serve,
    options: dict[str, Any],
    named: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = serve({"/chat": Echo}, **options).client("0.9-websocket")
    client.join("/chat")
    assert client.call("/chat", "echo", 1) == [1]
    (line,) = warnings(caplog)
    assert line.startswith("Options of gevent-socketio's server; remove them: ")
    assert [each for each in named if each not in line] == []


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"policy_server": False},
        {"policy_listener": None, "namespace": None, "log_file": None},
        {"transports": None},
        {"transports": ["websocket"]},
        {"heartbeat_interval": 5, "heartbeat_timeout": 9, "close_timeout": 4},
        {"do_handshake_on_connect": True, "suppress_ragged_eofs": True},
        {"certfile": None, "keyfile": None, "ca_certs": None, "cert_reqs": None},
        {"server_side": True},
        {"log": None, "backlog": 5, "spawn": "default", "environ": {}},
    ],
    ids=str,
)
def test_others_are_taken_without_one(
    options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    SocketIOServer(("127.0.0.1", 0), None, **options)
    assert warnings(caplog) == []


def test_flash_alone_leaves_nothing_to_serve() -> None:
    with pytest.raises(ValueError, match="transports: it is empty; name websocket or"):
        SocketIOServer(("127.0.0.1", 0), None, transports=["flashsocket"])


@pytest.mark.parametrize("option", ["policy_serve", "heartbeat", "keyfiles", "log_fil"])
def test_another_name_is_an_error(option: str) -> None:
    with pytest.raises(TypeError, match=f"^{option}: the server has no such option"):
        SocketIOServer(("127.0.0.1", 0), None, **{option: 1})


def test_times_may_be_texts_as_in_a_file() -> None:
    server = SocketIOServer(
        ("127.0.0.1", 0),
        None,
        heartbeat_interval="5",
        heartbeat_timeout="15",
        close_timeout="20",
    )
    assert server.config == {
        "heartbeat_interval": 5,
        "heartbeat_timeout": 15,
        "close_timeout": 20,
    }
    assert server.hub.heartbeat_timeout(SOCKETIO_1) == 15


def test_a_text_that_is_no_time_is_named() -> None:
    with pytest.raises(ValueError, match="heartbeat_timeout: 'soon' is not a number"):
        SocketIOServer(("127.0.0.1", 0), None, heartbeat_timeout="soon")


def test_namespace_is_the_resource(serve: Serve) -> None:
    live = serve({}, namespace="live", handshake_timeout=0.1)
    assert live.http().get("/live/1/").text.endswith("jsonp-polling")
    assert live.http().get("/socket.io/1/").text == "a page"


def test_the_access_log_goes_to_a_file(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_text("before\n")
    http = serve({}, log_file=str(path)).http()
    http.get("/first")
    wait_for(lambda: "GET /first" in path.read_text(), "the line is written")
    assert path.read_text().startswith("before\n")
    path.rename(tmp_path / "access.log.1")  # as logrotate does
    http.get("/second")
    wait_for(path.exists, "the file is made again")
    wait_for(lambda: "GET /second" in path.read_text(), "the line is written")


def test_a_log_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"log_file: '.*' cannot be written"):
        SocketIOServer(("127.0.0.1", 0), None, log_file=str(tmp_path))
