"""A private RabbitMQ, and gevent's patches, as in a server."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import tgext.socketio.server  # noqa: F401  before anything that imports tg
from tests.engine.conftest import greenlets, unhandled
from tests.ports import free_port

__all__ = ["broker", "greenlets", "unhandled"]

#: Debian's own command; the one on the PATH only runs as a system user.
COMMAND = "/usr/lib/rabbitmq/bin/rabbitmq-server"

#: Seconds for the broker to begin.
DEADLINE = 90.0


class Broker:
    """``rabbitmq-server`` on private ports, its files in one directory."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        names = ("RABBITMQ_MNESIA_BASE", "RABBITMQ_LOG_BASE", "HOME")
        plugins = directory / "plugins"
        plugins.write_text("[].\n")
        self._environment = {
            **os.environ,
            **{name: str(directory) for name in names},
            "RABBITMQ_NODENAME": "tests@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
            "RABBITMQ_CONFIG_FILE": str(directory / "none"),
            "RABBITMQ_CONF_ENV_FILE": str(directory / "none"),
            "ERL_EPMD_PORT": str(free_port()),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    def start(self) -> None:
        output = (self._directory / "output").open("ab")
        self._process = subprocess.Popen(
            [COMMAND],
            env=self._environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        output.close()
        end = time.monotonic() + DEADLINE
        while not self._answers():
            assert self._process.poll() is None, self.output
            assert time.monotonic() < end, self.output
            time.sleep(0.1)

    @property
    def output(self) -> str:
        return (self._directory / "output").read_text()

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as probe:
                # The broker answers a wrong header with the right one.
                probe.sendall(b"AMQP\x00\x00\x00\x00")
                return probe.recv(4) == b"AMQP"
        except OSError:
            return False

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def close(self) -> None:
        self.kill()
        if shutil.which("epmd"):
            # The broker does not stop epmd.
            command = ["epmd", "-port", self._environment["ERL_EPMD_PORT"], "-kill"]
            subprocess.run(command, check=False, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    if not Path(COMMAND).exists():
        pytest.skip("not installed: rabbitmq-server")
    broker = Broker(tmp_path_factory.mktemp("rabbitmq"))
    try:
        broker.start()
        yield broker
    finally:
        broker.close()
