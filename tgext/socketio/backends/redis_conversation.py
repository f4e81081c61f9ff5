"""A question to all that listen to a channel of Redis, and their answers.

Nothing runs beside it: a script that gevent has not patched can ask, too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from .redis_link import MESSAGE


def converse(
    client: Any,
    own: str,
    publish: Callable[[], int],
    seconds: float,
    heard: Callable[[Any], int],
) -> int:
    """Publish a message, and receive the answers.

    :param client: of redis-py.
    :param own: the channel of the answers.
    :param publish: publishes the message; returns how many have received it.
    :param heard: called with each answer; returns how many have answered so far.
    :returns: how many have received the message. It returns when as many have
        answered, or after ``seconds``.
    :raises redis.RedisError: or OSError, when Redis cannot be reached.
    """
    listening = client.pubsub()
    try:
        listening.subscribe(own.encode())
        # The confirmation: no answer can come too early then.
        listening.get_message(timeout=seconds)
        end = time.monotonic() + seconds
        asked, answered = publish(), 0
        while answered < asked and (left := end - time.monotonic()) > 0:
            reply = listening.get_message(timeout=left)
            if reply is not None and reply["type"] == MESSAGE:
                answered = heard(reply["data"])
        return asked
    finally:
        listening.close()
