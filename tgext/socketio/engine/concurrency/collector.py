"""The garbage collector of a process that serves."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

#: New objects after which the garbage collector runs; Python's default is 700.
YOUNG_OBJECTS = 10_000


@contextmanager
def spared_collector() -> Iterator[None]:
    """Have the garbage collector run less often, and not look at what stays.

    Connections that open are new objects by the hundred, none of them garbage. A higher
    threshold than :data:`YOUNG_OBJECTS` is left, and so is a collector that is off.
    """
    gc.collect()
    gc.freeze()
    before = gc.get_threshold()
    if 0 < before[0] < YOUNG_OBJECTS:
        gc.set_threshold(YOUNG_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
