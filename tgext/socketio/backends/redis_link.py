"""A subscribed connection to Redis: its commands and replies.

https://redis.io/docs/latest/develop/pubsub/ : such a connection accepts SUBSCRIBE,
UNSUBSCRIBE and PING at any time, and receives arrays: ``subscribe`` and ``unsubscribe``
confirm, ``message`` has a message, ``pong`` answers a ping.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final

import redis

from ..engine.concurrency.failures import ERRORS
from ..engine.logs import get_logger

log = get_logger(__name__)

#: The errors of a connection that is lost. OSError: the socket was closed meanwhile;
#: UnicodeError: the name of the host is invalid.
LOST: Final = (redis.RedisError, OSError, UnicodeError)

#: Those of them that another attempt will not mend: Redis refuses the password, the
#: database or the user, or the name of the host is invalid.
WRONG: Final = (
    redis.AuthenticationError,
    redis.exceptions.AuthorizationError,
    redis.ResponseError,
    UnicodeError,
)

#: Kinds of replies. Redis does not send the second: it stands for an error reply.
MESSAGE: Final = "message"
REFUSED: Final = "refused"


class Link:
    """An open connection.

    :param connection: redis-py's, connected.
    :param interval: seconds without input after which Redis is pinged.
    :param timeout: seconds within which it must answer.
    :param refused: called with an error and the command that could not be encoded; the
        connection goes on.
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
        #: The commands that are not answered completely.
        self._unanswered: deque[list[str]] = deque()

    def send(self, *commands: tuple[str, ...]) -> None:
        """Send commands, in order. If that fails, :meth:`replies` raises the error."""
        self._commands.extend(commands)
        if self._sending:
            return  # the greenlet that is sending sends these too
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
            # Encoded here: redis-py would use the encoding of its pool.
            packed = self._connection.pack_command(*(each.encode() for each in command))
        except ERRORS as error:
            # One invalid name must not end the connection of all channels.
            self._refused(self, error, *command)
            return
        self._unanswered.append(list(command))
        self._connection.send_packed_command(packed, check_health=False)

    def replies(self) -> Iterator[list[Any]]:
        """Yield the replies of Redis; for a refused command, the error and the command.

        :raises Exception: when the connection is lost, or closed meanwhile. redis-py
            has several exceptions for that.
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
    """A name as text. One that is not UTF-8 becomes different from all valid names."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return str(value)
