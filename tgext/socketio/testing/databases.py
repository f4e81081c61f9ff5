"""Databases in memory, which the handlers of a test would find empty."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from ..drivers import engines_of

#: SQLAlchemy's pool for SQLite in memory: it has a connection for each thread, which is
#: each greenlet where gevent has patched.
_FOR_EACH_THREAD: Final = "SingletonThreadPool"


@contextmanager
def shared_in_memory(configs: Iterable[Mapping[str, Any]]) -> Iterator[None]:
    """Let all greenlets share the connection of the test to a database in memory.

    Another connection would have another database, without any table.

    :param configs: the configurations of the applications, which have the engines.
    """
    engines = {engine for config in configs for engine in engines_of(config)}
    found = [each for each in engines if type(each.pool).__name__ == _FOR_EACH_THREAD]
    pools = [(each, each.pool) for each in found]
    try:
        for each in found:
            _share(each)
        yield
    finally:
        for engine, pool in pools:
            engine.pool = pool


def _share(engine: Any) -> None:
    from sqlalchemy.pool import StaticPool

    borrowed = engine.raw_connection()
    connection = borrowed.dbapi_connection
    borrowed.close()  # the pool keeps it
    engine.pool = StaticPool(lambda: connection)
