"""Database drivers that block are told of, once."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest
from tg import FullStackApplicationConfigurator, TGController

from tgext.socketio.drivers import applications, warn_of_blocking_drivers

sqlalchemy = pytest.importorskip("sqlalchemy")


class Driver:
    """What is asked of a driver's module."""

    HAVE_CEXT = True

    def __init__(self, waits: bool = False, thin: bool = True) -> None:
        callback = object() if waits else None
        self.extensions = SimpleNamespace(get_wait_callback=lambda: callback)
        self.is_thin_mode = lambda: thin


def engine(url: str, module: Any = None) -> Any:
    """An engine of a driver that is not installed, named as SQLAlchemy names it."""
    parsed = sqlalchemy.make_url(url)
    dialect = SimpleNamespace(
        driver=parsed.get_dialect().driver, dbapi=module or Driver()
    )
    return SimpleNamespace(url=parsed, dialect=dialect)


def told(caplog: pytest.LogCaptureFixture, engines: Iterable[Any]) -> list[str]:
    caplog.clear()
    caplog.set_level(logging.WARNING)
    warn_of_blocking_drivers(
        {"tg.app_globals": SimpleNamespace(sa_engine=each)} for each in engines
    )
    return [record.getMessage() for record in caplog.records]


#: By URL, what the warning says to do.
BLOCKING = {
    "postgresql+psycopg2://me@host/base": "psycogreen.gevent.patch_psycopg()",
    "postgresql+psycopg2cffi://me@host/base": "postgresql+psycopg://",
    "mysql://me@host/base": "mysql+pymysql://",
    "mysql+mysqldb://me@host/base": "mysql+pymysql://",
    "mariadb+mariadbconnector://me@host/base": "mysql+pymysql://",
    "mysql+mysqlconnector://me@host/base": "use_pure=true",
    "mssql+pymssql://me@host/base": "mssql+pytds://",
    "mssql+pyodbc://me@host/base": "mssql+pytds://",
    "oracle+cx_oracle://me@host/base": "oracle+oracledb://",
}


@pytest.mark.parametrize("url", BLOCKING)
def test_the_driver_is_named_and_what_to_do(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    made = engine(url)
    [line] = told(caplog, [made])
    assert f"driver {made.dialect.driver} blocks" in line
    assert BLOCKING[url] in line
    assert "warn_of_blocking_drivers = false" in line


@pytest.mark.parametrize(
    ("url", "module"),
    [
        ("sqlite://", Driver()),
        ("postgresql+psycopg://me@host/base", Driver()),
        ("postgresql+psycopg2://me@host/base", Driver(waits=True)),
        ("postgresql+pg8000://me@host/base", Driver()),
        ("mysql+pymysql://me@host/base", Driver()),
        ("mysql+mysqlconnector://me@host/base?use_pure=true", Driver()),
        ("oracle+oracledb://me@host/base", Driver(thin=True)),
    ],
)
def test_a_driver_that_waits_as_greenlets_do_is_not_told_of(
    url: str, module: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert told(caplog, [engine(url, module)]) == []


def test_oracledb_blocks_with_oracles_libraries(
    caplog: pytest.LogCaptureFixture,
) -> None:
    [line] = told(caplog, [engine("oracle+oracledb://me@host/b", Driver(thin=False))])
    assert "init_oracle_client()" in line


def test_each_driver_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    psycopg2, mysqldb = "postgresql+psycopg2://{}@host/base", "mysql+mysqldb://{}@host"
    urls = [each.format(who) for who in ("me", "you") for each in (psycopg2, mysqldb)]
    lines = told(caplog, map(engine, urls))
    assert [line.split()[3] for line in lines] == ["mysqldb", "psycopg2"]


def test_applications_without_a_database_are_not_told_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    warn_of_blocking_drivers([{}, {"tg.app_globals": None}, {"balanced_engines": None}])
    assert not caplog.records


def test_the_engines_of_turbogears_are_found(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a master and slaves, each in an application of its own, too."""
    pytest.importorskip("zope.sqlalchemy")
    made = []
    for options in (
        {"sqlalchemy.url": "mysql+mysqldb://me@host/base"},
        {
            "sqlalchemy.master.url": "sqlite://",
            "sqlalchemy.slaves.one.url": "postgresql+psycopg2://me@host/base",
        },
    ):
        made.append(make_app(options, monkeypatch))
    caplog.set_level(logging.WARNING)
    warn_of_blocking_drivers(each.config for each in applications)
    lines = [record.getMessage() for record in caplog.records]
    assert any("mysqldb" in line for line in lines)
    assert any("psycopg2" in line for line in lines)


@pytest.mark.parametrize("name", ["SQLASession", "DBSession"])
@pytest.mark.parametrize("how", ["bind", "binds"])
def test_the_engines_of_the_session_are_found(
    caplog: pytest.LogCaptureFixture, name: str, how: str
) -> None:
    """An application may make them itself."""
    orm = pytest.importorskip("sqlalchemy.orm")
    made = engine("mysql+mysqldb://me@host")
    session = orm.scoped_session(orm.sessionmaker())
    session.configure(**{how: made if how == "bind" else {object: made}})
    caplog.set_level(logging.WARNING)
    warn_of_blocking_drivers([{name: session}])
    [record] = caplog.records
    assert "mysqldb" in record.getMessage()


def make_app(options: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    configurator = FullStackApplicationConfigurator()
    session = SimpleNamespace(remove=lambda: None)
    model = SimpleNamespace(init_model=lambda engine: None, DBSession=session)
    monkeypatch.setattr(
        "sqlalchemy.engine_from_config",
        lambda config, prefix: engine(config[prefix + "url"]),
    )
    configurator.update_blueprint(
        {
            "root_controller": TGController(),
            "renderers": ["json"],
            "use_sqlalchemy": True,
            "model": model,
            "i18n.enabled": False,
        }
    )
    return configurator.make_wsgi_app({}, options)
