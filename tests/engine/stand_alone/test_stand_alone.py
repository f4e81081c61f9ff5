"""The programs are started, and clients of all generations use them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port

from ..clients import KINDS, Client, Http, Raw, wait_for

SOURCES = Path(__file__).parent / "sources"
ROOT = Path(__file__).parent.parent.parent.parent

#: What the documentation tells to change.
IMPORT = re.compile(r"^(from|import) socketio\b", re.M)

#: Seconds in which a program ends.
END = 30.0


class Program:
    """A program that runs, with its output and the clients of a test."""

    def __init__(self, name: str, folder: Path, clients: ExitStack) -> None:
        source = (SOURCES / f"{name}.py").read_text()
        # The change that the documentation names.
        changed = re.sub(
            r"^(from|import) socketio\b",
            r"\1 tgext.socketio.engine",
            source,
            flags=re.M,
        )
        path = folder / f"{name}.py"
        path.write_text(changed)
        self.port = free_port()
        self._log = folder / f"{name}.log"
        self._clients = clients
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(path), str(self.port)],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
            )
        wait_for(self._answers, "the program serves")

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log
        try:
            Raw(self.port).close()
        except OSError:
            return False
        return True

    @property
    def log(self) -> str:
        """What it wrote."""
        return self._log.read_text()

    def client(self, kind: str) -> Client:
        return self._clients.enter_context(closing(KINDS[kind](self.port)))

    def page(self, target: str) -> tuple[int, str]:
        with closing(Http(self.port)) as http:
            reply = http.get(target)
            return reply.status, reply.text


Start = Callable[[str], Program]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts a program once."""
    programs: dict[str, Program] = {}
    folder = tmp_path_factory.mktemp("programs")
    with ExitStack() as clients:

        def started(name: str) -> Program:
            if name not in programs:
                programs[name] = Program(name, folder, clients)
            return programs[name]

        yield started
    for program in programs.values():
        program.process.terminate()
        program.process.wait(END)


def test_a_chat_in_one_file(start: Start) -> None:
    program = start("noticeboard")
    guests = {kind: program.client(kind) for kind in KINDS}
    present: list[str] = []
    for kind, guest in guests.items():
        guest.join("/board")
        present.append(kind)
        guest.emit("/board", "sign", kind)
        signed = len(present)
        for each in list(guests.values())[:signed]:
            assert each.event("/board") == ["present", present]
    (author, *readers) = guests.items()
    assert author[1].call("/board", "pin", "sold") == [4]
    for _, reader in readers:
        assert reader.event("/board") == ["pinned", author[0], "sold"]
    author[1].leave("/board")
    for _, reader in readers:
        assert reader.event("/board") == ["present", present[1:]]
    assert program.page("/") == (200, "<h1>Noticeboard</h1>")
    assert program.page("/nothing") == (404, "<h1>Not here</h1>")
    warning = (
        "policy_server (Flash is not served), policy_listener (Flash is not served)"
    )
    assert warning in program.log


@pytest.mark.parametrize("kind", KINDS)
def test_loops_of_a_client_and_of_the_server(start: Start, kind: str) -> None:
    program = start("gauge")
    watcher, listener = program.client(kind), program.client(kind)
    watcher.join("/gauge")
    for number in (1, 2):
        measured = {"number": number, "watched": True}
        assert watcher.event("/gauge") == ["measured", measured]
    listener.join("/clock")
    assert listener.event("/clock") == ["time", "now"]
    assert program.page("/") == (200, "<h1>Gauge</h1>")


@pytest.mark.parametrize("kind", KINDS)
def test_a_route_below_the_resource(start: Start, kind: str) -> None:
    program = start("routes")
    client = program.client(kind)
    client.join("/greeter")
    client.emit("/greeter", "hello", "ada", number=1)
    assert client.event("/greeter") == ["greeted", "ada", "of 1"]
    packet: dict[str, Any] = client.read()
    assert (packet["type"], packet["args"]) == ("ack", ["hello ada"])
    for target, page in {
        "/": (200, "the index"),
        "/about/": (200, "about"),
        "/rooms/a/b": (200, "room a/b"),
        "/socket.io/": (404, "no such page"),
        "/nothing": (404, "no such page"),
    }.items():
        assert program.page(target) == page
