"""The parent and its workers as processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port

PROGRAM = Path(__file__).with_name("light.py")

#: Seconds for what takes milliseconds.
DEADLINE = 30.0


def wait_until(condition: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.01)


def exists(pid: int) -> bool:
    """Whether a process is there, and not only to be waited for."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


class Program:
    """``light.py``, running."""

    def __init__(self, folder: Path, workers: int, version: str = "1") -> None:
        self.folder = folder
        self.port = free_port()
        self.write(version)
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, PROGRAM, str(workers), str(self.port), folder],
                stderr=log,
            )

    def write(self, version: str) -> None:
        (self.folder / "version").write_text(version)

    @property
    def log(self) -> str:
        return self._log.read_text()

    def wait_until_logged(self, text: str, times: int = 1) -> None:
        wait_until(lambda: self.log.count(text) >= times, f"{text} in {self.log}")

    def ask(self) -> tuple[int, str]:
        """The pid and the version of a worker."""
        with socket.create_connection(("127.0.0.1", self.port), DEADLINE) as client:
            pid, _, version = client.recv(100).decode().partition(" ")
            return int(pid), version

    def workers(self) -> set[int]:
        """The pids of all processes that the parent has."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return {int(each) for each in children.read_text().split()}

    def end(self, *signals: signal.Signals) -> int:
        for each in signals:
            self.process.send_signal(each)
        return self.process.wait(DEADLINE)


Start = Callable[..., Program]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the program, and waits until its workers serve."""
    made: list[Program] = []

    def make(workers: int = 2, version: str = "1") -> Program:
        program = Program(tmp_path, workers, version)
        made.append(program)
        if version != "broken":
            program.wait_until_logged("serves", workers)
        return program

    yield make
    for each in made:
        each.process.kill()
        each.process.wait()


class Visitors:
    """Asks again and again, in a thread."""

    def __init__(self, program: Program) -> None:
        self.answers: list[tuple[int, str]] = []
        self.failures: list[Exception] = []
        self._program = program
        self._going = True
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def _ask(self) -> None:
        while self._going:
            try:
                self.answers.append(self._program.ask())
            except Exception as error:
                self.failures.append(error)

    def leave(self) -> None:
        self._going = False
        self._thread.join(DEADLINE)


def test_the_parent_has_as_many_as_were_asked_for(start: Start) -> None:
    program = start(3)
    workers = program.workers()
    assert len(workers) == 3
    wait_until(lambda: program.ask()[0] in workers, "one of them answers")


def test_a_worker_that_is_killed_is_replaced(start: Start) -> None:
    program = start()
    first = program.workers()
    killed = first.pop()
    os.kill(killed, signal.SIGKILL)
    program.wait_until_logged("serves", 3)
    assert f"Worker {killed} has ended (signal SIGKILL)" in program.log
    assert len(program.workers()) == 2
    assert first < program.workers()


def test_a_reload_serves_what_is_new_and_refuses_nobody(start: Start) -> None:
    program = start()
    before = program.workers()
    visitors = Visitors(program)
    program.write("2")
    program.process.send_signal(signal.SIGHUP)
    program.wait_until_logged("Reloaded")
    after = program.workers()
    wait_until(lambda: visitors.answers[-1][1] == "2", "the new ones answer")
    visitors.leave()
    assert visitors.failures == []
    assert len(after) == 2
    assert not before & after
    assert {pid for pid, _ in visitors.answers} <= before | after


def test_a_reload_of_something_broken_leaves_what_is_there(start: Start) -> None:
    program = start()
    before = program.workers()
    program.write("broken")
    program.process.send_signal(signal.SIGHUP)
    program.wait_until_logged("The workers of before go on")
    assert "exit status 3" in program.log
    assert program.workers() == before
    assert program.ask()[1] == "1"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all(start: Start, how: signal.Signals) -> None:
    program = start()
    workers = program.workers()
    assert program.end(how) == 0
    assert [each for each in workers if exists(each)] == []
    with pytest.raises(ConnectionRefusedError):
        program.ask()


def test_a_terminal_sends_its_signals_to_all_of_them(start: Start) -> None:
    program = start()
    for each in program.workers():
        os.kill(each, signal.SIGINT)
        os.kill(each, signal.SIGHUP)
    assert program.end(signal.SIGINT) == 0
    assert "SIGHUP" not in program.log


def test_the_workers_of_a_parent_that_is_killed_know_it(start: Start) -> None:
    program = start(3)
    workers = program.workers()
    program.process.kill()
    wait_until(lambda: not any(map(exists, workers)), "they have ended")


def test_a_start_that_fails_ends_with_the_status_of_the_worker(start: Start) -> None:
    program = start(2, "broken")
    assert program.process.wait(DEADLINE) == 3
    assert program.log.count("ended before it served") == 1


def test_the_file_of_a_socket_is_removed_at_the_end(start: Start) -> None:
    program = start(2, "a path")
    assert (program.folder / "socket").is_socket()
    assert program.end(signal.SIGTERM) == 0
    assert not (program.folder / "socket").exists()


def test_the_file_of_another_program_stays(start: Start) -> None:
    program = start(2, "a path")
    (program.folder / "socket").unlink()
    (program.folder / "socket").write_text("another's")
    assert program.end(signal.SIGTERM) == 0
    assert (program.folder / "socket").exists()
