"""A worker: it serves until its parent, or a signal, tells it to stop."""

from __future__ import annotations

import json
import signal
import socket as native_socket
import time
from contextlib import suppress
from typing import Any, Final

import gevent
from gevent import socket

from ..engine.logs import get_logger
from ..engine.server.balance import Balance
from ..engine.server.server import SocketIOServer
from .inherited import NOW, RETIRE, STOP, Inherited

__all__ = ["serve"]

log = get_logger(__name__)

#: Seconds for which a worker that leaves its place serves the connections that it has,
#: each once more: its clients then open the next one at another worker.
QUIET: Final = 1.0

_LINE: Final = 4096


def serve(server: SocketIOServer, inherited: Inherited) -> float:
    """Run a server until it is told to stop.

    SIGTERM tells this worker alone to leave its place, which another one takes.

    :returns: when it was told, as of ``time.monotonic()``.
    :raises OSError: when the server cannot listen on its address.
    """
    worker = _Worker(server, inherited)
    term = gevent.signal_handler(signal.SIGTERM, worker.retire)
    try:
        server.start()
        # It begins with the event loop, which accepts connections.
        hearing = gevent.spawn(worker.talk)
        try:
            server.serve_forever()
        finally:
            hearing.kill()
    finally:
        term.cancel()
    return worker.told or time.monotonic()


class _Worker:
    """:ivar told: when the worker was told to stop; 0 before."""

    def __init__(self, server: SocketIOServer, inherited: Inherited) -> None:
        self._server = server
        self._control: Any = socket.socket(fileno=inherited.control)
        self._balance = Balance(inherited.counts, inherited.own)
        server.balance = self._balance
        self._makes_listener = inherited.listener is None
        if inherited.listener is not None:
            server.set_listener(socket.socket(fileno=inherited.listener))
        self.told = 0.0
        self._words = {RETIRE: self.retire, STOP: self.stop, NOW: self.stop_now}

    def talk(self) -> None:
        """Tell the parent that this worker serves, and do what it says."""
        self._say_that_it_serves()
        self._hear()

    def _say_that_it_serves(self) -> None:
        """Tell the parent; it gets the listening socket, if this worker has made it."""
        grace = self._server.settings.shutdown_timeout
        file = self._server.share_listener()
        said = json.dumps({"grace": grace, "file": file}).encode()
        fds = [self._server.socket.fileno()] if self._makes_listener else []
        with suppress(OSError):  # the parent has ended, which `_hear` finds
            native_socket.send_fds(self._control, [said], fds)

    def _hear(self) -> None:
        with suppress(OSError):
            while words := self._control.recv(_LINE):
                for word in words.decode().split():
                    gevent.spawn(self._words[word])
        log.error("The parent process has ended: this worker stops")
        gevent.spawn(self.retire)

    def stop(self) -> None:
        """Stop as all workers do, and as one process would."""
        if not self.told:
            self.told = time.monotonic()
            self._server.stop()

    def stop_now(self) -> None:
        """Stop, and interrupt handlers."""
        self.told = self.told or time.monotonic()
        self._server.stop()

    def retire(self) -> None:
        """Leave the place to another worker: no client notices, or is refused."""
        if self.told:
            return
        self.told = time.monotonic()
        self._server.stop_listening()
        self._balance.leave()
        end = self.told + QUIET
        while self._balance.connections and time.monotonic() < end:
            gevent.sleep(0.01)
        self._server.stop()
