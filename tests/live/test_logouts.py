"""A logout in one process ends the connections of the browser in the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.engine import clients
from tests.engine.clients import Http, WebSocket5
from tests.redis_server import running_redis
from tgext.socketio.request.cookieheaders import read_set_cookies, write_cookies

from .serving import HERE, Server

OPTIONS = """
anypubsub.backend = redis
anypubsub.host = {host}
socketio.cluster = true
socketio.cluster_secret = known to these processes
"""


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    """Two processes."""
    directory = tmp_path_factory.mktemp("logouts")
    with running_redis(directory) as redis:
        text = (HERE / "fixtureapps" / "channels_lab.ini").read_text()
        factory = "paste.app_factory = logins:make_app" + OPTIONS
        ini = directory / "logins.ini"
        ini.write_text(
            text.replace(
                "paste.app_factory = channels_lab:make_app",
                factory.format(host=redis.url),
            )
        )
        with (
            Server(ini, directory / "a.log") as one,
            Server(ini, directory / "b.log") as other,
        ):
            yield [one, other]
        for server in (one, other):
            assert "Traceback" not in server.output


class Browser:
    """The cookies of a browser, whose requests go to any process."""

    def __init__(self, server: Server) -> None:
        self.cookies: dict[str, str | None] = {}
        self.visit(server, "/")

    @property
    def headers(self) -> dict[str, str]:
        return {"Cookie": write_cookies(self.cookies)}

    def visit(self, server: Server, path: str) -> None:
        http = Http(server.port)
        reply = http.get(path, self.headers)
        assert reply.status in (200, 302), reply
        self._keep(reply.headers)
        http.close()

    def log_in(self, server: Server, user: str) -> None:
        self.visit(server, f"/login_handler?login={user}&password=sesame")

    def connect(self, server: Server) -> WebSocket5:
        client = WebSocket5(server.port, headers=self.headers)
        self._keep(client.websocket.headers)
        client.join("/lab")
        return client

    def _keep(self, headers: Any) -> None:
        told = read_set_cookies(headers.get_all("Set-Cookie") or [])
        self.cookies.update((each.name, each.value) for each in told)


@pytest.fixture(autouse=True)
def _resource(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "RESOURCE", "/socketio")


def expect_to_come_back(client: WebSocket5) -> None:
    """Expect an end after which clients reconnect by themselves."""
    assert client.receive() == "1"
    client.websocket.receive_close()


def who(client: WebSocket5) -> Any:
    [user] = client.call("/lab", "who")
    return user


def test_a_logout_is_known_to_the_other_process(both: list[Server]) -> None:
    here, there = both
    ada, bob = Browser(here), Browser(here)
    ada.log_in(here, "ada")
    bob.log_in(here, "bob")
    own, away, other = ada.connect(here), ada.connect(there), bob.connect(there)
    assert [who(each) for each in (own, away, other)] == ["ada", "ada", "bob"]
    for _ in range(3):
        ada.visit(here, "/look")  # the session's cookie changes, the session does not
    assert who(away) == "ada"
    ada.visit(here, "/logout_handler")
    for client in (own, away):
        expect_to_come_back(client)
    assert who(other) == "bob"
    again = ada.connect(there)
    assert who(again) is None
    for client in (own, away, other, again):
        client.close()


@pytest.mark.parametrize("change", ["login", "renew"])
def test_so_is_a_login_and_another_session(both: list[Server], change: str) -> None:
    here, there = both
    browser, stranger = Browser(here), Browser(there)
    client, other = browser.connect(there), stranger.connect(there)
    for _ in range(3):
        browser.visit(here, "/look")  # another cookie each time
    assert who(client) is None
    if change == "login":
        browser.log_in(here, "ada")
    else:
        browser.visit(here, "/renew")
    expect_to_come_back(client)
    assert who(other) is None
    for each in (client, other):
        each.close()
