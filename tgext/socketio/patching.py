"""gevent's patch of the standard library, while other threads are running.

Under ``gearbox serve --reload`` a thread watches the files. gevent expects that only
the main thread exists. Its patch changes the id that ``threading.get_ident()`` returns:
import locks and the list of running threads still have the old ids, and are corrected
here.
"""

from __future__ import annotations

import threading
from functools import partial
from importlib._bootstrap import _module_locks  # type: ignore[attr-defined]

from gevent import monkey

from .filelocks import patch_file_locks

__all__ = ["patch_all"]


def patch_all() -> None:
    """Patch the standard library, while a module is being imported."""
    before = threading.get_ident()
    others = {
        ident: thread
        for ident, thread in threading._active.items()  # type: ignore[attr-defined]
        if ident != before
    }
    monkey.patch_all()
    patch_file_locks()
    _keep_import_locks(before)
    for ident, thread in others.items():
        _let_end(thread, ident)


def _keep_import_locks(before: int) -> None:
    """Make the new id the owner of the locks of the modules that are being imported."""
    for reference in list(_module_locks.values()):
        lock = reference()
        if lock is not None and lock.owner == before:
            lock.owner = threading.get_ident()


def _let_end(thread: threading.Thread, ident: int) -> None:
    """Make a thread remove itself from the list by its old id when it ends."""
    active = threading._active  # type: ignore[attr-defined]
    thread._delete = partial(active.pop, ident, None)  # type: ignore[attr-defined]
