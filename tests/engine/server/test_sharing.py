"""A server that hands connections over, and serves those of other processes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.engine.clients import wait_for
from tests.engine.conftest import Live, Serve
from tests.engine.handover.streets import Resident, Street, two
from tests.engine.sample_namespaces import Echo

NAMESPACES = {"/chat": Echo}


class Counting:
    """As :class:`tgext.socketio.engine.server.balance.Balance`: counts connections."""

    def __init__(self) -> None:
        self.open: list[Any] = []

    def may_accept(self) -> bool:
        return True

    def opened(self, sock: Any) -> None:
        if sock not in self.open:
            self.open.append(sock)

    def closed(self, sock: Any) -> None:
        if sock in self.open:
            self.open.remove(sock)


def test_a_connection_counts_where_it_is(serve: Serve) -> None:
    one, other = two(serve, NAMESPACES)
    balances = []
    for live in (one, other):
        balance: Any = Counting()
        live.server.balance = balance
        balances.append(balance.open)
    client = one.polling_5()
    client.gets.close()
    wait_for(lambda: balances == [[], []], "nothing is open")
    http = other.http()
    for path, counts in ((client.target, [1, 0]), ("/", [1, 0])):
        assert http.post(path, "40/chat").status == 200
        wait_for(lambda c=counts: [*map(len, balances)] == c, "one is open")
    http.close()
    wait_for(lambda: balances == [[], []], "nothing is open")


def test_sessions_name_their_process(serve: Serve) -> None:
    one, other = two(serve, NAMESPACES)
    for live in (one, other):
        sid = live.polling_5().sid
        assert len(sid) == 30
        assert sid.startswith(live.server.hub.registry.token)


def test_nothing_is_left_of_a_server_that_stopped(serve: Serve) -> None:
    street = Street()
    resident: Resident = street.join()
    live: Live = serve(NAMESPACES, directory=resident)
    path = resident.own.path
    live.server.stop(timeout=1)
    assert not Path(path).parent.exists()
    assert street.processes == {}
