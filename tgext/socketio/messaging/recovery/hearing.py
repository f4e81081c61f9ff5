"""What this process hears in one namespace, and since when."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any

from ...backends.errors import BackendError
from ...engine.hub.bus import Bus
from ...engine.hub.roomkeys import ChannelRoom, OwnRoom
from ...engine.logs import get_logger
from ...engine.recovery.kept import Kept
from ...engine.recovery.record import Place
from ..audiences import Audience, channel_topic
from ..channels import Channels
from ..log import CARRIED

log = get_logger(__name__)


class Hearing:
    """The places that a process hears, for one namespace.

    :param endpoint: the name of the namespace.
    :param bus: hears what other processes send to rooms.
    :param channels: those of the process.
    """

    def __init__(self, endpoint: str, bus: Bus, channels: Channels) -> None:
        self._endpoint = endpoint
        self._bus = bus
        self._channels = channels

    def wait(self, places: Iterable[Place]) -> None:
        """Wait until the rooms among some places are heard."""
        rooms = [each for each in places if not isinstance(each, OwnRoom)]
        self._bus.wait(self._endpoint, rooms)

    def flush(self) -> None:
        """Wait until what this process has sent is in the log."""
        self._bus.flush()

    def since(self, place: Place) -> int:
        """The number of the log after which this process hears a place."""
        if isinstance(place, ChannelRoom):
            return self._channels.since(channel_topic(place))
        topic = None if isinstance(place, OwnRoom) else place
        return self._bus.since(self._endpoint, topic)

    def begin(self, kept: Kept, journal: Any) -> Callable[[], object] | None:
        """Hear the channels of a client that another process had.

        :param journal: keeps what the client misses.
        :returns: a function that ends it; None if they cannot be heard now.
        """
        audience, ends = Audience(self._endpoint, *kept.form, journal), ExitStack()
        try:
            for each in kept.channels:
                ends.callback(self._channels.hear_for(each, audience, CARRIED))
        except BackendError as error:
            ends.close()
            log.warning("The channels of a client cannot be heard now: %s", error)
            return None
        return ends.close
