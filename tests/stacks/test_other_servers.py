"""Servers of others: what they serve says in the terminal which server to use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.clients import Http, wait_for
from tests.ports import free_port

APPLICATION = """
from tg import MinimalApplicationConfigurator, TGController, expose

from tgext.socketio import SocketIOController, SocketIOTGNamespace


class Auction(SocketIOTGNamespace):
    def on_watch(self, lot):
        return lot


class SocketIO(SocketIOController):
    auction = Auction


class RootController(TGController):
    socketio = SocketIO()

    @expose()
    def index(self):
        return 'hello'


configurator = MinimalApplicationConfigurator()
configurator.update_blueprint({'root_controller': RootController()})
application = configurator.make_wsgi_app({}, {})
"""

COMMANDS = {
    "gunicorn": "gunicorn --no-control-socket -b 127.0.0.1:{}",
    "waitress": "waitress --listen=127.0.0.1:{}",
}


@pytest.mark.parametrize("server", COMMANDS)
def test_the_terminal_names_the_server_to_use(server: str, tmp_path: Path) -> None:
    (tmp_path / "auction.py").write_text(APPLICATION)
    port, log = free_port(), tmp_path / "log"
    command = [sys.executable, "-m", *COMMANDS[server].format(port).split()]
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "auction:application"],
            env={**os.environ, "PYTHONPATH": path},
            stdout=output,
            stderr=output,
        )
    try:
        wait_for(lambda: answers(port, "/") == 200, "it serves pages")
        for query in ("?EIO=4&transport=polling", "1/?t=1"):
            assert answers(port, f"/socketio/{query}") == 400
        wait_for(lambda: "does not serve" in log.read_text(), "the terminal says so")
    finally:
        process.terminate()
        process.wait()
    [line] = [each for each in log.read_text().splitlines() if "does not serve" in each]
    assert f"This server ({server}" in line
    assert line.endswith(
        "does not serve Socket.IO, and its clients are answered 400. Set "
        "use = egg:tgext.socketio#socketio in [server:main], and start with gearbox "
        "serve"
    )


def answers(port: int, path: str) -> int:
    """The status of an answer; 0 while nobody listens."""
    http = Http(port)
    try:
        return http.get(path).status
    except ConnectionRefusedError:
        return 0
    finally:
        http.close()
