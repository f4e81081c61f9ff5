"""Real clients of all generations behave the same over the server's own TLS.

The tests are those of ``test_clients.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.certificates import make_certificate

from . import browsers
from .nodes import CONNECTIONS, player
from .serving import LAB, NotServing, Server
from .test_clients import (  # noqa: F401
    Connection,
    test_a_broadcast_reaches_everybody_or_the_others,
    test_connects_over_the_transport_that_was_asked_for,
    test_many_events_stay_in_order,
    test_ten_answers_arrive_in_order,
    test_the_client_acks_what_the_server_asked,
    test_the_client_hears_the_server_leave,
    test_the_server_hears_a_client_leave,
    test_unicode_arrives_whole,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: Files that these tests need, and a large one.
SCENARIOS = (
    "connect",
    "fireball",
    "client_acks",
    "client_disconnects",
    "server_disconnects",
    "unicode",
    "broadcast",
    "many",
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


def write_ini(directory: Path, **options: Path) -> Path:
    """The fixture application's configuration, with options in ``[server:main]``."""
    lines = [f"{name} = {value}" for name, value in options.items()]
    text = LAB.read_text().replace("host =", "\n".join([*lines, "host ="]))
    ini = directory / "lab.ini"
    ini.write_text(text)
    return ini


@pytest.fixture(scope="module")
def lab(
    tmp_path_factory: pytest.TempPathFactory, certificate: tuple[Path, Path]
) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("lab")
    certfile, keyfile = certificate
    ini = write_ini(directory, certfile=certfile, keyfile=keyfile)
    with Server(ini, directory / "server.log", certificate=certfile) as server:
        yield server
    assert "Traceback" not in server.output, server.output


@pytest.fixture(scope="module", params=CONNECTIONS, ids="-".join)
def connection(
    request: pytest.FixtureRequest,
    lab: Server,
    node_clients: Path,
    certificate: tuple[Path, Path],
) -> Connection:
    client, transport = request.param
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("NODE_EXTRA_CA_CERTS", str(certificate[0]))
        play = player(node_clients, lab.url, client, transport)
        return Connection(client, transport, play(*SCENARIOS), play)


def test_a_page_of_a_browser_connects(
    lab: Server, node_clients: Path, browser: Browser
) -> None:
    """Chromium does not trust a test's certificate, so it is told to ignore that."""
    library = browsers.library(node_clients, "4")[1].decode()
    with closing(browser.new_page(ignore_https_errors=True)) as page:
        page.goto(lab.url)
        page.add_script_tag(content=library)
        transport = page.evaluate(
            """() => new Promise((resolve, reject) => {
                const socket = io('/lab', {path: '/socketio/'});
                socket.on('connect_error', reject);
                socket.on('connect', () => {
                    const {engine} = socket.io;
                    const done = () => resolve(engine.transport.name);
                    engine.transport.name === 'websocket'
                        ? done() : engine.once('upgrade', done);
                });
            })"""
        )
    assert lab.url.startswith("https:")
    assert transport == "websocket"


def test_a_certificate_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    ini = write_ini(tmp_path, certfile=tmp_path / "none.pem")
    with pytest.raises(NotServing) as caught, Server(ini, tmp_path / "log"):
        pass
    told = str(caught.value)
    assert "exited 1" in told
    assert "[server:main] certfile:" in told
    assert "Traceback" not in told
