"""Connections through a proxy that speaks the PROXY protocol."""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent import socket
from gevent.ssl import create_default_context

from tests.certificates import make_certificate
from tgext.socketio.engine.io.proxied import UNKNOWN, ProxyHeaderError, client_of
from tgext.socketio.wire.proxyprotocol import SIGNATURE

from ..clients import DEADLINE, RESOURCE, wait_for
from ..conftest import Serve

HERE = ["127.0.0.1", "unix:"]
CLIENT = "203.0.113.9"
LINE = f"PROXY TCP4 {CLIENT} 10.0.0.1 5000 80\r\n".encode()
BLOCK = (
    SIGNATURE
    + b"\x21\x11\x00\x0c"
    + bytes([203, 0, 113, 9, 10, 0, 0, 1, 19, 136, 0, 80])
)
LOCAL = SIGNATURE + b"\x20\x00\x00\x00"
NAMELESS = b"PROXY UNKNOWN\r\n"
REQUEST = b"GET / HTTP/1.0\r\nX-Forwarded-For: 198.51.100.1\r\n\r\n"
HANDSHAKE = f"GET {RESOURCE}/?EIO=4&transport=polling HTTP/1.0\r\n\r\n".encode()


def address_page(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """The application: a page with the address of the client."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    port = environ.get("REMOTE_PORT", "-")
    return [f"{environ.get('REMOTE_ADDR')} {port}".encode()]


def proxied(serve: Serve, **options: Any) -> Any:
    options = {"trusted_proxies": HERE, "proxy_protocol": True, **options}
    return serve(application=address_page, **options)


def ask(port: int, *parts: bytes, pause: float = 0) -> str:
    """The body of the answer; "" when the connection is closed."""
    with closing(socket.create_connection(("127.0.0.1", port))) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(DEADLINE)
        return exchange(sock, *parts, pause=pause)


def exchange(sock: Any, *parts: bytes, pause: float = 0) -> str:
    try:
        for each in parts:
            sock.sendall(each)
            gevent.sleep(pause)
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
    except OSError:
        return ""
    return answer.partition(b"\r\n\r\n")[2].decode()


@pytest.mark.parametrize("header", [LINE, BLOCK], ids=["1", "2"])
def test_an_application_sees_the_client(serve: Serve, header: bytes) -> None:
    """The client is no trusted proxy: what it writes is not believed."""
    live = proxied(serve)
    assert ask(live.port, header + REQUEST) == f"{CLIENT} 5000"
    assert ask(live.port, header, REQUEST) == f"{CLIENT} 5000"
    split = [bytes([each]) for each in header + REQUEST]
    assert ask(live.port, *split) == f"{CLIENT} 5000"


def test_a_proxy_behind_it_may_forward(serve: Serve) -> None:
    live = proxied(serve, trusted_proxies=[*HERE, CLIENT])
    assert ask(live.port, LINE + REQUEST) == "198.51.100.1 -"


def test_a_proxy_asks_for_itself(serve: Serve) -> None:
    """A health check has no client. Its headers are the proxy's."""
    live = proxied(serve)
    assert ask(live.port, LOCAL + REQUEST) == "198.51.100.1 -"


@pytest.mark.parametrize("header", [NAMELESS, SIGNATURE + b"\x21\x00\x00\x00"])
def test_a_client_that_is_not_told_is_not_believed(serve: Serve, header: bytes) -> None:
    assert ask(proxied(serve).port, header + REQUEST) == "0.0.0.0 0"


def test_it_comes_before_tls(serve: Serve, tmp_path: Path) -> None:
    certificate, key = map(str, make_certificate(tmp_path))
    live = proxied(serve, certfile=certificate, keyfile=key)
    context = create_default_context(cafile=certificate)
    for header in (LINE, BLOCK):
        sock = socket.create_connection(("127.0.0.1", live.port))
        sock.sendall(header)
        with closing(context.wrap_socket(sock, server_hostname="127.0.0.1")) as tls:
            assert exchange(tls, REQUEST) == f"{CLIENT} 5000"


def test_a_unix_socket_has_it_too(serve: Serve, tmp_path: Path) -> None:
    path = str(tmp_path / "app.sock")
    proxied(serve, listener=(f"unix:{path}", 0))
    for header, address in ((LINE, f"{CLIENT} 5000"), (NAMELESS, "0.0.0.0 0")):
        with closing(socket.socket(socket.AF_UNIX)) as sock:
            sock.connect(path)
            assert exchange(sock, header + REQUEST) == address


def test_limits_count_the_client(serve: Serve) -> None:
    from tgext.socketio.engine import socketio_manage

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        socketio_manage(environ, {})
        start_response("200 OK", [])
        return []

    live = proxied(serve, max_connections_per_address=1)
    live.server.application = application
    other = LINE.replace(b"113.9", b"113.8")
    answers = [ask(live.port, each + HANDSHAKE) for each in (LINE, other, LINE, other)]
    assert [each.startswith("0{") for each in answers] == [True, True, False, False]
    for each in list(live.server.sockets.values()):
        each.kill()


# What is refused


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (REQUEST, "there is no PROXY header"),
        (b"\x16\x03\x01\x02\x00", "there is no PROXY header"),
        (LINE.replace(b"10.0.0.1", b"10.0.0"), "an address is not one of TCP4"),
        (SIGNATURE + b"\x21\x11\xff\xff", "the header has more than 4096 bytes"),
        (b"PROXY " + b"x" * 200, "the line has more than 107 bytes"),
        (LINE[:-1], "there is no complete PROXY header after header_timeout"),
        (LINE + NAMELESS + REQUEST, ""),
    ],
)
def test_an_invalid_header_closes_with_one_line(
    serve: Serve, caplog: pytest.LogCaptureFixture, data: bytes, why: str
) -> None:
    caplog.set_level(logging.INFO)
    late = "header_timeout" in why
    live = proxied(serve, header_timeout=0.05 if late else DEADLINE)
    assert CLIENT not in ask(live.port, data)
    if not why:
        return  # a second header is an invalid request
    wait_for(lambda: "Closed" in caplog.text, "the log tells")
    [line] = [each for each in caplog.messages if "Closed" in each]
    assert line == (
        f"Closed a connection of 127.0.0.1: {why}; have the proxy send one (nginx: "
        "proxy_protocol on; haproxy: send-proxy-v2), or set proxy_protocol = false"
    )


def test_nobody_else_may_connect(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    live = proxied(serve, trusted_proxies=["192.0.2.1"])
    assert ask(live.port, LINE + REQUEST) == ""
    wait_for(lambda: "Closed" in caplog.text, "the log tells")
    assert (
        "Closed a connection of 127.0.0.1: with proxy_protocol = true only "
        "trusted_proxies may connect; if it is your proxy, list it there"
    ) in caplog.messages


def test_who_only_connects_is_not_logged(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    live = proxied(serve)
    with closing(socket.create_connection(("127.0.0.1", live.port))) as sock:
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""
    assert caplog.messages == []


def test_the_option_needs_the_proxies(serve: Serve) -> None:
    for trusted in (None, []):
        message = "^proxy_protocol: it is true, and trusted_proxies is not set"
        with pytest.raises(ValueError, match=message):
            proxied(serve, trusted_proxies=trusted)


# By itself


@pytest.mark.parametrize("header", [LINE, BLOCK])
def test_nothing_after_the_header_is_read(header: bytes) -> None:
    near, far = socket.socketpair()
    with closing(near), closing(far):
        far.sendall(header + REQUEST)
        assert client_of(near, ("127.0.0.1", 1), DEADLINE) == (CLIENT, 5000)
        assert near.recv(65536) == REQUEST


def test_a_header_has_its_time_as_a_whole() -> None:
    near, far = socket.socketpair()

    def drip() -> None:
        for each in LINE[:-1]:
            far.send(bytes([each]))
            gevent.sleep(0.01)

    with closing(near), closing(far):
        sender = gevent.spawn(drip)
        with pytest.raises(ProxyHeaderError, match="after header_timeout"):
            client_of(near, ("127.0.0.1", 1), 0.05)
        sender.kill()


def test_a_proxy_keeps_its_address_for_itself() -> None:
    near, far = socket.socketpair()
    with closing(near), closing(far):
        for peer in (("::1", 7, 0, 0), ""):
            far.sendall(NAMELESS + LOCAL)
            assert client_of(near, peer, DEADLINE) == UNKNOWN
            assert client_of(near, peer, DEADLINE) == peer
