"""The cost of Python and gevent alone: a bare loop, one greenlet for each connection.

It reads, splits the input into frames, unmasks in C, parses with orjson and sends all
replies to one read in one `send`. It knows the event `echo` and acks in one namespace.
It checks and limits nothing, and serves only the load generator.

Started by run.py, or by hand: `python bare_gevent.py PORT`
"""

from __future__ import annotations

import sys
from socket import IPPROTO_TCP, TCP_NODELAY
from typing import Any

import gevent
from gevent.server import StreamServer
from orjson import dumps, loads
from websockets.speedups import apply_mask

NAMESPACE = "/bench,"

#: The answer to the load generator's key, the example of RFC 6455, section 1.3.
UPGRADED = (
    b"HTTP/1.1 101 Switching Protocols\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
OPEN = (
    b'0{"sid":"bare","upgrades":[],"pingInterval":25000,'
    b'"pingTimeout":20000,"maxPayload":1000000}'
)


def frame(text: bytes) -> bytes:
    size = len(text)
    head = bytes((0x81, size)) if size < 126 else b"\x81\x7e" + size.to_bytes(2, "big")
    return head + text


def answer(text: str) -> bytes:
    """The frames that answer a message."""
    if text.startswith("40"):
        return frame(b'40/bench,{"sid":"bare"}')
    if not text.startswith("42"):
        return b""
    head, _, data = text[2:].partition("[")
    name, *args = loads("[" + data)
    number = head[len(NAMESPACE) :]
    if name == "echo":
        return frame(b"42/bench," + dumps(["echoed", *args]))
    return frame(b"43/bench," + number.encode() + dumps(args))


def serve(sock: Any, address: Any) -> None:
    sock.recv(65536)  # the request
    native = sock._sock
    native.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    native.send(UPGRADED + frame(OPEN))
    hub = gevent.get_hub()
    watcher = hub.loop.io(sock.fileno(), 1)
    rest = b""
    while True:
        hub.wait(watcher)
        data = native.recv(65536)
        if not data:
            break
        data = rest + data
        at, end, replies = 0, len(data), []
        while end - at >= 2:
            length, mask = data[at + 1] & 0x7F, at + 2
            if length == 126:
                length, mask = int.from_bytes(data[mask : mask + 2], "big"), mask + 2
            start = mask + 4
            stop = start + length
            if stop > end:
                break
            if data[at] == 0x88:
                break
            text = apply_mask(data[start:stop], data[mask:start]).decode()
            replies.append(answer(text))
            at = stop
        rest = data[at:]
        native.send(b"".join(replies))
    watcher.close()


if __name__ == "__main__":
    StreamServer(("127.0.0.1", int(sys.argv[1])), serve, backlog=1024).serve_forever()
