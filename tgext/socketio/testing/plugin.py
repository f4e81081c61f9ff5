"""A plugin of pytest: gevent patches the standard library before it is too late.

pytest finds it by itself where the package is installed. Nothing is patched in a run
that imports neither TurboGears nor this package. ``-p no:tgext.socketio`` turns it off.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from sys import modules
from types import ModuleType
from typing import Final

#: Of modules that keep something for each thread, those that an application may import
#: first. Greenlets would share it.
FIRST: Final = frozenset(("tg", "transaction", "tgext.socketio.engine"))


class Patching(MetaPathFinder):
    """Sees the first import of one of these modules, and patches before it."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Find nothing: the others find the module."""
        if fullname in FIRST and self in sys.meta_path:
            sys.meta_path.remove(self)
            from ..patching import patch_all

            patch_all()
        return None


def pytest_load_initial_conftests() -> None:
    """Called by pytest before it imports anything of the project."""
    # A worker of pytest-xdist waits for threads that are not gevent's.
    if not FIRST & modules.keys() and "PYTEST_XDIST_WORKER" not in os.environ:
        sys.meta_path.insert(0, Patching())
