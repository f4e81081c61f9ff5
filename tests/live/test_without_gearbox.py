"""The program of docs/turbogears_features.rst that starts the server by itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine import clients
from tests.engine.clients import Http, WebSocket5
from tests.pages import block
from tests.ports import free_port

from .serving import ROOT, START_DEADLINE, STOP_DEADLINE

#: The module of the application that the program imports.
APP_CFG = """
from tg import MinimalApplicationConfigurator, TGController, expose

from tgext.socketio import SocketIOController, SocketIOTGNamespace


class Chat(SocketIOTGNamespace):
    def on_hello(self):
        return 'hello'


class SocketIO(SocketIOController):
    chat = Chat


class RootController(TGController):
    socketio = SocketIO()

    @expose(content_type='text/plain')
    def index(self):
        return 'front page'


base_config = MinimalApplicationConfigurator()
base_config.update_blueprint({'root_controller': RootController()})
"""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """The port of the program, which runs."""
    port = free_port()
    package = tmp_path / "myapp" / "config"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    (package / "app_cfg.py").write_text(APP_CFG)
    text = block("docs/turbogears_features.rst", "socketio_server_runner(")
    assert text.count("port='8080'") == 1
    script = tmp_path / "serve.py"
    script.write_text(text.replace("port='8080'", f"port='{port}'"))
    with (tmp_path / "output").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(script)],
            env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
            stdout=output,
            stderr=output,
        )
    try:
        yield port
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_DEADLINE) == 0, (tmp_path / "output").read_text()
    finally:
        process.kill()
        process.wait()


def test_the_program_serves_pages_and_sockets(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "RESOURCE", "/socketio")

    def is_serving() -> bool:
        try:
            http = Http(port)
            answered = http.get("/").body == b"front page"
            http.close()
        except OSError:
            return False
        return answered

    deadline = time.monotonic() + START_DEADLINE
    while not is_serving():
        assert time.monotonic() < deadline, "the program does not serve"
        time.sleep(0.02)
    client = WebSocket5(port)
    client.join("/chat")
    assert client.call("/chat", "hello") == ["hello"]
    client.close()
