"""tgext.debugbar in a project of ``gearbox quickstart``, with the section of events."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.engine import clients
from tests.ports import free_port

from .quickstart import Browser, Project, edit
from .serving import Server

#: A module of the project.
MEETING = """
from gevent.event import Event
from tg import expose, request

from newcomer.lib.base import BaseController
from tgext.socketio import SocketIOTGNamespace


class Meeting(SocketIOTGNamespace):
    arrived = Event()
    page = Event()

    def on_who(self):
        return request.identity["user"].user_name

    def on_wait(self):
        self.emit("waiting")
        self.arrived.wait()
        return "met"

    def on_see_page(self):
        self.page.wait()
        return "waits"

    def on_arrive(self):
        self.arrived.set()
        return "here"


class MeetingController(BaseController):
    @expose()
    def index(self):
        Meeting.page.set()
        Meeting.arrived.wait()
        return "met"
"""

PLUG = """
from tgext.socketio import debugbar

debugbar.plugme(base_config)
"""

Join = Callable[[], clients.WebSocket5]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("debugbar")
    project = Project(directory)
    port = free_port()
    project.apply_readme(port)
    project.mount("meeting", MEETING)
    edit(project.ini, r"^\[app:main\]$", r"\g<0>\nset debug = true")
    with (project.controllers.parent / "config/app_cfg.py").open("a") as app_cfg:
        app_cfg.write(PLUG)
    output = directory / "server.log"
    where = {"cwd": project.home, "importable": (project.home,)}
    with Server(project.ini, output, port=port, **where) as server:
        yield server


@pytest.fixture
def browser(server: Server) -> Browser:
    browser = Browser(server.url)
    browser.visit("/login_handler", login="manager", password="managepass")
    return browser


@pytest.fixture
def join(
    server: Server, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Join]:
    monkeypatch.setattr(clients, "RESOURCE", "/socketio")
    made: list[clients.WebSocket5] = []

    def join() -> clients.WebSocket5:
        headers = {"Cookie": browser.cookies}
        made.append(clients.WebSocket5(server.port, headers=headers))
        made[-1].join("/meeting")
        return made[-1]

    yield join
    for client in made:
        client.close()


def test_the_bar_shows_the_last_events(browser: Browser, join: Join) -> None:
    assert join().call("/meeting", "who") == ["manager"]
    page = browser.visit("/demo")
    rows = re.findall(r'<tr class="tgdb_row"><td>.*?</tr>', page)
    [row] = [each for each in rows if "<td>who</td>" in each]
    assert "<td>/meeting</td>" in row
    assert "<td>manager</td>" in row
    assert " ms: SELECT " in row
    assert "tg_user" in row
    took, *queries = map(float, re.findall(r">(\d+\.\d) ms", row))
    assert queries
    assert sum(queries) <= took + 0.1 * (1 + len(queries))  # they are rounded


def test_events_and_pages_overlap_under_its_profiler(
    server: Server, browser: Browser, join: Join
) -> None:
    """Python 3.12 and later have one profiler at a time."""
    waiting, arriving = join(), join()
    waiting.emit("/meeting", "wait", number=1)
    assert waiting.event("/meeting") == ["waiting"]
    with ThreadPoolExecutor() as threads:
        page = threads.submit(Browser(server.url).visit, "/meeting")
        assert arriving.call("/meeting", "see_page") == ["waits"]
        assert "Controller Time" in browser.visit("/demo")
        assert arriving.call("/meeting", "arrive") == ["here"]
        assert page.result() == "met"
    assert waiting.read()["args"] == ["met"]
