"""Ports for servers in processes of their own.

A free port that the kernel has just chosen may be in use when the server binds it,
because other test processes, and their connections, use ports too. The ports here are
below those that the kernel chooses, and each test process has its own block of them.
"""

from __future__ import annotations

import fcntl
import itertools
import socket
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import IO, NamedTuple

FIRST = 10_000
#: Ports of a block, and blocks.
SIZE, BLOCKS = 100, 200

#: Locks one file per block; the kernel unlocks it when its process ends.
DIRECTORY = Path(tempfile.gettempdir()) / "tgext-socketio-ports"


class Block(NamedTuple):
    ports: Iterator[int]
    lock: IO[str]


@cache
def block() -> Block:
    """The ports of this process."""
    DIRECTORY.mkdir(exist_ok=True)
    for number in range(BLOCKS):
        lock = (DIRECTORY / str(number)).open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        first = FIRST + number * SIZE
        return Block(itertools.cycle(range(first, first + SIZE)), lock)
    raise OSError(f"all {BLOCKS} blocks of ports are taken; see {DIRECTORY}")


def free_port() -> int:
    """A port that nobody uses. The others of the block are returned before it again."""
    for port in itertools.islice(block().ports, SIZE):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"all {SIZE} ports of this process are in use")
