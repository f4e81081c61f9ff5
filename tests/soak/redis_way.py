"""The way of one process to Redis, which can be cut."""

from __future__ import annotations

from typing import Any

import gevent
from gevent.event import Event
from gevent.server import StreamServer
from gevent.socket import create_connection


class RedisWay:
    """Passes on what a process and Redis say, unless it is cut."""

    def __init__(self, redis_port: int) -> None:
        self._redis_port = redis_port
        self._server = StreamServer(("127.0.0.1", 0), self._relay)
        self._server.start()
        self.port: int = self._server.server_port
        self._open = Event()
        self._open.set()

    def cut(self) -> None:
        """Let nothing pass any more; connections stay open."""
        self._open.clear()

    def mend(self) -> None:
        self._open.set()

    def _relay(self, near: Any, address: Any) -> None:
        self._open.wait()
        try:
            far = create_connection(("127.0.0.1", self._redis_port))
        except OSError:
            near.close()  # Redis is not there
            return
        there = gevent.spawn(self._pass_on, near, far)
        self._pass_on(far, near)
        there.kill()

    def _pass_on(self, source: Any, target: Any) -> None:
        try:
            while data := source.recv(65536):
                self._open.wait()
                target.sendall(data)
        except OSError:
            pass
        finally:
            source.close()
            target.close()
