"""A process that appends numbered messages to topics until each of them is in the log.

Arguments: the port of Redis, the number of messages, and the topics. A message whose
publishing fails is published again, with the same key.
"""

from __future__ import annotations

import sys
import time

from tgext.socketio.backends import BackendError, create_backend
from tgext.socketio.messaging.log import Keep, log_of_backend

KEEP = Keep(10_000, 300.0)

#: Seconds between two messages.
PAUSE = 0.002


def main(port: str, count: str, *topics: str) -> None:
    options = {
        "anypubsub.backend": "redis",
        "anypubsub.port": port,
        "anypubsub.socket_timeout": "0.3",
    }
    log = log_of_backend(create_backend(options))
    assert log is not None
    print("ready", flush=True)
    for number in range(int(count)):
        topic = topics[number % len(topics)]
        while True:
            try:
                log.append(topic, str(number), KEEP, f"key {number}")
                break
            except BackendError:
                time.sleep(0.05)
        time.sleep(PAUSE)


if __name__ == "__main__":
    main(*sys.argv[1:])
