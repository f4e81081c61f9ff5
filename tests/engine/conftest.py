"""A server in this process, and clients that talk to it over 127.0.0.1."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import weakref  # noqa: E402
from collections.abc import Callable, Iterator, Mapping  # noqa: E402
from contextlib import ExitStack, closing  # noqa: E402
from http.client import HTTPException  # noqa: E402
from typing import Any, TypeVar  # noqa: E402

import gevent  # noqa: E402
import pytest  # noqa: E402
from gevent import socket  # noqa: E402

from tests.wire.strategies import EXAMPLES  # noqa: E402
from tgext.socketio.engine import socketio_manage  # noqa: E402
from tgext.socketio.engine.handover.processes import Directory  # noqa: E402
from tgext.socketio.engine.namespace import BaseNamespace  # noqa: E402
from tgext.socketio.engine.server import SocketIOServer  # noqa: E402
from tgext.socketio.engine.virtsocket import Socket  # noqa: E402

from . import connections  # noqa: E402
from .clients import (  # noqa: E402
    KINDS,
    Client,
    Http,
    Polling4,
    Polling5,
    Raw,
    WebSocket,
    WebSocket1,
    WebSocket4,
    WebSocket5,
    wait_for,
)

#: Seconds for a whole test; many times what any needs.
TEST_TIMEOUT = 120.0 + EXAMPLES

Namespaces = Mapping[str, type[BaseNamespace]]
Made = TypeVar("Made", Client, Raw, Http)


def manage(
    namespaces: Namespaces, **options: Any
) -> Callable[[dict[str, Any], Callable[..., Any]], list[bytes]]:
    """A WSGI application that accepts every connection, and has a page."""

    def application(
        environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> list[bytes]:
        if "socketio" in environ:
            socketio_manage(environ, namespaces, **options)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"a page"]

    return application


class Live:
    """A server that runs, and the clients that a test made."""

    def __init__(self, server: SocketIOServer, made: ExitStack) -> None:
        self.server = server
        self.port: int = server.server_port
        self._clients = made

    @property
    def origin(self) -> str:
        """The origin of its pages."""
        scheme = "http" if connections.TLS is None else "https"
        return f"{scheme}://127.0.0.1:{self.port}"

    def _keep(self, made: Made) -> Made:
        self._clients.enter_context(closing(made))
        return made

    def client(self, kind: str = "4-websocket", **options: Any) -> Client:
        return self._keep(KINDS[kind](self.port, **options))

    def joined(self, kind: str = "4-websocket", **options: Any) -> Any:
        """A client that is in the namespace ``/chat``."""
        client = self.client(kind, **options)
        client.join("/chat")
        return client

    def websocket_1(self, **options: Any) -> WebSocket1:
        return self._keep(WebSocket1(self.port, **options))

    def websocket_4(self, **options: Any) -> WebSocket4:
        return self._keep(WebSocket4(self.port, **options))

    def polling_4(self, **options: Any) -> Polling4:
        return self._keep(Polling4(self.port, **options))

    def websocket_5(self, **options: Any) -> WebSocket5:
        return self._keep(WebSocket5(self.port, **options))

    def polling_5(self) -> Polling5:
        return self._keep(Polling5(self.port))

    def http(self) -> Http:
        return self._keep(Http(self.port))

    def raw(self, **options: Any) -> Raw:
        return self._keep(Raw(self.port, **options))

    def websocket(self, target: str, **options: Any) -> WebSocket:
        return self._keep(WebSocket(self.port, target, **options))

    def socket(self, client: Client) -> Socket:
        """The server's side of a client."""
        return self.server.sockets[client.sid]

    def waiting_poll(self, client: Any) -> gevent.Greenlet[..., list[str]]:
        """A poll of a client that the server does not answer yet."""
        poll = gevent.spawn(client.poll)
        transport: Any = self.socket(client).transport
        wait_for(lambda: transport.polling, "a poll waits")
        return poll

    def close_clients(self) -> None:
        try:
            self._clients.close()
        except (OSError, HTTPException):
            pass  # the server has stopped

    def expect_nothing_left(self) -> None:
        """All clients have closed: the server has forgotten them."""
        server = self.server
        wait_for(lambda: not server.sockets, "all sessions end")
        wait_for(lambda: not server.websockets, "all plain WebSockets end")
        server.hub.lingering.clear()  # its last packets will not be fetched
        wait_for(
            lambda: all(each.statistics() == (0, 0) for each in server.hub.all_rooms),
            "all rooms are empty",
        )
        journals = [each for r in server.hub.all_rooms for each in r.journals.values()]
        for journal in journals:
            journal.close()  # nobody will come back
        assert [len(each) for each in journals] == [0] * len(journals)
        # Each connection that waits for a request has one.
        wait_for(
            lambda: len(server.hub.timers) == len(server.connections.direct),
            "no timer is left",
        )


Serve = Callable[..., Live]

#: The two ends of a connection: gevent sockets.
Ends = tuple[Any, Any]


@pytest.fixture(autouse=True)
def _timeout() -> Iterator[None]:
    """A test that waits for ever fails."""
    timeout = gevent.Timeout.start_new(TEST_TIMEOUT)
    yield
    timeout.close()


@pytest.fixture
def unhandled(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """The exceptions that ended a greenlet."""
    errors: list[BaseException] = []

    def print_exception(context: Any, type: Any, value: Any, traceback: Any) -> None:
        errors.append(value)

    monkeypatch.setattr(gevent.get_hub(), "print_exception", print_exception)
    return errors


@pytest.fixture
def ends() -> Iterator[Ends]:
    """The two ends of a connection in this process."""
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


@pytest.fixture
def greenlets() -> Iterator[Callable[[], list[gevent.Greenlet[..., Any]]]]:
    """Lists the greenlets that began in the test and still run."""
    spawned: weakref.WeakSet[gevent.Greenlet[..., Any]] = weakref.WeakSet()
    gevent.Greenlet.add_spawn_callback(spawned.add)
    yield lambda: [each for each in spawned if not each.dead]
    gevent.Greenlet.remove_spawn_callback(spawned.add)


@pytest.fixture
def serve(
    unhandled: list[BaseException],
    greenlets: Callable[[], list[gevent.Greenlet[..., Any]]],
) -> Iterator[Serve]:
    """Starts servers, and checks at the end that no client has left anything behind."""
    servers: list[Live] = []

    def start(
        namespaces: Namespaces | None = None,
        application: Any = None,
        listener: Any = ("127.0.0.1", 0),
        directory: Directory | None = None,
        **options: Any,
    ) -> Live:
        if application is None:
            application = manage(namespaces or {})
        server = SocketIOServer(listener, application, **options)
        if directory is not None:
            server.share_sessions(directory)
        server.start()
        servers.append(Live(server, ExitStack()))
        return servers[-1]

    try:
        yield start
        for live in servers:
            live.close_clients()
            live.expect_nothing_left()
    finally:
        for live in servers:
            live.close_clients()
            live.server.stop(timeout=1)
    wait_for(lambda: not greenlets(), "all greenlets end")
    assert unhandled == []


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    """A generation and a transport, for a test that holds for all."""
    return str(request.param)
