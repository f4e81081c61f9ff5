"""Requests through a proxy: pages, handshakes, polls and WebSockets see the client."""

from __future__ import annotations

import logging
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from gevent import socket
from gevent.ssl import create_default_context

from tests.certificates import make_certificate
from tgext.socketio.engine import socketio_manage
from tgext.socketio.engine.http.forwarded import PERIOD, ForwardedHeaders
from tgext.socketio.wire.forwarded import TrustedProxies

from .. import connections
from ..clients import RESOURCE, Http, Reply, WebSocket, wait_for
from ..conftest import Live, Serve
from ..sample_namespaces import Echo

POLLING = f"{RESOURCE}/?EIO=4&transport=polling"
WEBSOCKET = f"{RESOURCE}/?EIO=4&transport=websocket"

#: The proxy of these tests is the test itself.
HERE = ["127.0.0.1"]
NOT_HERE = ["192.0.2.1"]

CLIENT = "203.0.113.9"
BEHIND = {
    "X-Forwarded-For": CLIENT,
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "a.example",
}
STANDARD = {"Forwarded": f'for="{CLIENT}:5000";proto=https;host=a.example'}

#: What an application reads of them.
VARIABLES = (
    "REMOTE_ADDR",
    "REMOTE_PORT",
    "wsgi.url_scheme",
    "HTTP_HOST",
    "SERVER_PORT",
)


class Application:
    """Accepts all connections, and keeps what it is told of them."""

    def __init__(self) -> None:
        self.environs: list[dict[str, Any]] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.environs.append(dict(environ))
        if "socketio" in environ:
            socketio_manage(environ, {"/chat": Echo})
        elif environ.get("wsgi.websocket") is not None:
            environ["wsgi.websocket"].accept()
            return []
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"a page"]

    @property
    def last(self) -> tuple[Any, ...]:
        """What the last request was, as far as proxies can tell."""
        return tuple(self.environs[-1].get(name) for name in VARIABLES)

    @property
    def forwarded(self) -> set[str]:
        """The variables of proxies that are left in the last request."""
        last = self.environs[-1]
        return {n for n in last if "FORWARDED" in n or n == "HTTP_X_REAL_IP"}


def served(serve: Serve, trusted: list[str] | None, **options: Any) -> Any:
    """A server whose proxies are ``trusted``, and its application."""
    application = Application()
    options["trusted_proxies"] = trusted
    return serve(application=application, **options), application


# What applications see


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, ("127.0.0.1", ..., "http", ..., ...)),
        ({"X-Forwarded-For": CLIENT}, (CLIENT, None, "http", ..., ...)),
        (
            {"X-Forwarded-For": f"1.1.1.1, {CLIENT}:7, 127.0.0.1"},
            (CLIENT, "7", "http", ..., ...),
        ),
        ({"X-Forwarded-For": "::FFFF:1.2.3.4"}, ("1.2.3.4", None, "http", ..., ...)),
        (BEHIND, (CLIENT, None, "https", "a.example", "443")),
        (STANDARD, (CLIENT, "5000", "https", "a.example", "443")),
        (
            {**BEHIND, "X-Forwarded-Host": "a.example:8443"},
            (CLIENT, None, "https", "a.example:8443", "8443"),
        ),
        # haproxy and load balancers tell the port alone.
        (
            {"Host": "a.example", "X-Forwarded-Port": "8080"},
            ("127.0.0.1", ..., "http", "a.example:8080", "8080"),
        ),
        (
            {"Host": "[::1]:", "X-Forwarded-Port": "8080"},
            ("127.0.0.1", ..., "http", "[::1]:8080", "8080"),
        ),
        (
            {
                "Host": "a.example",
                "X-Forwarded-Port": "443",
                "X-Forwarded-Proto": "https",
            },
            ("127.0.0.1", ..., "https", "a.example", "443"),
        ),
        (
            {"Host": "a.example:81", "X-Forwarded-Port": "82"},
            ("127.0.0.1", ..., "http", "a.example:81", "81"),
        ),
        (
            {"Host": "a.example", "X-Forwarded-Proto": "https"},
            ("127.0.0.1", ..., "https", "a.example", "443"),
        ),
        ({"X-Forwarded-For": "unknown"}, ("127.0.0.1", ..., "http", ..., ...)),
    ],
)
def test_a_page_sees_the_client(
    serve: Serve, headers: dict[str, str], expected: tuple[Any, ...]
) -> None:
    live, application = served(serve, HERE)
    assert live.http().get("/", headers).status == 200
    for name, found, wanted in zip(VARIABLES, application.last, expected, strict=True):
        assert wanted is ... or found == wanted, name
    # No library reads them once more, and in another way.
    assert application.forwarded == set()


@pytest.mark.parametrize("headers", [BEHIND, STANDARD], ids=["x", "standard"])
@pytest.mark.parametrize("kind", ["page", "0.9", "polling", "websocket", "plain"])
def test_every_kind_of_request_sees_it(
    serve: Serve, kind: str, headers: dict[str, str]
) -> None:
    """Its page is one of this server, and the server tells so nowhere else."""
    live, application = served(serve, HERE)
    headers = {**headers, "Origin": "https://a.example"}
    assert ask(live, kind, headers) in (101, 200)
    seen = application.last
    assert (seen[0], seen[2], seen[3]) == (CLIENT, "https", "a.example")
    assert ask(live, kind, {**headers, "Origin": "https://b.example"}) == (
        200 if kind == "page" else 403
    )
    end(live)


def ask(live: Live, kind: str, headers: dict[str, str]) -> int:
    targets = {"page": "/", "0.9": f"{RESOURCE}/1/", "polling": POLLING}
    if kind in targets:
        return live.http().get(targets[kind], headers).status
    target = WEBSOCKET if kind == "websocket" else "/"
    with closing(WebSocket(live.port, target, headers)) as websocket:
        return websocket.status


def end(live: Live) -> None:
    """End the sessions whose clients send no further request."""
    for each in list(live.server.sockets.values()):
        each.kill()


@pytest.mark.parametrize("trusted", [NOT_HERE, []])
def test_the_headers_of_anybody_else_are_removed(
    serve: Serve, trusted: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    live, application = served(serve, trusted)
    http = live.http()
    more = {"X-Forwarded-Server": "x", "X-Real-IP": "1.1.1.1", "X-Forwarded_For": "1"}
    for headers in (
        BEHIND,
        STANDARD,
        {**BEHIND, **STANDARD, **more},
        {"Forwarded": ";"},
    ):
        assert http.get("/", {"Host": "here", **headers}).status == 200
        address, _, scheme, host, port = application.last
        assert (address, scheme, host) == ("127.0.0.1", "http", "here")
        assert port == str(live.port)
        assert application.forwarded == set()
    # One line, which is not repeated for each request.
    [line] = [each for each in caplog.messages if "trusted_proxies" in each]
    assert line == (
        "Removed X-Forwarded-For from a request of 127.0.0.1, which is not in "
        "trusted_proxies; if it is your proxy, add its address there"
    )


def test_without_the_option_nothing_is_read_or_removed(serve: Serve) -> None:
    """Applications that read them themselves have done so before."""
    live, application = served(serve, None)
    live.http().get("/", {**BEHIND, **STANDARD})
    assert application.last[0] == "127.0.0.1"
    assert application.last[2] == "http"
    assert len(application.forwarded) == 4


def test_each_request_of_a_connection_has_its_own_client(serve: Serve) -> None:
    live, application = served(serve, HERE)
    http = live.http()
    for address in ("203.0.113.1", "203.0.113.2"):
        http.get("/", {"X-Forwarded-For": address})
        assert application.last[0] == address
    http.get("/")
    assert application.last[0] == "127.0.0.1"


def test_a_proxy_on_a_unix_socket_is_believed(serve: Serve, tmp_path: Path) -> None:
    path = str(tmp_path / "app.sock")
    head = "".join(f"{name}: {value}\r\n" for name, value in BEHIND.items())
    request = f"GET / HTTP/1.0\r\n{head}\r\n".encode()
    for trusted, address in ((["unix:"], CLIENT), (HERE, None)):
        live, application = served(serve, trusted, listener=(f"unix:{path}", 0))
        with closing(socket.socket(socket.AF_UNIX)) as client:
            client.connect(path)
            client.sendall(request)
            assert b" 200 OK" in client.recv(65536)
        assert application.last[0] == address
        live.server.stop()


@pytest.mark.parametrize(
    ("headers", "reason", "detail"),
    [
        (
            {"X-Forwarded-For": "<b>\x1b[2J"},
            "a header is invalid",
            "",
        ),
        (
            {"X-Forwarded-For": "<b>"},
            "X-Forwarded-For has an invalid address",
            "<b>; have the proxy set it anew, or remove it, in place of passing it on",
        ),
        (
            {"X-Forwarded-Host": "a\\b" + "x" * 99},
            "X-Forwarded-Host has an invalid host",
            "a\\\\b" + "x" * 77 + "...; have the proxy ",
        ),
        (
            {"Forwarded": "for=1.1.1.1", "X-Forwarded-For": "2.2.2.2"},
            "Forwarded and X-Forwarded-* differ",
            "for=1.1.1.1; have the proxy remove those that it does not write",
        ),
    ],
)
def test_an_invalid_header_of_a_proxy_refuses_with_one_line(
    serve: Serve,
    caplog: pytest.LogCaptureFixture,
    headers: dict[str, str],
    reason: str,
    detail: str,
) -> None:
    caplog.set_level(logging.INFO)
    live, application = served(serve, HERE)
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    raw = live.raw()
    raw.send_raw(f"GET {POLLING} HTTP/1.1\r\nHost: here\r\n{fields}\r\n".encode())
    reply = raw.sock.recv(65536)
    assert reply.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert reply.endswith(f"\r\n\r\n{reason}\n".encode())
    wait_for(lambda: "refused" in caplog.text, "the log tells")
    [line] = [each for each in caplog.messages if "refused" in each]
    assert line.startswith(f"HTTP request refused, 400 Bad Request: {reason}")
    assert detail in line
    assert "; from 127.0.0.1: GET /" in line
    assert application.environs == []


# What follows from it


def test_the_limit_of_an_address_is_the_client_s(serve: Serve) -> None:
    live, _ = served(serve, HERE, max_connections_per_address=1)

    def opened(client: str) -> int:
        reply: Reply = live.http().get(POLLING, {"X-Forwarded-For": client})
        return reply.status

    clients = ("203.0.113.1", "203.0.113.2", "203.0.113.1, 203.0.113.3")
    assert [opened(each) for each in clients] == [200, 200, 200]
    assert [opened(each) for each in clients] == [503, 503, 503]
    end(live)


def test_the_cookie_of_a_connection_is_secure(serve: Serve) -> None:
    live, _ = served(serve, HERE, cookie="io")
    with closing(Http(live.port)) as http:
        for proto, secure in (("https", True), ("http", False)):
            reply = http.get(POLLING, {"X-Forwarded-Proto": proto})
            assert ("Secure" in str(reply.headers["Set-Cookie"])) is secure
    end(live)


def test_the_log_has_the_client(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    live, _ = served(serve, HERE)
    http = live.http()
    http.get("/page", BEHIND)
    http.get(f"{RESOURCE}/?EIO=9&transport=polling", BEHIND)
    for request in ("GET /page HTTP/1.1", "Refused GET /socket.io/"):
        line = next(each for each in caplog.messages if request in each)
        assert CLIENT in line, line
        assert "127.0.0.1" not in line, line


def test_a_page_that_is_refused_is_told_of_the_option(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """The proxy tells the host, and nobody listens."""
    caplog.set_level(logging.INFO)
    live, _ = served(serve, None)
    for headers in (BEHIND, {}):
        headers = {**headers, "Origin": "https://a.example"}
        assert live.http().get(POLLING, headers).status == 403
    told = ["trusted_proxies" in each for each in caplog.messages if "Refused" in each]
    assert told == [True, False]


def test_a_server_with_tls_may_be_behind_a_proxy(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = map(str, make_certificate(tmp_path))
    context = create_default_context(cafile=certificate)
    monkeypatch.setattr(connections, "TLS", context)
    live, application = served(serve, HERE, certfile=certificate, keyfile=key)
    for headers, scheme, port in (
        ({"X-Forwarded-Host": "a.example"}, "https", "443"),
        ({"X-Forwarded-Proto": "http", "Host": "a.example"}, "http", "80"),
    ):
        assert live.http().get("/", headers).status == 200
        assert application.last[2:] == (scheme, "a.example", port)


# The log line about headers that are removed


def test_the_line_is_repeated_with_what_happened_meanwhile(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    time = [0.0]
    headers = ForwardedHeaders(TrustedProxies(NOT_HERE), lambda: time[0])
    for seconds, peer in (
        (0.0, ("203.0.113.1", 1)),
        (1.0, ("203.0.113.2", 1)),
        (PERIOD - 1, ("203.0.113.3", 1)),
        (PERIOD, ""),
        (3 * PERIOD, ("203.0.113.4", 1)),
    ):
        time[0] = seconds
        variables = {"HTTP_X_FORWARDED_\x1b": "x", "HTTP_X": "y"}
        assert headers.apply(variables, peer, "http") == peer
        assert variables == {"HTTP_X": "y"}
    first, second, third = caplog.messages
    assert re.match(r"Removed X-Forwarded-\\x1b from a request of 203.0.113.1,", first)
    assert second.endswith(
        "a request of a Unix socket, which is not in trusted_proxies; if it is your "
        "proxy, add unix: there (2 more since the last line about it)"
    )
    assert third.endswith("add its address there")
