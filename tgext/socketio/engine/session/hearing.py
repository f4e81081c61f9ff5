"""What other processes send to a client's rooms arrives from its admission on.

With other processes, this one begins to hear the rooms of a client before the client is
told that it is connected. Without them, nothing here waits.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from ..hub.bus import Bus
from ..hub.roomkeys import Room
from ..namespaces import roomnames
from .candidate import Candidate
from .connection import Connection
from .decision import check
from .states import State

#: Without other processes.
_NOTHING: Final[AbstractContextManager[None]] = nullcontext()


def hear(socket: Connection, candidate: Candidate) -> AbstractContextManager[None]:
    """Wait until this process hears the rooms of a candidate, which was accepted.

    If the broker does not answer, this takes some seconds.

    :returns: a block at whose end the rooms are heard for their members alone.
    :raises Exception: as :func:`.decide`; also when the client is refused meanwhile.
    """
    bus = socket._tgsio_rooms.bus
    if bus is None or candidate.state is not State.ASKING:
        return _NOTHING
    named = roomnames.rooms_of_names(candidate.namespace)
    rooms = dict.fromkeys([None, *candidate.rooms, *named])
    heard = _Heard(bus, candidate.endpoint, tuple(rooms))
    try:
        bus.wait(candidate.endpoint, heard.rooms)
        check(candidate)
    except BaseException:
        heard.release()
        raise
    return heard


class _Heard(AbstractContextManager[None]):
    """Rooms that this process hears for a client that is not in them yet."""

    def __init__(self, bus: Bus, endpoint: str, rooms: tuple[Room | None, ...]) -> None:
        self._bus = bus
        self._endpoint = endpoint
        self.rooms = rooms
        for each in rooms:
            bus.listen(endpoint, each)

    def __exit__(self, *error: Any) -> None:
        self.release()

    def release(self) -> None:
        for each in self.rooms:
            self._bus.unlisten(self._endpoint, each)
