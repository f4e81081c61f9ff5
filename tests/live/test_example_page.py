"""The example, as the README starts it, in a browser."""

from __future__ import annotations

import base64
import hashlib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

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


def test_fits_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 568})
    open_connected(page, "4")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
