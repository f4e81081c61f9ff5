"""The parts behind one namespace of administrators, in one process."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from ...engine.hub.hub import Hub
from ...engine.hub.rooms import Rooms
from ...messaging.cluster import peers_of
from .console import HERE, Console
from .reporter import INTERVAL, Reporter
from .statistics import Statistics
from .watched import Watched


class Plan(NamedTuple):
    """What administrators see.

    :ivar shows_sockets: whether they see sockets, or only how many there are.
    :ivar max_sockets: how many sockets they see.
    :ivar max_events: how many events they see of each second and process.
    """

    shows_sockets: bool
    max_sockets: int
    max_events: int


class Administration:
    """Reports what this process has, and shows administrators what all have.

    :param plan: what they see.
    :param endpoint: where it is mounted.
    :param rooms: those of its controller.
    :param hub: that of the server.
    :param settings: the application's configuration.
    """

    def __init__(
        self,
        plan: Plan,
        endpoint: str,
        rooms: Rooms,
        hub: Hub,
        settings: Mapping[str, Any],
    ) -> None:
        shows = plan.shows_sockets
        most = max(1, round(plan.max_events * INTERVAL))
        is_own = partial(str.__eq__, endpoint)
        watched = Watched(rooms, is_own, plan.max_sockets, most) if shows else None
        statistics = Statistics(hub, rooms)
        self.reporter = Reporter(
            statistics.take, watched, lambda: hub.registry.stopping
        )
        self.console = Console(plan.max_sockets, shows)
        self.console.opened.append(self._open)
        self.console.closed.append(partial(self.reporter.end_report, HERE))
        peers = peers_of(settings) if rooms.bus is not None else None
        if peers is not None:
            from .sharing import Sharing

            name = f"{rooms.name} {endpoint}"
            Sharing(name, peers, self.reporter, self.console)

    def _open(self) -> None:
        self.reporter.report_to(HERE, partial(self.console.hear, HERE))


def administration_of(
    plan: Plan, endpoint: str, rooms: Rooms, hub: Hub, settings: Mapping[str, Any]
) -> Administration:
    """The administration of a namespace; for the first call it is made.

    :raises BackendError: when an option of the cluster is invalid.
    """
    found: Administration | None = rooms.attached.get((Administration, endpoint))
    if found is None:
        found = Administration(plan, endpoint, rooms, hub, settings)
        rooms.attached[Administration, endpoint] = found
    return found
