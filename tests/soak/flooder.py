"""One client that sends as fast as it can, in a process of its own.

``python -m tests.soak.flooder PORT NAME SECONDS``; NAME is one of ``FLOODS``. It prints
at the end what it sent, as JSON. It reconnects when the server ends its connection.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from contextlib import suppress  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402

from tests.engine import clients  # noqa: E402
from tests.engine.clients import PollingClient, WebSocketClient  # noqa: E402

from .floods import FLOODS, Flood  # noqa: E402
from .visitors import GONE  # noqa: E402

#: Seconds between two connections.
PAUSE = 0.05
#: The most bytes of a read.
READ = 1 << 20


def drain(sock: Any) -> None:
    with suppress(*GONE):
        while sock.recv(READ):
            pass


def poll(client: PollingClient) -> None:
    with suppress(*GONE):
        while True:
            client.gets.get(client.target)


def flood_once(flood: Flood, port: int, end: float) -> int:
    """Send until the time is over or the server disconnects; return the bytes sent."""
    client: Any = flood.client(port)
    sent = 0
    readers = []
    if isinstance(client, PollingClient):
        sock = clients.Raw(port).sock
        readers.append(gevent.spawn(drain, sock))
        readers.append(gevent.spawn(poll, client))
    else:
        websocket = client.websocket if isinstance(client, WebSocketClient) else client
        sock = websocket.sock
        if flood.reads:
            readers.append(gevent.spawn(drain, sock))
    sock.settimeout(None)
    try:
        with gevent.Timeout(max(0.0, end - time.monotonic()), False):
            for piece in flood.pieces(client):
                sent += sock.send(piece) if len(piece) < READ else len(piece)
                if len(piece) >= READ:
                    sock.sendall(piece)
                # `send` does not let others run while the kernel takes more.
                gevent.sleep(0)
    except GONE:
        pass
    gevent.killall(readers)
    sock.close()
    with suppress(*GONE):
        client.close()
    return sent


def main() -> None:
    port, name, seconds = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    os.nice(19)  # the clients that measure share its core
    clients.RESOURCE = "/socketio"
    clients.DEADLINE = 30.0
    end = time.monotonic() + seconds
    sent = connections = 0
    while time.monotonic() < end:
        connections += 1
        try:
            sent += flood_once(FLOODS[name], port, end)
        except GONE:
            pass
        gevent.sleep(PAUSE)
    print(json.dumps({"sent": sent, "connections": connections}))


if __name__ == "__main__":
    main()
