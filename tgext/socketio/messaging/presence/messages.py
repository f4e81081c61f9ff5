"""What processes tell each other about presence.

An entry is a list: the namespace, the room (as in a broadcast), the user, the
information, and two numbers: 0, or the seconds until it ends; 0, or when its socket
ended. References of entries are numbers, in JSON objects and in Redis as text.

Anybody who can publish on the broker can send a message, so each field is checked.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from sys import intern
from typing import Any, Final

from ...engine.concurrency.fairness import in_turns
from ...engine.hub.roomkeys import OwnRoom, Room
from ..busmessage import read_room, write_room
from ..sealed import BusMessageError, Seal, field_of
from .members import Entry
from .replica import Batch, Changes, Whole

#: The longest time for which an entry may wait for its user, in seconds.
LONGEST: Final = 3600.0


def write_batch(batch: Batch, now: float) -> dict[str, Any]:
    """A batch as JSON can carry it.

    :param now: the time of this process.
    """
    there = {
        str(reference): write_entry(entry, now)
        for reference, entry in batch.changes.items()
        if entry is not None
    }
    gone = [each for each, entry in batch.changes.items() if entry is None]
    return {"number": batch.number, "there": there, "gone": gone}


def read_batch(data: Any, now: float) -> Batch:
    """Read and check what :func:`write_batch` has written.

    :raises BusMessageError: when it is invalid.
    """
    there = field_of(data, "there", dict)
    changes: Changes = {
        reference_of(each): read_entry(entry, now) for each, entry in there.items()
    }
    for each in field_of(data, "gone", list):
        changes[reference_of(each)] = None
    return Batch(number_of(data), changes)


def write_whole(whole: Whole, now: float) -> dict[str, Any]:
    """The whole of a process as JSON can carry it; lets other greenlets run."""
    entries = in_turns(list(whole.entries.items()))
    there = {str(reference): write_entry(entry, now) for reference, entry in entries}
    return {"number": whole.number, "there": there}


def read_whole(data: Any, now: float) -> Whole:
    """Read and check what :func:`write_whole` has written.

    :raises BusMessageError: when it is invalid.
    """
    there = in_turns(list(field_of(data, "there", dict).items()))
    entries = {reference_of(each): read_entry(entry, now) for each, entry in there}
    return Whole(number_of(data), entries)


def write_field(seal: Seal, reference: int, entry: Entry, now: float) -> str:
    """An entry as text, signed when processes share a secret."""
    return seal.write({"reference": reference, "entry": write_entry(entry, now)})


def read_fields(
    seal: Seal, fields: Iterable[tuple[str, str]], now: float
) -> dict[int, Entry]:
    """Read what :func:`write_field` has written, by references; in turns.

    :raises BusMessageError: when one is invalid.
    """
    entries: dict[int, Entry] = {}
    for reference, text in in_turns(fields):
        message = seal.read(text)
        if str(message.get("reference")) != reference:
            raise BusMessageError("an entry has another reference")
        entries[reference_of(reference)] = read_entry(message.get("entry"), now)
    return entries


def write_entry(entry: Entry, now: float) -> list[Any]:
    """An entry as JSON can carry it."""
    endpoint, room = entry.topic
    seconds = max(0.001, entry.until - now) if entry.until else 0
    return [endpoint, write_room(room), entry.user, entry.info, seconds, entry.ended]


def read_entry(data: Any, now: float) -> Entry:
    """Read and check what :func:`write_entry` has written.

    :raises BusMessageError: when it is invalid.
    """
    if not (isinstance(data, list) and len(data) == 6):
        raise BusMessageError("an entry is not a list of six")
    endpoint, room, user, info, seconds, ended = data
    if not (isinstance(endpoint, str) and isinstance(user, str)):
        raise BusMessageError("an entry's namespace or user is not text")
    if not isinstance(info, dict):
        raise BusMessageError("an entry's information is not an object")
    if type(seconds) not in (int, float) or not 0 <= seconds <= LONGEST:
        raise BusMessageError("an entry's seconds are invalid")
    if type(ended) not in (int, float) or not abs(ended) < 1e18:
        raise BusMessageError("the end of an entry's socket is invalid")
    until = now + seconds if seconds else 0.0
    return Entry((intern(endpoint), room_of(room)), user, info, until, ended)


def room_of(data: Any) -> Room | None:
    """The room of an entry.

    :raises BusMessageError: when it is invalid.
    """
    room = read_room("room", data)
    if isinstance(room, OwnRoom):
        raise BusMessageError("an entry's room is not one of an application")
    # Many entries have the same one.
    return intern(room) if isinstance(room, str) else room


def number_of(data: Any) -> int:
    """The number of a batch or a whole.

    :raises BusMessageError: when there is none.
    """
    return natural(field_of(data, "number", int))


def reference_of(value: Any) -> int:
    """A reference, from a number or its text.

    :raises BusMessageError: when it is neither.
    """
    if isinstance(value, str) and value.isdecimal() and len(value) < 20:
        return int(value)
    return natural(value)


def natural(value: Any) -> int:
    """A number that is not negative, checked.

    :raises BusMessageError: when it is anything else.
    """
    if type(value) is not int or not 0 <= value < 2**63:
        raise BusMessageError("a number is invalid")
    return value


def is_seconds(value: Any) -> bool:
    """Whether a value is a number of seconds for which an entry may wait."""
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and math.isfinite(value)
        and 0 <= value <= LONGEST
    )
