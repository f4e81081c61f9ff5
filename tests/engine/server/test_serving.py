"""gevent-socketio's functions that start a server."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import pytest

from tgext.socketio.engine.server import SocketIOServer, serve, serve_paste


def application(environ: Any, start_response: Any) -> list[bytes]:
    return []


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[SocketIOServer]:
    """The servers that were started."""
    servers: list[SocketIOServer] = []
    run = mock.Mock(side_effect=lambda server: servers.append(server))
    monkeypatch.setattr(SocketIOServer, "serve_forever", lambda self: run(self))
    return servers


def test_an_application_is_served(
    served: list[SocketIOServer], capsys: pytest.CaptureFixture[str]
) -> None:
    serve(application)
    serve(application, host="::1", port="7041", resource="live", _quiet=True)
    first, second = served
    assert (first.application, first.resource) == (application, "socket.io")
    assert second.resource == "live"
    assert (first.address, second.address) == (("127.0.0.1", 6543), ("::1", 7041))
    assert capsys.readouterr().out == "serving on http://127.0.0.1:6543\n"


def test_options_are_texts_in_a_file(
    served: list[SocketIOServer], caplog: pytest.LogCaptureFixture
) -> None:
    code = serve_paste(
        application,
        {"here": "/"},
        port="7042",
        transports="websocket, xhr-polling, flashsocket",
        policy_server="True",
        policy_listener_host="127.0.0.1",
        policy_listener_port="843",
        heartbeat_interval="5",
        max_outbox="1000",
    )
    (server,) = served
    assert code == 0
    assert server.transports == ("websocket", "xhr-polling")
    assert server.settings.heartbeat_interval == 5
    assert server.settings.max_outbox == 1000
    assert "policy_listener_port (Flash is not served)" in caplog.text


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"port": "http"}, ValueError),
        ({"max_outbox": "many"}, ValueError),
        ({"transport": "websocket"}, TypeError),
    ],
)
def test_what_is_wrong_is_said(options: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        serve(application, **options)


def test_paste_deploy_finds_it(
    served: list[SocketIOServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy = pytest.importorskip("paste.deploy")
    module = ModuleType("application_of_paste")
    module.make = lambda global_conf: application  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    path = tmp_path / "live.ini"
    path.write_text(
        "[app:main]\npaste.app_factory = application_of_paste:make\n"
        "[server:main]\nport = 7043\npolicy_server = False\n"
        "paste.server_runner = tgext.socketio.engine.server:serve_paste\n"
    )
    run = deploy.loadserver(f"config:{path}")
    run(deploy.loadapp(f"config:{path}"))
    assert served[0].address == ("127.0.0.1", 7043)
