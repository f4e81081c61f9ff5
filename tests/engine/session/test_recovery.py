"""Clients that come back to a namespace, without a framework."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from tgext.socketio.engine.recovery.record import Missed, Place, Position
from tgext.socketio.wire.socketio.reasons import TRANSPORT_CLOSE

from ..clients import wait_for
from ..conftest import Live
from ..recovery.servers import Server


@pytest.fixture
def server(serve: Callable[..., Live]) -> Server:
    return Server(serve)


@pytest.mark.parametrize(("window", "recovers"), [(0.1, False), (30, True)])
def test_the_time_within_which_a_client_recovers(
    serve: Callable[..., Live], window: float, recovers: bool
) -> None:
    server = Server(serve, recovery_window=window)
    client, pid = server.connect()
    server.live.socket(client).kill(reason=TRANSPORT_CLOSE)
    if not recovers:
        wait_for(lambda: not len(server.journal), "the time is over")
    assert (server.connect(pid)[1] == pid) is recovers


def test_a_name_of_the_application_s_is_no_recovery(server: Server) -> None:
    client, pid = server.connect(endpoint="/unlogged")
    assert pid is None
    assert client.event("/unlogged") == ["welcome", False]


def test_what_asks_for_an_ack_is_not_kept(server: Server) -> None:
    client, _ = server.connect()
    client.event("/chat")
    before = len(server.record.entries)
    client.emit("/chat", "ask")
    assert client.read()["args"] == []
    assert len(server.record.entries) == before


def test_the_log_is_read_at_the_begin_and_at_the_end_of_the_way_in(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, pid = server.connect()
    *_, offset = client.event("/chat")
    server.live.socket(client).kill(reason=TRANSPORT_CLOSE)
    reads, read = [], server.record.read

    def count(places: Iterable[Place], after: Position) -> Missed:
        reads.append(after)
        return read(places, after)

    monkeypatch.setattr(server.record, "read", count)
    back, again = server.connect(pid, offset)
    assert again == pid
    assert back.event("/chat")[:2] == ["welcome", True]
    assert len(reads) == 2
