"""A project of ``gearbox quickstart --ming``, with Ming's database in memory.

Events do not pass through the middleware that closes Ming's session after a page.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.engine import clients
from tests.live.quickstart import edit, run
from tests.live.serving import Server, gearbox
from tests.live.test_quickstart import Browser
from tests.ports import free_port

#: A module of the project: events that read the database, and pages that change it.
PROBE = """
from ming.odm import ThreadLocalODMSession
from tg import expose, hooks, predicates, request, require

from papers import model
from papers.lib.base import BaseController
from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.websocket import websocket

sessions = []


def manager():
    return model.User.query.get(user_name="manager")


class Probe(SocketIOTGNamespace):
    @require(predicates.has_permission("manage"))
    def on_manage(self):
        return "managed"

    def on_name(self):
        return manager().display_name

    def on_rename(self, name):
        manager().display_name = name

    def on_fail(self, name):
        self.on_rename(name)
        raise RuntimeError

    def on_job(self, name, *args):
        self.spawn(getattr(self, name), *args)

    def tell_name(self):
        self.emit("name", manager().display_name)
        sessions.append(model.DBSession._get())

    def rename(self, name):
        self.run_in_app(self.on_rename, name)
        self.tell_name()

    def flush(self, name):
        self.on_rename(name)
        model.DBSession.flush()
        self.tell_name()

    def change(self, name):
        self.on_rename(name)
        self.tell_name()

    def on_kept(self):
        # How many documents the sessions of events and jobs have kept.
        return [len(each.imap._objects) for each in sessions]


class SocketIO(SocketIOController):
    probe = Probe


class ProbeController(BaseController):
    @expose(content_type="text/plain")
    def rename(self, name):
        manager().display_name = name
        return name

    @expose(content_type="text/plain")
    def name(self):
        return manager().display_name

    @expose(content_type="text/plain")
    def permit(self, allowed):
        [permission] = model.Permission.query.find({"permission_name": "manage"})
        groups = model.Group.query.find({"group_name": "managers"}).all()
        permission.groups = groups if allowed == "yes" else []
        return allowed

    @expose()
    @websocket
    def names(self):
        for _ in request.websocket:
            request.websocket.send(manager().display_name)
            ThreadLocalODMSession.close_all()
"""

#: The database is that of the process: what `gearbox setup-app` writes is gone.
SETUP = """
    from papers.websetup.bootstrap import bootstrap
    bootstrap(None, {}, {})
    from ming.odm import ThreadLocalODMSession
    ThreadLocalODMSession.close_all()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    parent = tmp_path_factory.mktemp("ming")
    run([gearbox(), "quickstart", "--ming", "papers"], cwd=parent)
    home = parent / "papers"
    setup = "import setuptools; setuptools.setup()"
    run([sys.executable, "-c", setup, "--quiet", "egg_info"], cwd=home)
    ini, port = home / "development.ini", free_port()
    edit(ini, "^debug = true$", "debug = false")
    section = f"[server:main]\nuse = egg:tgext.socketio#socketio\nport = {port}\n"
    edit(ini, r"^\[server:main\]\n(.+\n)+", section)
    edit(ini, "^ming.url = .+$", "ming.url = mim:///")
    controllers = home / "papers" / "controllers"
    (controllers / "probe.py").write_text(PROBE)
    root = controllers / "root.py"
    edit(
        root,
        r"^class RootController\(.+\):$",
        "from .probe import ProbeController, SocketIO\n\n\n\\g<0>\n"
        "    probe = ProbeController()\n    socketio = SocketIO()",
    )
    made = home / "papers" / "config" / "application.py"
    edit(made, "^    return app$", SETUP + r"\g<0>")
    output = parent / "server.log"
    with Server(ini, output, port=port, cwd=home, importable=(home,)) as server:
        yield server


@pytest.fixture
def browser(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    monkeypatch.setattr(clients, "RESOURCE", "/socketio")
    browser = Browser(server.url)
    browser.visit("/login_handler", login="manager", password="managepass")
    browser.visit("/probe/permit?allowed=yes")
    browser.visit("/probe/rename?name=first")
    yield browser
    browser.visit("/probe/permit?allowed=yes")


@pytest.fixture
def client(server: Server, browser: Browser) -> Iterator[Any]:
    """A client of the manager."""
    made = clients.WebSocket5(server.port, headers={"Cookie": browser.cookies})
    made.join("/probe")
    yield made
    made.close()


def test_a_revoked_permission_denies_the_next_event(
    client: Any, browser: Browser
) -> None:
    for allowed in ("yes", "no", "yes"):
        browser.visit(f"/probe/permit?allowed={allowed}")
        client.emit("/probe", "manage", number=1)
        if allowed == "no":
            assert client.event("/probe")[:2] == ["error", "method_access_denied"]
        [answer] = client.read()["args"]
        assert (answer == "managed") == (allowed == "yes"), answer


def test_an_event_reads_what_a_page_has_changed(client: Any, browser: Browser) -> None:
    assert client.call("/probe", "name") == ["first"]
    browser.visit("/probe/rename?name=second")
    assert client.call("/probe", "name") == ["second"]


def test_an_event_writes_and_one_that_fails_does_not(
    client: Any, browser: Browser
) -> None:
    assert client.call("/probe", "rename", "by an event") == [None]
    assert browser.visit("/probe/name") == "by an event"
    client.emit("/probe", "fail", "by one that fails")
    assert client.event("/probe")[:2] == ["error", "internal_error"]
    assert client.call("/probe", "name") == ["by an event"]
    assert browser.visit("/probe/name") == "by an event"


def test_jobs_read_and_write_and_keep_nothing(client: Any, browser: Browser) -> None:
    for name in ("first", "second"):
        browser.visit(f"/probe/rename?name={name}")
        client.emit("/probe", "job", "tell_name")
        assert client.event("/probe") == ["name", name]
    client.emit("/probe", "job", "rename", "by a job")
    assert client.event("/probe") == ["name", "by a job"]
    assert browser.visit("/probe/name") == "by a job"
    client.emit("/probe", "job", "flush", "flushed")
    assert client.event("/probe") == ["name", "flushed"]
    assert browser.visit("/probe/name") == "flushed"
    client.emit("/probe", "job", "change", "only here")
    assert client.event("/probe") == ["name", "only here"]
    assert browser.visit("/probe/name") == "flushed"
    assert client.call("/probe", "kept") == [[0] * 5]


def test_a_plain_websocket_closes_it_itself(server: Server, browser: Browser) -> None:
    headers = {"Cookie": browser.cookies}
    websocket = clients.WebSocket(server.port, "/probe/names", headers=headers)
    for name in ("first", "second"):
        browser.visit(f"/probe/rename?name={name}")
        websocket.send("ask")
        assert websocket.receive() == name
    websocket.close()
