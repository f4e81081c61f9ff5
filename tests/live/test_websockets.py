"""The examples of plain WebSockets, as their files say to start them, in a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import gevent
import pytest

from examples import dashboard
from tests.ports import free_port

from . import browsers
from .serving import ROOT, Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

#: Milliseconds within which the page has to show the result.
PATIENCE = 15_000

Start = Callable[[str], Server]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Makes the server of an example, not started, from its ini with another port."""
    made: list[Server] = []

    def make(name: str) -> Server:
        port = free_port()
        text = (ROOT / "examples" / f"{name}.ini").read_text()
        assert "port = 8080" in text
        ini = tmp_path / f"{name}.ini"
        ini.write_text(text.replace("port = 8080", f"port = {port}"))
        output = tmp_path / f"{name}.log"
        made.append(Server(ini, output, port=port, importable=()))
        return made[-1]

    yield make
    for server in made:
        if server.running:
            server.kill()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page without errors, except those about a stopped server."""
    complaints: list[str] = []
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    api.expect.set_options(timeout=PATIENCE)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda said: (
            complaints.append(said.text)
            if said.type == "error" and "ERR_CONNECTION_REFUSED" not in said.text
            else None
        ),
    )
    yield page
    page.close()
    api.expect.set_options(timeout=5_000)
    assert complaints == []


def test_echo(start: Start, page: Page) -> None:
    page.add_init_script(browsers.KEEP)
    with start("echo") as server:
        page.goto(server.url)
        api.expect(page.locator("#state")).to_have_text("connected")
        for word in ("hello", "grüße ☃ 😀"):
            page.fill("#message", word)
            page.click("button")
        api.expect(page.locator("#received div")).to_have_text(
            ["Message received: hello", "Message received: grüße ☃ 😀"]
        )
        with browsers.away(page):
            page.fill("#message", "typed while away")
            page.press("#message", "Enter")
            api.expect(page.locator("#message")).to_have_value("typed while away")
            api.expect(page.locator("button")).to_be_disabled()
        page.press("#message", "Enter")
        received = page.locator("#received div").last
        api.expect(received).to_have_text("Message received: typed while away")
        answer = page.request.get(f"{server.url}/echo")
        assert (answer.status, answer.text()) == (400, "Invalid WebSocket request")
        assert server.stop().code == 0
        assert "Traceback" not in server.output


def drawn(page: Page) -> int:
    """How many samples the first card draws."""
    path: str = page.locator(".line").first.get_attribute("d") or ""
    return path.count("L") + path.count("M")


def test_the_dashboard_draws_and_draws_on_after_a_reconnect(
    start: Start, page: Page
) -> None:
    with start("dashboard") as server:
        page.goto(server.url)
        api.expect(page.locator("#state")).to_have_text("connected")
        page.wait_for_function("document.querySelector('.line').getAttribute('d')")
        cards = page.locator(".card")
        api.expect(cards).to_have_count(6)
        assert all(each.is_visible() for each in cards.all())
        values = page.locator(".value span")
        api.expect(values.nth(4)).to_have_text("1")  # connections
        for width in (320, 390, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert server.stop().code == 0
        api.expect(page.locator("#state")).to_have_text(browsers.AWAY)
        api.expect(page.locator("#cards")).to_have_css("filter", "grayscale(1)")
        before = drawn(page)
        assert before >= 1
        server.start()
        server.wait_until_serving()
        api.expect(page.locator("#state")).to_have_text("connected")
        api.expect(page.locator("#cards")).to_have_css("filter", "none")
        page.wait_for_function(
            f"document.querySelector('.line').getAttribute('d')"
            f".split(/[ML]/).length > {before + 1}"
        )
        # The page still shows the earlier samples.
        assert drawn(page) > before
        assert "Traceback" not in server.output


def test_the_dashboard_measures_before_anybody_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jobs: list[gevent.Greenlet] = []
    meter = dashboard.Meter()
    monkeypatch.setattr(dashboard, "meter", meter)
    spawn = gevent.spawn
    monkeypatch.setattr(gevent, "spawn", lambda *job: jobs.append(spawn(*job)))
    dashboard.make_app({})
    with gevent.Timeout(PATIENCE / 1000):
        while not meter.history:
            gevent.sleep(0.05)
    gevent.killall(jobs)
    assert not meter.viewers


def test_who_comes_later_sees_what_was(start: Start, page: Page) -> None:
    with start("dashboard") as server:
        page.goto(server.url)
        page.wait_for_function(
            "(document.querySelector('.line').getAttribute('d') || '').includes('L')"
        )
        page.reload()
        page.wait_for_function(
            "(document.querySelector('.line').getAttribute('d') || '').includes('L')"
        )
        assert drawn(page) >= 2
