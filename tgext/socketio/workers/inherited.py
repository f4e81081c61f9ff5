"""What a worker has from its parent."""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["LOGGER", "NOW", "RETIRE", "STOP", "Inherited"]

#: The logger of the parent.
LOGGER: Final = "tgext.socketio.workers"

#: What the parent tells a worker, one line each: to leave its place to another worker,
#: to stop with all others, and to end at once.
RETIRE: Final = "retire"
STOP: Final = "stop"
NOW: Final = "now"


class Inherited(NamedTuple):
    """What a worker has from its parent.

    :ivar control: descriptor of the stream to the parent. The worker says there that it
        serves, and is told to stop. It ends with the parent.
    :ivar listener: descriptor of the listening socket; None for the first worker, which
        makes it.
    :ivar counts: the connections of each worker, in memory that all share.
    :ivar own: the index of this worker in it.
    :ivar workers: how many there are.
    """

    control: int
    listener: int | None
    counts: memoryview
    own: int
    workers: int
