"""The peer: socketify, which is uWebSockets with handlers in Python.

Started by run.py, or by hand: `python raw_socketify.py PORT`
"""

from __future__ import annotations

import sys

from socketify import App, AppListenOptions, CompressOptions, OpCode, WebSocket


def echo(socket: WebSocket, message: str | bytes, opcode: OpCode) -> None:
    socket.send(message, opcode)


def main() -> None:
    app = App()
    app.ws("/", {"compression": CompressOptions.DISABLED, "message": echo})
    app.listen(AppListenOptions(port=int(sys.argv[1]), host="127.0.0.1"))
    app.run()


if __name__ == "__main__":
    main()
