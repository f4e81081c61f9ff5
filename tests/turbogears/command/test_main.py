"""``gearbox socketio``, as it is run."""

from __future__ import annotations

import configparser
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from pkgutil import resolve_name
from typing import Any
from urllib.parse import quote

import pytest
from paste.deploy import loadapp

from tests.engine.clients import Client
from tests.engine.conftest import Live
from tests.redis_server import RedisServer, running_redis
from tgext.socketio.command.main import SocketIOCommand

from .conftest import Run, Write

ROOT = Path(__file__).parents[3]

#: gearbox with the command, whether this package's metadata is up to date or not.
GEARBOX = """
import sys
from gearbox.main import GearBox
from tgext.socketio.command.main import SocketIOCommand
box = GearBox()
box.command_manager.add_command("socketio", SocketIOCommand)
assert "tg" not in sys.modules
sys.exit(box.run(sys.argv[1:]))
"""

CLUSTER = "socketio.cluster = true\nanypubsub.backend = redis\nanypubsub.host = {}"


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def ini(write: Write, redis: RedisServer) -> str:
    return write(CLUSTER.format(redis.url))


@pytest.fixture
def live(serve: Callable[..., Live], ini: str) -> Iterator[Live]:
    """A server of the application; the command's is another application."""
    live = serve(application=loadapp(f"config:{ini}"), resource="live")
    yield live
    live.close_clients()
    live.server.stop(timeout=1)


@pytest.fixture(autouse=True)
def _mounted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.engine.clients.RESOURCE", "/live")


def joined(live: Live, user: str, endpoint: str = "/desk") -> Client:
    client = live.client("4-websocket", headers={"X-User": quote(user)})
    client.join(endpoint)
    return client


def test_gearbox_finds_it() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    for group in ("gearbox.commands", "gearbox.project_commands"):
        name, found = setup["options.entry_points"][group].strip().split(" = ")
        assert name == "socketio"
        assert resolve_name(found) is SocketIOCommand


def test_it_runs_in_a_process_of_its_own(write: Write) -> None:
    command = [sys.executable, "-c", GEARBOX, "-q", "socketio", "-c", write()]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    module = "tests.turbogears.command.shop"
    guard = f"[{module}.is_known(message='Known ones')]"
    assert lines[0] == f"/live  {module}:SocketIO  {guard}"
    for line in (
        f"    /news  {module}:News  [rate_limit('5/second', by='user')]",
        "        recovery = True, history = 3",
        "        event queue:enter(packet)",
        "            text: RequireValue(msg='Required')",
        f"        channel prices(shop)  [{module}.is_known()]",
    ):
        assert line in lines


def test_json(run: Run, write: Write) -> None:
    path = write("socketio.identity_ttl = 5", "port = 9000")
    status, printed, _ = run("list", "--json", "-c", path)
    assert status == 0
    told = json.loads(printed)
    [application] = told["applications"]
    [controller] = application["controllers"]
    desk, _ = controller["namespaces"]
    assert controller["path"] == "/live"
    assert desk["events"][0]["name"] == "answer"
    ttl = application["options"]["socketio.identity_ttl"]
    assert ttl == {"value": "5.0", "set": True}
    assert told["server"]["port"] == {"value": "9000", "set": True}
    assert run("--json", "-c", path)[1] == printed


def test_the_options_that_are_set_are_listed(run: Run, write: Write) -> None:
    path = write("socketio.identity_ttl = 5", "port = 9000")
    _, printed, _ = run("-c", path)
    *_, application, option, _, server, port = printed.splitlines()
    assert application == "options of the application"
    assert option.split() == ["socketio.identity_ttl", "5.0"]
    assert (server, port.split()) == ("options of the server", ["port", "9000"])


def test_events_are_sent(run: Run, live: Live, ini: str) -> None:
    ada, eve = joined(live, "ada"), joined(live, "eve")
    ada.emit("/desk", "queue:enter", "7")
    arguments = '["now", {"at": 1}]'
    sent = run("-c", ini, "publish", "/desk", "-", "closing", arguments)
    assert sent == (0, "sent 'closing' to /desk\n", "")
    sent = run("publish", "/desk", "7", "next", "-c", ini)
    assert sent == (0, "sent 'next' to the room '7' of /desk\n", "")
    sent = run("publish", "-c", ini, "/desk", "-", "bye")
    assert events(ada, 3) == [["closing", "now", {"at": 1}], ["next"], ["bye"]]
    assert events(eve, 2) == [["closing", "now", {"at": 1}], ["bye"]]


def events(client: Client, count: int) -> list[list[Any]]:
    """The next events, without those of presence."""
    found: list[list[Any]] = []
    while len(found) < count:
        event = client.event("/desk")
        if not event[0].startswith("presence_"):
            found.append(event)
    return found


def test_a_message_is_published_on_a_channel(run: Run, live: Live, ini: str) -> None:
    client = joined(live, "ada", "/news")
    assert client.call("/news", "subscribe", "prices", "here") == ["prices"]
    done = run("-c", ini, "publish", "prices", '{"tea": 3}')
    assert done == (0, "published on the channel 'prices'\n", "")
    assert client.event("/news")[:2] == ["pubblication", {"tea": 3}]


def test_who_is_connected(run: Run, live: Live, ini: str) -> None:
    ada = joined(live, "ada")
    joined(live, "x\x1b[2J")
    ada.emit("/desk", "queue:enter", "7")
    assert events_until_state(ada)
    status, printed, _ = run("-c", ini, "who", "--json")
    assert status == 0
    desk, news = json.loads(printed)
    assert (desk["namespace"], desk["count"], desk["processes"]) == ("/desk", 2, 1)
    assert {each["user"] for each in desk["sockets"]} == {"ada", "x\x1b[2J"}
    assert {each["client"] for each in desk["sockets"]} == {"3.x/4.x"}
    assert desk["present"] == {"ada": [{"status": "waits"}]}
    assert (news["namespace"], news["count"]) == ("/news", 0)

    _, printed, _ = run("-c", ini, "who", "/desk", "7")
    first, socket = printed.splitlines()
    assert first == "/desk, room 7: 1 client in 1 process"
    assert socket.split()[1:4] == ["ada", "3.x/4.x", "websocket"]
    assert "x\\x1b[2J" in run("-c", ini, "who", "/desk")[1]


def events_until_state(client: Client) -> bool:
    """The client hears of its own presence, which is in Redis soon after."""
    return client.event("/desk")[0].startswith("presence_")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["who"], "there is no broker that leads to the clients: set socketio.cluster"),
        (["publish", "/desk", "-", "x"], "there is no broker that leads to the client"),
        (["publish", "prices", "1"], "there is no broker: anypubsub.backend is memory"),
        (["publish", "prices", "hello"], "a message is JSON, such as '\"hello\"'; 'h"),
        (["publish", "prices", "1", "2"], "give a channel one message"),
        (
            ["publish", "/desk", "-"],
            "give a namespace a room (- for all), an event and",
        ),
        (["publish", "/desk", "-", "x", "1"], "the arguments are a JSON list, such as"),
    ],
)
def test_what_is_impossible_is_told_in_one_line(
    run: Run, write: Write, argv: list[str], message: str
) -> None:
    status, printed, error = run("-c", write(), *argv)
    assert (status, printed) == (1, "")
    assert error.startswith(f"gearbox socketio: {message}")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (
            ["publish", "/dsk", "-", "x"],
            "there is no namespace '/dsk' (did you mean /desk?); there are: /desk, /n",
        ),
        (["who", "/help"], "there is no namespace '/help'; there are: /desk, /news"),
        (["publish", "", "1"], "invalid channel name"),
    ],
)
def test_names_that_are_wrong_are_told(
    run: Run, ini: str, argv: list[str], message: str
) -> None:
    assert run("-c", ini, *argv)[2].startswith(f"gearbox socketio: {message}")


def test_a_broker_that_is_away_is_told(run: Run, write: Write) -> None:
    path = write(CLUSTER.format("redis://127.0.0.1:1"))
    for argv in (["who"], ["publish", "/desk", "-", "x"], ["publish", "prices", "1"]):
        status, _, error = run("-c", path, *argv)
        assert status == 1
        assert "Redis at 127.0.0.1:1 cannot be reached" in error
        assert error.count("\n") == 1
