"""The sockets below gevent's read and write without waiting, with and without TLS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent import socket
from gevent.ssl import create_default_context

from tests.certificates import make_certificate
from tgext.socketio.engine.io.sockets import (
    RECORD,
    Encrypted,
    NativeSocket,
    below,
    end_input,
    end_output,
)
from tgext.socketio.engine.io.tls import server_context

from ..clients import DEADLINE, wait_for

Ends = tuple[Any, Any]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("sockets"))


@pytest.fixture(params=["plain", "encrypted"])
def ends(
    request: pytest.FixtureRequest, certificate: tuple[Path, Path]
) -> Iterator[Ends]:
    """Both ends of a connection, the server's first."""
    ours, theirs = socket.socketpair()
    if request.param == "encrypted":
        certfile, keyfile = map(str, certificate)
        context = server_context(certfile, keyfile)
        accepting = gevent.spawn(context.wrap_socket, ours, server_side=True)
        trusting = create_default_context(cafile=certfile)
        theirs = trusting.wrap_socket(theirs, server_hostname="localhost")
        ours = accepting.get(timeout=DEADLINE)
    yield ours, theirs
    ours.close()
    theirs.close()


def when_it_can(call: Any, *args: Any) -> Any:
    """The result of a call, which is repeated until the socket is ready."""
    result: list[Any] = []

    def succeeds() -> bool:
        try:
            result.append(call(*args))
        except BlockingIOError:
            return False
        return True

    wait_for(succeeds, "it does not have to wait")
    return result[0]


def test_a_plain_socket_has_a_native_one_below() -> None:
    ours, theirs = socket.socketpair()
    assert isinstance(below(ours), NativeSocket)
    assert below(ours).fileno() == ours.fileno()
    ours.close()
    theirs.close()


def test_there_is_nothing_to_read_yet(ends: Ends) -> None:
    native = below(ends[0])
    with pytest.raises(BlockingIOError):
        native.recv(100)
    with pytest.raises(BlockingIOError):
        native.recv_into(bytearray(100))


def test_what_has_come_is_read(ends: Ends) -> None:
    ours, theirs = ends
    theirs.sendall(b"hello")
    assert when_it_can(below(ours).recv, 100) == b"hello"
    theirs.sendall(b"world")
    buffer = bytearray(100)
    assert when_it_can(below(ours).recv_into, buffer) == 5
    assert buffer[:5] == b"world"


def test_the_end_is_read_as_nothing(ends: Ends) -> None:
    ours, theirs = ends
    end_output(theirs)
    assert when_it_can(below(ours).recv, 100) == b""
    assert when_it_can(below(ours).recv_into, bytearray(100)) == 0


def test_who_waits_for_input_reads_its_end_and_may_still_answer(ends: Ends) -> None:
    ours, theirs = ends
    native = below(ours)
    theirs.sendall(b"a question")
    socket.wait_read(ours.fileno())
    end_input(ours)
    assert when_it_can(native.recv, 100) == b"a question"
    native.send(b"an answer")
    assert theirs.recv(100) == b"an answer"
    assert when_it_can(native.recv, 100) == b""
    ours.close()
    end_input(ours)


def test_a_shutdown_leaves_what_the_peer_sent(ends: Ends) -> None:
    ours, theirs = ends
    native = below(ours)
    theirs.sendall(b"an answer")
    ours.shutdown(socket.SHUT_WR)
    assert theirs.recv(100) == b""
    assert when_it_can(native.recv, 100) == b"an answer"


def test_what_the_kernel_does_not_take_is_left(ends: Ends) -> None:
    ours, theirs = ends
    data = b"x" * 10_000_000
    sent = when_it_can(below(ours).send, data)
    assert 0 < sent < len(data)
    received = 0
    while received < sent:
        received += len(theirs.recv(sent - received))
    # The rest is written: TLS requires that a retry begins with the same bytes.
    assert when_it_can(below(ours).send, data[sent:]) > 0


def test_part_of_a_record_can_be_read_that_no_event_loop_sees(
    certificate: tuple[Path, Path], ends: Ends
) -> None:
    native = below(ends[0])
    if not isinstance(native, Encrypted):
        assert not hasattr(native, "pending")
        return
    ends[1].sendall(b"x" * RECORD)
    assert when_it_can(native.recv, 1) == b"x"
    assert native.pending() == RECORD - 1
