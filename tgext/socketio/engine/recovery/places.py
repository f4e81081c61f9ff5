"""Which of its places a client has joined, and can leave."""

from __future__ import annotations

from ..hub.roomkeys import ChannelRoom
from .record import Place

#: The types of the application's rooms.
_ROOMS = (str, int)


def is_room(place: Place) -> bool:
    """Whether a place is a room of the application."""
    return type(place) in _ROOMS


def is_joined(place: Place) -> bool:
    """Whether a place is a room, or a channel.

    A client is in all others (the namespace, its user, its id) as long as it is there.
    """
    return type(place) in (*_ROOMS, ChannelRoom)
