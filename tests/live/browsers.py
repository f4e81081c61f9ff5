"""The browser that tests drive: Chromium, without a window."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

CHROMIUM = "/usr/bin/chromium"

#: The browser makes only the requests of the test.
OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright not installed")
    if not shutil.which(CHROMIUM):
        pytest.skip(f"not installed: {CHROMIUM}")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


CDN = "https://cdn.jsdelivr.net"
SCRIPT = "/npm/socket.io-client@{}/dist/socket.io.min.js"

#: The packages of npm that replace the scripts of the CDN in the examples.
PACKAGES = {"0.9": "socket.io-client-0.9.16", "4": "socket.io-client-4"}


def library(clients: Path, client: str) -> tuple[str, bytes]:
    """The version and the content of the client library that npm installed."""
    package = clients / "node_modules" / PACKAGES[client]
    version = json.loads((package / "package.json").read_text())["version"]
    return version, (package / "dist" / "socket.io.min.js").read_bytes()


def cdn(clients: Path) -> dict[str, bytes]:
    """The scripts of the CDN, by their URLs."""
    versions = dict(library(clients, client) for client in PACKAGES)
    return {CDN + SCRIPT.format(name): each for name, each in versions.items()}


#: Keeps the WebSockets of a page, to cut them.
KEEP = """
    window.opened = [];
    window.WebSocket = class extends WebSocket {
        constructor(...args) {
            super(...args);
            window.opened.push(this);
            this.carries = !String(args[0]).includes("sid=");
        }
        send(data) {
            this.carries ||= data === "5";  // the end of an upgrade from polling
            super.send(data);
        }
    };
"""

#: Whether the page is connected by a WebSocket.
CARRIES = "opened.some((each) => each.carries && each.readyState === 1)"

AWAY = "away, trying again"


@contextmanager
def away(page: Page) -> Iterator[None]:
    """The connection is lost, and the page tries again only after this.

    :param page: begun with :data:`KEEP`, and connected by a WebSocket.
    """
    api = pytest.importorskip("playwright.sync_api")
    page.wait_for_function(CARRIES)
    # The page's time stands still: it waits with connecting again.
    page.clock.install()
    page.clock.pause_at(datetime.now() + timedelta(minutes=1))
    page.evaluate("opened.forEach((each) => each.close())")
    api.expect(page.locator("#state")).to_have_text(AWAY)
    yield
    page.clock.run_for(10_000)
    page.clock.resume()
    api.expect(page.locator("#state")).to_have_text("connected")


@contextmanager
def without_cdn(browser: Browser, url: str) -> Iterator[Page]:
    """A window that reaches no other server than that of the *url*."""
    page = browser.new_page(base_url=url, viewport={"width": 390, "height": 844})
    page.route("https://**", lambda route: route.abort())
    yield page
    page.close()


def expect_missing(page: Page, start: str) -> None:
    """The page tells that it has no client file, and how to serve it."""
    api = pytest.importorskip("playwright.sync_api")
    api.expect(page.locator("#state")).to_have_text("client file not loaded")
    told = page.locator("#missing")
    api.expect(told).to_contain_text("npm pack socket.io-client@4.8.4")
    api.expect(told).to_contain_text(start)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@contextmanager
def window(
    browser: Browser, url: str, scripts: Mapping[str, bytes], **options: Any
) -> Iterator[Page]:
    """A window of a new user, without errors and without requests to other servers.

    :param url: of the server.
    :param scripts: what it is given from other servers.
    :param options: Playwright's, of a page.
    """
    complaints: list[str] = []

    def route(route: Route) -> None:
        asked = route.request.url
        if asked.startswith(url):
            route.continue_()
        elif asked in scripts:
            route.fulfill(
                body=scripts[asked],
                content_type="application/javascript",
                # `integrity` requires it for scripts of other origins.
                headers={"Access-Control-Allow-Origin": "*"},
            )
        else:
            complaints.append(f"asked for {asked}")
            route.abort()

    page = browser.new_page(base_url=url, **options)
    page.set_default_timeout(10_000)
    page.route("**/*", route)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda said: complaints.append(said.text) if said.type == "error" else None,
    )
    try:
        yield page
    finally:
        page.close()
    # Chromium says this when a page is left while it connects.
    left = "WebSocket is closed before the connection is established"
    complaints = [each for each in complaints if left not in each]
    assert not complaints, complaints
