"""The debug mode of a project of ``gearbox quickstart``: the debugbar, tracebacks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.error import HTTPError
from urllib.parse import urlencode

import pytest

from tests.engine import clients
from tests.ports import free_port

from .quickstart import Browser, Project
from .serving import Server

#: A module of the project.
MEETING = """
from gevent.event import Event
from tg import expose, request

from newcomer.lib.base import BaseController
from tgext.socketio import SocketIOTGNamespace
from tgext.socketio.websocket import websocket


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

    def on_fail(self):
        raise LookupError("no such event")


class MeetingController(BaseController):
    @expose()
    def index(self):
        Meeting.page.set()
        Meeting.arrived.wait()
        return "met"

    @expose()
    def fail(self, colour):
        raise LookupError("no such colour")

    @expose()
    @websocket
    def echo(self):
        for message in request.websocket:
            if message == "fail":
                raise LookupError("no such message")
            request.websocket.send(message)
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
    project.apply_edits(port, debug=True)
    project.mount("meeting", MEETING)
    with (project.controllers.parent / "config/app_cfg.py").open("a") as app_cfg:
        app_cfg.write(PLUG)
    output = directory / "server.log"
    where = {"cwd": project.home, "importable": (project.home,)}
    with Server(project.ini, output, port=port, **where) as server:
        yield server


@pytest.fixture(autouse=True)
def _resource(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "RESOURCE", "/socketio")


@pytest.fixture
def browser(server: Server) -> Browser:
    browser = Browser(server.url)
    browser.visit("/login_handler", login="manager", password="managepass")
    return browser


@pytest.fixture
def join(server: Server, browser: Browser) -> Iterator[Join]:
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
    assert "<tr><th>/meeting</th><td>1</td></tr>" in page
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


def failing_page(server: Server, colour: str = "red") -> str:
    """The page that tells why another one failed."""
    with pytest.raises(HTTPError, match="500") as failed:
        Browser(server.url).visit(f"/meeting/fail?colour={colour}")
    page: str = failed.value.read().decode()
    return page


def test_a_traceback_in_a_page_runs_code_in_its_frames(server: Server) -> None:
    page = failing_page(server)
    assert "LookupError: no such colour" in page
    [secret] = re.findall(r'SECRET = "(.+?)"', page)
    frame = re.findall(r'id="frame-(\d+)"', page)[-1]

    def run(code: str, secret: str = secret) -> str:
        query = urlencode({"cmd": code, "frm": frame, "s": secret})
        return Browser(server.url).visit(f"/?__debugger__=yes&{query}")

    failing_page(server, "blue")
    assert "'red'" in run("colour")
    assert "'colour=red'" in run("ctx.request.query_string")
    assert "'colour=red'" in run("request.query_string")
    assert "\n3" in run("print(1 + 2)")
    assert "'red'" not in run("colour", secret="guessed")


def test_connections_are_none_the_worse(server: Server, browser: Browser) -> None:
    """Also those on which a page has failed before."""
    polling = clients.Polling5(server.port, headers={"Cookie": browser.cookies})
    polling.join("/meeting")
    for http in (polling.gets, polling.posts):
        assert http.get("/meeting/fail?colour=red").status == 500
    for number in range(2):
        polling.emit("/meeting", "fail", number=number)
        polling.failure("/meeting", "internal_error", "Internal server error")
        assert polling.call("/meeting", "who", number=number) == ["manager"]
    polling.close()


def test_plain_websockets_are_none_the_worse(server: Server) -> None:
    websocket = clients.WebSocket(server.port, "/meeting/echo")
    assert websocket.status == 101
    websocket.send("hello")
    assert websocket.receive() == "hello"
    websocket.send("fail")
    assert websocket.receive_close() == 1011
