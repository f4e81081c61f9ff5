"""Two applications below the ``[composite:main]`` of Paste."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engine import clients
from tests.engine.clients import Http, WebSocket5
from tests.live.serving import HERE, Server

INI = HERE / "fixtureapps" / "twins.ini"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("urlmap")
    text = INI.read_text(encoding="utf-8")
    own, paste = "paste.composite_factory = twins:urlmap", "use = egg:Paste#urlmap"
    assert text.count(own) == 1
    ini = directory / "twins.ini"
    ini.write_text(text.replace(own, paste), encoding="utf-8")
    with Server(ini, directory / "server.log") as server:
        yield server


@pytest.mark.parametrize(
    ("path", "town"),
    [
        ("/north/socket.io", "north"),
        ("/south/socket.io", "south"),
        ("/south/annex/live", "south"),
    ],
)
def test_a_path_leads_to_the_controller_of_its_application(
    server: Server, monkeypatch: pytest.MonkeyPatch, path: str, town: str
) -> None:
    monkeypatch.setattr(clients, "RESOURCE", path)
    client = WebSocket5(server.port)
    client.join("/chat")
    where = [town, f"/{town}", f"/{town}/page"]
    assert client.call("/chat", "where") == [where]
    client.close()


def test_pages_are_found_beside_them(server: Server) -> None:
    http = Http(server.port)
    for town in ("north", "south"):
        assert http.get(f"/{town}/").text == town
    http.close()
