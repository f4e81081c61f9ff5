"""Where a process reads all that another one has: a table in Redis, or its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final, Protocol

import gevent

from ...backends.errors import BackendError
from ...backends.redis_tables import Tables
from ...engine.concurrency.failures import ERRORS
from ...engine.concurrency.fairness import in_turns
from ...engine.logs import get_logger
from ...wire.escape import escape
from ..peers import Peers
from ..sealed import Seal
from .members import Entry
from .messages import read_fields, read_whole, write_field, write_whole
from .replica import Batch, Replica, Whole

log = get_logger(__name__)

#: Seconds for which a process that begins waits for the first heartbeats of the others.
GREETING: Final = 0.5

#: Seconds between two looks whether they have come.
_LOOK: Final = 0.02


class Source(Protocol):
    """What a process publishes of its own entries, and reads of those of the others.

    Each method may raise :class:`.BackendError` when the broker does not answer.
    """

    def write(self, batch: Batch) -> None:
        """Publish a batch, before the others are told of it."""

    def renew(self) -> None:
        """Publish that this process is there, and all of it if that was lost."""

    def lose(self) -> None:
        """Note that what was published may be lost. Does not raise."""

    def others(self) -> Iterable[str]:
        """The processes that are there, or were there some seconds ago."""

    def read(self, names: list[str]) -> dict[str, Whole]:
        """All entries of processes; without those that cannot be read."""

    def end(self) -> None:
        """Publish nothing more."""


class TableSource:
    """Each process keeps its entries in a table in Redis.

    :param tables: the tables.
    :param replica: the entries of this process.
    :param name: the id of this process.
    :param controller: the name of the controller.
    :param secret: the key that signs entries; empty when they are not signed.
    :param now: returns the time in seconds.
    """

    def __init__(
        self,
        tables: Tables,
        replica: Replica,
        name: str,
        controller: str,
        secret: str,
        now: Callable[[], float],
    ) -> None:
        self._tables = tables
        self._replica = replica
        self._own = name
        self._controller = controller
        self._secret = secret
        self._now = now
        self._table = table_name(name, controller)
        self._seal = Seal(self._table, secret)
        #: The number of this process' table; -1 when it has to be written anew.
        self._written = -1

    def write(self, batch: Batch) -> None:
        self._write(batch.number, batch.changes)

    def renew(self) -> None:
        self._write(self._replica.number, {})

    def _write(self, number: int, changes: Mapping[int, Entry | None]) -> None:
        """Write changes, or all when the table is not what this process left."""
        before, self._written = self._written, -1
        there, gone, now = {}, [], self._now()
        for reference, entry in changes.items():
            if entry is None:
                gone.append(str(reference))
            else:
                text = write_field(self._seal, reference, entry, now)
                there[str(reference)] = text
        if before >= 0 and self._tables.write(self._table, before, number, there, gone):
            self._written = number
        else:
            self._write_whole()

    def _write_whole(self) -> None:
        whole = self._replica.whole()
        self._tables.write_whole(self._table, whole.number, self._fields(whole))
        self._written = whole.number

    def _fields(self, whole: Whole) -> Iterator[tuple[str, str]]:
        for reference, entry in in_turns(list(whole.entries.items())):
            text = write_field(self._seal, reference, entry, self._now())
            yield str(reference), text

    def lose(self) -> None:
        self._written = -1

    def others(self) -> Iterable[str]:
        for table in self._tables.names():
            name, _, controller = table.partition(" ")
            if controller == self._controller and name != self._own:
                yield name

    def read(self, names: list[str]) -> dict[str, Whole]:
        found: dict[str, Whole] = {}
        for name in names:
            _add(found, name, partial(self._whole_of, name))
        return found

    def _whole_of(self, name: str) -> Whole | None:
        table_of_it = table_name(name, self._controller)
        table = self._tables.read(table_of_it)
        if table is None:
            return None
        seal = Seal(table_of_it, self._secret)
        return Whole(table.number, read_fields(seal, table.entries, self._now()))

    def end(self) -> None:
        self._tables.remove(self._table)


class AnswerSource:
    """Processes answer those that ask for their entries.

    :param peers: the other processes.
    :param replica: the entries of this process.
    :param controller: the name of the controller.
    :param now: returns the time in seconds.
    """

    def __init__(
        self,
        peers: Peers,
        replica: Replica,
        controller: str,
        now: Callable[[], float],
    ) -> None:
        self._peers = peers
        self._replica = replica
        self._now = now
        self._kind = f"presence whole {controller}"
        peers.answer(self._kind, self._answer)

    def _answer(self, asked: Any) -> Any:
        if isinstance(asked, list) and self._peers.id in asked:
            return write_whole(self._replica.whole(), self._now())
        return None

    def write(self, batch: Batch) -> None:
        """Nothing: it is asked for."""

    def renew(self) -> None:
        """Nothing: it is asked for."""

    def lose(self) -> None:
        """Nothing: it is asked for."""

    def others(self) -> Iterable[str]:
        waiting = GREETING
        while waiting > 0 and not self._peers.alive:
            gevent.sleep(_LOOK)
            waiting -= _LOOK
        return self._peers.alive

    def read(self, names: list[str]) -> dict[str, Whole]:
        answers: Mapping[str, Any] = self._peers.ask(
            self._kind, names, self._peers.interval
        )
        found: dict[str, Whole] = {}
        for name, answer in answers.items():
            if name in names and answer is not None:
                _add(found, name, partial(read_whole, answer, self._now()))
        return found

    def end(self) -> None:
        self._peers.on(self._kind, ignore)


def _add(found: dict[str, Whole], name: str, read: Callable[[], Whole | None]) -> None:
    """Add what can be read: one process hides no others."""
    try:
        whole = read()
    except BackendError:
        raise
    except ERRORS as error:
        shown = escape(name)
        log.warning("The presence of process %s is skipped: %s", shown, error)
    else:
        if whole is not None:
            found[name] = whole


def table_name(process: str, controller: str) -> str:
    """The name of the table of a process."""
    return f"{process} {controller}"


def ignore(name: str, data: Any) -> None:
    """Messages for a controller whose clients have all gone."""
