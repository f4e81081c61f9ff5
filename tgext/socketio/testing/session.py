"""``SocketIOTest``: clients of Socket.IO, beside WebTest's ``TestApp``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import count
from types import TracebackType
from typing import Any, Final

from ..drivers import applications
from ..messaging.cluster import Elsewhere
from ..request.cookies import CookieWatch
from ..request.destination import NO_CHALLENGES, Destinations
from .browser import Browser, WebTestApp
from .client import Client
from .connection import Connection
from .databases import shared_in_memory
from .dialects import DIALECTS
from .host import Host
from .loop import settle
from .manager import Manager
from .passing import advance, moving
from .plain import WebSocket

#: Seconds that handlers have to end in, after their clients have gone.
_PATIENCE: Final = 0.5

#: The generations of clients, the newest first: with
#: ``@pytest.mark.parametrize('generation', GENERATIONS)`` a test runs with all.
GENERATIONS: Final = tuple(DIALECTS)


class SocketIOTest:
    """An application with its server, in this process, and clients of it.

    There is no port and no thread. The clients talk to the server over pairs of
    sockets, in the protocol of their generation.

    :param app: a ``webtest.TestApp``: the clients have its cookies and its
        ``extra_environ``. Or the application itself, for which :attr:`app` is one.
    :param generation: the version of socket.io-client that the clients are:
        ``'4'`` for 3.x and 4.x, ``'2'`` for 1.x and 2.x, or ``'0.9'``.
    :param resource: the path of the controller, ``socketio_resource`` of the server.
    :param timeout: seconds to wait for anything, where no others are given.
    :param options: those of ``[server:main]``, such as ``heartbeat_interval=5``.
    :raises ValueError: when there is no such generation, or an option is invalid.
    :raises TypeError: when there is no such option.

    :ivar app: as given.
    :ivar server: the server, which has to be entered: ``with SocketIOTest(app) as io``.
    """

    #: pytest does not take it for tests.
    __test__ = False

    def __init__(
        self,
        app: Any,
        generation: str = "4",
        resource: str = "socketio",
        timeout: float = 5.0,
        **options: Any,
    ) -> None:
        if generation not in DIALECTS:
            known = ", ".join(map(repr, DIALECTS))
            text = f"generation: {generation!r} is not one of {known}"
            raise ValueError(text)
        self.app: Any = app if hasattr(app, "cookiejar") else _webtest(app)
        self._dialect = DIALECTS[generation]
        self._resource = resource
        self._timeout = timeout
        self._numbers = count(1)
        self._wsgi = self.app.app
        self._pages = CookieWatch(self._wsgi, Elsewhere())
        application = CookieWatch(Destinations(self._wsgi), Elsewhere())
        self.server = Host(application, resource, **options)
        self.server.opening_environ = NO_CHALLENGES
        self._exit = ExitStack()

    def __enter__(self) -> SocketIOTest:
        with ExitStack() as entered:
            entered.enter_context(moving())
            configs = [each.config for each in list(applications)]
            entered.enter_context(shared_in_memory(configs))
            _join(configs)
            self.server.start()
            entered.callback(self.server.stop, timeout=_PATIENCE)
            entered.callback(settle)  # it need not wait for clients that have gone
            self._exit = entered.pop_all()
        self.use(self.app)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._exit.close()
        settle()

    def browser(self) -> Any:
        """Another ``webtest.TestApp`` of the application, with cookies of its own."""
        return self.use(_webtest(self._wsgi))

    def use(self, app: WebTestApp) -> WebTestApp:
        """Let the clients of a ``webtest.TestApp`` be told what its pages change.

        A page that logs in or out ends the connections of its browser, as with a real
        server. Those of :attr:`app` and of :meth:`browser` are used already.

        :returns: the same.
        """
        if app.app is self._wsgi:
            self._exit.callback(setattr, app, "app", app.app)
            app.app = self._pages
        return app

    def connect(
        self,
        namespace: str = "/",
        *,
        auth: Mapping[str, Any] | None = None,
        browser: WebTestApp | None = None,
        extra_environ: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Client:
        """Connect a new client to a namespace.

        :param namespace: its name, ``'/chat'``; ``'/'`` for the main one.
        :param auth: what the client sends with it. Clients before 3.0 have no ``auth``:
            they send it as a query string, ``/chat?token=1``.
        :param browser: the ``webtest.TestApp`` whose cookies the client has;
            :attr:`app` by default.
        :param extra_environ: values for the WSGI environment, as for WebTest's
            requests: ``{'REMOTE_USER': 'ann'}``.
        :param headers: headers of the request that opens the connection.
        :raises ConnectRefused: when the server, the application or the namespace
            refuses the client.
        """
        opener = self._browser(browser, extra_environ, headers)
        who = f"client {next(self._numbers)}"
        open_ = partial(Connection, opener, self._dialect, self._resource)
        return Client(Manager(open_), namespace, auth, self._timeout, who)

    def websocket(
        self,
        path: str,
        *,
        protocols: Sequence[str] = (),
        browser: WebTestApp | None = None,
        extra_environ: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> WebSocket:
        """Open a plain WebSocket.

        :param path: where the application accepts it, with the query if there is one.
        :param protocols: the subprotocols that the client offers, the best first.
        :param browser: as for :meth:`connect`; so are the others.
        :raises ConnectRefused: when it is not accepted.
        """
        opener = self._browser(browser, extra_environ, headers)
        return WebSocket(opener, path, protocols, self._timeout)

    def advance(self, seconds: float) -> None:
        """Move the clock of the servers: timers that are due meanwhile run, in order.

        It is the clock of heartbeats and their timeouts, of clients that are late, of
        presence that lingers, of sessions to be recovered, and of rate limits. Not of
        ``time.sleep``, and not of the application's own clocks.
        """
        advance(self.server.hub.timers, seconds)

    def _browser(
        self,
        app: WebTestApp | None,
        extra_environ: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
    ) -> Browser:
        if not self.server.started:
            text = "enter it first: with SocketIOTest(app) as io: io.connect(...)"
            raise RuntimeError(text)
        used = self.app if app is None else self.use(app)
        browser = Browser(self.server, used, extra_environ, headers, self._timeout)
        self._exit.callback(browser.close)
        return browser


def _join(configs: Sequence[Mapping[str, Any]]) -> None:
    """Give applications what carries their channels, if there can be any."""
    try:
        from .bus import join
    except ModuleNotFoundError:
        return  # channels and clusters need anypubsub
    join(configs)


def _webtest(application: Any) -> Any:
    """WebTest's ``TestApp`` of an application."""
    from webtest import TestApp

    return TestApp(application)
