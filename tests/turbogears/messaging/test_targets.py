"""Users, rooms and sockets of other processes, over a real Redis."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import gevent
import pytest
from tg import MinimalApplicationConfigurator, TGController, request_local

from tests.engine.clients import DEADLINE, Client, wait_for
from tests.engine.conftest import Live
from tests.redis_server import RedisServer, running_redis
from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.engine.mixins import RoomsMixin
from tgext.socketio.engine.namespaces.gathering import Answers
from tgext.socketio.messaging import targets
from tgext.socketio.wire.socketio.packet import event_packet

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


class Club(SocketIOTGNamespace, RoomsMixin):
    left: list[Any]

    def on_enter(self, room: str) -> None:
        self.join(room)

    def on_rooms(self) -> Any:
        return sorted(self.rooms)

    def on_id(self) -> str:
        return str(self.id)

    def recv_disconnect(self) -> None:
        self.left.append(self.disconnect_reason)
        super().recv_disconnect()


class Globals: ...


class Node:
    """A server of a cluster. Its clients tell who they are."""

    def __init__(self, live: Live, config: Any, controllers: list[Any]) -> None:
        self.live = live
        self.config = config
        self.controller, self.annex = controllers
        self.left: list[Any] = self.controller.chat.left

    def join(self, user: str = "", kind: str = "4-websocket") -> Client:
        client = self.live.client(kind, headers={"X-User": user})
        client.join("/chat")
        return client

    def namespace(self, client: Client) -> Any:
        return self.live.socket(client)["/chat"]


def with_users(application: Any) -> Any:
    """Stands for ``repoze.who``."""

    def identifying(environ: dict[str, Any], start_response: Any) -> Any:
        user = environ.get("HTTP_X_USER")
        if user:
            environ["repoze.who.identity"] = {"repoze.who.userid": user}
        return application(environ, start_response)

    return identifying


Start = Callable[..., Node]


@pytest.fixture
def start(serve: Callable[..., Live], redis: RedisServer) -> Iterator[Start]:
    nodes: list[Node] = []

    def make(**options: Any) -> Node:
        class SocketIO(SocketIOController):
            chat = type("Chat", (Club,), {"left": []})

        class Annex(SocketIOController):
            chat = type("Chat", (Club,), {"left": []})

        class RootController(TGController):
            socketio = SocketIO()
            annex = Annex()

        settings = {
            "anypubsub.backend": "redis",
            "anypubsub.host": redis.url,
            "socketio.cluster": "true",
            "root_controller": RootController(),
            "app_globals": Globals,
            **options,
        }
        configurator = MinimalApplicationConfigurator()
        configurator.update_blueprint(settings)
        application = with_users(configurator.make_wsgi_app({}, {}))
        config = request_local.config.current_conf()
        live = serve(application=application, resource=["socketio", "annex"])
        nodes.append(Node(live, config, [SocketIO, Annex]))
        return nodes[-1]

    yield make
    for node in nodes:
        node.live.close_clients()
        node.live.server.stop(timeout=1)
    wait_for(lambda: redis.subscribers() == [], "nothing is subscribed any more")


def settings_of(redis: RedisServer, **more: str) -> dict[str, str]:
    """Those of a process without a server."""
    return {
        "socketio.cluster": "true",
        "anypubsub.backend": "redis",
        "anypubsub.host": redis.url,
        **more,
    }


ORIGINS = ["namespace", "handle", "elsewhere"]


@pytest.fixture(params=ORIGINS)
def origin(
    request: pytest.FixtureRequest, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Node, Client], Any]:
    """What has ``user`` and ``room``: a namespace, the handle of its process, and that
    of a process without clients.
    """

    def choose(node: Node, client: Client) -> Any:
        if request.param == "namespace":
            return node.namespace(client)
        handle = node.controller.namespace("/chat", settings=settings_of(redis))
        if request.param == "elsewhere":
            monkeypatch.setattr(handle, "_reached", list)
        return handle

    return choose


Origin = Callable[[Node, Client], Any]


def know_each_other(*nodes: Node) -> None:
    peers = [each.config["tg.app_globals"].socketio_peers for each in nodes]
    known = len(nodes) - 1
    wait_for(lambda: all(len(each.alive) == known for each in peers), "all know all")


def socket_of(origin: Any, sid: str) -> Any:
    by_id = getattr(origin, "socket_by_id", None) or origin.socket
    return by_id(sid)


def id_of(client: Client) -> str:
    [sid] = client.call("/chat", "id")
    return str(sid)


def expect_nothing_more(*clients: Client) -> None:
    for client in clients:
        assert client.call("/chat", "rooms")


def test_a_user_and_a_socket_are_reached_in_every_process(
    start: Start, origin: Origin
) -> None:
    here, there = start(), start()
    anna, ben = here.join("anna", "2-polling"), here.join("ben")
    anna_too, carl = there.join("anna", "0.9-websocket"), there.join("carl")
    know_each_other(here, there)
    asked = origin(here, ben)
    asked.user("anna").emit("news", {"for": ["Anna"]})
    socket_of(asked, id_of(carl)).emit("news", "for Carl")
    for client in (anna, anna_too):
        assert client.event("/chat") == ["news", {"for": ["Anna"]}]
    assert carl.event("/chat") == ["news", "for Carl"]
    assert asked.user("anna").count() == 2
    assert asked.user("nobody").count() == 0
    assert socket_of(asked, id_of(anna_too)).count() == 1
    expect_nothing_more(anna, ben, anna_too, carl)


def test_users_of_another_controller_are_others(start: Start, origin: Origin) -> None:
    here, there = start(), start()
    ben = here.join("ben")
    anna = there.join("anna")
    know_each_other(here, there)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.engine.clients.RESOURCE", "/annex")
        stranger = there.join("anna")
    asked = origin(here, ben)
    assert asked.user("anna").count() == 1
    asked.user("anna").emit("news")
    assert anna.event("/chat") == ["news"]
    expect_nothing_more(stranger)


def test_users_join_and_leave_rooms_in_every_process(
    start: Start, origin: Origin
) -> None:
    here, there = start(), start()
    ben, anna = here.join("ben"), here.join("anna")
    anna_too = there.join("anna")
    know_each_other(here, there)
    asked = origin(here, ben)
    asked.user("anna").join(7)
    # When it has returned, those of all processes are in the room.
    assert asked.room(7).count() == 2
    assert asked.room("7").count() == 0
    asked.room(7).emit("news")
    for client in (anna, anna_too):
        assert client.event("/chat") == ["news"]
        assert client.call("/chat", "rooms") == [[7]]
    asked.room(7).leave(7)
    assert asked.room(7).count() == 0
    expect_nothing_more(ben)


def test_users_are_disconnected_in_every_process(start: Start, origin: Origin) -> None:
    here, there = start(), start()
    ben, anna, anna_too = here.join("ben"), here.join("anna"), there.join("anna")
    know_each_other(here, there)
    origin(here, ben).user("anna").disconnect("banned")
    for client in (anna, anna_too):
        assert client.read()["type"] == "disconnect"
    for node in (here, there):
        wait_for(lambda node=node: node.left == ["banned"], "she has left")
    expect_nothing_more(ben)


# Acks


def question(client: Client) -> int:
    packet = client.read()
    assert packet["name"] == "question", packet
    number: int = packet["id"]
    return number


def test_acks_of_all_processes_are_gathered(start: Start, origin: Origin) -> None:
    here, there = start(), start()
    ben, anna = here.join("ben"), here.join("anna")
    kinds = "0.9-websocket", "2-websocket", "4-polling"
    anna_too, closes, leaves = [there.join("anna", kind) for kind in kinds]
    ids = [id_of(each) for each in (anna, anna_too, closes, leaves)]
    know_each_other(here, there)
    target = origin(here, ben).user("anna")
    asking = gevent.spawn(target.emit, "question", ["how"], ack=DEADLINE)
    anna.ack("/chat", question(anna), 1, "two")
    anna_too.ack("/chat", question(anna_too), {"a": [None]})
    question(closes)
    closes.close()
    question(leaves)
    leaves.leave("/chat")
    answers, missing = asking.get()
    assert answers == {ids[0]: (1, "two"), ids[1]: {"a": [None]}}
    assert sorted(missing) == sorted(ids[2:])
    for node in (here, there):
        assert not any(len(each.acks) for each in node.live.server.sockets.values())


def test_who_does_not_answer_is_missing(start: Start, origin: Origin) -> None:
    here, there = start(), start()
    ben, anna = here.join("ben"), there.join("anna")
    sid = id_of(anna)
    know_each_other(here, there)
    target = origin(here, ben).user("anna")
    assert target.emit("question", ack=0.05) == Answers({}, [sid])
    anna.ack("/chat", question(anna), "late")
    expect_nothing_more(ben, anna)


def test_bytes_are_asked_and_answered(start: Start, origin: Origin) -> None:
    here, there = start(), start()
    ben, anna = here.join("ben"), there.join("anna")
    sid = id_of(anna)
    know_each_other(here, there)
    target = origin(here, ben).user("anna")
    asking = gevent.spawn(target.emit, "question", {"a": b"\x00\xff"}, ack=DEADLINE)
    number = question(anna)
    assert anna.receive_bytes() == b"\x00\xff"
    anna.send(f'461-/chat,{number}[{{"_placeholder":true,"num":0}}]', b"\xff\x00")
    assert asking.get() == Answers({sid: b"\xff\x00"}, [])


def nested(levels: int, leaf: str = "") -> str:
    return "[" * levels + leaf + "]" * levels


#: An ack, with its number to be filled in, and whether it arrives; the limit of size is
#: lower during the test.
ACKS: list[tuple[list[Any], bool]] = [
    (["43/chat,%d[" + nested(2_996) + "]"], False),
    (
        ["461-/chat,%d[" + nested(1_100, '{"_placeholder":true,"num":0}') + "]", b"x"],
        True,
    ),
    (['43/chat,%d["' + "x" * 4_000 + '"]'], False),
    (['43/chat,%d["' + r"\"" * 1_500 + '"]'], False),
]


@pytest.mark.parametrize(("ack", "arrives"), ACKS)
def test_an_ack_hides_no_others(
    start: Start, monkeypatch: pytest.MonkeyPatch, ack: list[Any], arrives: bool
) -> None:
    monkeypatch.setattr(targets, "MOST", 5_000)
    here, there = start(), start()
    ben, eve, anna = here.join("ben"), there.join("anna"), there.join("anna")
    ids = [id_of(each) for each in (eve, anna)]
    know_each_other(here, there)
    target = here.namespace(ben).user("anna")
    asking = gevent.spawn(target.emit, "question", ack=DEADLINE)
    text, *attachments = ack
    eve.send(text % question(eve), *attachments)
    anna.ack("/chat", question(anna), "honest")
    answers, missing = asking.get()
    assert answers[ids[1]] == "honest"
    assert (ids[0] in answers) is arrives
    assert missing == ([] if arrives else ids[:1])


def test_acks_that_cannot_be_read_are_missing() -> None:
    texts = ["[[1],[]]", 5, "x", "[]", "[[[1]],[]]", '[[1],["?"]]']
    answer = {"ids": list("abcdef"), "values": texts, "missing": ["g"]}
    asker = Mock(id="x", ask=Mock(return_value={"y": answer, "z": 5}))
    sockets = targets.OtherSockets(asker)
    found = sockets.gather([""], event_packet("/chat", "question", []), None, 1)
    assert found.answers == {"a": 1, "e": [1]}
    assert sorted(found.missing) == ["b", "c", "d", "f", "g"]


def test_who_was_asked_by_a_process_that_has_gone_is_missing(
    start: Start, origin: Origin
) -> None:
    here, there = start(), start()
    ben, anna = here.join("ben"), there.join("anna")
    sid = id_of(anna)
    know_each_other(here, there)
    target = origin(here, ben).user("anna")
    # It sends no answer, and is waited for as long as its clients.
    asking = gevent.spawn(target.emit, "question", ack=0.05)
    question(anna)
    there.config["tg.app_globals"].socketio_peers.tell = lost
    assert asking.get() == Answers({}, [sid])


def lost(*args: Any) -> None:
    """Sends nothing."""


def test_an_empty_answer_costs_no_time(start: Start, origin: Origin) -> None:
    here, there = start(), start()
    ben = here.join("ben")
    there.join("carl")
    know_each_other(here, there)
    target = origin(here, ben).user("anna")
    with gevent.Timeout(DEADLINE):
        assert target.emit("question", ack=3600) == Answers({}, [])


def test_with_a_secret_strangers_are_not_obeyed(
    start: Start, redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    node = start(**{"socketio.cluster_secret": "a secret"})
    anna = node.join("anna")
    for secret, count in (("", 0), ("another", 0), ("a secret", 1)):
        more = {"socketio.cluster_secret": secret} if secret else {}
        handle = SocketIOController.namespace("/chat", settings_of(redis, **more))
        target = handle.user("anna")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(handle, "_reached", list)  # the process has no clients
            if not count:
                patch.setattr(targets, "PATIENCE", 0.05)
            assert target.count() == count
    expect_nothing_more(anna)
    assert "Skipped a message" in caplog.text


BAD_DATA: list[Any] = [
    None,
    5,
    [],
    {},
    {"to": [""]},
    {"to": "x", "endpoint": "/chat", "room": None},
    {"to": [""], "endpoint": 5, "room": None},
    {"to": [""], "endpoint": "/chat", "room": 1.5},
    {"to": [""], "endpoint": "/chat", "room": {"user": 5}},
    {"to": [""], "endpoint": "/chat", "room": None, "do": "fly", "value": "x"},
    {"to": [""], "endpoint": "/chat", "room": None, "do": "join", "value": None},
    {"to": [""], "endpoint": "/chat", "room": None, "do": "disconnect", "value": 5},
    {"to": [""], "endpoint": "/chat", "room": None, "event": [], "asker": ""},
    {"to": [""], "endpoint": "/chat", "room": None, "event": ["e", [], 5], "asker": ""},
    {"to": [""], "endpoint": "/chat", "room": None, "event": ["e", 5, []], "asker": ""},
    *(
        {
            "to": [""],
            "endpoint": "/chat",
            "room": None,
            "event": ["e", [], []],
            "asker": "x",
            "seconds": seconds,
        }
        for seconds in (None, True, 0, -1, 3601, "1", 1e9)
    ),
]


def test_what_is_invalid_changes_nothing(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    here, there = start(), start()
    ben, anna = here.join("ben"), there.join("anna")
    know_each_other(here, there)
    peers = here.config["tg.app_globals"].socketio_peers
    for kind in ("command", "count", "gather", "asked"):
        for data in BAD_DATA:
            if kind in ("count", "asked") or not isinstance(data, dict):
                assert peers.ask(kind, data, 0.01) in ({}, {next(iter(peers.alive)): 1})
            elif ("do" in data) is (kind == "command"):
                assert peers.ask(kind, data, 0.01) == {}
    assert here.namespace(ben).user("anna").count() == 1
    expect_nothing_more(ben, anna)
    caplog.clear()


# Scripts

SCRIPT = """
import json, sys
from tgext.socketio import SocketIOController
handle = SocketIOController.namespace("/chat", json.loads(sys.argv[1]))
anna = handle.user("anna")
anna.join("lobby")
print(anna.count(), handle.room("lobby").count(), flush=True)
anna.emit("news", "from a script")
answers, missing = anna.emit("question", ack=20)
print(json.dumps([answers, missing]), flush=True)
handle.socket(sys.stdin.readline().strip()).disconnect("by a script")
"""


def test_a_script_does_the_same(start: Start, redis: RedisServer) -> None:
    """Without gevent's patch, and with no server of its own."""
    here, there = start(), start()
    anna, anna_too = here.join("anna"), there.join("anna")
    know_each_other(here, there)
    ids = [id_of(anna), id_of(anna_too)]
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, json.dumps(settings_of(redis))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as script:
        assert script.stdout is not None
        assert script.stdin is not None
        assert script.stdout.readline() == "2 2\n"
        for client in (anna, anna_too):
            assert client.event("/chat") == ["news", "from a script"]
            client.ack("/chat", question(client), client is anna)
        answers, missing = json.loads(script.stdout.readline())
        assert (answers, missing) == ({ids[0]: True, ids[1]: False}, [])
        script.stdin.write(ids[1] + "\n")
        script.stdin.flush()
        assert script.wait(DEADLINE) == 0
    assert anna_too.read()["type"] == "disconnect"
    wait_for(lambda: there.left == ["by a script"], "she has left")
    assert here.left == []
    know_each_other(here, there)  # the script is no process of the cluster
