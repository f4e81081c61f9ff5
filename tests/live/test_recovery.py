"""Unmodified clients that lose their connection and recover by themselves.

Which of socket.io-client's versions do that: 4.6 and later.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.redis_server import running_redis

from .nodes import PLAY_DEADLINE, run
from .serving import LAB, Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser

VERSIONS = ("4.6", "4.7", "4")

#: The ends of a connection that the server notices, or does not, are those of
#: clients/recover.js.
TURNS = range(1, 5)


def test_clients_recover_by_themselves(lab: Server, node_clients: Path) -> None:
    seen = run(node_clients, "recover.js", url=lab.url, client=VERSIONS)
    expected = {
        "recovered": [False, True, True, True, True],
        "heard": [
            f"{text} {turn}{mark}"
            for turn in TURNS
            for text, mark in (("missed", " a"), ("missed", " b"), ("live", ""))
        ],
        "ids": 1,
    }
    transports = ("websocket", "polling", "upgrade")
    names = [f"{version} {each}" for version in VERSIONS for each in transports]
    assert seen == dict.fromkeys(names, expected)


class Cutting:
    """The proxy of clients/cutting.js."""

    def __init__(self, clients: Path, target: int) -> None:
        self._process = subprocess.Popen(
            ["node", "cutting.js", str(target)],
            cwd=clients,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        self.port = int(self._read())

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def do(self, what: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        assert self._read() == what

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def cutting(lab: Server, node_clients: Path) -> Iterator[Cutting]:
    proxy = Cutting(node_clients, lab.port)
    yield proxy
    proxy.close()


#: A page's client: `heard` has what it heard, and `back` whether it was recovered.
CONNECT = """async (speak) => {
  window.heard = []; window.back = [];
  const options = {path: '/socketio/', transports: ['websocket'], forceNew: true,
                   reconnectionDelay: 20, reconnectionDelayMax: 50};
  window.socket = library('/recover', options);
  socket.on('heard', (text) => heard.push(text));
  socket.on('connect', () => back.push(socket.recovered));
  await new Promise((resolve) => socket.once('connect', resolve));
  await socket.emitWithAck('enter', 'chromium');
}"""

TELL = """(text) => socket.emitWithAck('tell_room', 'chromium', text)"""


@pytest.mark.parametrize("version", VERSIONS)
def test_a_browser_recovers(
    version: str, browser: Browser, lab: Server, cutting: Cutting
) -> None:
    page = browser.new_page(base_url=f"http://127.0.0.1:{cutting.port}")
    other = browser.new_page(base_url=lab.url)
    for each in (page, other):
        each.goto(f"/page?client={version}")
        each.evaluate(CONNECT)
    for turn, lose in enumerate(("cut", "half")):
        cutting.do(lose)
        page.wait_for_function("() => !socket.connected")
        other.evaluate(TELL, f"missed {turn}")
        cutting.do("allow")
        page.wait_for_function("(n) => back.length === n", arg=turn + 2)
        other.evaluate(TELL, f"live {turn}")
        page.wait_for_function("(n) => heard.length === n", arg=2 * turn + 2)
    assert page.evaluate("() => back") == [False, True, True]
    assert page.evaluate("() => heard") == ["missed 0", "live 0", "missed 1", "live 1"]
    page.close()
    other.close()


#: What makes the application, and options that follow it.
MAKE = "lab:make_app"
CLUSTER = """
socketio.cluster = true
anypubsub.backend = redis
anypubsub.host = """


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[list[Server]]:
    """Two processes of one application, and a Redis."""
    with running_redis(tmp_path) as redis:
        ini = tmp_path / "lab.ini"
        ini.write_text(LAB.read_text().replace(MAKE, f"{MAKE}{CLUSTER}{redis.url}"))
        with Server(ini, tmp_path / "a.log") as a, Server(ini, tmp_path / "b.log") as b:
            yield [a, b]


def test_clients_recover_in_another_process_and_when_theirs_was_killed(
    cluster: list[Server], node_clients: Path
) -> None:
    a, b = cluster
    command = ["node", "elsewhere.js", "--url", a.url, "--url", b.url]
    for version in VERSIONS:
        command += ["--client", version]
    with subprocess.Popen(
        command,
        cwd=node_clients,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as clients:
        assert clients.stdout is not None
        assert clients.stdout.readline() == "kill A\n"
        a.kill()
        output, _ = clients.communicate("killed\n", timeout=PLAY_DEADLINE)
    expected = {
        "recovered": [False, True, True, True],
        "heard": [
            "first",
            *(
                text.format(turn)
                for turn in range(1, 4)
                for text in ("missed {} a", "missed {} b", "live {}")
            ),
        ],
        "ids": 1,
    }
    transports = ("websocket", "polling", "upgrade")
    names = [f"{version} {each}" for version in VERSIONS for each in transports]
    assert json.loads(output) == dict.fromkeys(names, expected)
