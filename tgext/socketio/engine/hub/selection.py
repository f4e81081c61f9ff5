"""Who gets a broadcast: the members of several rooms, without those of others."""

from __future__ import annotations

from typing import Any, NamedTuple

from .roomkeys import Room


class Selection(NamedTuple):
    """The members of some rooms of a namespace, without those of others.

    Each of them gets a broadcast once, whatever number of the rooms it is in.

    :param rooms: who is in one of these is selected; ``None`` is the namespace itself.
    :param without: who is in one of these is left out, in every process.
    :param skip: sockets of this process that are left out.
    """

    rooms: tuple[Room | None, ...]
    without: tuple[Room | None, ...] = ()
    skip: tuple[Any, ...] = ()


#: A room, the whole namespace (``None``), or a selection.
Receivers = Room | None | Selection
