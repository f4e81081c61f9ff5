"""A connection to Redis that has subscribed, and what is said over it.

https://redis.io/docs/latest/develop/pubsub/ : such a connection takes SUBSCRIBE,
UNSUBSCRIBE and PING, at any time, and is sent arrays: ``subscribe`` and ``unsubscribe``
confirm, ``message`` carries, ``pong`` answers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final

import redis

from ..engine.concurrency.failures import ERRORS
from ..engine.logs import get_logger

log = get_logger(__name__)

#: What a connection fails with. A socket that is closed meanwhile fails on its own, and
#: the name of a host may be none.
LOST: Final = (redis.RedisError, OSError, UnicodeError)

#: Kinds of replies: the latter is ours.
MESSAGE: Final = "message"
REFUSED: Final = "refused"


class Link:
    """A connection that stands.

    :param connection: redis-py's, connected.
    :param interval: seconds of silence after which Redis is asked whether it lives.
    :param timeout: seconds in which it must answer.
    :param refused: called with an error and the command that could not be sent for it,
        while the connection lives on.
    """

    def __init__(
        self,
        connection: Any,
        interval: float,
        timeout: float,
        refused: Callable[..., object],
    ) -> None:
        self._connection = connection
        self._refused = refused
        self._interval = interval
        self._timeout = timeout
        self._asked = False
        self._commands: deque[tuple[str, ...]] = deque()
        self._sending = False
        #: The commands that were sent, without those that are answered whole.
        self._unanswered: deque[list[str]] = deque()

    def send(self, *commands: tuple[str, ...]) -> None:
        """Send commands after those before; what fails, :meth:`replies` fails with."""
        self._commands.extend(commands)
        if self._sending:
            return  # whoever is at it sends these too
        self._sending = True
        try:
            while self._commands:
                self._send_one(self._commands.popleft())
        except LOST as error:
            log.debug("Sending to Redis failed: %s", error)
            self.close()
        finally:
            self._sending = False

    def _send_one(self, command: tuple[str, ...]) -> None:
        try:
            # Here: redis-py would encode text as its pool says.
            packed = self._connection.pack_command(*(each.encode() for each in command))
        except ERRORS as error:
            # One name must not end what all others hear by.
            self._refused(self, error, *command)
            return
        self._unanswered.append(list(command))
        self._connection.send_packed_command(packed, check_health=False)

    def replies(self) -> Iterator[list[Any]]:
        """What Redis sends; where it refuses a command, the error and the command.

        :raises Exception: when the connection is lost, or closed meanwhile (redis-py
            has several for that).
        """
        connection = self._connection
        while True:
            patience = self._timeout if self._asked else self._interval
            if connection.can_read(timeout=patience):
                reply = self._read()
                self._asked = False
                yield reply
            elif self._asked:
                raise redis.TimeoutError(f"no answer to a ping within {patience:g} s")
            else:
                self._asked = True
                self.send(("PING",))

    def _read(self) -> list[Any]:
        try:
            response = self._connection.read_response()
        except redis.ResponseError as error:
            return [REFUSED, error, *self._unanswered.popleft()]
        reply: list[Any] = response if isinstance(response, list) else [response]
        reply[0] = text(reply[0]).lower()
        if reply[0] != MESSAGE:
            # One reply for each channel of a command.
            command = self._unanswered[0]
            command.pop()
            if len(command) < 2:
                self._unanswered.popleft()
        return reply

    def close(self) -> None:
        self._commands.clear()
        self._connection.disconnect()


def text(value: Any) -> str:
    """What Redis calls something; what is not UTF-8 equals no name of ours."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return str(value)
