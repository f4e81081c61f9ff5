"""Databases in memory."""

from __future__ import annotations

from typing import Any

import pytest
from gevent.pool import Pool
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from tgext.socketio.testing import SocketIOTest

from .shop import make_app


class Globals:
    sa_engine: Any = None


def count(engine: Any) -> Any:
    """The number of rows, as another greenlet finds it."""

    def ask() -> Any:
        with engine.begin() as connection:
            connection.execute(text("insert into tickets values (1)"))
            return connection.scalar(text("select count(*) from tickets"))

    return Pool().apply(ask)


@pytest.mark.parametrize("url", ["sqlite:///:memory:", "sqlite://"])
def test_all_greenlets_have_the_database_of_the_test(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("create table tickets (number integer)"))
    wsgi = make_app(app_globals=type("Own", (Globals,), {"sa_engine": engine}))
    pool = engine.pool
    with SocketIOTest(wsgi):
        assert count(engine) == 1
        assert count(engine) == 2
    with engine.connect() as connection:
        assert connection.scalar(text("select count(*) from tickets")) == 2
    assert engine.pool is pool
    with pytest.raises(OperationalError, match="no such table"):
        count(engine)


def test_a_file_has_a_connection_for_each(tmp_path: Any) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'test.db'}")
    wsgi = make_app(app_globals=type("Own", (Globals,), {"sa_engine": engine}))
    pool = engine.pool
    with SocketIOTest(wsgi):
        assert engine.pool is pool
