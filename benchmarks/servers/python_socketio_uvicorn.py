"""The peer: python-socketio on asyncio, with uvicorn and uvloop.

Started by run.py, or by hand: `python python_socketio_uvicorn.py PORT`
"""

from __future__ import annotations

import sys
from typing import Any

import socketio
import uvicorn

NAMESPACE = "/bench"

server = socketio.AsyncServer(async_mode="asgi")
app = socketio.ASGIApp(server)


@server.on("echo", namespace=NAMESPACE)
async def echo(sid: str, data: Any) -> Any:
    await server.emit("echoed", data, to=sid, namespace=NAMESPACE)
    return data


@server.on("ask", namespace=NAMESPACE)
async def ask(sid: str, data: Any) -> Any:
    return data


@server.on("shout", namespace=NAMESPACE)
async def shout(sid: str, data: Any) -> None:
    await server.emit("heard", data, namespace=NAMESPACE)


@server.on("enter", namespace=NAMESPACE)
async def enter(sid: str, room: str) -> bool:
    await server.enter_room(sid, room, namespace=NAMESPACE)
    return True


@server.on("say", namespace=NAMESPACE)
async def say(sid: str, room: str, data: Any) -> None:
    await server.emit("heard", data, to=room, skip_sid=sid, namespace=NAMESPACE)


if __name__ == "__main__":
    uvicorn.run(
        app, host="127.0.0.1", port=int(sys.argv[1]), loop="uvloop", log_level="warning"
    )
