"""gevent's patch of the standard library, where threads may be running already.

That is so under ``gearbox serve --reload``: they watch the files. The patch expects one
thread; where there are several, what goes by their ids needs help.
"""

from __future__ import annotations

import threading
from functools import partial
from importlib._bootstrap import _module_locks  # type: ignore[attr-defined]

from gevent import monkey

__all__ = ["patch_all"]


def patch_all() -> None:
    """Patch the standard library, from within a module that is being imported."""
    before = threading.get_ident()
    others = {
        ident: thread
        for ident, thread in threading._active.items()  # type: ignore[attr-defined]
        if ident != before
    }
    monkey.patch_all()
    _keep_import_locks(before)
    for ident, thread in others.items():
        _let_end(thread, ident)


def _keep_import_locks(before: int) -> None:
    """Give the locks of the modules that are being imported to the new id."""
    for reference in list(_module_locks.values()):
        lock = reference()
        if lock is not None and lock.owner == before:
            lock.owner = threading.get_ident()


def _let_end(thread: threading.Thread, ident: int) -> None:
    """Let a thread that ends take itself off the list by the id that it is there."""
    active = threading._active  # type: ignore[attr-defined]
    thread._delete = partial(active.pop, ident, None)  # type: ignore[attr-defined]
