"""Database drivers that block: while they wait for the database, no greenlet runs.

They wait in C, where gevent's patch of the standard library changes nothing. A page
that queries for a second stops all pages and all events for that second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

from tg import hooks

from .engine.logs import get_logger

__all__ = ["applications", "warn_of_blocking_drivers"]

log = get_logger(__name__)

#: The TurboGears applications that this process has made.
applications: WeakSet[Any] = WeakSet()

hooks.register("configure_new_app", applications.add)


def _always(engine: Any) -> bool:
    return True


def _without_wait_callback(engine: Any) -> bool:
    """psycopg2, where nothing makes it wait as greenlets do."""
    return engine.dialect.dbapi.extensions.get_wait_callback() is None


def _in_c(engine: Any) -> bool:
    """MySQL Connector, which some releases have in C and in Python."""
    pure = str(engine.url.query.get("use_pure", "")).lower() in ("true", "1")
    return not pure and bool(getattr(engine.dialect.dbapi, "HAVE_CEXT", False))


def _thick(engine: Any) -> bool:
    """oracledb, after ``init_oracle_client()``."""
    return not engine.dialect.dbapi.is_thin_mode()


@dataclass(frozen=True)
class Blocking:
    """A driver that blocks.

    :param instead: what to use.
    :param blocks: whether an engine's driver blocks as it is set up.
    """

    instead: str
    blocks: Callable[[Any], bool] = _always


_PSYCOPG = "use psycopg 3 (postgresql+psycopg://)"
_PYMYSQL = "use PyMySQL (mysql+pymysql://)"
_ORACLEDB = "use oracledb without init_oracle_client() (oracle+oracledb://)"

#: Drivers by the names that SQLAlchemy has for them. SQLite is not among them: it reads
#: files, and waits only for locks.
DRIVERS: Mapping[str, Blocking] = {
    "psycopg2": Blocking(
        "call psycogreen.gevent.patch_psycopg() before the first connection, or "
        + _PSYCOPG,
        _without_wait_callback,
    ),
    "psycopg2cffi": Blocking(_PSYCOPG, _without_wait_callback),
    "mysqldb": Blocking(_PYMYSQL),
    "mariadbconnector": Blocking(_PYMYSQL),
    "mysqlconnector": Blocking(f"add ?use_pure=true to its URL, or {_PYMYSQL}", _in_c),
    "pymssql": Blocking("use python-tds (mssql+pytds://, of sqlalchemy-pytds)"),
    "pyodbc": Blocking(
        "use a driver in Python, such as python-tds (mssql+pytds://, of "
        "sqlalchemy-pytds)"
    ),
    "cx_oracle": Blocking(_ORACLEDB),
    "oracledb": Blocking(_ORACLEDB, _thick),
}


def warn_of_blocking_drivers(configs: Iterable[Mapping[str, Any]]) -> None:
    """Log a warning for each driver that blocks, once.

    :param configs: the configurations of the applications, which have the engines.
    """
    used = {
        engine.dialect.driver: engine
        for config in configs
        for engine in engines_of(config)
        if _blocks(engine)
    }
    for name in sorted(used):
        log.warning(
            "The database driver %s blocks: while it waits for the database, no other "
            "page and no event is handled. To avoid this, %s. (To get no warning, set "
            "warn_of_blocking_drivers = false in [server:main].)",
            name,
            DRIVERS[name].instead,
        )


def engines_of(config: Mapping[str, Any]) -> Iterator[Any]:
    """The engines that TurboGears has made of options, and those of the session."""
    found = [getattr(config.get("tg.app_globals"), "sa_engine", None)]
    balanced = config.get("balanced_engines") or {}
    found += balanced.get("all", {}).values()
    session = config.get("SQLASession") or config.get("DBSession")
    # A scoped_session of a sessionmaker; no session is made here.
    options = getattr(getattr(session, "session_factory", None), "kw", {})
    found += [options.get("bind"), *(options.get("binds") or {}).values()]
    return (each for each in found if hasattr(each, "dialect"))


def _blocks(engine: Any) -> bool:
    driver = DRIVERS.get(getattr(engine.dialect, "driver", ""))
    return driver is not None and driver.blocks(engine)
