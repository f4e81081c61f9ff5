"""A program whose workers answer with their pid: the parent, without a server.

``light.py <workers> <port> <folder>``: each worker reads the file ``version`` of the
folder when it starts, as one that loads an application reads its modules. The text
``broken`` ends it.
"""

from __future__ import annotations

import json
import logging
import os
import select
import socket
import sys
from pathlib import Path

from tgext.socketio.workers.inherited import NOW, RETIRE, STOP, Inherited
from tgext.socketio.workers.parent import Parent


def work(inherited: Inherited, port: int, folder: Path) -> None:
    """Answer connections until the parent ends or says so."""
    version = (folder / "version").read_text()
    if version == "broken":
        raise SystemExit(3)
    control = socket.socket(fileno=inherited.control)
    fds, file = [], None
    if inherited.listener is not None:
        listener = socket.socket(fileno=inherited.listener)
    elif version == "a path":
        listener, file = socket.socket(socket.AF_UNIX), str(folder / "socket")
        listener.bind(file)
        listener.listen()
    else:
        listener = socket.create_server(("127.0.0.1", port))
    if inherited.listener is None:
        fds = [listener.fileno()]
    listener.setblocking(False)
    said = json.dumps({"grace": 0.5, "file": file}).encode()
    socket.send_fds(control, [said], fds)
    while True:
        ready, _, _ = select.select([control, listener], [], [])
        if control in ready:
            words = control.recv(1000).decode().split()
            if not words or {STOP, RETIRE, NOW} & {*words}:
                return
        try:
            client, _ = listener.accept()
        except BlockingIOError:
            continue
        client.sendall(f"{os.getpid()} {version}".encode())
        client.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    ran = Parent(int(sys.argv[1])).run()
    if isinstance(ran, int):
        raise SystemExit(ran)
    work(ran, int(sys.argv[2]), Path(sys.argv[3]))
