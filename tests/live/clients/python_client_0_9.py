"""python_client_0_9.py PORT websocket|xhr-polling|jsonp-polling TEXT...

Does what a user of PyPI's socketIO-client does, which speaks 0.9: emits several events
before it listens, so that their answers come together. Prints one JSON object.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from socketIO_client import BaseNamespace, SocketIO  # type: ignore[import-not-found]

#: Seconds in which all answers have to come.
STEP = 20

seen: dict[str, list[Any]] = {"heard": [], "acks": [], "errors": []}


class Lab(BaseNamespace):  # type: ignore[misc]
    def on_heard(self, text: str) -> None:
        seen["heard"].append(text)

    def on_error(self, *args: Any) -> None:
        seen["errors"].append(args)


def done(*answer: Any) -> None:
    seen["acks"].append(answer)


port, transport, *texts = sys.argv[1:]
client = SocketIO("127.0.0.1", int(port), transports=[transport], resource="socketio")
lab = client.define(Lab, "/lab")
for text in texts:
    lab.emit("shout", text)
lab.emit("add", 1, 2, done)
client.wait_for_callbacks(seconds=STEP)
lab.emit("call_me", f"old {transport}", done)
client.wait_for_callbacks(seconds=STEP)
client.disconnect()
print(json.dumps(seen), flush=True)
# At its end, the interpreter would run a finalizer that connects again.
os._exit(0)
