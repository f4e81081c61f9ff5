"""A TCP proxy in front of one process, which loses connections on request."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from socket import SHUT_RDWR, SO_LINGER, SOL_SOCKET
from struct import pack
from typing import Any

import gevent
from gevent.server import StreamServer
from gevent.socket import create_connection

#: Resets the connection, as the kernel does when a process ends.
RESET = pack("ii", 1, 0)


def end(sock: Any) -> None:
    """Close a socket that another greenlet reads."""
    try:
        sock.shutdown(SHUT_RDWR)
    except OSError:
        pass  # it has ended already


class Pair:
    """One connection of a client, and that to the process."""

    def __init__(self, near: Any, far: Any) -> None:
        self.near = near
        self.far = far
        self._passes = True
        self._half = False

    def relay(self) -> None:
        """Pass on all, until both connections have ended."""
        there = gevent.spawn(self._pass_on, self.near, self.far)
        self._pass_on(self.far, self.near)
        there.join()
        self.near.close()
        self.far.close()

    def _pass_on(self, source: Any, target: Any) -> None:
        try:
            while data := source.recv(65536):
                if self._passes:
                    target.sendall(data)
        except OSError:
            pass
        if not (self._half and target is self.far):
            end(target)

    # The ways to lose it

    def cut(self) -> None:
        """End both."""
        self._passes = False
        end(self.near)
        end(self.far)

    def reset(self) -> None:
        """End both, as a process that is killed does."""
        for each in (self.near, self.far):
            each.setsockopt(SOL_SOCKET, SO_LINGER, RESET)
        self.cut()

    def halve(self) -> None:
        """End the client's: the process notices nothing, and talks to nobody."""
        self._passes = False
        self._half = True
        end(self.near)

    def swallow(self) -> None:
        """Lose what both send for a while; then end both."""
        self._passes = False
        gevent.spawn_later(0.3, self.cut)


#: How connections are lost, and how often each.
LOSSES: dict[str, tuple[Callable[[Pair], None], int]] = {
    "cut": (Pair.cut, 4),
    "reset": (Pair.reset, 2),
    "halved": (Pair.halve, 2),
    "swallowed": (Pair.swallow, 2),
}


class Way:
    """The clients' way to one process."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._pairs: list[Pair] = []
        self._server = StreamServer(("127.0.0.1", 0), self._take, backlog=1024)
        self._server.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def _take(self, near: Any, address: Any) -> None:
        try:
            far = create_connection(("127.0.0.1", self._target))
        except OSError:
            near.close()
            return
        pair = Pair(near, far)
        self._pairs.append(pair)
        try:
            pair.relay()
        finally:
            self._pairs.remove(pair)

    def __len__(self) -> int:
        return len(self._pairs)

    def lose(self, chosen: random.Random) -> str:
        """Lose one of the connections; returns how, empty if there is none."""
        name = chosen.choices(list(LOSSES), [share for _, share in LOSSES.values()])[0]
        number = chosen.random()
        if not self._pairs:
            return ""
        LOSSES[name][0](self._pairs[int(number * len(self._pairs))])
        return name


class Cuts:
    """Loses connections at random.

    :param rate: how many each second.
    :ivar lost: how many were lost, by the way.
    """

    def __init__(self, ways: list[Way], rate: float, seed: str) -> None:
        self.lost: Counter[str] = Counter()
        self._ways = ways
        self._rate = rate
        self._random = random.Random(f"{seed} cuts")
        self._running = gevent.event.Event()
        self._greenlet = gevent.spawn(self._cut) if rate else None

    def resume(self) -> None:
        self._running.set()

    def pause(self) -> None:
        self._running.clear()

    def _cut(self) -> None:
        while True:
            gevent.sleep(self._random.expovariate(self._rate))
            self._running.wait()
            how = self._random.choice(self._ways).lose(self._random)
            if how:
                self.lost[how] += 1
