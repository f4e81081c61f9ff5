"""Socket.IO Admin UI, the pages of the npm package, with a server that it connects to.

``TGEXT_SOCKETIO_SCREENSHOTS`` names a folder for pictures of its pages.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine import clients

from .browsers import window
from .serving import Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

INI = Path(__file__).parent / "fixtureapps" / "administered.ini"

#: A client of each generation, on each of its transports.
CLIENTS: list[Any] = [
    *(clients.WebSocket1, clients.WebSocket4, clients.WebSocket5),
    *(clients.Polling1, clients.Polling4, clients.Polling5),
]

SCREENSHOTS = os.environ.get("TGEXT_SOCKETIO_SCREENSHOTS")


@pytest.fixture(scope="module")
def server(
    admin_ui: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    output = tmp_path_factory.mktemp("administered") / "server.log"
    with Server(INI, output) as server:
        yield server


@pytest.fixture
def joined(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Clients that are in the room ``lobby`` of ``/chat``."""
    monkeypatch.setattr(clients, "RESOURCE", "/socketio")
    made: list[Any] = []
    for kind in CLIENTS:
        made.append(kind(server.port))
        made[-1].join("/chat")
        assert made[-1].call("/chat", "enter", "lobby") == ["lobby"]
    yield made
    for client in made:
        client.close()


@contextmanager
def ui(browser: Browser, url: str, user: str) -> Iterator[Page]:
    """The UI, in the browser of a user, with its dialog for the server open."""
    options = {"viewport": {"width": 1280, "height": 900}}
    with window(browser, url, {}, **options) as page:
        page.goto(f"/login_handler?login={user}&password=sesame")
        page.goto("/ui/index.html")
        yield page


def connect(page: Page, url: str) -> None:
    page.get_by_label("Server URL").fill(url)
    page.get_by_text("Advanced options").click()
    page.get_by_label("Path").fill("/socketio")
    page.get_by_role("button", name="Connect").click()


def go(page: Page, place: str) -> None:
    page.locator("nav a").filter(has_text=place).click()
    api.expect(page.locator(".v-breadcrumbs")).to_have_text([place])


def take_picture(page: Page, name: str) -> None:
    if SCREENSHOTS:
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png")


def table(page: Page, row: int) -> list[str]:
    """The texts of a row."""
    return page.locator("tbody tr").nth(row).locator("td").all_inner_texts()


def wait_for_disconnect(client: Any) -> None:
    while client.read()["type"] != "disconnect":
        pass


def test_an_administrator_sees_and_disconnects_clients(
    server: Server, browser: Browser, joined: list[Any]
) -> None:
    with ui(browser, server.url, "bob") as page:
        connect(page, server.url)
        told = page.get_by_text("not allowed").or_(page.locator(".red--text"))
        api.expect(told).to_be_visible()
        assert "ada" in told.inner_text()

    with ui(browser, server.url, "ada") as page:
        connect(page, server.url)
        counts = page.locator("tr").filter(has_text="/chat").locator("td")
        api.expect(counts.nth(1)).to_have_text(str(len(joined)))

        empty = page.locator("tr").filter(has_text="/quiet").locator("td")
        api.expect(empty.nth(1)).to_have_text("0")

        go(page, "Sockets")
        rows = page.locator("tbody tr")
        api.expect(rows).to_have_count(len(joined))
        transports = [table(page, row)[2] for row in range(len(joined))]
        polling = ["HTTP long-polling"] * 3
        assert transports == ["WebSocket"] * 3 + polling
        take_picture(page, "sockets")

        go(page, "Rooms")
        api.expect(rows).to_have_count(1)
        assert table(page, 0)[0] == "lobby"
        assert str(len(joined)) in table(page, 0)
        take_picture(page, "rooms")

        # The UI has them in the order in which they came. Of a socket that was clicked
        # on, it shows the details.
        for number in (0, -1):
            go(page, "Sockets")
            rows.nth(number).get_by_role("button").click()
            wait_for_disconnect(joined[number])
            api.expect(page.get_by_text("Disconnected").first).to_be_visible()
            take_picture(page, "socket")
        go(page, "Sockets")
        api.expect(rows).to_have_count(len(joined) - 2)

        go(page, "Events")
        api.expect(rows.first).to_be_visible()
        take_picture(page, "events")
        go(page, "Servers")
        assert str(server.process.pid) in table(page, 0)
        take_picture(page, "servers")
        go(page, "Dashboard")
        api.expect(counts.nth(1)).to_have_text(str(len(joined) - 2))
        take_picture(page, "dashboard")
