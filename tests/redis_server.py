"""A private Redis: ``redis-server`` on a port of its own."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from .ports import free_port

#: Seconds for a server to answer.
DEADLINE = 20.0


def redis_command() -> str:
    command = shutil.which("redis-server")
    if command is None:
        pytest.skip("not installed: redis-server")
    return command


class RedisServer:
    """A server that can be killed, frozen, and started again on the same port.

    :param directory: for its files.
    :param options: as of its configuration file: ``requirepass="secret"``.
    """

    def __init__(self, directory: Path, port: int | None = None, **options: str):
        self.command = redis_command()
        self.port = port or free_port()
        self.password = options.get("requirepass")
        self._options = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(directory),
            "save": "",
            "appendonly": "no",
            **{name.replace("_", "-"): value for name, value in options.items()},
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.client = redis.Redis(
            port=self.port,
            password=self.password,
            socket_timeout=DEADLINE,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
            protocol=2,
        )

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        """Whether the server was started, and not killed since."""
        return self._process is not None

    def start(self) -> None:
        arguments = [self.command]
        for name, value in self._options.items():
            arguments += [f"--{name}", *(value.split(" ") if value else [""])]
        self._process = subprocess.Popen(
            arguments, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )
        end = time.monotonic() + DEADLINE
        while not self.answers():
            assert self._process.poll() is None, "redis-server ended"
            assert time.monotonic() < end, "redis-server does not answer"
            time.sleep(0.01)

    def answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self.client.connection_pool.disconnect()

    def freeze(self) -> None:
        """Make it stop answering, but keep its connections."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    # What it knows of its clients

    def connections(self) -> list[dict[str, Any]]:
        """The connections, except the one that asks for them."""
        own = self.client.client_id()
        listed: Any = self.client.client_list()
        return [each for each in listed if int(each["id"]) != own]

    def subscribers(self) -> list[int]:
        """The number of channels of each subscribed connection."""
        return [int(each["sub"]) for each in self.connections() if int(each["sub"])]

    def listeners(self, channel: str) -> int:
        """The number of connections that are subscribed to a channel."""
        [(_, count)] = self.client.pubsub_numsub(channel)
        return int(count)


@contextmanager
def running_redis(directory: Path, **options: Any) -> Iterator[RedisServer]:
    server = RedisServer(directory, **options)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        server.client.close()
