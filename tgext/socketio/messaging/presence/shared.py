"""The presence of each controller, from its first client on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...engine.hub.rooms import Rooms
from .members import Info, Topic
from .presence import Presence


def presence_of(rooms: Rooms, settings: Mapping[str, Any]) -> Presence:
    """The presence in the rooms of a controller.

    :param settings: the application's configuration, as ``tg.config``.
    """
    watcher = rooms.watcher
    if isinstance(watcher, Presence):
        return watcher
    presence = rooms.watcher = Presence(rooms)
    return presence


def present_in(
    known: Sequence[Rooms], topic: Topic, settings: Mapping[str, Any]
) -> dict[str, list[Info]]:
    """Who is present in a topic of one or more controllers.

    :param known: the rooms of the controllers.
    """
    found: dict[str, list[Info]] = {}
    for rooms in known:
        for user, infos in presence_of(rooms, settings).present(topic).items():
            found.setdefault(user, []).extend(infos)
    return found
