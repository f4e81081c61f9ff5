"""What docs/databases.rst says of pools and of SQLite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import gevent.event
import pytest
from tg import FullStackApplicationConfigurator, TGController

from tests.engine.clients import DEADLINE, wait_for
from tests.engine.conftest import Live
from tgext.socketio import SocketIOController, SocketIOTGNamespace

sqlalchemy = pytest.importorskip("sqlalchemy")
orm = pytest.importorskip("sqlalchemy.orm")

#: Connections of the pool, and seconds until whoever waits for one gives up.
POOL_SIZE, POOL_TIMEOUT = 2, 0.2

#: Seconds until SQLite gives up waiting for a lock.
LOCK_TIMEOUT = 0.2

DBSession = orm.scoped_session(orm.sessionmaker())

go_on = gevent.event.Event()


def execute(statement: str) -> Any:
    return DBSession.execute(sqlalchemy.text(statement))


class Database(SocketIOTGNamespace):
    def on_query_and_wait(self) -> str:
        execute("SELECT 1")
        assert go_on.wait(DEADLINE)
        return "waited"

    def on_query_and_wait_without_connection(self) -> str:
        execute("SELECT 1")
        DBSession.remove()
        assert go_on.wait(DEADLINE)
        execute("SELECT 1")
        return "waited"

    def on_query(self) -> str:
        execute("SELECT 1")
        return "queried"

    def on_add(self, a: int, b: int) -> int:
        return a + b

    def on_write_and_wait(self) -> str:
        execute("INSERT INTO notes VALUES ('first')")
        assert go_on.wait(DEADLINE)
        DBSession.commit()
        return "written"

    def on_write(self) -> str:
        execute("INSERT INTO notes VALUES ('second')")
        DBSession.commit()
        return "written"

    def on_spawn(self) -> None:
        self.spawn(self.on_query_and_wait)

    def on_spawn_without_connection(self) -> None:
        self.spawn(self.on_query_and_wait_without_connection)


class SocketIO(SocketIOController):
    database = Database


class RootController(TGController):
    socketio = SocketIO()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Any]:
    made = sqlalchemy.create_engine(
        f"sqlite:///{tmp_path}/database?timeout={LOCK_TIMEOUT}",
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT,
    )
    DBSession.remove()
    DBSession.configure(bind=made)
    with made.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE notes (text TEXT)"))
    go_on.clear()
    yield made
    made.dispose()


@pytest.fixture
def join(serve: Callable[..., Live], engine: Any) -> Callable[[], Any]:
    """Connects one more client."""
    configurator = FullStackApplicationConfigurator()
    configurator.update_blueprint(
        {
            "root_controller": RootController(),
            "renderers": ["json"],
            "use_sqlalchemy": True,
            "model": SimpleNamespace(
                init_model=lambda engine: None, DBSession=DBSession
            ),
            "sqlalchemy.url": "sqlite://",
            "tm.enabled": False,
            "i18n.enabled": False,
        }
    )
    live = serve(application=configurator.make_wsgi_app({}, {}), resource="socketio")

    def join() -> Any:
        client = live.websocket_5()
        client.join("/database")
        return client

    return join


def begin(join: Callable[[], Any], event: str, count: int) -> list[Any]:
    """Events of as many clients, which begin one after the other."""
    clients = [join() for _ in range(count)]
    return [gevent.spawn(each.call, "/database", event) for each in clients]


def test_an_event_holds_a_connection_from_its_first_query_to_its_end(
    join: Callable[[], Any], engine: Any
) -> None:
    waiting = begin(join, "query_and_wait", POOL_SIZE)
    wait_for(lambda: engine.pool.checkedout() == POOL_SIZE, "the pool is empty")
    late, beside = join(), join()
    late.emit("/database", "query")
    # Whoever waits for the pool waits as a greenlet does.
    assert beside.call("/database", "add", 1, 2) == [3]
    assert late.event("/database") == [
        "error",
        "internal_error",
        "Internal server error",
    ]
    go_on.set()
    for each in waiting:
        assert each.get(timeout=DEADLINE) == ["waited"]
    assert engine.pool.checkedout() == 0
    assert late.call("/database", "query") == ["queried"]


def test_an_event_that_gives_its_connection_back_waits_without_one(
    join: Callable[[], Any], engine: Any
) -> None:
    waiting = begin(join, "query_and_wait_without_connection", 3 * POOL_SIZE)
    assert join().call("/database", "query") == ["queried"]
    wait_for(lambda: engine.pool.checkedout() == 0, "they wait")
    go_on.set()
    for each in waiting:
        assert each.get(timeout=DEADLINE) == ["waited"]


def test_a_job_holds_a_connection_until_it_ends_or_gives_it_back(
    join: Callable[[], Any], engine: Any
) -> None:
    client = join()
    for _ in range(3 * POOL_SIZE):
        client.emit("/database", "spawn_without_connection")
    assert client.call("/database", "query") == ["queried"]
    for _ in range(POOL_SIZE):
        client.emit("/database", "spawn")
    wait_for(lambda: engine.pool.checkedout() == POOL_SIZE, "the pool is empty")
    go_on.set()
    wait_for(lambda: engine.pool.checkedout() == 0, "the jobs end")


def test_all_stand_still_while_sqlite_waits_for_a_lock(
    join: Callable[[], Any], engine: Any
) -> None:
    """And they wait in vain: whoever has locked it stands still, too."""
    [first] = begin(join, "write_and_wait", 1)
    wait_for(lambda: engine.pool.checkedout() == 1, "the first one has written")
    late = join()
    turns = []

    def turn() -> None:
        while True:
            turns.append(None)
            gevent.sleep(0)

    seen: list[int] = []

    @sqlalchemy.event.listens_for(engine, "before_cursor_execute")
    def before(*args: Any) -> None:
        seen.append(len(turns))

    @sqlalchemy.event.listens_for(engine, "handle_error")
    def failed(context: Any) -> None:
        seen.append(len(turns))
        assert "database is locked" in str(context.original_exception)

    turning = gevent.spawn(turn)
    late.emit("/database", "write")
    assert late.event("/database")[1] == "internal_error"
    turning.kill()
    before_waiting, after_waiting = seen
    assert before_waiting == after_waiting
    go_on.set()
    assert first.get(timeout=DEADLINE) == ["written"]
    assert late.call("/database", "write") == ["written"]


@pytest.mark.parametrize(
    ("mode", "answer"), [("DELETE", "internal_error"), ("WAL", "written")]
)
def test_who_reads_stops_commits_but_in_wal_mode(
    join: Callable[[], Any], engine: Any, mode: str, answer: str
) -> None:
    with engine.connect() as reader:
        reader.exec_driver_sql(f"PRAGMA journal_mode = {mode}")
        client = join()
        for _ in range(3):
            assert client.call("/database", "write") == ["written"]
        rows = reader.exec_driver_sql("SELECT * FROM notes")
        assert rows.fetchone()
        client.emit("/database", "write", number=1)
        assert answer in client.read()["args"]
        rows.close()
