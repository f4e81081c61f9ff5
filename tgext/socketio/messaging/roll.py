"""Who is connected: each process tells those who run the application."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, NamedTuple

from ..engine.hub.roomkeys import Room
from ..engine.hub.rooms import Rooms
from .sealed import BusMessageError, field_of

#: The most sockets that a process lists; it counts the others.
MOST: Final = 500

#: Characters of a user's name that are told.
_LONGEST: Final = 200


class Entry(NamedTuple):
    """A socket.

    :ivar id: its public id in the namespace.
    :ivar user: empty when it is anonymous.
    :ivar client: the generation of the client: ``3.x/4.x``.
    :ivar transport: empty between two requests of a client that polls.
    :ivar process: the id of its process.
    """

    id: str
    user: str
    client: str
    transport: str
    process: str


@dataclass(frozen=True)
class Roll:
    """The sockets of a namespace, or of one of its rooms.

    :ivar count: how many there are.
    :ivar entries: the first ones of each process.
    :ivar processes: how many processes have answered.
    """

    count: int
    entries: list[Entry]
    processes: int


def write_roll(
    known: Iterable[Rooms], endpoint: str, room: Room | None
) -> dict[str, Any]:
    """What this process answers.

    :param known: the rooms of its controllers.
    """
    members = [each for rooms in known for each in rooms.members(endpoint, room)]
    entries = [list(_entry(each, endpoint)) for each in islice(members, MOST)]
    return {"count": len(members), "sockets": entries}


def _entry(socket: Any, endpoint: str) -> Iterator[str]:
    yield socket._tgsio_id_in(endpoint)
    yield (socket._tgsio_user or "")[:_LONGEST]
    yield socket.generation.name
    yield getattr(socket.transport, "name", "")


def read_roll(answers: Mapping[str, Any]) -> Roll:
    """What the processes answered.

    :param answers: by the ids of the processes; one that is invalid is left out.
    """
    count, entries, processes = 0, [], 0
    for process, answer in sorted(answers.items()):
        try:
            here = field_of(answer, "count", int)
            found = [_read(each, process) for each in field_of(answer, "sockets", list)]
        except BusMessageError:
            continue
        count, processes = count + here, processes + 1
        entries += found
    return Roll(count, entries, processes)


def _read(fields: Any, process: str) -> Entry:
    texts = fields if isinstance(fields, list) else []
    if len(texts) != 4 or any(type(each) is not str for each in texts):
        raise BusMessageError("it is not a socket")
    sid, user, client, transport = texts
    return Entry(sid, user, client, transport, process)
