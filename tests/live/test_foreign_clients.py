"""Clients on pages of other origins, in Chromium: every generation and transport.

The pages are those of the fixture application, under other names of this machine. They
connect to servers that allow all origins, listed origins, or the subdomains of a host.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .serving import LAB, Server
from .test_browsers import TRANSPORTS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

#: By name: the option, and the host that the pages are under.
POLICIES = {
    "any": ("*", "localhost"),
    "listed": ("http://localhost:{port}", "localhost"),
    "wildcard": ("http://*.localhost:{port}", "app.localhost"),
    "above the wildcard": ("http://*.localhost:{port}", "localhost"),
    "another port": ("http://localhost:1", "localhost"),
    "unlisted": ("", "localhost"),
}
OPEN = ("any", "listed", "wildcard")

#: Not htmlfile, which is Internet Explorer's.
CLIENTS = {
    client: [each for each in transports if each != "htmlfile"]
    for client, transports in TRANSPORTS.items()
}

#: What a page that may connect receives: a sum, and bytes by transports with bytes.
SUM, BYTES = 42, [0, 2, 1]

#: Loads an address as a script, and tells how that ends.
LOAD = """(url) => new Promise((resolve) => {
    const script = document.createElement('script');
    script.onload = () => resolve('ran');
    script.onerror = () => resolve('refused');
    script.src = url;
    document.body.append(script);
})"""

#: The subprotocol that is agreed on, of those that a page offers.
OFFER = """(url) => new Promise((resolve) => {
    const socket = new WebSocket(url, ['one', 'two']);
    socket.onmessage = () => { resolve(socket.protocol); socket.close(); };
    socket.onerror = () => resolve('refused');
})"""


@pytest.fixture(scope="module")
def servers(
    lab: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Server]]:
    """The fixture application with each option."""
    directory = tmp_path_factory.mktemp("foreign")
    text = LAB.read_text()
    assert "host = 127.0.0.1\n" in text
    by_option: dict[str, Server] = {"": lab}
    with ExitStack() as running:
        for option, _ in POLICIES.values():
            if option not in by_option:
                ini = directory / f"{len(by_option)}.ini"
                allowed = option.format(port=lab.port)
                line = f"host = 127.0.0.1\nallowed_origins = {allowed}\n"
                ini.write_text(text.replace("host = 127.0.0.1\n", line))
                server = Server(ini, ini.with_suffix(".log"))
                by_option[option] = running.enter_context(server)
        yield {name: by_option[option] for name, (option, _) in POLICIES.items()}


@pytest.fixture
def page(browser: Browser, node_clients: Path) -> Iterator[Page]:
    page = browser.new_page()
    page.set_default_timeout(60_000)
    yield page
    page.close()


def visit(page: Page, client: str, transport: str, url: str, **options: Any) -> Any:
    """Connect to a server, and return the result."""
    return page.evaluate(
        "(args) => page.visit(...args)", [client, transport, url, options]
    )


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("policy", POLICIES)
def test_a_page_of_another_origin_connects_where_it_may(
    page: Page, lab: Server, servers: dict[str, Server], client: str, policy: str
) -> None:
    host = POLICIES[policy][1]
    page.goto(f"http://{host}:{lab.port}/page?client={client}")
    transports = CLIENTS[client]
    if policy not in OPEN:
        # Two transports are enough: each takes long to give up.
        transports = transports[:1] + transports[-1:]
    outcomes = {
        each: visit(page, client, each, servers[policy].url) for each in transports
    }
    may = SUM if client == "0.9" else BYTES
    expected = may if policy in OPEN else "refused"
    assert outcomes == dict.fromkeys(transports, expected)


@pytest.mark.parametrize("client", ["1", "2", "3", "4"])
@pytest.mark.parametrize("policy", [*OPEN, "unlisted"])
def test_a_page_may_send_headers_and_credentials(
    page: Page, lab: Server, servers: dict[str, Server], client: str, policy: str
) -> None:
    page.goto(f"http://{POLICIES[policy][1]}:{lab.port}/page?client={client}")
    options = {
        "extraHeaders": {"X-Token": "abc", "Authorization": "Bearer x"},
        "withCredentials": True,
    }
    outcome = visit(page, client, "polling", servers[policy].url, **options)
    assert outcome == (BYTES if policy in OPEN else "refused")


@pytest.mark.parametrize("transport", ["polling", "websocket"])
@pytest.mark.parametrize(("policy", "known"), [("any", False), ("site", True)])
def test_any_page_may_connect_but_as_nobody(
    page: Page,
    lab: Server,
    servers: dict[str, Server],
    tmp_path: Path,
    transport: str,
    policy: str,
    known: bool,
) -> None:
    """Two ports of a host are two origins, to which browsers send the same cookies."""
    ini = tmp_path / "site.ini"
    line = f"host = 127.0.0.1\nallowed_origins = {lab.url}\n"
    ini.write_text(LAB.read_text().replace("host = 127.0.0.1\n", line))
    page.goto(f"{lab.url}/page?client=4")
    page.context.add_cookies([{"name": "user", "value": "ada", "url": lab.url}])
    with Server(ini, tmp_path / "site.log") as site:
        url = site.url if policy == "site" else servers["any"].url
        who = page.evaluate("(args) => page.whoAmI(...args)", ["4", transport, url])
    assert who == ("ada" if known else "refused")


def test_a_refused_page_leaves_a_line_in_the_log(
    page: Page, lab: Server, servers: dict[str, Server]
) -> None:
    server = servers["another port"]
    page.goto(f"http://localhost:{lab.port}/page?client=4")
    assert visit(page, "4", "websocket", server.url) == "refused"
    origin, host = f"http://localhost:{lab.port}", f"127.0.0.1:{server.port}"
    assert f"Refused a page of origin {origin} (Host: {host}): list its" in (
        server.errors
    )


def test_a_file_is_told_what_would_let_it_in(
    page: Page, servers: dict[str, Server], tmp_path: Path
) -> None:
    """A browser calls it `null`, or `file://` where it opens a WebSocket."""
    file = tmp_path / "page.html"
    file.write_text("<!doctype html><body>")
    page.goto(file.as_uri())
    server = servers["another port"]
    url = f"ws://127.0.0.1:{server.port}/socketio/?EIO=4&transport=websocket"
    assert page.evaluate(OFFER, url) == "refused"
    assert f"(Host: 127.0.0.1:{server.port})" in server.errors
    any_url = url.replace(f"{server.port}", f"{servers['any'].port}")
    assert page.evaluate(OFFER, any_url) == "one"


@pytest.mark.parametrize("policy", ["any", "listed"])
@pytest.mark.parametrize("version", [3, 4])
def test_an_offered_subprotocol_is_agreed_on(
    page: Page, lab: Server, servers: dict[str, Server], policy: str, version: int
) -> None:
    page.goto(f"http://localhost:{lab.port}/")
    port = servers[policy].port
    url = f"ws://127.0.0.1:{port}/socketio/?EIO={version}&transport=websocket"
    assert page.evaluate(OFFER, url) == "one"


@pytest.mark.parametrize(
    ("path", "outcome"),
    [
        ("/socketio/?EIO=4&transport=polling", "refused"),
        ("/socketio/?EIO=3&transport=polling", "refused"),
        ("/socketio/1/", "refused"),
        ("/socketio/?EIO=4&transport=polling&sid=x", "refused"),
        ("/library?client=4", "ran"),
    ],
)
def test_an_answer_is_no_script_of_the_page(
    page: Page, lab: Server, path: str, outcome: str
) -> None:
    """A policy of ``script-src 'self'`` allows scripts of the page's own server."""
    page.goto(f"{lab.url}/")
    assert page.evaluate(LOAD, lab.url + path) == outcome
