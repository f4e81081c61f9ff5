"""Two tabs of Chromium, on a project of ``gearbox quickstart``.

The project keeps its session in a cookie, which changes with each page that reads the
session. TurboGears does so for the user's language. With ``reissue_time``, the ticket
changes as well. The tabs share these cookies, and each has a connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.ports import free_port
from tests.redis_server import RedisServer, running_redis

from .browsers import library
from .quickstart import Project, edit
from .serving import Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

#: A module of the project: a page with a connection, and what it asks for.
TABS = """
from tg import expose, request, response, session

from newcomer.lib.base import BaseController
from tgext.socketio import SocketIOTGNamespace

PAGE = '''<!DOCTYPE html>
<link rel="icon" href="data:,">
<script src="/client.js"></script>
<script>
    const socket = io('/tabs', {path: '/socketio', transports: [TRANSPORT]});
    const seen = [];
    socket.on('connect', () => seen.push('connect'));
    socket.on('disconnect', (reason) => seen.push(reason));
    const ask = (...event) => socket.timeout(10000).emitWithAck(...event);
</script>'''


def see(environ):
    environ["newcomer.seen"] = environ["PATH_INFO"]


class Tabs(SocketIOTGNamespace):
    def on_seen(self):
        return request.environ["newcomer.seen"]

    def on_who(self):
        identity = request.identity
        return identity and identity["user"].user_name

    def on_recall(self):
        return session.get("colour")

    def on_remember(self, colour):
        session["colour"] = colour
        session.save()


class TabsController(BaseController):
    @expose(content_type="text/html")
    def page(self, transport="websocket"):
        return PAGE.replace("TRANSPORT", repr(str(transport)))

    @expose(content_type="text/plain")
    def become(self, user):
        ticket = request.environ["repoze.who.plugins"]["cookie"]
        headers = ticket.remember(request.environ, {"repoze.who.userid": user})
        # Otherwise repoze.who may renew the ticket that the request had.
        del request.environ["repoze.who.identity"]
        response.headers.extend(headers)
        return user

    @expose(content_type="text/plain")
    def recall(self):
        return session.get("colour", "none")

    @expose(content_type="text/plain")
    def remember(self, colour):
        session["colour"] = colour
        session.save()
        return colour
"""

#: Each ticket that is older than a second is issued anew.
TICKETS = """
base_config.update_blueprint({
    'sa_auth.authtkt.timeout': 3600,
    'sa_auth.authtkt.reissue_time': 1,
})
"""

MIDDLEWARE = "socketio.event_middleware = newcomer.controllers.tabs:see"

PASSWORDS = {"manager": "managepass", "editor": "editpass"}

#: After these, Socket.IO clients reconnect by themselves.
COMES_BACK = "['transport close', 'transport error'].includes(seen.at(-2))"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, whose tickets are issued anew often."""
    project = Project(tmp_path_factory.mktemp("tabs"))
    project.apply_edits(free_port())
    (project.controllers / "tabs.py").write_text(TABS)
    root = project.controllers / "root.py"
    edit(root, "^from tgext", r"from .tabs import Tabs, TabsController\n\g<0>")
    edit(root, "^    pingpong = .+$", r"\g<0>\n    tabs = Tabs")
    edit(root, "^    socketio = .+$", r"\g<0>\n    tabs = TabsController()")
    config = project.controllers.parent / "config" / "app_cfg.py"
    config.write_text(config.read_text() + TICKETS)
    return project


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module", params=["cookie", "file", "redis"])
def server(
    project: Project,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Server]:
    """The project, served, with sessions of each type."""
    directory = tmp_path_factory.mktemp("server")
    options = "session.type = cookie"
    if request.param == "file":
        options = f"session.type = file\nsession.data_dir = {directory}"
    elif request.param == "redis":
        port = request.getfixturevalue("redis").port
        options = f"session.type = ext:redis\nsession.url = redis://127.0.0.1:{port}"
    port = free_port()
    ini = project.home / f"{request.param}.ini"
    ini.write_text(project.ini.read_text())
    edit(ini, r"^session\.type = cookie$", f"{options}\n{MIDDLEWARE}")
    edit(ini, r"^(\[server:main\]\n(?:.+\n)*?port = )\d+$", rf"\g<1>{port}")
    where = {"cwd": project.home, "importable": (project.home,)}
    with Server(ini, directory / "server.log", port=port, **where) as server:
        yield server


class Window:
    """The tabs of one user."""

    def __init__(self, context: Any, kind: str) -> None:
        self.context = context
        self.kind = kind
        #: Whether an event can save the session.
        self.saves = kind != "cookie"

    def log_in(self, user: str) -> None:
        page = self.context.new_page()
        page.goto(f"/login_handler?login={user}&password={PASSWORDS[user]}")
        page.close()

    def visit(self, path: str) -> str:
        page = self.context.new_page()
        text: str = page.goto(path).text()
        page.close()
        return text

    def tab(self) -> Page:
        """A tab that is connected."""
        page: Page = self.context.new_page()
        page.goto("/tabs/page")
        page.wait_for_function("seen.at(-1) === 'connect'")
        return page

    @property
    def ticket(self) -> str:
        [ticket, *_] = [
            each["value"]
            for each in self.context.cookies()
            if each["name"] == "authtkt"
        ]
        return str(ticket)

    def renew_ticket(self, page: Page) -> None:
        """Connect a tab again until its handshake issues another ticket."""
        before = self.ticket
        while self.ticket == before:
            page.evaluate("socket.disconnect().connect()")
            page.wait_for_function("seen.at(-1) === 'connect'")


@pytest.fixture
def window(
    browser: Browser,
    server: Server,
    node_clients: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Window]:
    kind = request.node.callspec.params["server"]
    with opened(browser, server, node_clients) as context:
        yield Window(context, kind)


@contextmanager
def opened(browser: Browser, server: Server, node_clients: Path) -> Iterator[Any]:
    """A window without the cookies of others."""
    _, script = library(node_clients, "4")

    def serve_script(route: Route) -> None:
        route.fulfill(body=script, content_type="application/javascript")

    context = browser.new_context(base_url=server.url)
    context.set_default_timeout(20_000)
    context.route("**/client.js", serve_script)
    yield context
    context.close()


def ask(page: Page, *event: str) -> Any:
    return page.evaluate("(event) => ask(...event)", event)


def expect_to_come_back(page: Page) -> None:
    page.wait_for_function(f"seen.at(-1) === 'connect' && {COMES_BACK}")


def test_each_tab_reads_what_a_page_of_the_other_wrote(window: Window) -> None:
    window.log_in("manager")
    first = window.tab()
    for colour in ("red", "blue"):
        second = window.tab()
        assert window.visit(f"/tabs/remember?colour={colour}") == colour
        assert ask(first, "recall") == colour
        assert ask(second, "recall") == colour
    assert first.evaluate("seen") == ["connect"]


def test_the_tabs_of_nobody_stay_connected(window: Window) -> None:
    window.visit("/tabs/remember?colour=red")
    tabs = [window.tab() for _ in range(3)]
    window.visit("/")
    assert [ask(tab, "recall") for tab in tabs] == ["red"] * 3
    assert [tab.evaluate("seen") for tab in tabs] == [["connect"]] * 3


def test_what_an_event_of_a_tab_writes_is_read_by_the_other(window: Window) -> None:
    window.log_in("manager")
    window.visit("/tabs/remember?colour=red")
    first, second = window.tab(), window.tab()
    ask(first, "remember", "green")
    # A session in a cookie can be written by pages alone.
    expected = "green" if window.saves else "red"
    assert ask(second, "recall") == expected
    assert second.evaluate("fetch('/tabs/recall').then((page) => page.text())") == (
        expected
    )


def test_a_logout_ends_both_tabs(window: Window) -> None:
    window.log_in("manager")
    first, second = window.tab(), window.tab()
    window.renew_ticket(second)
    assert [ask(tab, "who") for tab in (first, second)] == ["manager"] * 2
    second.goto("/logout_handler")
    expect_to_come_back(first)
    assert ask(first, "who") is None


def test_the_login_of_another_user_ends_both_tabs(window: Window) -> None:
    window.log_in("manager")
    first, second = window.tab(), window.tab()
    window.renew_ticket(second)
    # TurboGears' own form changes no user who is logged in; an application may.
    assert window.visit("/tabs/become?user=editor") == "editor"
    for tab in (first, second):
        expect_to_come_back(tab)
        assert ask(tab, "who") == "editor"


@pytest.mark.parametrize("server", ["cookie"], indirect=True)
def test_middleware_of_the_configuration_file_sees_events(window: Window) -> None:
    assert ask(window.tab(), "seen") == "/socketio/"


@pytest.mark.parametrize("server", ["cookie"], indirect=True)
def test_the_tabs_of_another_window_are_left_alone(
    window: Window, browser: Browser, server: Server, node_clients: Path
) -> None:
    window.log_in("manager")
    tab = window.tab()
    with opened(browser, server, node_clients) as context:
        other = Window(context, window.kind)
        other.log_in("editor")
        others = other.tab()
        other.visit("/logout_handler")
        expect_to_come_back(others)
        assert ask(others, "who") is None
    assert ask(tab, "who") == "manager"
    assert tab.evaluate("seen") == ["connect"]
