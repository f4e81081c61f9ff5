"""PostgreSQL with psycopg2, with psycogreen, and with psycopg 3, on a real server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.live import postgresql
from tests.live.serving import Server

#: A page that queries for a second, beside pages that need no database.
APPLICATION = """
import gevent
from sqlalchemy import text
from sqlalchemy.orm import scoped_session, sessionmaker
from tg import FullStackApplicationConfigurator, TGController, app_globals, expose

{before}

ticks = 0


def tick():
    global ticks
    while True:
        gevent.sleep(0.01)
        ticks += 1


DBSession = scoped_session(sessionmaker())


class Model:
    DBSession = DBSession

    @staticmethod
    def init_model(engine):
        DBSession.configure(bind=engine)


class RootController(TGController):
    @expose("json")
    def index(self):
        return {{}}

    @expose("json")
    def query(self):
        DBSession.execute(text("SELECT 1"))
        before = ticks
        DBSession.execute(text("SELECT pg_sleep(1)"))
        return {{"ticks": ticks - before}}

    @expose("json")
    def query_together(self, count):
        before = ticks
        jobs = [gevent.spawn(_query) for _ in range(int(count))]
        done = gevent.joinall(jobs, raise_error=True)
        return {{"done": len(done), "ticks": ticks - before}}


def _query():
    try:
        DBSession.execute(text("SELECT pg_sleep(0.5)"))
    finally:
        DBSession.remove()


def make_app(global_conf, **settings):
    gevent.spawn(tick)
    configurator = FullStackApplicationConfigurator()
    configurator.update_blueprint({{
        "root_controller": RootController(),
        "renderers": ["json"],
        "use_sqlalchemy": True,
        "model": Model,
        "i18n.enabled": False,
    }})
    return configurator.make_wsgi_app(dict(global_conf), settings)
"""

INI = """
[DEFAULT]
debug = false

[server:main]
use = egg:tgext.socketio#socketio
port = %(http_port)s
{option}

[app:main]
paste.app_factory = querying:make_app
sqlalchemy.url = {url}
sqlalchemy.pool_size = 10

[loggers]
keys = root

[handlers]
keys = console

[formatters]
keys = generic

[logger_root]
level = INFO
handlers = console

[handler_console]
class = StreamHandler
args = (sys.stderr,)
level = NOTSET
formatter = generic

[formatter_generic]
format = %(levelname)s [%(name)s] %(message)s
"""

PSYCOGREEN = "from psycogreen.gevent import patch_psycopg; patch_psycopg()"

#: Queries at the same time, fewer than the pool has connections.
TOGETHER = 4


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """The address of a database, without the name of a driver."""
    if not postgresql.is_installed():
        pytest.skip("not installed: postgresql")
    with postgresql.running() as url:
        yield url.partition("://")[2]


@pytest.fixture
def start(database: str, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts a server whose application uses a driver."""
    with ExitStack() as servers:

        def start(driver: str, before: str = "", option: str = "") -> Server:
            ini = tmp_path / "querying.ini"
            url = f"postgresql+{driver}://{database}"
            ini.write_text(INI.format(url=url, option=option))
            (tmp_path / "querying.py").write_text(APPLICATION.format(before=before))
            server = Server(ini, tmp_path / "server.log", importable=(tmp_path,))
            return servers.enter_context(server)

        yield start


def visit(server: Server, path: str) -> dict[str, int]:
    with urlopen(server.url + path, timeout=60) as answer:
        told: dict[str, int] = json.load(answer)
    return told


def warnings(server: Server) -> list[str]:
    return [line for line in server.errors.splitlines() if "blocks" in line]


def test_nothing_else_runs_while_psycopg2_waits(start: Callable[..., Server]) -> None:
    server = start("psycopg2")
    [line] = warnings(server)
    assert line.startswith("WARNING")
    assert "psycopg2" in line
    assert "psycogreen" in line
    assert visit(server, "/query")["ticks"] == 0
    together = visit(server, f"/query_together?count={TOGETHER}")
    # Each of them runs as long as all the others stand still.
    assert together["done"] == TOGETHER
    assert warnings(server) == [line]


@pytest.mark.parametrize(
    ("driver", "before"),
    [("psycopg2", PSYCOGREEN), ("psycopg", "")],
    ids=["psycogreen", "psycopg 3"],
)
def test_others_run_while_a_greenlet_waits(
    start: Callable[..., Server], driver: str, before: str
) -> None:
    server = start(driver, before)
    assert warnings(server) == []
    assert visit(server, "/query")["ticks"] > 0
    together = visit(server, f"/query_together?count={TOGETHER}")
    assert together["done"] == TOGETHER
    assert together["ticks"] > 0


def test_the_warning_can_be_switched_off(start: Callable[..., Server]) -> None:
    server = start("psycopg2", option="warn_of_blocking_drivers = false")
    assert warnings(server) == []
