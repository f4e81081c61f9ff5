"""Commands to Redis. What many greenlets send at a time is written as one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from inspect import Parameter, signature
from typing import Any, Final

import redis
from redis.client import NEVER_DECODE
from redis.exceptions import NoScriptError

from ..engine.concurrency.fairness import in_turns
from .errors import BrokerUnavailable
from .gathered import Gathered
from .redis_link import LOST

#: Calls that are made at the same time, if ``max_connections`` is not set.
CALLS: Final = 4

#: What may be raised when a connection fails; ValueError if it was closed meanwhile.
FAILED: Final = (*LOST, ValueError)

#: Answers are bytes, also if a pool decodes them.
_AS_BYTES: Final[dict[str, Any]] = {NEVER_DECODE: True}

#: A command: its name and its operands.
Command = tuple[str | bytes, ...]


def _size(command: Command) -> int:
    return sum(map(len, command))


class Commands:
    """Sends commands, and returns their answers.

    A command that comes while the greenlets of its thread wait for no other one is sent
    at once; what comes meanwhile is sent together, in one pipeline
    (https://redis.io/docs/latest/develop/using-commands/pipelining/). Each thread has a
    connection of its own.

    :param client: a client of redis-py.
    :param name: of Redis, for errors.
    :param most: how many calls are made at the same time.
    :param patience: seconds for which a command waits to be sent.
    :param explained: makes an error that names what to check, of one of redis-py.
    :param late: makes the error of a command that has waited for too long.
    """

    def __init__(
        self,
        client: Any,
        name: str,
        most: int,
        patience: float,
        explained: Callable[[Exception], Exception],
        late: Callable[[], Exception],
    ) -> None:
        self._client = client
        self._pool = client.connection_pool
        # Before redis-py 5.3, a connection is asked for with the name of a command.
        asked = signature(self._pool.get_connection).parameters.get("command_name")
        needed = asked is not None and asked.default is Parameter.empty
        self._purpose = ("PIPELINE",) if needed else ()
        self._name = name
        self._patience = patience
        self._explained = explained
        # A semaphore of `threading`, which works with gevent's patch and without.
        self._turns = threading.BoundedSemaphore(most)
        self._gathered: Gathered[Command, Any] = Gathered(
            self._call, _size, patience, late
        )

    def send(self, name: str, *operands: bytes) -> Any:
        """Send a command.

        :returns: its answer: an int, None, bytes, or a list of these.
        :raises NoScriptError: when Redis does not know a script.
        :raises BackendError: when something else goes wrong.
        """
        return self._gathered.do((name, *operands))

    def _call(self, commands: Sequence[Command]) -> Iterator[Any]:
        with self._turn():
            if len(commands) == 1:
                yield self._client.execute_command(*commands[0], **_AS_BYTES)
                return
            connection = self._pool.get_connection(*self._purpose)
            try:
                yield from self._answers(connection, commands)
            finally:
                self._pool.release(connection)

    def _answers(self, connection: Any, commands: Sequence[Command]) -> Iterator[Any]:
        """Send commands together.

        Not with a pipeline of redis-py: when the connection is lost, that forgets which
        commands were answered, and with a ``Retry`` of a pool it sends them again.
        """
        unanswered = len(commands)
        try:
            connection.send_packed_command(connection.pack_commands(commands))
            for _ in in_turns(commands):
                answer = self._read(connection)
                unanswered -= 1
                yield answer
        finally:
            if unanswered:
                connection.disconnect()  # or the next command would get their answers

    def _read(self, connection: Any) -> Any:
        try:
            return connection.read_response(disable_decoding=True)
        except NoScriptError as error:
            return error
        except redis.ResponseError as error:
            return self._explained(error)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait until a connection may be used, and explain what goes wrong.

        :raises NoScriptError: when Redis does not know a script.
        :raises BackendError: when something else goes wrong.
        """
        if not self._turns.acquire(timeout=self._patience):
            raise BrokerUnavailable(
                f"{self._name} does not answer in time: all connections that "
                "anypubsub.max_connections allows are waiting for it"
            )
        try:
            yield
        except NoScriptError:
            raise
        except FAILED as error:
            failure = self._explained(error)
            raise failure from failure.__cause__
        finally:
            self._turns.release()
