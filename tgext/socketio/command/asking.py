"""What ``gearbox socketio`` asks of the processes that serve, over their broker."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..backends.errors import BackendError
from ..engine.hub.checks import nearest, shown
from ..engine.hub.roomkeys import check_room
from ..messaging.cluster import is_clustered
from ..messaging.distant import Distant
from ..messaging.presence.shared import present_elsewhere
from ..messaging.roll import Roll
from ..wire.socketio.packet import event_packet
from .errors import CommandError

__all__ = ["Here", "publish", "who"]

#: Instead of a room, all clients of a namespace.
ALL = "-"

#: All controllers.
_ANY = [""]


@dataclass(frozen=True)
class Here:
    """Who is in a namespace, or in one of its rooms.

    :ivar present: for each user that a :class:`~tgext.socketio.presence.PresenceMixin`
        tracks, what is told about each of the connections.
    """

    namespace: str
    room: str | None
    roll: Roll
    present: Mapping[str, Sequence[Any]]


def publish(
    config: Mapping[str, Any], namespaces: Collection[str], to: str, words: list[str]
) -> str:
    """Send an event to the clients of a namespace, or a message on a channel.

    :param namespaces: the names of those that the application has.
    :param to: the name of the namespace, which begins with ``/``, or of the channel.
    :param words: a room (``-``: all of the namespace), an event and its arguments, a
        JSON list; or for a channel, the message in JSON.
    :returns: what was done.
    :raises CommandError: when that is impossible; the message says why.
    """
    if to.startswith("/"):
        return _emit(config, namespaces, to, words)
    if len(words) != 1:
        text = "give a channel one message, in JSON; a namespace begins with /"
        raise CommandError(text)
    message = _read(words[0], "a message is JSON, such as '\"hello\"'")
    return _publish(config, to, message)


def _publish(config: Mapping[str, Any], channel: str, message: Any) -> str:
    from ..backends.choice import is_local
    from ..messaging.publishing import publish as publish_on

    if is_local(config):
        raise CommandError(
            "there is no broker: anypubsub.backend is memory, which reaches no other "
            "process. Set anypubsub.backend = redis"
        )
    try:
        publish_on(channel, message, config)
    except (BackendError, ValueError, TypeError) as error:
        raise CommandError(str(error)) from error
    return f"published on the channel {shown(channel)}"


def _emit(
    config: Mapping[str, Any], namespaces: Collection[str], to: str, words: list[str]
) -> str:
    if len(words) not in (2, 3):
        text = "give a namespace a room (- for all), an event and its arguments"
        raise CommandError(text)
    room, event, *rest = words
    args = _read(rest[0] if rest else "[]", _ARGUMENTS)
    if not isinstance(args, list):
        raise CommandError(f"{_ARGUMENTS}; {shown(rest[0])} is none")
    distant, endpoint = _distant(config), _endpoint(namespaces, to)
    packet = event_packet(endpoint, event, args)
    where = to if room == ALL else f"the room {shown(room)} of {to}"
    try:
        distant.broadcast(packet, None if room == ALL else check_room(room))
    except (BackendError, ValueError, TypeError) as error:
        raise CommandError(str(error)) from error
    return f"sent {shown(event)} to {where}"


_ARGUMENTS = "the arguments are a JSON list, such as '[\"hello\", 1]'"


def who(
    config: Mapping[str, Any],
    namespaces: Collection[str],
    only: str | None = None,
    room: str | None = None,
) -> list[Here]:
    """Who is connected, in all processes.

    :param namespaces: the names of those that the application has.
    :param only: the name of one of them, instead of all.
    :param room: one of its rooms.
    :raises CommandError: when that cannot be found out; the message says why.
    """
    asked = namespaces if only is None else [only]
    distant = _distant(config)
    try:
        return list(_ask(config, distant, namespaces, asked, room))
    except (BackendError, LookupError, ValueError) as error:
        raise CommandError(str(error)) from error


def _ask(
    config: Mapping[str, Any],
    distant: Distant,
    namespaces: Collection[str],
    asked: Iterable[str],
    room: str | None,
) -> Iterator[Here]:
    for name in asked:
        endpoint = _endpoint(namespaces, name)
        roll = distant.roll(endpoint, None if room is None else check_room(room))
        present = present_elsewhere(_ANY, (endpoint, room), config)
        yield Here(name, room, roll, present)


def _distant(config: Mapping[str, Any]) -> Distant:
    """The clients of all processes.

    :raises CommandError: when nothing leads to them.
    """
    if not is_clustered(config):
        raise CommandError(
            "there is no broker that leads to the clients: set socketio.cluster = true "
            "and anypubsub.backend = redis"
        )
    return Distant(config, _ANY)


def _endpoint(namespaces: Collection[str], name: str) -> str:
    if name not in namespaces:
        there = ", ".join(namespaces) or "none"
        text = f"there is no namespace {shown(name)}{nearest(name, namespaces)}"
        raise CommandError(f"{text}; there are: {there}")
    return "" if name == "/" else name


def _read(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise CommandError(f"{what}; {shown(text)} is none") from None
