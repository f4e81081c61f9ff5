"""An application with plain WebSockets, on a server."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from typing import Any

import gevent
import pytest
import tg
from gevent.event import Event
from tg import (
    MinimalApplicationConfigurator,
    TGController,
    expose,
    predicates,
    request,
    require,
    validate,
)
from tg.validation import Convert, TGValidationError

from tests.engine.clients import DEADLINE, WebSocket
from tests.engine.conftest import Live, Serve
from tgext.socketio.server import NO_CHALLENGES
from tgext.socketio.websocket import Deflate, Group, WebSocketError, websocket

DATE = datetime.date(2026, 2, 3)


def whoami() -> str:
    identity = request.environ.get("repoze.who.identity", {"user": "nobody"})
    name: str = identity["user"]
    return name


class Word:
    """A validator of one word."""

    def to_python(self, value: Any, state: object = None) -> str:
        if " " in str(value):
            raise TGValidationError("One word, please")
        return str(value).upper()


class Members(TGController):
    allow_only = predicates.not_anonymous(msg="Members only")

    @expose()
    @websocket
    def chat(self) -> None:
        request.websocket.send(whoami())


class Root(TGController):
    members = Members()

    def __init__(self) -> None:
        super().__init__()
        self.group = Group()
        self.seen: list[Any] = []
        self.go_on = Event()

    @expose()
    def page(self) -> str:
        return f"websocket: {request.websocket}"

    @expose()
    @websocket
    def echo(self, room: str = "lobby", *rest: str, **params: str) -> str:
        """Sends back."""
        request.websocket.send(f"{room} {rest} {sorted(params.items())}")
        for message in request.websocket:
            request.websocket.send("Message received: " + message)
        return "what nobody sees"

    @websocket(ping_interval=5)
    @expose()
    def outermost(self, room: str) -> None:
        request.websocket.send(room)

    @expose()
    @websocket()
    def loop(self) -> None:
        """The loop of web2py and gevent-websocket, unchanged."""
        ws = request.websocket
        while True:
            message = ws.receive()
            if message is None:
                break
            ws.send(message)

    @expose()
    def undecorated(self) -> str:
        ws = request.websocket
        if ws is None:
            return "a page"
        ws.send("accepted by use")
        return ""

    @expose()
    @require(predicates.is_user("ada"))
    @websocket
    def hers(self) -> None:
        self.seen.append("ran")
        request.websocket.send("hello " + whoami())

    @expose()
    @require(predicates.not_anonymous())
    @validate({"count": Convert(int), "word": Word()})
    @websocket
    def checked(self, count: int, word: str) -> None:
        for _ in range(count):
            request.websocket.send(word)

    @expose()
    def wrong(self, *args: Any, **kwargs: Any) -> str:
        return "wrong: " + ", ".join(request.validation.errors)

    @expose()
    @validate({"word": Word()}, error_handler=wrong)
    @websocket
    def handled(self, word: str) -> None:
        request.websocket.send(word)

    @expose()
    @websocket
    def context(self) -> None:
        tg.tmpl_context.heard = 0
        for _ in request.websocket:
            gevent.sleep(0.001)
            tg.tmpl_context.heard += 1
            request.websocket.send_json([request.path, whoami(), tg.tmpl_context.heard])

    @expose()
    @websocket
    def dates(self) -> None:
        request.websocket.send_json({"day": DATE})
        self.group.add(request.websocket)
        self.group.send_json([DATE])

    @expose()
    @websocket
    def fails(self, how: str) -> None:
        if how == "aborts":
            tg.abort(404)
        if how == "sends badly":
            request.websocket.send(None)  # type: ignore[arg-type]
        if how == "another socket":
            raise WebSocketError("of another connection")
        raise ZeroDivisionError("on purpose")

    @expose()
    @websocket
    def sends_on(self) -> None:
        while True:
            request.websocket.send("tick")
            gevent.sleep(0.001)

    @expose()
    @websocket(subprotocols=["v2.chat", "v1.chat"])
    def spoken(self) -> None:
        request.websocket.send(str(request.websocket.subprotocol))

    @expose()
    @websocket(max_message_size=10)
    def short(self) -> None:
        for _ in request.websocket:
            pass

    @expose()
    @websocket(origins=["https://Friend.example/"])
    def friends(self) -> None:
        pass

    @expose()
    @websocket(origins=["*", "https://listed.example"])
    def anyone(self) -> None:
        request.websocket.send(whoami())

    @expose()
    @websocket(origins=["*"])
    def anyone_again(self) -> None:
        request.websocket.send(whoami())

    @expose()
    @require(predicates.not_anonymous())
    @websocket(origins=["*"])
    def known(self) -> None:
        request.websocket.send(whoami())

    @expose()
    def lazily(self) -> str:
        request.websocket.send(whoami())
        return ""

    @expose()
    @websocket(ping_interval=0.05)
    def pinged(self) -> None:
        self.go_on.wait(DEADLINE)

    @expose()
    @websocket(compression=True)
    def compressed(self) -> None:
        request.websocket.send(request.websocket.receive() * 100)

    @expose()
    @websocket(compression=Deflate(server_no_context_takeover=True))
    def compressed_so(self) -> None:
        request.websocket.send(request.websocket.receive() * 100)


def identified(application: Any) -> Callable[..., Iterable[bytes]]:
    """A cookie names the user."""

    def middleware(environ: dict[str, Any], start_response: Any) -> Any:
        user = environ.get("HTTP_COOKIE", "").partition("user=")[2]
        if user:
            identity = {"user": user, "repoze.who.userid": user}
            environ["repoze.who.identity"] = identity
            environ["repoze.what.credentials"] = {"repoze.what.userid": user}
        return application(environ, start_response)

    return middleware


def make_app(root: TGController, *components: Any, **options: Any) -> Any:
    configurator = MinimalApplicationConfigurator()
    for component in components:
        configurator.register(component)
    configurator.update_blueprint({"root_controller": root, **options})
    return identified(configurator.make_wsgi_app({}, {}))


@pytest.fixture
def root() -> Root:
    return Root()


@pytest.fixture
def live(serve: Serve, root: Root) -> Live:
    server = serve(application=make_app(root))
    server.server.opening_environ = NO_CHALLENGES
    return server


def connected(live: Live, target: str, user: str = "", **headers: str) -> WebSocket:
    cookie = {"Cookie": f"user={user}"} if user else {}
    made: WebSocket = live.websocket(target, headers={**cookie, **headers})
    assert made.status == 101, made.refusal()
    return made
