"""Commands to Redis. What many greenlets send at a time is written as one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from redis.client import NEVER_DECODE
from redis.exceptions import NoScriptError

from .errors import BrokerUnavailable
from .gathered import Gathered
from .redis_link import LOST

#: Calls that are made at the same time, if ``max_connections`` is not set.
CALLS: Final = 4

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

    def _call(self, commands: Sequence[Command]) -> list[Any]:
        with self._turn():
            if len(commands) == 1:
                return [self._client.execute_command(*commands[0], **_AS_BYTES)]
            pipeline = self._client.pipeline(transaction=False)
            for each in commands:
                pipeline.execute_command(*each, **_AS_BYTES)
            answers = pipeline.execute(raise_on_error=False)
        return [self._answer(each) for each in answers]

    def _answer(self, answer: Any) -> Any:
        if isinstance(answer, Exception) and not isinstance(answer, NoScriptError):
            return self._explained(answer)
        return answer

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
        except LOST as error:
            failure = self._explained(error)
            raise failure from failure.__cause__
        finally:
            self._turns.release()
