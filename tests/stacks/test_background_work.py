"""The examples of docs/background_work.rst, in a real server and beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine import clients
from tests.live.serving import ROOT, Server
from tests.pages import block, blocks
from tests.ports import free_port
from tests.redis_server import RedisServer

PAGE = "docs/background_work.rst"

#: Texts of the page's examples, and the file that each is part of.
EXAMPLES = {
    "class Reports": "work.py",
    "class News": "work.py",
    "def tell_the_time": "work.py",
    "GeventScheduler": "work.py",
    "Celery": "tasks.py",
    "appconfig": "night.py",
    "def shrink": "work.py",
    "async def ask": "work.py",
}

#: What surrounds the examples: an application with a database and a login.
BEGIN = """
import asyncio
import time

import gevent
import tg
import transaction
from sqlalchemy import Column, Integer, Unicode, create_engine
from sqlalchemy.orm import declarative_base, scoped_session, sessionmaker
from tg import FullStackApplicationConfigurator, TGController, expose, request, url
from tg.configuration.auth import TGAuthMetadata
from zope.sqlalchemy import register

from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.engine.mixins import BroadcastMixin
from tgext.socketio.engine.threads import WrongThread
from tgext.socketio.pubsub import PubSubTGNamespace, publish

from gevent.monkey import get_original
threading_ident = get_original('_thread', 'get_ident')

SocketIOTGNamespace = type(
    'SocketIOTGNamespace', (SocketIOTGNamespace, BroadcastMixin), {}
)
DBSession = scoped_session(sessionmaker())
register(DBSession)
Base = declarative_base()

class Line(Base):
    __tablename__ = 'line'
    id = Column(Integer, primary_key=True)
    text = Column(Unicode)
"""
END = """
class Clock(PubSubTGNamespace):
    def subscribe_reminders(self): ...
    def subscribe_reports(self): ...

    on_shrink, on_ask = on_shrink, on_ask

    def on_home(self):
        return threading_ident()

class SocketIO(SocketIOController):
    reports = Reports
    news = Clock
    clock = Clock

class Root(News):
    socketio = SocketIO()

    @expose()
    def fail(self):
        self.write('lost')
        raise RuntimeError

    @expose('json')
    def lines(self):
        return dict(lines=[each.text for each in DBSession.query(Line)])

class Globals: ...

class Model:
    DBSession = DBSession

    @staticmethod
    def init_model(engine):
        DBSession.configure(bind=engine)
        Base.metadata.create_all(engine)
        return DBSession

class Users(TGAuthMetadata):
    def authenticate(self, environ, identity): ...
    def get_user(self, identity, userid): ...
    def get_groups(self, identity, userid): return []
    def get_permissions(self, identity, userid): return []

base_config = FullStackApplicationConfigurator()
base_config.update_blueprint({
    'root_controller': Root(), 'app_globals': Globals, 'model': Model,
    'use_sqlalchemy': True, 'tm.enabled': True, 'renderers': ['json'],
    'i18n.enabled': False, 'session.enabled': False, 'errorpage.enabled': False,
    'auth_backend': 'authmetadata', 'sa_auth.authmetadata': Users(),
    'sa_auth.cookie_secret': 'sesame',
})
"""

INI = """
[DEFAULT]
debug = false

[server:main]
use = egg:tgext.socketio#socketio
host = 127.0.0.1
port = {port}

[app:main]
paste.app_factory = work:make_app
sqlalchemy.url = sqlite:///{home}/database
anypubsub.backend = redis
anypubsub.host = {redis}
socketio.cluster = true
"""


def test_each_example_is_run() -> None:
    found = [block(PAGE, content) for content in EXAMPLES]
    assert sorted(found) == sorted(each.text for each in blocks(PAGE))


def write_examples(home: Path) -> None:
    texts: dict[str, list[str]] = {"work.py": [BEGIN], "tasks.py": ["import os\n"]}
    for content, name in EXAMPLES.items():
        texts.setdefault(name, []).append(block(PAGE, content))
    texts["work.py"].append(END)
    for name, parts in texts.items():
        (home / name).write_text("\n".join(parts), encoding="utf-8")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the application."""
    home = tmp_path_factory.mktemp("background")
    write_examples(home)
    return home


@pytest.fixture(scope="module")
def server(home: Path, redis: RedisServer) -> Iterator[Server]:
    port = free_port()
    ini = home / "development.ini"
    ini.write_text(INI.format(port=port, home=home, redis=redis.url))
    output = home / "server.log"
    with Server(ini, output, port=port, cwd=home, importable=(home,)) as server:
        yield server


@pytest.fixture
def join(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Connects clients to a namespace."""
    monkeypatch.setattr(clients, "RESOURCE", "/socketio")
    made: list[Any] = []

    def join(endpoint: str) -> Any:
        made.append(clients.WebSocket5(server.port))
        made[-1].join(endpoint)
        return made[-1]

    yield join
    for each in made:
        each.close()


Join = Callable[[str], Any]


def test_a_job_of_a_client(join: Join) -> None:
    client, other = join("/reports"), join("/reports")
    client.emit("/reports", "create", "a report")
    for percent in (0, 50, 100):
        assert client.event("/reports") == ["progress", percent]
    for each in (client, other):
        assert each.event("/reports") == ["created", "a report by nobody", "/reports"]


def test_a_page_tells_after_its_commit(join: Join, server: Server) -> None:
    client = join("/news")
    http = clients.Http(server.port)
    assert http.get("/write?text=hello").text == "written"
    assert client.event("/news") == ["written", "hello"]
    assert http.get("/fail").status == 500
    assert http.get("/write?text=again").text == "written"
    assert client.event("/news") == ["written", "again"]
    assert '"lost"' not in http.get("/lines").text


def test_a_loop_from_the_start(join: Join) -> None:
    client = join("/clock")
    for _ in range(2):
        name, seconds = client.event("/clock")
        assert name == "time"
        assert seconds > 0


def test_a_scheduler(join: Join) -> None:
    client = join("/news")
    assert client.call("/news", "subscribe", "reminders") == ["reminders"]
    assert client.event("/news") == ["pubblication", "Time for a break"]


def environment(home: Path, redis: RedisServer) -> dict[str, str]:
    path = os.pathsep.join([str(home), str(ROOT)])
    return {**os.environ, "REDIS": redis.url, "PYTHONPATH": path}


CALL = "import tasks; tasks.render.delay(7)"


def test_a_celery_worker(join: Join, home: Path, redis: RedisServer) -> None:
    client = join("/news")
    assert client.call("/news", "subscribe", "reports") == ["reports"]
    where: dict[str, Any] = {"cwd": home, "env": environment(home, redis)}
    celery = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "--pool=solo"]
    with (home / "celery.log").open("wb") as log:
        worker = subprocess.Popen(celery, stdout=log, stderr=log, **where)
        try:
            subprocess.run(
                [sys.executable, "-c", CALL], check=True, timeout=60, **where
            )
            assert client.event("/news") == ["rendered", 7]
            assert client.event("/news") == ["pubblication", 7]
        finally:
            worker.kill()
            worker.wait()


def test_a_script(join: Join, home: Path, redis: RedisServer) -> None:
    client = join("/news")
    assert client.call("/news", "subscribe", "reports") == ["reports"]
    command = [sys.executable, "night.py", str(home / "development.ini")]
    env = environment(home, redis)
    subprocess.run(command, cwd=home, env=env, check=True, timeout=60)
    assert client.event("/news") == ["night", "is over"]
    assert client.event("/news") == ["pubblication", "of today"]


def test_a_native_thread(join: Join) -> None:
    client = join("/news")
    client.emit("/news", "shrink", 3, number=1)
    for done in range(3):
        assert client.event("/news") == ["shrunk", done]
    [thread] = client.read()["args"]
    assert client.call("/news", "home") != [thread]


def test_asyncio(join: Join, server: Server) -> None:
    """The library asks the server itself, which serves meanwhile."""
    client = join("/news")
    [status] = client.call("/news", "ask", server.port)
    assert status.startswith("HTTP/1.")
