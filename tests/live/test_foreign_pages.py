"""Pages of other origins, in Chromium: refused unless they are listed.

``localhost`` and ``127.0.0.1`` are the same machine, but a browser takes them for two
sites. Two ports of a host are two origins of one site.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .serving import LAB, Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

#: Handshakes that are scripts.
SCRIPTS = ["/socketio/1/?jsonp=0", "/socketio/?EIO=3&transport=polling&j=0"]
FRAME = "/socketio/1/htmlfile/abc?t=1"

LOAD_SCRIPT = """(url) => new Promise((resolve) => {
    window.io = {j: [resolve]};
    window.___eio = [resolve];
    const script = document.createElement('script');
    script.onerror = () => resolve(null);
    script.src = url;
    document.body.append(script);
})"""

LOAD_FRAME = """(url) => {
    const frame = document.createElement('iframe');
    frame.src = url;
    document.body.append(frame);
}"""


def by_name(server: Server) -> str:
    return f"http://localhost:{server.port}"


@pytest.fixture(scope="module")
def open_lab(lab: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The fixture application, with pages of the other host name allowed."""
    directory = tmp_path_factory.mktemp("open-lab")
    ini = directory / "lab.ini"
    text = LAB.read_text()
    option = f"host = 127.0.0.1\nallowed_origins = {by_name(lab)}\n"
    assert "host = 127.0.0.1\n" in text
    ini.write_text(text.replace("host = 127.0.0.1\n", option))
    with Server(ini, directory / "server.log") as server:
        yield server


@pytest.fixture
def page(browser: Browser, node_clients: Path) -> Iterator[Page]:
    page = browser.new_page()
    page.set_default_timeout(20_000)
    yield page
    page.close()


def load(page: Page, url: str) -> list[bool]:
    """Whether each script calls a function of the page with a session."""
    loaded: list[Any] = [page.evaluate(LOAD_SCRIPT, url + path) for path in SCRIPTS]
    return ["websocket" in (session or "") for session in loaded]


def status_of_frame(page: Page, url: str) -> int:
    with page.expect_response(url) as response:
        page.evaluate(LOAD_FRAME, url)
    return response.value.status


REFUSED = "Refused a page of origin"

#: As for an image: with its user's cookies, and nothing for the page to read.
LOAD_BLINDLY = """(url) => fetch(url, {mode: 'no-cors', credentials: 'include'})
    .then(() => null, () => null)"""

#: The origin of a page, whose server it connects to, and whether it may then; what it
#: hides may still be told by the browser.
PAGES = {
    "own": ("{lab.url}/page?client=2", "lab", True),
    "own hidden": ("{lab.url}/page?client=2&referrer=no", "lab", True),
    "host": ("http://localhost:{lab.port}/page?client=2", "lab", False),
    "host hidden": (
        "http://localhost:{lab.port}/page?client=2&referrer=no",
        "lab",
        False,
    ),
    "port": ("{open_lab.url}/page?client=2", "lab", False),
    "listed": ("http://localhost:{lab.port}/page?client=2", "open_lab", True),
    "listed hidden": (
        "http://localhost:{lab.port}/page?client=2&referrer=no",
        "open_lab",
        False,
    ),
}


@pytest.mark.parametrize(("origin", "target", "may"), PAGES.values(), ids=PAGES)
def test_scripts_and_frames(
    page: Page, lab: Server, open_lab: Server, origin: str, target: str, may: bool
) -> None:
    url = {"lab": lab, "open_lab": open_lab}[target].url
    page.goto(origin.format(lab=lab, open_lab=open_lab))
    assert load(page, url) == [may, may]
    assert status_of_frame(page, url + FRAME) == (200 if may else 403)


@pytest.mark.parametrize(("origin", "target", "may"), PAGES.values(), ids=PAGES)
def test_an_image_opens_no_session_of_its_user(
    page: Page, lab: Server, open_lab: Server, origin: str, target: str, may: bool
) -> None:
    server = {"lab": lab, "open_lab": open_lab}[target]
    page.goto(origin.format(lab=lab, open_lab=open_lab))
    before = server.errors.count(REFUSED)
    page.evaluate(LOAD_BLINDLY, f"{server.url}/socketio/?EIO=3&transport=polling")
    assert server.errors.count(REFUSED) == before + (not may)


@pytest.mark.parametrize(
    ("client", "transport"),
    [("2", "jsonp"), ("2", "polling"), ("4", "polling"), ("4", "websocket")],
)
def test_a_client_on_a_page_of_another_host(
    page: Page, lab: Server, open_lab: Server, client: str, transport: str
) -> None:
    page.goto(f"{by_name(lab)}/page?client={client}")
    outcomes = [
        page.evaluate(
            "(args) => page.tryToConnect(...args)", [client, transport, server.url]
        )
        for server in (lab, open_lab)
    ]
    assert outcomes == ["refused", "connect"]
