"""Two applications in one server, below ``[composite:main]``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine import clients
from tests.engine.clients import WebSocket5

from . import nodes
from .quickstart import Browser
from .serving import HERE, Server

INI = HERE / "fixtureapps" / "twins.ini"

#: Where the controllers are mounted: one of each application, and one of a pluggable.
NORTH, SOUTH, ANNEX = "/north/socket.io", "/south/socket.io", "/south/annex/live"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(INI, tmp_path_factory.mktemp("twins") / "server.log") as server:
        yield server


@pytest.fixture
def browser(server: Server) -> Browser:
    return Browser(server.url)


Connect = Callable[..., WebSocket5]


@pytest.fixture
def connect(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Connects a client to ``/chat`` of a controller, with the cookies of a browser."""
    made: list[WebSocket5] = []

    def connect(path: str, browser: Browser | None = None) -> WebSocket5:
        monkeypatch.setattr(clients, "RESOURCE", path)
        headers = {"Cookie": browser.cookies} if browser else {}
        made.append(WebSocket5(server.port, headers=headers))
        made[-1].join("/chat")
        return made[-1]

    yield connect
    for each in made:
        each.close()


def hears_only(client: WebSocket5, *heard: str) -> None:
    """Check what a client has received so far."""
    for text in heard:
        assert client.event("/chat")[-1] == text
    client.emit("/chat", "where", number=7)
    assert client.read()["type"] == "ack"


@pytest.mark.parametrize("client", nodes.GENERATIONS)
@pytest.mark.parametrize("path", [NORTH, SOUTH, ANNEX])
def test_every_client_reaches_every_controller(
    server: Server, node_clients: Path, path: str, client: str
) -> None:
    observed = nodes.run(
        node_clients,
        "ask.js",
        client=client,
        transport="websocket",
        url=server.url,
        path=path,
        namespace="/chat",
        event=("where",),
    )
    town = path.split("/")[1]
    assert observed == {"where": [[town, f"/{town}", f"/{town}/page"]]}


def test_each_application_has_its_own_configuration(connect: Connect) -> None:
    for path in (NORTH, SOUTH, ANNEX, NORTH):
        town = path.split("/")[1]
        where = [[town, f"/{town}", f"/{town}/page"]]
        assert connect(path).call("/chat", "where") == where


def test_each_application_has_its_own_users(connect: Connect, browser: Browser) -> None:
    browser.visit("/north/login_handler", login="ada", password="north")
    assert connect(NORTH, browser).call("/chat", "who") == ["ada"]
    assert connect(SOUTH, browser).call("/chat", "who") == [None]

    browser.visit("/south/login_handler", login="bob", password="south")
    assert connect(NORTH, browser).call("/chat", "who") == ["ada"]
    assert connect(SOUTH, browser).call("/chat", "who") == ["bob"]
    assert connect(ANNEX, browser).call("/chat", "who") == ["bob"]


def test_a_ticket_of_one_application_is_none_of_the_other(
    connect: Connect, browser: Browser
) -> None:
    """Both have a user eve; the tickets are signed with different secrets."""
    browser.visit("/north/login_handler", login="eve", password="north")
    name, _, ticket = browser.cookies.partition("=")
    assert name == "north"
    assert connect(SOUTH, browser).call("/chat", "who") == [None]
    stolen = type("Stolen", (), {"cookies": f"south={ticket}"})()
    assert connect(SOUTH, stolen).call("/chat", "who") == [None]


def test_a_login_in_one_application_ends_no_connection_of_the_other(
    connect: Connect, browser: Browser
) -> None:
    browser.visit("/north/login_handler", login="eve", password="north")
    north = connect(NORTH, browser)
    browser.visit("/south/login_handler", login="eve", password="south")
    assert north.call("/chat", "who") == ["eve"]


def test_each_controller_has_its_own_rooms(connect: Connect) -> None:
    first, second = connect(NORTH), connect(NORTH)
    others = [connect(SOUTH), connect(ANNEX), connect("/south/annex/live")]
    for each in (first, second, *others):
        assert each.call("/chat", "enter", "lobby") == [["/chat_lobby"]]
    first.emit("/chat", "tell_room", "lobby", "to the room")
    first.emit("/chat", "shout", "to all")
    hears_only(first, "to all")
    hears_only(second, "to the room", "to all")
    for each in others:
        hears_only(each)


def test_two_clients_of_one_controller_share_its_rooms(connect: Connect) -> None:
    first, second = connect(ANNEX), connect(ANNEX)
    first.emit("/chat", "shout", "hello")
    hears_only(second, "hello")


def test_each_application_has_its_own_channels(
    connect: Connect, browser: Browser
) -> None:
    north, south, annex = map(connect, (NORTH, SOUTH, ANNEX))
    for each in (north, south, annex):
        assert each.call("/chat", "subscribe", "news") == ["news"]
    north.emit("/chat", "publish", "news", "of the north")
    hears_only(north, "of the north")
    browser.visit("/south/publish", text="of the south")
    # A pluggable's controller is in the same application.
    hears_only(south, "of the south")
    hears_only(annex, "of the south")
    hears_only(north)


@pytest.mark.parametrize(
    ("page", "receivers"),
    [
        ("/north/announce", {NORTH}),
        ("/south/announce", {SOUTH}),
        ("/south/annex/announce", {ANNEX}),
        ("/north/annex/announce", set()),
        ("/south/announce_to_all", {SOUTH, ANNEX}),
    ],
)
def test_a_page_sends_to_the_clients_of_its_application(
    connect: Connect, browser: Browser, page: str, receivers: set[str]
) -> None:
    all_of_them = {path: connect(path) for path in (NORTH, SOUTH, ANNEX)}
    browser.visit(page, text="hello")
    for path, client in all_of_them.items():
        hears_only(client, *(["hello"] if path in receivers else []))


def test_a_resource_that_leads_nowhere_is_named(server: Server) -> None:
    """Only what ``socketio_resource`` lists is served; the log has the paths."""
    reply = clients.Http(server.port).get("/north/annex/live/?EIO=4&transport=polling")
    assert reply.status == 400
    server.wait_until_logged("Refused GET /north/annex/live/ of 127.0.0.1: 400")
