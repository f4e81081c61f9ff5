"""The browser builds of the clients, in Chromium, over every transport they have there.

The pages of the fixture application run ``clients/scenarios.js``. The clients in
browsers must behave like the clients for Node: the tests are those of
``test_clients.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from . import test_clients
from .nodes import transport_name
from .serving import Server
from .test_clients import (  # noqa: F401
    BYTES_SEEN,
    GREETING,
    Connection,
    test_a_broadcast_reaches_everybody_or_the_others,
    test_a_return_value_is_the_ack,
    test_connects_over_the_transport_that_was_asked_for,
    test_the_client_acks_what_the_server_asked,
    test_the_client_hears_the_server_leave,
    test_the_server_hears_a_client_leave,
    test_unicode_arrives_whole,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

#: What those tests need.
SCENARIOS = [
    "connect",
    "server_acks",
    "client_acks",
    "client_disconnects",
    "server_disconnects",
    "unicode",
    "broadcast",
]

#: Not over JSONP, which loads a frame for each message.
MORE_SCENARIOS = ["client_closes", "many", "large"]

#: Only clients 3.x and 4.x have an auth payload, and are refused with data.
AUTH_SCENARIOS = ["auth", "turned_away", "let_in"]

#: By client, the transports of its browser build. That of 0.9 has no ``xhr-multipart``;
#: its ``htmlfile`` is for Internet Explorer, and gets a stand-in for ActiveX.
TRANSPORTS = {
    "0.9": ["websocket", "xhr-polling", "jsonp-polling", "htmlfile"],
    "1": ["polling", "base64", "jsonp", "websocket", "websocket64", "upgrade"],
    "2": ["polling", "base64", "jsonp", "websocket", "websocket64", "upgrade"],
    "3": ["polling", "jsonp", "websocket", "websocket64", "upgrade"],
    "4": ["polling", "websocket", "websocket64", "upgrade"],
}
CONNECTIONS = [(client, each) for client in TRANSPORTS for each in TRANSPORTS[client]]
NEW = [each for each in CONNECTIONS if each[0] in ("3", "4")]
#: Clients 1.x cannot read the names of namespaces that are not ASCII over JSONP: they
#: are sent as 2.x reads them, and nothing tells 1.x from 2.x there.
ANY_NAME = [each for each in CONNECTIONS if each != ("1", "jsonp")]
#: Those that load no frame for each message.
LIGHT = [each for each in CONNECTIONS if not each[1].startswith("jsonp")]

TEXT = "xmlhttprequest text/plain"
#: Chromium leaves out the types that it cannot show.
BYTES = "xmlhttprequest "
SCRIPT = "script text/javascript"

#: What makes the requests of a session, and the types of the answers. Pages do not see
#: the requests of their frames: the forms of JSONP, and htmlfile.
ANSWERS = {
    ("0.9", "xhr-polling"): [TEXT],
    ("0.9", "jsonp-polling"): [SCRIPT],
    ("1", "polling"): [BYTES, TEXT],
    ("2", "polling"): [BYTES, TEXT],
    ("1", "base64"): [TEXT],
    ("2", "base64"): [TEXT],
    ("1", "jsonp"): [SCRIPT],
    ("2", "jsonp"): [SCRIPT],
    ("3", "jsonp"): [SCRIPT],
    ("3", "polling"): [TEXT],
    ("4", "polling"): [TEXT],
}


class BrowserConnection(Connection):
    """What a page observed, and the types of the answers to its polls."""

    answers: list[str]

    @property
    def transport_name(self) -> str:
        if self.transport in ("base64", "jsonp"):
            return "polling"
        if self.transport == "websocket64":
            return "websocket"
        return transport_name(self.client, self.transport)


def scenarios(client: str, transport: str) -> list[str]:
    more = list(MORE_SCENARIOS) if (client, transport) in LIGHT else []
    auth = AUTH_SCENARIOS if client in ("3", "4") else []
    more += ["beyond_ascii"] if (client, transport) in ANY_NAME else []
    return [*SCENARIOS, *more, *auth, *bytes_scenarios(client, transport)]


def bytes_scenarios(client: str, transport: str) -> list[str]:
    if client == "0.9":
        return []
    if (client, transport) not in LIGHT:
        return ["bytes"]
    names = list(BYTES_SEEN)
    if client in ("1", "2") and transport in ("base64", "websocket64"):
        # These encode base64 by a call with an argument for each byte, which fails for
        # many.
        names.remove("bytes_many")
    return names


class Pages:
    """A page with each client, in one browser, without errors."""

    def __init__(self, browser: Browser, url: str, clients: Iterable[str]) -> None:
        self.complaints: list[str] = []
        self._browser = browser
        self._url = url
        self._pages = {client: self._open(client) for client in clients}

    def _open(self, client: str) -> Page:
        # Each has the connections that a browser grants a server.
        page = self._browser.new_page(base_url=self._url)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(f"/page?client={client}")
        return page

    def all_do(self, what: str, args: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """What comes of a function of ``page.js``, run in all pages at a time.

        :param args: by client, which is the first one itself.
        """
        for client, page in self._pages.items():
            given = [client, *args[client]]
            page.evaluate(f"(args) => {{ window.done = page.{what}(...args); }}", given)
        return {
            client: page.evaluate("() => window.done")
            for client, page in self._pages.items()
        }

    def close(self) -> None:
        for page in self._pages.values():
            page.close()
        assert self.complaints == []


@pytest.fixture(scope="module")
def pages(browser: Browser, lab: Server, node_clients: Path) -> Iterator[Pages]:
    pages = Pages(browser, lab.url, TRANSPORTS)
    yield pages
    pages.close()


@pytest.fixture(scope="module")
def played(pages: Pages) -> dict[str, Any]:
    """The results by client and transport. All pages run at the same time."""
    return pages.all_do(
        "play",
        {
            client: [{each: scenarios(client, each) for each in transports}]
            for client, transports in TRANSPORTS.items()
        },
    )


@pytest.fixture(scope="module", params=CONNECTIONS, ids="-".join)
def connection(
    request: pytest.FixtureRequest, played: dict[str, Any]
) -> BrowserConnection:
    client, transport = request.param
    mine = played[client][transport]
    made = BrowserConnection(client, transport, mine["seen"], _not_again)
    made.answers = mine["answers"]
    return made


def _not_again(*scenarios: str) -> dict[str, Any]:
    raise NotImplementedError("a page plays once")


@pytest.mark.cites(
    "Real clients, Payloads 5", "Real clients, JSONP 1", "Real clients, JSONP 2"
)
def test_requests_are_made_as_the_transport_makes_them(
    connection: BrowserConnection,
) -> None:
    expected = ANSWERS.get((connection.client, connection.transport))
    assert expected in (None, connection.answers)


@pytest.mark.parametrize("connection", LIGHT, indirect=True, ids="-".join)
def test_many_events_and_a_close(
    connection: BrowserConnection,
) -> None:
    test_clients.test_many_events_stay_in_order(connection)
    test_clients.test_large_answers_arrive(connection)
    test_clients.test_the_server_hears_a_connection_close(connection)


@pytest.mark.parametrize("connection", ANY_NAME, indirect=True, ids="-".join)
def test_a_namespace_may_have_any_name(connection: BrowserConnection) -> None:
    test_clients.test_a_namespace_may_have_any_name(connection)


@pytest.mark.parametrize("connection", NEW, indirect=True, ids="-".join)
def test_the_auth_payload(connection: BrowserConnection) -> None:
    test_clients.test_the_auth_payload_lets_a_client_in(connection)
    test_clients.test_the_auth_payload_stays_known(connection)
    test_clients.test_a_namespace_turns_clients_away_as_it_greets_them(connection)


@pytest.mark.cites("Real clients, Payloads 5")
def test_bytes_travel_both_ways(connection: BrowserConnection) -> None:
    names = bytes_scenarios(connection.client, connection.transport)
    seen = {name: connection.seen[name] for name in names}
    assert seen == {name: BYTES_SEEN[name] for name in names}


# All generations at once

#: The transport of each client.
MIXED = {
    "0.9": "jsonp-polling",
    "1": "polling",
    "2": "upgrade",
    "3": "websocket",
    "4": "polling",
}


def test_pages_of_all_generations_hear_each_other_in_a_room(pages: Pages) -> None:
    pages.all_do("enter", {client: [MIXED[client], "salon"] for client in MIXED})
    said = {client: f"{client} {GREETING}" for client in MIXED}
    pages.all_do("tell", {client: ["salon", said[client]] for client in MIXED})
    heard = pages.all_do("heard", {client: [len(MIXED) - 1] for client in MIXED})
    assert {client: sorted(texts) for client, texts in heard.items()} == {
        client: sorted(said[each] for each in MIXED if each != client)
        for client in MIXED
    }
