"""What is sent to clients that have gone is heard for them."""

from __future__ import annotations

from collections.abc import Collection

from ..hub.bus import Bus
from ..hub.roomkeys import OwnRoom
from ..hub.rooms import Rooms
from .record import Place


class Away:
    """The rooms of a namespace that this process listens to for clients that have gone.

    :param endpoint: the name of the namespace.
    :param rooms: its clients in this process.
    """

    def __init__(self, endpoint: str, rooms: Rooms) -> None:
        self._endpoint = endpoint
        self._rooms = rooms
        self._heard: dict[object, tuple[Bus, list[Place]]] = {}

    @property
    def bus(self) -> Bus | None:
        """Carries what other processes send; None without other processes."""
        return self._rooms.bus

    def begin(self, session: object, places: Collection[Place]) -> None:
        """Listen for a session. Does not block; no effect for a second time.

        :param places: where its client was. Users and sockets are heard with their
            namespace.
        """
        bus = self.bus
        if bus is None or session in self._heard:
            return
        heard = [each for each in places if not isinstance(each, OwnRoom)]
        self._heard[session] = bus, heard
        for each in heard:
            bus.listen(self._endpoint, each)

    def wait(self, session: object) -> bool:
        """Wait until this process hears; returns whether it does."""
        bus, places = self._heard.get(session, (None, []))
        return bus is not None and bus.wait(self._endpoint, places)

    def end(self, session: object) -> None:
        """Listen no more for a session."""
        bus, places = self._heard.pop(session, (None, []))
        if bus is not None:
            for each in places:
                bus.unlisten(self._endpoint, each)
