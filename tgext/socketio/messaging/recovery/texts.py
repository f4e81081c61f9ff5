"""Sessions as text, for the process that their clients come back to.

A session is a JSON object, signed as other messages between processes are:

``user``      the id of its user: a text, a number, or null
``sid``       the public id of its client
``start``     the position where it began
``given``     the position that its client gave then, or null
``since``     a client that has not received all up to this number cannot recover
``spans``     a list of ``[place, begin, end]``: where its client was. Begin and end are
              ``[number, heard]``; the end is null where it is still
``values``    what the application kept, as far as JSON has it
``channels``  the channels that it heard, by the names that it asked for
``named``     whether its namespace overrides the names of rooms
``form``      whether events of channels carry the channel, and the position
``tracked``   a list of ``[room, user, info, inside]``: where it was present
``epoch``     that of the log
``read``      an epoch and a number of the log, up to which its process has read what
              was sent to the client alone
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...engine.recovery.kept import Form, Kept
from ...engine.recovery.record import Position, Start
from ...engine.recovery.spans import Mark, Span, Spans
from ...wire import json
from ..busmessage import read_room, write_room
from ..sealed import BusMessageError, Seal, field_of
from .sizes import least_size


class TooLarge(ValueError):
    """A session is too large for other processes."""

    def __init__(self, size: int, most: int) -> None:
        super().__init__(f"it has {size} characters or more, and {most} are allowed")


def write_session(seal: Seal, kept: Kept, most: int) -> str:
    """A session as text.

    :param most: the most characters.
    :raises TooLarge: when it has more.
    """
    text = seal.write(
        {
            "user": kept.user,
            "sid": kept.sid,
            "start": str(kept.start.position),
            "given": None if kept.start.given is None else str(kept.start.given),
            "since": kept.since,
            "spans": [
                [write_room(place), begin, end] for place, begin, end in kept.spans.all
            ],
            "values": _plain(kept.values, most),
            "channels": dict(kept.channels),
            "named": kept.names_rooms,
            "form": kept.form,
            "tracked": [[write_room(room), *rest] for room, *rest in kept.tracked],
            "epoch": kept.epoch,
            "read": kept.read_up_to,
        }
    )
    _check(len(text), most)
    return text


def _check(size: int, most: int) -> None:
    if size > most:
        raise TooLarge(size, most)


def _plain(values: Mapping[str, Any], most: int) -> dict[str, Any]:
    """Those values that JSON has, as it has them.

    :raises TooLarge: when they have more characters than ``most``.
    """
    # Before any is written: that takes milliseconds for each megabyte.
    least = len(values)
    for value in values.values():
        _check(least, most)
        least += least_size(value, most)
    _check(least, most)
    found, size = {}, 0
    for name, value in values.items():
        if type(name) is not str:
            continue
        try:
            size += len(json.dumps({name: value}))
        except (TypeError, ValueError):
            continue
        _check(size, most)
        found[name] = value
    return found


def read_session(seal: Seal, text: str) -> Kept:
    """The session that a text is.

    :raises BusMessageError: when it is invalid.
    """
    message = seal.read(text)
    user = message.get("user")
    if not (user is None or type(user) in (str, int)):
        raise BusMessageError("its field user is no id of a user")
    since: int = field_of(message, "since", int)
    spans = Spans(since)
    for each in field_of(message, "spans", list):
        spans.add(_span(each))
    channels = field_of(message, "channels", dict)
    if not all(type(each) is str for each in channels.values()):
        raise BusMessageError("its field channels is invalid")
    return Kept(
        user,
        field_of(message, "sid", str),
        _start(field_of(message, "start", str), message.get("given")),
        since,
        spans,
        field_of(message, "values", dict),
        channels,
        field_of(message, "named", bool),
        _form(field_of(message, "form", list)),
        [_tracked(each) for each in field_of(message, "tracked", list)],
        field_of(message, "epoch", str),
        _read_up_to(field_of(message, "read", list)),
    )


def _start(position: str, given: object) -> Start:
    try:
        start = Position.read(position)
        return Start(start, None if given is None else Position.read(str(given)))
    except ValueError:
        raise BusMessageError("its start is no position") from None


def _read_up_to(written: list[Any]) -> tuple[str, int]:
    if [type(each) for each in written] != [str, int]:
        raise BusMessageError("its field read is invalid")
    epoch, number = written
    return epoch, number


def _form(written: list[Any]) -> Form:
    if [type(each) for each in written] != [bool, bool]:
        raise BusMessageError("its field form is invalid")
    named, positioned = written
    return named, positioned


def _tracked(written: Any) -> tuple[Any, ...]:
    if not (isinstance(written, list) and len(written) == 4):
        raise BusMessageError("its field tracked is invalid")
    room, user, info, inside = written
    if (type(user), type(info), type(inside)) != (str, dict, bool):
        raise BusMessageError("its field tracked is invalid")
    return read_room("tracked", room), user, info, inside


def _span(written: Any) -> Span:
    try:
        place, begin, end = written
    except (TypeError, ValueError):
        raise BusMessageError("its field spans is invalid") from None
    room = read_room("spans", place)
    return Span(room, _mark(begin), None if end is None else _mark(end))


def _mark(written: Any) -> Mark:
    if not (
        isinstance(written, list)
        and len(written) == 2
        and all(type(each) is int for each in written)
    ):
        raise BusMessageError("its field spans is invalid")
    return Mark(*written)
