"""The log in Redis: a stream for each topic, and one counter.

Needs Redis 6.2 or Valkey, without eviction of keys (``maxmemory-policy noeviction``, or
one of ``volatile-``). A user with access lists needs the keys ``tgext.socketio/*``.

Consistency: an entry that was appended is lost only if Redis loses it. After a restart
with an append-only file the log goes on; after any other restart, a failover or a flush
it has a new epoch, so nobody takes what is left for complete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Any, Final, NamedTuple, Protocol

from ..errors import BrokerRefused, BrokerUnavailable
from ..gathered import Gathered
from ..redis_scripts import Argument, Script
from .catching import Catching
from .entries import (
    Entry,
    HeardEntry,
    Keep,
    Position,
    Replay,
    new_epoch,
    undeclared,
)

#: The keys of all logs begin so.
PREFIX: Final = "tgext.socketio/log"

_BEGIN: Final = Script.of("log_begin")
_APPEND: Final = Script.of("log_append")
_READ: Final = Script.of("log_read")
_LATEST: Final = Script.of("log_latest")
_DECLARE: Final = Script.of("log_declare")
_PUBLISH: Final = Script.of("log_publish")

#: How often the epoch may change during one call.
_TRIES: Final = 4

Hooks = list[Callable[[], object]]


class Listener(Protocol):
    """The subscribed connection of the backend."""

    lost: Hooks
    returned: Hooks


class Backend(Protocol):
    """The backend that the log is of."""

    name: str
    listener: Listener
    #: Seconds for which a call may wait until it is made.
    patience: float

    def late(self) -> Exception:
        """The error of a call that has waited for longer."""

    def refused(self, said: str) -> Exception:
        """The error of what Redis refuses."""

    def run(
        self,
        script: Script,
        keys: Sequence[str] = (),
        args: Sequence[Argument] = (),
        unknown: Callable[[], object] | None = None,
    ) -> Any:
        """Run a script."""

    def publish(self, channel: str, message: str) -> object:
        """Publish a message that is in no log."""

    def listen(self, channel: str, heard: Callable[[Any], object]) -> None:
        """Call ``heard`` with each message of a channel."""

    def unlisten(self, channel: str, heard: Callable[[Any], object]) -> None:
        """No longer call ``heard``."""


class _Message(NamedTuple):
    """A message to append."""

    topic: str
    message: str
    keep: Keep
    key: str | None


def _size(message: _Message) -> int:
    return len(message.message)


class RedisLog:
    """A log in Redis. What is appended by many greenlets at a time is one call.

    :param backend: runs the scripts, and carries the messages.
    :param now: returns the time in seconds; None for the time of Redis.
    """

    def __init__(
        self, backend: Backend, now: Callable[[], float] | None = None
    ) -> None:
        self._backend = backend
        self._now = now
        #: The epoch at the last call.
        self._known = ""
        self._catching = Catching(backend, self.now, self._read)
        self._appending: Gathered[_Message, Position | None] = Gathered(
            self._append, _size, backend.patience, backend.late
        )

    @property
    def epoch(self) -> str:
        """The epoch of what listeners are given."""
        return self.heard.epoch or self._known

    @property
    def heard(self) -> Position:
        return self._catching.position

    def append(
        self, topic: str, message: str, keep: Keep, key: str | None = None
    ) -> Position | None:
        return self._appending.do(_Message(topic, message, keep, key))

    def _append(
        self, messages: Sequence[_Message]
    ) -> list[Position | Exception | None]:
        """Append messages in one step."""
        # One topic may be given twice, with two amounts that are to be kept.
        numbers: dict[tuple[str, Keep], int] = {}
        used: list[str] = []
        args: list[Argument] = []
        for topic, message, keep, key in messages:
            number = numbers.setdefault((topic, keep), len(numbers) + 1)
            if key is not None:
                used.append(_key(topic, key))
            args += (number, message, 0 if key is None else len(used))

        def keys_of(epoch: str) -> list[str]:
            keys = [key for topic, _ in numbers for key in _keys(epoch, topic)]
            return keys + used

        topics = [each for topic, keep in numbers for each in (topic, *keep)]
        epoch, *answers = self._run(
            _APPEND, keys_of, self._time(), len(numbers), *topics, *args
        )
        return [self._position(epoch, each) for each in answers]

    def _position(self, epoch: str, answer: int | bytes) -> Position | Exception | None:
        if isinstance(answer, bytes):
            return self._backend.refused(answer.decode("utf-8", "replace"))
        return Position(epoch, answer) if answer else None

    def read(self, topics: Iterable[str], after: Position) -> Replay:
        return self._read(topics, after, is_own=False)

    def _read(self, topics: Iterable[str], after: Position, is_own: bool) -> Replay:
        """Read.

        :param is_own: whether this process has the position from the log. Clients may
            send any.
        """
        topics = list(dict.fromkeys(topics))

        # The epoch may change with the call.
        def start(epoch: str) -> int:
            return after.number if epoch == after.epoch else 0

        epoch, number, complete, *lists = self._run(
            _READ,
            lambda epoch: [key for topic in topics for key in _keys(epoch, topic)],
            start,
            self._time(),
            int(is_own),
        )
        entries = [
            entry
            for topic, values in zip(topics, lists, strict=True)
            for entry in _entries(topic, values)
        ]
        entries.sort()
        is_complete = bool(complete) and after.epoch == epoch
        return Replay(entries, Position(epoch, number), is_complete)

    def latest(self, topic: str, count: int) -> Replay:
        epoch, number, complete, values = self._run(
            _LATEST, lambda epoch: _keys(epoch, topic), max(count, 0), self._time()
        )
        entries = sorted(_entries(topic, values))
        return Replay(entries, Position(epoch, number), bool(complete))

    def now(self) -> Position:
        return self.read([], Position("", 0)).position

    def declare(self, topic: str, keep: Keep) -> None:
        self._backend.run(_DECLARE, [_kept(topic)], [keep.most, keep.seconds])

    def publish(
        self, topic: str, message: str, key: str | None = None, like: str = ""
    ) -> None:
        has_key = int(key is not None)
        try:
            args = (topic, message, has_key)
            kept = self._backend.run(_PUBLISH, [_kept(like or topic)], args)
        except BrokerRefused:
            # Its user may only publish. Then nobody has declared a history either.
            if has_key:
                raise
            self._backend.publish(topic, message)
            return
        if isinstance(kept, bytes):
            most, seconds = kept.split()
            self.append(topic, message, Keep(int(most), float(seconds)), key)
        elif has_key:
            raise undeclared(topic)

    def listen(self, topic: str, heard: HeardEntry) -> int:
        return self._catching.listen(topic, heard)

    def unlisten(self, topic: str, heard: HeardEntry) -> None:
        self._catching.unlisten(topic, heard)

    def when_lost(self, told: Callable[[], object]) -> None:
        self._catching.lost[told] = None

    def _time(self) -> Argument:
        return "" if self._now is None else self._now()

    def _run(
        self,
        script: Script,
        keys_of: Callable[[str], list[str]],
        *args: Argument | Callable[[str], Argument],
    ) -> tuple[Any, ...]:
        """Run a script in the epoch of Redis; returns that epoch and its answer."""
        for _ in range(_TRIES):
            epoch = self._known
            given = [each(epoch) if callable(each) else each for each in args]
            epoch_now, *answer = self._backend.run(
                script, [PREFIX, *keys_of(epoch)], [epoch, *given], self._begin
            )
            if epoch_now is None:
                self._begin()
            elif epoch_now.decode() == epoch:
                return epoch, *answer
            else:
                self._known = epoch_now.decode()
        raise BrokerUnavailable(f"{self._backend.name} changes all the time")

    def _begin(self) -> None:
        epoch = self._backend.run(_BEGIN, [PREFIX], [new_epoch()])
        self._known = epoch.decode()


def _keys(epoch: str, topic: str) -> list[str]:
    """The names of a topic's head and stream."""
    return [f"{PREFIX}/{epoch}/{kind}/{topic}" for kind in ("head", "stream")]


def _kept(topic: str) -> str:
    """The name of the key that says how much of a topic is kept."""
    return f"{PREFIX}/kept/{topic}"


def _key(topic: str, key: str | None) -> str:
    """The name of an idempotency key, which has a bounded length."""
    digest = blake2b(f"{len(topic)} {topic}{key}".encode(), digest_size=16)
    return f"{PREFIX}/key/{digest.hexdigest()}"


def _entries(topic: str, values: list[bytes]) -> list[Entry]:
    pairs = zip(values[::2], values[1::2], strict=True)
    return [
        Entry(int(number), topic, message.decode("utf-8", "replace"))
        for number, message in pairs
    ]
