"""What the processes of a cluster hear: the topics that they have sockets for."""

from __future__ import annotations

from typing import Any

import gevent
import pytest

from tests.engine.clients import KINDS, wait_for
from tests.redis_server import RedisServer, running_redis
from tgext.socketio.messaging.cluster import CHANNEL
from tgext.socketio.messaging.topics import topic_of

from .clusters import Node, Start


def topics(server: RedisServer) -> dict[str, int]:
    """How many processes listen to each topic of ``/chat``."""
    found = {}
    for each in server.client.pubsub_channels(f"{CHANNEL}/*:/chat*"):
        found[each.removeprefix(f"{CHANNEL}/")] = server.listeners(each)
    return found


def test_a_process_listens_from_the_first_member_to_the_last(
    start: Start,
    redis: RedisServer,
) -> None:
    here, there = start(), start()
    assert topics(redis) == {}
    ann, ben, cid = here.join(), here.join(), there.join()
    assert topics(redis) == {"all:/chat": 2}
    for client in (ann, ben, cid):
        # The ack comes when the process listens.
        client.call("/chat", "enter", "lobby")
        assert "room:/chat:lobby" in topics(redis)
    ann.call("/chat", "enter", 5)
    wanted = {"all:/chat": 2, "room:/chat:lobby": 2, "number:/chat:5": 1}
    assert topics(redis) == wanted
    ann.close()
    del wanted["number:/chat:5"]
    wait_for(lambda: topics(redis) == wanted, "the number is left")
    ben.close()
    wait_for(
        lambda: topics(redis) == {"all:/chat": 1, "room:/chat:lobby": 1},
        "one process has no clients",
    )
    cid.close()
    wait_for(lambda: topics(redis) == {}, "nothing is heard")


@pytest.mark.parametrize("kind", KINDS)
def test_who_has_entered_hears_other_processes_at_once(
    start: Start,
    kind: str,
) -> None:
    """A room that empties and fills again loses nothing: 30 times in a row."""
    here, there = start(), start()
    speaker, hearer = there.join(), here.join(kind)
    for number in range(30):
        assert hearer.call("/chat", "enter", "lobby", number=1) == [None]
        speaker.call("/chat", "tell_room", "lobby", number)
        assert hearer.event("/chat") == ["told", number]
        namespace = here.live.socket(hearer).active_ns["/chat"]
        namespace.leave("lobby")


@pytest.fixture
def three(start: Start) -> list[Node]:
    return [start() for _ in range(3)]


def test_three_hundred_rooms_are_heard_where_their_members_are(
    three: list[Node],
    redis: RedisServer,
) -> None:
    """One channel for all would be 300 messages in each process, 900 in all."""
    clients = [node.join() for node in three]
    for number in range(300):
        clients[number % 3].emit("/chat", "enter", number)
    for client in clients:
        client.call("/chat", "enter", 1000)
    assert len(topics(redis)) == 302
    published = 0
    for number in range(300):
        # Everybody sends to the rooms of the next one.
        three[(number + 1) % 3].rooms.broadcast(
            {"type": "event", "name": "told", "args": [number], "endpoint": "/chat"},
            number,
        )
        published += redis.listeners(topic_of(CHANNEL, "/chat", number))
    assert published == 300
    for index, client in enumerate(clients):
        heard = [client.event("/chat")[1] for _ in range(100)]
        assert heard == list(range(index, 300, 3))
        client.call("/chat", "enter", 1000)  # and nothing else came


def test_several_rooms_and_exceptions_hold_in_every_process(
    three: list[Node],
) -> None:
    places: list[list[Any]] = [["lobby", 1], ["lobby"], [1], [], ["hall"]]
    clients = [(node.join(), rooms) for node in three for rooms in places]
    for client, rooms in clients:
        for each in rooms:
            client.call("/chat", "enter", each)
    speaker = clients[0][0]
    namespace = three[0].live.socket(speaker).active_ns["/chat"]
    own = three[0].live.socket(clients[1][0])
    namespace.emit_to_room(["lobby", 1], "told", "both")
    namespace.emit_to_room(["lobby", "hall"], "told", "but one", except_=1)
    namespace.broadcast_event("told", "rest", except_=["lobby", 1, own])
    namespace.broadcast_event("told", "here", local=True, except_=[1])
    for index, (client, rooms) in enumerate(clients):
        expected = []
        if index and ("lobby" in rooms or 1 in rooms):
            expected.append("both")
        if index and ("lobby" in rooms or "hall" in rooms) and 1 not in rooms:
            expected.append("but one")
        if "lobby" not in rooms and 1 not in rooms:
            expected.append("rest")
        if index < len(places) and 1 not in rooms:
            expected.append("here")
        assert [client.event("/chat")[1] for _ in expected] == expected
    for client, _ in clients:
        client.call("/chat", "enter", "end")  # and nothing else came


def test_a_redis_that_is_lost_delays_no_join_and_fails_none(
    start: Start,
    tmp_path: Any,
) -> None:
    with running_redis(tmp_path) as own:
        options = {
            "anypubsub.host": own.url,
            "anypubsub.socket_timeout": "0.3",
            "anypubsub.health_check_interval": "0.2",
        }
        here, there = start(**options), start(**options)
        hearer, speaker = here.join(), there.join()
        own.kill()
        with gevent.Timeout(20):
            assert hearer.call("/chat", "enter", "lobby") == [None]
            late = here.join()
        own.start()
        lobby, everyone = (topic_of(CHANNEL, "/chat", each) for each in ("lobby", None))
        wait_for(lambda: own.listeners(lobby) == 1, "the room is heard")
        wait_for(lambda: own.listeners(everyone) == 2, "the namespace is heard")
        speaker.emit("/chat", "tell_room", "lobby", 1)
        assert hearer.event("/chat") == ["told", 1]
        speaker.emit("/chat", "shout", 2)
        for client in (hearer, late):
            assert client.event("/chat") == ["shouted", 2]
        for node in (here, there):
            node.live.close_clients()
            node.live.server.stop(timeout=1)
            node.backend.close()


def test_the_example_of_the_documentation(three: list[Node]) -> None:
    ann, ben, cid, dan = (node.join(endpoint="/table") for node in (*three, three[0]))
    for client, places in (
        (ann, [1]),
        (ben, [1, "everything"]),
        (cid, [1, "delayed"]),
        (dan, ["everything"]),
    ):
        for place in places:
            client.call("/table", "sit", place)
    ann.emit("/table", "move", 1, "e4")
    ann.emit("/table", "warn")
    heard = {ann: ["sat", "sat"], ben: ["sat", "sat", "moved"], cid: [], dan: ["moved"]}
    for client, expected in heard.items():
        if client in (ann, dan):
            expected.append("restarts soon")
        assert [client.event("/table")[0] for _ in expected] == expected
