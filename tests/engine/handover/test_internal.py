"""Processes on machines of their own: signed requests at an internal address."""

from __future__ import annotations

import logging
from contextlib import closing
from typing import Any

import pytest

from tests.engine import clients
from tests.engine.clients import Raw, kinds, wait_for
from tests.engine.conftest import Serve
from tests.engine.sample_namespaces import Echo
from tgext.socketio.engine.handover.offers import Offer, Origin
from tgext.socketio.engine.handover.signed import WINDOW, sign

from .streets import (
    Resident,
    Stamp,
    Street,
    get,
    in_turns,
    lost,
    poll_through,
    upgrade_through,
)

NAMESPACES = {"/chat": Echo}

#: Where each listens for the others.
INTERNAL = "127.0.0.1"


class Machines:
    """Two servers, each on a machine of its own."""

    def __init__(self, serve: Serve, seal: Any, **options: Any) -> None:
        street = Street(far=True)
        self.residents = [street.join(seal), street.join(seal)]
        self.one, self.other = (
            serve(NAMESPACES, directory=each, internal_address=INTERNAL, **options)
            for each in self.residents
        )

    def raw(self, resident: Resident) -> Raw:
        """A connection to the internal address of a server."""
        assert resident.own.address is not None
        return Raw(resident.own.address[1])


@pytest.fixture
def machines(serve: Serve) -> Machines:
    return Machines(serve, Stamp())


@pytest.mark.parametrize("kind", kinds("polling"))
def test_requests_go_to_any_machine(machines: Machines, kind: str) -> None:
    one, other = machines.one, machines.other
    client = in_turns(one.client(kind), other, one)
    client.join("/chat")
    for number in range(3):
        assert client.call("/chat", "echo", number) == [number]
    assert other.server.sockets == {}


def test_an_upgrade_may_begin_on_any_machine(machines: Machines) -> None:
    one, other = machines.one, machines.other
    upgrade_through(other, one, one.joined("4-polling"))


def test_a_client_that_leaves_is_noticed(serve: Serve) -> None:
    machines = Machines(serve, Stamp(), handshake_timeout=0.05)
    one, other = machines.one, machines.other
    client = one.joined("4-polling")
    raw = poll_through(other, one, client)
    raw.close()
    wait_for(lambda: not one.server.sockets, "its session ends")
    lost(client)


def test_a_process_that_has_gone_ends_its_requests(machines: Machines) -> None:
    """It may be stopped, and its machine may keep the connection."""
    one, other = machines.one, machines.other
    client = one.joined("4-polling")
    raw = poll_through(other, one, client)
    machines.residents[1].gone(machines.residents[0].own)
    raw.expect_end()


def test_a_machine_that_has_ended_is_unknown(machines: Machines) -> None:
    one, other = machines.one, machines.other
    client = one.joined("4-polling")
    own = machines.residents[0].own
    assert one.server.elsewhere is not None
    one.server.elsewhere.close()
    machines.residents[0].open(own, lambda _: None)
    reply = other.http().get(client.target)
    assert (reply.status, reply.json["code"]) == (400, 1)


def test_without_a_secret_the_log_says_what_to_set(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tgext.socketio")
    machines = Machines(serve, None)
    assert [each.own.address for each in machines.residents] == [None, None]
    lines = [each for each in caplog.messages if "internal_address" in each]
    assert len(lines) == 2
    assert "set socketio.cluster_secret" in lines[0]
    client = machines.one.joined("4-polling")
    caplog.clear()
    reply = machines.other.http().get(client.target)
    assert (reply.status, reply.json["code"]) == (400, 1)
    (line,) = [each for each in caplog.messages if "Refused" in each]
    assert "internal_address and socketio.cluster_secret" in line
    assert client.sid not in line


def offered(machines: Machines, **changes: Any) -> Offer:
    """A poll of a session of the first machine, for that machine."""
    client = machines.one.joined("4-polling")
    client.emit("/chat", "echo", number=1)  # for which the poll is answered
    origin = Origin(("192.0.2.1", 5), "http")
    head = get(client.target, machines.one)
    offer = Offer(machines.residents[0].own.token, origin, head)
    return offer._replace(**changes)


def test_forged_and_replayed_requests_are_refused_in_one_line(
    machines: Machines, caplog: pytest.LogCaptureFixture
) -> None:
    offer = offered(machines)
    valid = sign(offer, Stamp())
    late = sign(offer, Stamp(), lambda: -WINDOW)
    attempts = [
        (valid, 200, ""),
        (valid, 403, "it was sent before"),
        (offer.begun, 403, "not signed"),
        (sign(offer, Stamp("guessed")), 403, "socketio.cluster_secret"),
        (sign(offer._replace(token="another_"), Stamp()), 403, "another process"),
        (late, 403, "clocks of all machines"),
        (sign(offer, Stamp()).replace(b"sid=", b"sid=x"), 403, "changed"),
        (b"GET / HTTP/1.1\r\n" + b"x" * 100_000, 403, "max_header_size"),
    ]
    for data, status, why in attempts:
        caplog.clear()
        with closing(machines.raw(machines.residents[0])) as raw:
            raw.send_raw(data)
            found, headers = raw.receive_head()
            assert found == status
            assert headers["Connection"] == "close"
        lines = [each for each in caplog.messages if "internal address" in each]
        assert [each for each in lines if why not in each] == []
        assert len(lines) == bool(why)
        assert "sid=" not in caplog.text


def test_a_connection_has_one_request(machines: Machines) -> None:
    """The next one is not signed, and is not served."""
    offer = offered(machines)
    with closing(machines.raw(machines.residents[0])) as raw:
        raw.send_raw(sign(offer, Stamp()) + offer.begun)
        assert raw.receive_reply().status == 200
        raw.expect_end()


def test_what_was_handed_over_goes_no_further(machines: Machines) -> None:
    offer = offered(machines, token=machines.residents[1].own.token)
    with closing(machines.raw(machines.residents[1])) as raw:
        raw.send_raw(sign(offer, Stamp()))
        reply = raw.receive_reply()
    assert (reply.status, reply.json["code"]) == (400, 1)


def test_the_client_is_known_as_it_was_there(
    machines: Machines, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tgext.socketio")
    offer = offered(machines)
    head = offer.begun.replace(b"GET", b"PUT")
    with closing(machines.raw(machines.residents[0])) as raw:
        raw.send_raw(sign(offer._replace(begun=head), Stamp()))
        assert raw.receive_head()[0] == 405
    (line,) = [each for each in caplog.messages if "Refused" in each]
    assert "192.0.2.1" in line


def test_a_head_that_does_not_come_is_not_waited_for(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    machines = Machines(serve, Stamp(), header_timeout=0.05)
    with closing(machines.raw(machines.residents[0])) as raw:
        raw.send_raw(b"GET / HTTP/1.1\r\n")
        assert raw.receive_head()[0] == 403
    assert "header_timeout" in caplog.text


def test_plain_requests_need_no_signature_elsewhere(machines: Machines) -> None:
    reply = machines.one.http().get(
        f"{clients.RESOURCE}/?EIO=4&transport=polling&sid=x",
        {"Tgext-Socketio-Handed-Over": "anything"},
    )
    assert reply.status == 400
