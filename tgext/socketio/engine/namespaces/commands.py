"""What is done with all sockets of a room, of a user, or of an id, in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

import gevent

from ..concurrency.failures import FAILURES, log_failure
from ..concurrency.fairness import in_turns
from ..concurrency.interruption import Interrupted
from ..hub.account import LimitExceeded
from ..hub.roomkeys import Room
from ..hub.rooms import Rooms
from ..logs import get_logger
from . import leaving

log = get_logger(__name__)

#: With ``close``, the connections end, with all their namespaces.
Kind = Literal["join", "leave", "disconnect", "close"]

#: The commands whose value is a reason.
ENDING: Final[frozenset[Kind]] = frozenset(("disconnect", "close"))


class Command(NamedTuple):
    """What is to be done with some sockets.

    :ivar value: the room to join or to leave; the reason of a disconnect or a close.
    """

    kind: Kind
    value: Any


def obey(rooms: Rooms, endpoint: str, room: Room | None, command: Command) -> None:
    """Do something with each socket of a room in this process.

    What fails for one of them is logged, and done for the others. Clients that are
    disconnected leave soon after this returns. Clients that have gone, and could
    recover, are out of the room or disconnected when they are back; they join nothing.
    """
    _do_with_gone(rooms, endpoint, room, command)
    do = _COMMANDS[command.kind]
    for socket in in_turns(rooms.members(endpoint, room)):
        namespace = getattr(socket, "active_ns", {}).get(endpoint)
        if namespace is None:
            continue
        try:
            do(rooms, namespace, command.value)
        except Interrupted:
            raise
        except LimitExceeded as error:
            log.warning("A client of %s joins no room: %s", endpoint or "/", error)
        except FAILURES:
            log_failure(log, "A client of %s: %s failed", endpoint or "/", command.kind)


def _do_with_gone(
    rooms: Rooms, endpoint: str, room: Room | None, command: Command
) -> None:
    journal = rooms.journals.get(endpoint)
    if journal is None:
        return
    if command.kind == "leave":
        journal.take_out(room, command.value)
    elif command.kind in ENDING:
        journal.dismiss(room)


def _join(rooms: Rooms, namespace: Any, room: Room) -> None:
    if hasattr(namespace, "_tgsio_join"):
        namespace._tgsio_join(namespace._tgsio_key(room))
    else:
        rooms.join(namespace.ns_name, room, namespace.socket)
        rooms.wait(namespace.ns_name, (room,))


def _leave(rooms: Rooms, namespace: Any, room: Room) -> None:
    if hasattr(namespace, "_tgsio_leave_room"):
        namespace._tgsio_leave_room(namespace._tgsio_key(room))
    else:
        rooms.leave(namespace.ns_name, room, namespace.socket)


def _disconnect(rooms: Rooms, namespace: Any, reason: str) -> None:
    # recv_disconnect may wait, and the client's handler may be what asks for it.
    gevent.spawn(leaving.dismiss, namespace, False, reason)


def _close(rooms: Rooms, namespace: Any, reason: str) -> None:
    gevent.spawn(_end, namespace, reason)


def _end(namespace: Any, reason: str) -> None:
    leaving.dismiss(namespace, False, reason)
    namespace.socket.disconnect()


_COMMANDS: Final[dict[Kind, Callable[[Rooms, Any, Any], None]]] = {
    "join": _join,
    "leave": _leave,
    "disconnect": _disconnect,
    "close": _close,
}
