"""A TCP proxy in a process of its own, which loses connections on request.

``python -m tests.soak.arrive.proxy PORT`` prints the port that it listens on, and
passes connections on to PORT. A line ``NAME SHARE`` of its input loses the connection
that is at that share of all, between 0 and 1; it answers ``1``, or ``0`` if there is
none. It ends when its input does. It has one loop and no greenlets, because the
messages are many, and what it takes of the processor is missing elsewhere.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time
from collections.abc import Callable
from struct import pack
from typing import Final

#: Resets the connection, as the kernel does when a process ends.
RESET: Final = pack("ii", 1, 0)

#: Seconds for which what is sent is lost before the connection ends.
SWALLOWS: Final = 0.3

READ: Final = 65536


class End:
    """One of the two sockets of a connection."""

    __slots__ = ("is_over", "pair", "sock", "waiting")

    def __init__(self, sock: socket.socket, pair: Pair) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.pair = pair
        #: What the kernel does not take yet. Meanwhile the other end is not read.
        self.waiting = b""
        self.is_over = False

    def shut(self) -> None:
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it has ended already


class Pair:
    """One connection of a client, and that to the process."""

    def __init__(self, proxy: Proxy, near: socket.socket, far: socket.socket) -> None:
        self._proxy = proxy
        self.near, self.far = End(near, self), End(far, self)
        self._passes = True
        self._half = False

    def other(self, end: End) -> End:
        return self.far if end is self.near else self.near

    def read(self, end: End) -> None:
        try:
            data = end.sock.recv(READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._finish(end)
        elif self._passes:
            self._send(self.other(end), data)

    def write(self, end: End) -> None:
        """The kernel takes more."""
        waiting, end.waiting = end.waiting, b""
        self._send(end, waiting)
        if not end.waiting:
            self._proxy.watch(end, select.EPOLLIN)
            self._proxy.watch(self.other(end), select.EPOLLIN)

    def _send(self, end: End, data: bytes) -> None:
        try:
            sent = end.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            return  # its end is read
        if sent < len(data):
            end.waiting = data[sent:]
            self._proxy.watch(end, select.EPOLLIN | select.EPOLLOUT)
            self._proxy.watch(self.other(end), 0)

    def _finish(self, end: End) -> None:
        """No more comes from one of the ends."""
        end.is_over = True
        self._proxy.forget(end)
        other = self.other(end)
        if other.is_over:
            end.sock.close()
            other.sock.close()
            self._proxy.pairs.pop(self, None)
        elif not (self._half and other is self.far):
            other.shut()

    # The ways to lose it

    def cut(self) -> None:
        """End both."""
        self._passes = False
        self.near.shut()
        self.far.shut()

    def reset(self) -> None:
        """End both, as a process that is killed does."""
        for each in (self.near, self.far):
            if not each.is_over:
                each.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.cut()

    def halve(self) -> None:
        """End the client's: the process notices nothing, and talks to nobody."""
        self._passes = False
        self._half = True
        self.near.shut()

    def swallow(self) -> None:
        """Lose what both send for a while; then end both."""
        self._passes = False
        self._proxy.later.append((time.monotonic() + SWALLOWS, self.cut))


#: How connections are lost.
LOSSES: Final[dict[str, Callable[[Pair], None]]] = {
    "cut": Pair.cut,
    "reset": Pair.reset,
    "halved": Pair.halve,
    "swallowed": Pair.swallow,
}


class Proxy:
    """Passes connections on.

    :param target: the port that they are passed on to.

    :ivar pairs: the connections, in the order in which they came.
    :ivar later: what is to be done, and when.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._server = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port: int = self._server.getsockname()[1]
        self.pairs: dict[Pair, None] = {}
        self.later: list[tuple[float, Callable[[], object]]] = []
        self._ends: dict[int, End] = {}
        self._poll = select.epoll()
        self._poll.register(self._server, select.EPOLLIN)

    def watch(self, end: End, events: int) -> None:
        if not end.is_over:
            self._poll.modify(end.sock, events)

    def forget(self, end: End) -> None:
        self._poll.unregister(end.sock)
        del self._ends[end.sock.fileno()]

    def run(self, commands: int) -> None:
        """Pass on until the commands end.

        :param commands: a file of lines.
        """
        self._poll.register(commands, select.EPOLLIN)
        while True:
            for number, events in self._poll.poll(0.05 if self.later else -1):
                end = self._ends.get(number)
                if end is not None:
                    self._pass_on(end, events)
                elif number == self._server.fileno():
                    self._accept()
                elif number == commands and not self._obey(commands):
                    return
            if self.later:
                self._do_what_is_due()

    def _pass_on(self, end: End, events: int) -> None:
        if events & select.EPOLLOUT:
            end.pair.write(end)
        if events & ~select.EPOLLOUT and not end.is_over:
            end.pair.read(end)

    def _accept(self) -> None:
        near, _ = self._server.accept()
        try:
            far = socket.create_connection(("127.0.0.1", self._target), 5)
        except OSError:
            near.close()
            return
        pair = Pair(self, near, far)
        self.pairs[pair] = None
        for each in (pair.near, pair.far):
            self._ends[each.sock.fileno()] = each
            self._poll.register(each.sock, select.EPOLLIN)

    def _obey(self, commands: int) -> bool:
        lines = os.read(commands, 4096).decode().splitlines()
        for each in lines:
            name, share = each.split()
            pairs = list(self.pairs)
            if pairs:
                LOSSES[name](pairs[int(float(share) * len(pairs))])
            print(int(bool(pairs)), flush=True)
        return bool(lines)

    def _do_what_is_due(self) -> None:
        now = time.monotonic()
        due = [what for at, what in self.later if at <= now]
        self.later = [each for each in self.later if each[0] > now]
        for what in due:
            what()


def main() -> None:
    proxy = Proxy(int(sys.argv[1]))
    print(proxy.port, flush=True)
    proxy.run(sys.stdin.fileno())


if __name__ == "__main__":
    main()
