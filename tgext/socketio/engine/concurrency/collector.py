"""The garbage collector while a server runs."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

#: New objects after which the garbage collector runs; Python's default is 700.
YOUNG_OBJECTS = 10_000


@contextmanager
def spared_collector() -> Iterator[None]:
    """Make the garbage collector run less often, and ignore existing objects.

    A new connection makes hundreds of objects, none of them garbage. A threshold that
    is higher than :data:`YOUNG_OBJECTS` is kept, and a disabled collector stays
    disabled.
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
