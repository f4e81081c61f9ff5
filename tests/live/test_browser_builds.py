"""The browser builds of the clients, in Chromium: what they send, Node's do not.

Clients 1.x and 2.x poll with payloads of bytes here (XHR2), and 0.9 to 2.x by JSONP.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .serving import Server
from .test_clients import GREETING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Response

#: What npm installs, where the builds are. That of 0.9.17 does not run in a browser.
BUILDS = {
    "0.9": "socket.io-client-0.9.16/dist/socket.io.js",
    "1": "socket.io-client-1/dist/socket.io.js",
    "2": "socket.io-client-2/dist/socket.io.js",
    "3": "socket.io-client-3/dist/socket.io.js",
    "4": "socket.io-client-4/dist/socket.io.js",
}

TEXT = 'héllo ☃ 漢字 😀 line\u2028separator \\n "quoted" </script>'

#: What happens in the page; bytes are seen as lists of numbers.
USE = """
async ({client, transports, jsonp, text}) => {
  const old = client === '0.9';
  if (old) io.transports = transports;
  const socket = old
    ? io.connect('/lab', {resource: 'socketio', 'try multiple transports': false})
    : io('/lab', {path: '/socketio/', transports, forceJSONP: jsonp});
  const next = (event) => new Promise((resolve, reject) => {
    socket.on(event, resolve);
    socket.on('connect_error', reject);
  });
  const ask = (event, ...args) =>
    new Promise((resolve) => socket.emit(event, ...args, (...got) => resolve(got)));
  await next('connect');
  const seen = {};
  const greeting = next('greeting');
  socket.emit('greet');
  seen.greeting = await greeting;
  seen.reported = await ask('report', text);
  if (!old) {
    const [bytes] = await ask('reverse', Uint8Array.from([0, 128, 255, 7]).buffer);
    seen.reversed = [...new Uint8Array(bytes)];
  }
  socket.disconnect();
  return seen;
}
"""


@pytest.fixture
def page(browser: Browser, lab: Server) -> Iterator[Page]:
    page = browser.new_page(base_url=lab.url)
    page.set_default_timeout(20_000)
    page.goto("/")
    yield page
    page.close()


def content_types(page: Page) -> list[str]:
    """Filled with the types of Socket.IO's answers, as they come."""
    types: list[str] = []

    def note(response: Response) -> None:
        if "/socketio/" in response.url:
            types.append(response.headers.get("content-type", ""))

    page.on("response", note)
    return types


@pytest.mark.cites("Real clients, Payloads 1", "Real clients, Payloads 2")
@pytest.mark.cites("Real clients, Payloads 5", "Real clients, JSONP 1")
@pytest.mark.cites("Real clients, JSONP 2")
@pytest.mark.parametrize(
    ("client", "transport", "content_type"),
    [
        ("0.9", "xhr-polling", "text/plain"),
        ("0.9", "jsonp-polling", "text/javascript"),
        ("0.9", "websocket", ""),
        ("1", "polling", "application/octet-stream"),
        ("1", "jsonp", "text/javascript"),
        ("1", "websocket", ""),
        ("2", "polling", "application/octet-stream"),
        ("2", "jsonp", "text/javascript"),
        ("2", "websocket", ""),
        ("3", "polling", "text/plain"),
        ("3", "websocket", ""),
        ("4", "polling", "text/plain"),
        ("4", "websocket", ""),
    ],
)
def test_a_browser_build(
    page: Page, node_clients: Path, client: str, transport: str, content_type: str
) -> None:
    page.add_script_tag(path=node_clients / "node_modules" / BUILDS[client])
    types = content_types(page)
    jsonp = transport == "jsonp"
    options: dict[str, Any] = {
        "client": client,
        "transports": ["polling" if jsonp else transport],
        "jsonp": jsonp,
        "text": TEXT,
    }
    seen = page.evaluate(USE, options)
    assert seen["greeting"] == GREETING
    assert seen["reported"] == [TEXT, [ord(each) for each in TEXT]]
    if client != "0.9":
        assert seen["reversed"] == [7, 255, 128, 0]
    # It did go the way that was asked for.
    if content_type:
        assert any(each.startswith(content_type) for each in types), types
