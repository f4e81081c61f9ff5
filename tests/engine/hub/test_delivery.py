"""One packet for many sockets."""

from __future__ import annotations

import json
from typing import Any

from tgext.socketio.engine.hub.delivery import deliver
from tgext.socketio.wire.socketio.packet import Packet

from ..clients import KINDS
from ..conftest import Serve, manage
from ..sample_namespaces import Chat


def test_a_packet_is_written_once_for_all_clients_of_a_generation(
    serve: Serve,
) -> None:
    written: list[Any] = []

    def dumps(value: Any) -> str:
        written.append(value)
        return json.dumps(value)

    live = serve(application=manage({"/chat": Chat}, json_dumps=dumps))
    clients = [live.client(each) for each in list(KINDS) * 2]
    for client in clients:
        client.join("/chat")
    written.clear()
    clients[0].emit("/chat", "shout", "hello")
    for client in clients:
        assert client.event("/chat") == ["shouted", "hello"]
    assert len(written) == len({each.partition("-")[0] for each in KINDS}) == 3


def test_clients_whose_json_differs_are_each_written_to_in_theirs(
    serve: Serve,
) -> None:
    def shouting(value: Any) -> str:
        return json.dumps(value).upper()

    plain = serve({"/chat": Chat})
    client = plain.client()
    other = plain.client()
    for each in (client, other):
        each.join("/chat")
    plain.socket(other).json_dumps = shouting
    members = plain.server.rooms.members("/chat")
    packet: Packet = {"type": "event", "name": "a", "args": ["b"], "endpoint": "/chat"}
    deliver(members, packet, plain.server.hub.batcher)
    assert client.event("/chat") == ["a", "b"]
    assert other.event("/chat") == ["A", "B"]
