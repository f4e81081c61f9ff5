"""The example, as the README starts it, in a browser."""

from __future__ import annotations

import base64
import hashlib
import re
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from webtest import TestApp

from examples.pingpong import make_app
from tests.ports import free_port

from . import browsers
from .browsers import cdn, library
from .serving import ROOT, Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CLIENTS = ["0.9", "4"]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """development.ini.sample with another port, and without PYTHONPATH."""
    directory = tmp_path_factory.mktemp("example")
    port = free_port()
    text = (ROOT / "development.ini.sample").read_text()
    assert "port = 8080" in text
    text = text.replace("port = 8080", f"port = {port}")
    ini = directory / "development.ini"
    ini.write_text(text)
    output = directory / "server.log"
    with Server(ini, output, port=port, importable=()) as server:
        yield server


@pytest.fixture
def page(browser: Browser, node_clients: Path, example: Server) -> Iterator[Page]:
    """A page whose CDN is node_modules, without errors and without other servers."""
    with browsers.window(browser, example.url, cdn(node_clients)) as page:
        yield page


def open_connected(page: Page, client: str) -> None:
    page.goto(f"/socketio/page?client={client}")
    api.expect(page.locator("#state")).to_have_text("connected")


@pytest.mark.parametrize("client", CLIENTS)
def test_the_library_is_the_one_npm_has(
    client: str, example: Server, node_clients: Path
) -> None:
    version, content = library(node_clients, client)
    digest = base64.b64encode(hashlib.sha384(content).digest()).decode()
    url = f"{example.url}/socketio/page?client={client}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        html = answer.read().decode()
    assert f'integrity="sha384-{digest}"' in html
    assert f"socket.io-client@{version}/" in html


@pytest.mark.parametrize("query", ["client=5", "client=", "client=4&client=4"])
def test_only_known_clients(query: str, example: Server) -> None:
    url = f"{example.url}/socketio/page?{query}"
    if query == "client=":
        assert urllib.request.urlopen(url, timeout=10).status == 200
        return
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(url, timeout=10)
    assert refusal.value.code == 400


@pytest.mark.parametrize("client", CLIENTS)
def test_ping(page: Page, client: str) -> None:
    open_connected(page, client)
    page.click("#ping")
    api.expect(page.locator("#result div")).to_have_text(["pong"])


@pytest.mark.parametrize("client", CLIENTS)
def test_fireball(page: Page, client: str) -> None:
    open_connected(page, client)
    page.click("#fireball")
    page.click("#ping")
    sounds = ["bang!"] * 10 + ["pong"]
    api.expect(page.locator("#result div")).to_have_text(sounds)


@pytest.mark.parametrize("client", CLIENTS)
def test_auto(page: Page, client: str) -> None:
    open_connected(page, client)
    page.click("#auto")
    result = page.locator("#result div")
    surprise = result.first.text_content()
    sounds = ["pong"] if surprise == "pong" else ["bang!"] * 10
    api.expect(result).to_have_text(sounds)


@pytest.mark.parametrize("client", CLIENTS)
def test_error(page: Page, client: str) -> None:
    open_connected(page, client)
    page.click("#provoke")
    error = page.locator("#error")
    api.expect(error).to_have_text("invalid_method_args attack: Got an error!")
    page.click("#ping")
    api.expect(page.locator("#result div")).to_have_text(["pong"])
    api.expect(error).to_be_hidden()


def test_the_link_switches_the_client(page: Page) -> None:
    page.goto("/")
    for version in ("0.9.16", "4.8.4"):
        page.click("#switch")
        api.expect(page.locator("#version")).to_have_text(version)
        api.expect(page.locator("#state")).to_have_text("connected")


@pytest.mark.parametrize("client", CLIENTS)
def test_who_is_away_cannot_attack(page: Page, client: str) -> None:
    page.add_init_script(browsers.KEEP)
    open_connected(page, client)
    with browsers.away(page):
        api.expect(page.locator("#ping")).to_be_disabled()
    page.click("#ping")
    api.expect(page.locator("#result div")).to_have_text(["pong"])


def test_it_fits_and_no_button_is_alone(page: Page) -> None:
    open_connected(page, "4")
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        boxes = [each.bounding_box() for each in page.locator("#attacks button").all()]
        rows = Counter(box["y"] for box in boxes if box)
        assert sorted(rows.values()) in ([4], [2, 2])


def test_without_the_cdn_the_page_tells_how_to_serve_the_client_file(
    browser: Browser, example: Server
) -> None:
    with browsers.without_cdn(browser, example.url) as page:
        page.goto("/")
        browsers.expect_missing(page, "development.ini.sample client_directory=client")
        api.expect(page.locator("#ping")).to_be_disabled()


def test_the_client_files_can_come_from_a_directory(tmp_path: Path) -> None:
    (tmp_path / "socket.io-4.8.4.min.js").write_text("io = 4")
    (tmp_path / "secret").write_text("secret")
    # As `client_directory=...` of gearbox's command line is given.
    app = TestApp(make_app({"client_directory": str(tmp_path)}))
    (script,) = re.findall(
        'src="([^"]*socket.io[^"]*)"', app.get("/socketio/page").text
    )
    assert app.get(script).text == "io = 4"
    for absent in (
        "/pages/socket.io-0.9.16.min.js",
        "/pages/secret",
        "/pages/pages.py",
    ):
        app.get(absent, status=404)
