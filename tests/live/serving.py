"""Real servers for tests: ``gearbox serve`` in a process of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from types import TracebackType
from typing import NamedTuple
from urllib.error import HTTPError

from tests.ports import free_port

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LAB = HERE / "fixtureapps" / "lab.ini"

#: The import path of the fixtures' applications; an installed one needs none.
APPLICATIONS = (HERE / "fixtureapps",)

#: Seconds in which a server answers, and in which it stops. Both are many times the
#: usual time: after these, something hangs. A start needs seconds of the processor,
#: which others may use meanwhile.
START_DEADLINE = 120.0
STOP_DEADLINE = 15.0


class NotServing(Exception):
    """The server's process ended, or did not answer in time."""


class Ended(NamedTuple):
    """How a server's process ended, and how long that took."""

    code: int
    seconds: float


def gearbox() -> str:
    """The command beside this interpreter, which need not be on the PATH."""
    command = shutil.which("gearbox", path=str(Path(sys.executable).parent))
    if command is None:
        raise FileNotFoundError("gearbox is not installed beside this Python")
    return command


class Server:
    """``with Server(ini, output) as server``: serving once entered, gone once left."""

    def __init__(
        self,
        ini: Path,
        output: Path,
        port: int | None = None,
        cwd: Path = ROOT,
        importable: tuple[Path, ...] = APPLICATIONS,
        variables: Mapping[str, object] | None = None,
        options: tuple[str, ...] = (),
        certificate: Path | None = None,
    ) -> None:
        self.ini = ini
        self.port = port or free_port()
        self.cwd = cwd
        self.importable = importable
        self.variables = {"http_port": self.port, **(variables or {})}
        self.options = options
        #: The certificate of a server that speaks TLS.
        self.certificate = certificate
        self._output = output
        self._errors = output.with_suffix(".err")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        scheme = "http" if self.certificate is None else "https"
        return f"{scheme}://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        """The output so far: standard output, then standard error."""
        return self._output.read_text(encoding="utf-8", errors="replace") + self.errors

    @property
    def errors(self) -> str:
        """The standard error so far, with the log."""
        return self._errors.read_text(encoding="utf-8", errors="replace")

    def forget_output(self) -> None:
        """Ignore the output so far; the process has ended."""
        for written in (self._output, self._errors):
            written.write_text("")

    def __enter__(self) -> Server:
        self.start()
        try:
            self.wait_until_serving()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.running:
            self.stop()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the server was not started"
        return self._process

    @property
    def command(self) -> list[str]:
        variables = [f"{name}={value}" for name, value in self.variables.items()]
        return [gearbox(), "serve", "-c", str(self.ini), *self.options, *variables]

    def start(self) -> None:
        self.start_by(self.command)

    def start_by(self, command: list[str], pass_fds: tuple[int, ...] = ()) -> None:
        self.started = time.monotonic()
        with self._output.open("wb") as output, self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                command,
                cwd=self.cwd,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                pass_fds=pass_fds,
            )

    def _environment(self) -> dict[str, str]:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        # An import path from outside stays: the package itself may be there.
        given = environment.pop("PYTHONPATH", "")
        path = os.pathsep.join([*map(str, self.importable), *filter(None, [given])])
        return {**environment, "PYTHONPATH": path} if path else environment

    def wait_until_serving(self) -> None:
        self._wait_until(self._answers)

    def wait_until_bound(self) -> None:
        """Wait until the port is bound; the server may not be ready yet."""
        self._wait_until(self._connects, pause=0.001)

    def _wait_until(self, condition: Callable[[], bool], pause: float = 0.02) -> None:
        deadline = time.monotonic() + START_DEADLINE
        while not condition():
            if not self.running:
                raise NotServing(f"exited {self.process.returncode}:\n{self.output}")
            if time.monotonic() > deadline:
                raise NotServing(f"not after {START_DEADLINE} s:\n{self.output}")
            time.sleep(pause)

    def _connects(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        except OSError:
            return False
        return True

    def _answers(self) -> bool:
        """Whether the server answers; the kernel accepts connections before it does."""
        context = None
        if self.certificate is not None:
            context = ssl.create_default_context(cafile=str(self.certificate))
        try:
            with urllib.request.urlopen(self.url, timeout=5, context=context):
                return True
        except HTTPError:
            return True
        except (OSError, HTTPException):
            return False

    def wait_until_logged(self, *texts: str) -> None:
        """Wait until all of *texts* stand in the log; an answer may come before."""
        self._wait_until(lambda: all(text in self.output for text in texts))

    def stop(self, how: signal.Signals = signal.SIGTERM) -> Ended:
        self.process.send_signal(how)
        return self.wait_until_ended()

    def wait_until_ended(self, deadline: float = STOP_DEADLINE) -> Ended:
        begin = time.monotonic()
        try:
            code = self.process.wait(timeout=deadline)
        except subprocess.TimeoutExpired:
            self.kill()
            raise NotServing(f"not gone after {deadline} s:\n{self.output}") from None
        return Ended(code, time.monotonic() - begin)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
