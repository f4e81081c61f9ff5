"""Databases that the handlers of a test would look for in vain."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any, Final

from gevent.monkey import is_module_patched

from ..drivers import engines_of

#: SQLAlchemy's pool for SQLite in memory: it has a connection for each thread.
_FOR_EACH_THREAD: Final = "SingletonThreadPool"


def warn_of_databases_in_memory(configs: Iterable[Mapping[str, Any]]) -> None:
    """Warn of databases that are others, and empty, for the greenlets of events.

    :param configs: the configurations of the applications, which have the engines.
    """
    if not is_module_patched("threading"):
        return  # all greenlets are of one thread
    engines = (engine for config in configs for engine in engines_of(config))
    if any(type(each.pool).__name__ == _FOR_EACH_THREAD for each in engines):
        warnings.warn(
            "sqlite:///:memory: is another, empty database for each greenlet, and "
            "handlers of events run in greenlets: use a file, such as "
            "sqlite:///%(here)s/test.db",
            stacklevel=3,
        )
