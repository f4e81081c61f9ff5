"""What a process takes from others, and what it refuses."""

from __future__ import annotations

import os
import socket as native_socket
import stat
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent import socket

from tests.engine.clients import wait_for
from tgext.socketio.engine.handover.links import Gone, Link
from tgext.socketio.engine.handover.listener import Listener
from tgext.socketio.engine.handover.offers import TAKEN, Offer, Origin, write_offer

ORIGIN = Origin(("192.0.2.1", 5), "https")
OFFER = Offer("token_of", ORIGIN, b"GET / HTTP/1.1\r\n")


class Taking:
    """A listener, and what it takes."""

    def __init__(self) -> None:
        self.taken: list[tuple[Any, Offer]] = []
        self.listener = Listener(OFFER.token, lambda *each: self.taken.append(each))
        self.path = self.listener.path

    def connect(self) -> Any:
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(10)
        sock.connect(self.path)
        return sock


def answer(sock: Any) -> bytes:
    try:
        data: bytes = sock.recv(1)
    except ConnectionResetError:
        return b""
    return data


@pytest.fixture
def taking() -> Iterator[Taking]:
    made = Taking()
    yield made
    made.listener.close()
    for sock, _ in made.taken:
        sock.close()


@pytest.fixture
def pair() -> Iterator[tuple[Any, Any]]:
    """A connection: the end of a client, and that of the server."""
    client, server = socket.socketpair()
    yield client, server
    client.close()
    server.close()


def test_a_connection_goes_on_in_the_process_that_took_it(
    taking: Taking, pair: tuple[Any, Any]
) -> None:
    client, server = pair
    link = Link(taking.path, 10)
    for number in range(3):  # over one connection
        offer = OFFER._replace(begun=bytes([number]) * number * 100_000)
        link.give(server.fileno(), write_offer(offer))
        sock, taken = taking.taken[-1]
        assert taken == offer
        sock.sendall(b"x")
        assert client.recv(10) == b"x"
        assert not os.get_inheritable(sock.fileno())
    server.close()
    client.sendall(b"there")
    assert sock.recv(10) == b"there"
    link.close()


def test_nobody_else_can_reach_it(taking: Taking) -> None:
    directory = os.stat(os.path.dirname(taking.path))
    assert stat.S_IMODE(directory.st_mode) == 0o700
    assert directory.st_uid == os.geteuid()


def test_a_process_of_another_user_is_refused(
    taking: Taking, pair: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 12345)
    with pytest.raises(Gone):
        Link(taking.path, 10).give(pair[1].fileno(), write_offer(OFFER))
    with taking.connect() as sock:
        native_socket.send_fds(sock, [write_offer(OFFER)], [pair[1].fileno()])
        assert answer(sock) == b""
    assert taking.taken == []


REFUSED = {
    "for another": (write_offer(OFFER._replace(token="another_")), 1),
    "without a connection": (write_offer(OFFER), 0),
    "garbage": (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 10, 1),
    "too long": (struct.pack("!HI", 2, 1 << 31) + b"[]", 1),
    "incomplete": (write_offer(OFFER)[:-1], 1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_offer_is_refused_in_one_line(
    name: str,
    taking: Taking,
    pair: tuple[Any, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    data, descriptors = REFUSED[name]
    client, server = pair
    with taking.connect() as sock:
        native_socket.send_fds(sock, [data], [server.fileno()] * descriptors)
        sock.shutdown(socket.SHUT_WR)
        assert answer(sock) == b""
    server.close()
    assert client.recv(1) == b""  # no descriptor of it is left
    (line,) = caplog.messages
    assert line.startswith("Refused a connection of a process: ")
    assert taking.taken == []


def test_what_nobody_waits_for_any_more_is_not_taken(
    taking: Taking, pair: tuple[Any, Any]
) -> None:
    client, server = pair
    sock = taking.connect()
    native_socket.send_fds(sock, [write_offer(OFFER)], [server.fileno()])
    sock.close()
    server.close()
    assert client.recv(1) == b""
    assert taking.taken == []


def test_a_listener_that_has_closed_is_gone(pair: tuple[Any, Any]) -> None:
    taking = Taking()
    link = Link(taking.path, 10)
    link.give(pair[1].fileno(), write_offer(OFFER))
    taking.taken[0][0].close()
    taking.listener.close()
    assert not os.path.exists(os.path.dirname(taking.path))
    for _ in range(2):  # over a connection that was kept, and a new one
        with pytest.raises(Gone):
            link.give(pair[1].fileno(), write_offer(OFFER))


def test_many_at_a_time_have_a_connection_each(
    taking: Taking, pair: tuple[Any, Any]
) -> None:
    link = Link(taking.path, 10)
    data = write_offer(OFFER)
    given = [gevent.spawn(link.give, pair[1].fileno(), data) for _ in range(50)]
    gevent.joinall(given, raise_error=True)
    wait_for(lambda: len(taking.taken) == 50, "all are taken")
    link.close()


def test_the_answer_is_one_byte() -> None:
    assert len(TAKEN) == 1


@pytest.mark.parametrize("name", ["long" * 20, "with spaces", "ümlaut"])
def test_a_directory_that_no_socket_can_be_in_is_not_used(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / name
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    listener = Listener(OFFER.token, lambda *_: None)
    assert listener.path.startswith("/tmp/tgext.socketio-")
    listener.close()


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A directory whose path is short enough for sockets."""
    with tempfile.TemporaryDirectory(dir="/tmp") as path:
        yield Path(path)


def test_what_a_killed_process_has_left_is_removed(
    short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(short_path))
    made = [short_path / f"tgext.socketio-{name}" for name in ("old", "young", "alive")]
    kept = []
    for each in made:
        each.mkdir()
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(str(each / "connections"))
        kept.append(sock)
        if each.name.endswith("alive"):
            sock.listen()
        if not each.name.endswith("young"):
            os.utime(each, (1, 1))
    (short_path / "tgext.socketio-link").symlink_to(short_path)
    listener = Listener(OFFER.token, lambda *_: None)
    assert [each.exists() for each in made] == [False, True, True]
    assert os.path.exists(listener.path)
    listener.close()
    for sock in kept:
        sock.close()
