"""Plain WebSockets in controllers."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable, Iterable
from typing import Any

import gevent
import pytest
import tg
import transaction
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
from tg.configurator.components.error_pages import ErrorPagesConfigurationComponent
from tg.configurator.components.transactions import (
    TransactionManagerConfigurationComponent,
)
from tg.validation import Convert, TGValidationError
from webtest import TestApp

from tests.engine.clients import DEADLINE, WebSocket, wait_for
from tests.engine.conftest import Live, Serve
from tgext.socketio.server import NO_CHALLENGES
from tgext.socketio.websocket import Deflate, Group, WebSocketError, websocket
from tgext.socketio.wire.origin import Origins
from tgext.socketio.wire.websocket.deflate import Inflater
from tgext.socketio.wire.websocket.frames import BINARY, PING, FrameReader

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
        """The loop of web2py and gevent-websocket, as it is."""
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
    """A cookie says who one is."""

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


# The method


@pytest.mark.parametrize(
    ("target", "first"),
    [
        ("/echo", "lobby () []"),
        ("/echo/kitchen", "kitchen () []"),
        ("/echo/kitchen/sink?a=1", "kitchen ('sink',) [('a', '1')]"),
        ("/echo?room=hall", "hall () []"),
    ],
)
def test_arguments_come_from_the_url(live: Live, target: str, first: str) -> None:
    client = connected(live, target)
    assert client.receive() == first
    client.send("hällo")
    assert client.receive() == "Message received: hällo"
    client.leave()


def test_the_decorator_may_stand_outside(live: Live) -> None:
    assert connected(live, "/outermost/kitchen").receive() == "kitchen"


def test_the_method_keeps_its_name_and_its_words() -> None:
    assert Root.echo.__name__ == "echo"
    assert Root.echo.__doc__ == "Sends back."


def test_a_loop_written_for_gevent_websocket_runs(live: Live) -> None:
    client = connected(live, "/loop")
    client.send("text")
    client.send_frame(BINARY, b"\x00\xff")
    assert client.receive() == "text"
    assert client.receive_frame() == (BINARY, b"\x00\xff")
    client.leave()


def test_a_method_that_is_not_decorated_accepts_by_using_it(live: Live) -> None:
    assert live.http().get("/undecorated").text == "a page"
    client = connected(live, "/undecorated")
    assert client.receive() == "accepted by use"
    assert client.receive_close() == 1000


def test_the_context_of_the_request_stays(live: Live) -> None:
    ada, bob = (connected(live, "/context", user) for user in ("ada", "bob"))
    for number in (1, 2, 3):
        ada.send("")
        bob.send("")
        assert ada.receive() == f'["/context","ada",{number}]'
        assert bob.receive() == f'["/context","bob",{number}]'


def test_json_is_what_a_json_page_writes(live: Live) -> None:
    client = connected(live, "/dates")
    assert client.receive() == '{"day":"2026-02-03"}'
    assert client.receive() == '["2026-02-03"]'


# Requests that are refused


def test_an_ordinary_request_has_no_websocket(live: Live) -> None:
    assert live.http().get("/page").text == "websocket: None"


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_a_request_that_is_no_handshake_is_bad(live: Live, method: str) -> None:
    reply = live.http().request(method, "/echo")
    assert reply.status == 400
    assert reply.headers["Content-Type"].lower() == "text/plain; charset=utf-8"
    assert reply.text == ("" if method == "HEAD" else "Invalid WebSocket request")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-WebSocket-Version": "12"}, 426),
        ({"Sec-WebSocket-Key": "short"}, 400),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Upgrade": "h2c"}, 400),
    ],
)
def test_a_handshake_that_cannot_be_accepted_is_refused(
    live: Live, headers: dict[str, str], status: int
) -> None:
    client = live.websocket("/echo", headers=headers)
    assert client.status == status
    if status == 426:
        assert client.headers["Upgrade"] == "websocket"
        assert client.headers["Sec-WebSocket-Version"] == "13"


@pytest.mark.parametrize(("user", "status"), [("", 401), ("bob", 403), ("ada", 101)])
def test_requirements_are_met_before_the_handshake(
    live: Live, root: Root, user: str, status: int
) -> None:
    client = live.websocket("/hers", headers={"Cookie": f"user={user}"})
    assert client.status == status
    if status == 101:
        assert client.receive() == "hello ada"
    else:
        assert root.seen == []
        # An ordinary request is refused as a handshake is.
        reply = live.http().get("/hers", {"Cookie": f"user={user}"})
        assert reply.status == status


def test_allow_only_guards_too(live: Live) -> None:
    assert live.websocket("/members/chat").status == 401
    assert connected(live, "/members/chat", "ada").receive() == "ada"


def test_error_pages_leave_the_answer_alone(serve: Serve, root: Root) -> None:
    """A client that is no browser gets the status, not a page about it."""
    options = {"status_code_redirect": True, "errorpage.status_codes": [403, 404, 400]}
    live = serve(
        application=make_app(root, ErrorPagesConfigurationComponent, **options)
    )
    live.server.opening_environ = NO_CHALLENGES
    assert live.http().get("/echo").text == "Invalid WebSocket request"
    client = live.websocket("/hers", headers={"Cookie": "user=bob"})
    assert client.status == 403


def test_arguments_are_validated_before_the_handshake(live: Live) -> None:
    client = connected(live, "/checked/2/word", "ada")
    assert [client.receive(), client.receive()] == ["WORD", "WORD"]
    assert client.receive_close() == 1000


def test_arguments_that_are_refused_refuse_the_handshake(live: Live) -> None:
    headers = {"Cookie": "user=ada"}
    refusal = live.websocket("/checked/x/two%20words", headers=headers).refusal()
    assert refusal.status == 400
    assert "word: One word, please" in refusal.text
    assert "count: " in refusal.text
    assert live.websocket("/checked/x/two%20words").status == 401


def test_an_error_handler_answers_over_http(live: Live) -> None:
    refusal = live.websocket("/handled?word=two+words").refusal()
    assert (refusal.status, refusal.text) == (200, "wrong: word")
    assert connected(live, "/handled?word=one").receive() == "ONE"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 400),
        (
            {
                "Upgrade": "websocket",
                "Connection": "Upgrade",
                "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            },
            400,
        ),
        (
            {
                "Upgrade": "websocket",
                "Connection": "Upgrade",
                "Sec-WebSocket-Version": "12",
            },
            426,
        ),
    ],
)
def test_another_server_answers_alike(
    root: Root, headers: dict[str, str], status: int
) -> None:
    """WebTest, say: there the connection cannot be had."""
    environ = {"SERVER_PROTOCOL": "HTTP/1.1"}
    response = TestApp(make_app(root)).get(
        "/echo", headers=headers, extra_environ=environ, status=status
    )
    assert response.text == "Invalid WebSocket request"


# Options


@pytest.mark.parametrize(
    ("asked", "chosen"), [("v1.chat, v2.chat", "v1.chat"), ("v3.chat", None)]
)
def test_subprotocols(live: Live, asked: str, chosen: str | None) -> None:
    client = connected(live, "/spoken", **{"Sec-WebSocket-Protocol": asked})
    assert client.headers["Sec-WebSocket-Protocol"] == chosen
    assert client.receive() == str(chosen)


def test_max_message_size(live: Live) -> None:
    client = connected(live, "/short")
    client.send("x" * 10)
    client.send("x" * 11)
    assert client.receive_close() == 1009


@pytest.mark.parametrize(
    ("origin", "status"),
    [("https://friend.example", 101), ("https://elsewhere.example", 403)],
)
def test_origins(live: Live, origin: str, status: int) -> None:
    assert live.websocket("/friends", headers={"Origin": origin}).status == status


@pytest.mark.parametrize(
    ("path", "origin", "user"),
    [
        ("/anyone", "http://HOST", "ada"),
        ("/anyone", None, "ada"),
        ("/anyone", "https://listed.example", "ada"),
        ("/anyone", "https://elsewhere.example", "nobody"),
        ("/anyone_again", "https://elsewhere.example", "nobody"),
        ("/lazily", "https://listed.example", "ada"),
    ],
)
def test_any_page_may_connect_but_not_with_its_users_cookies(
    serve: Serve, root: Root, path: str, origin: str | None, user: str
) -> None:
    """As with Socket.IO: ``*`` is nobody's page in particular."""
    live = serve(application=make_app(root))
    host = f"127.0.0.1:{live.port}"
    headers = {
        "Cookie": "user=ada",
        "Origin": origin and origin.replace("HOST", host),
    }
    live.server.allowed_origins = Origins(["https://listed.example"])
    client = live.websocket(path, headers=headers)
    assert client.status == 101
    assert client.receive() == user


def test_who_must_be_known_cannot_come_from_any_page(live: Live) -> None:
    headers = {"Cookie": "user=ada", "Origin": "https://elsewhere.example"}
    assert live.websocket("/known", headers=headers).status == 401
    headers["Origin"] = f"http://127.0.0.1:{live.port}"
    assert live.websocket("/known", headers=headers).receive() == "ada"


def test_ping_interval(live: Live, root: Root) -> None:
    assert connected(live, "/pinged").receive_frame() == (PING, b"")
    root.go_on.set()


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        ("/compressed", "permessage-deflate"),
        ("/compressed_so", "permessage-deflate; server_no_context_takeover"),
        ("/echo", None),
    ],
)
def test_compression(live: Live, target: str, answer: str | None) -> None:
    offer = {"Sec-WebSocket-Extensions": "permessage-deflate"}
    client = live.websocket(target, headers=offer)
    assert client.headers["Sec-WebSocket-Extensions"] == answer
    if answer is not None:
        client._reader = FrameReader(masked=False, inflater=Inflater())
        client.send("Hello")
        assert client.receive() == "Hello" * 100


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"subprotocols": "chat"}, TypeError, "subprotocols: 'chat' is not a list"),
        ({"origins": "*"}, TypeError, r"origins: '\*' is not a list"),
        ({"origins": ["x.org"]}, ValueError, "^origins: 'x.org' has no scheme"),
        ({"max_message_size": 0}, ValueError, "max_message_size: 0 is not greater"),
        ({"ping_interval": -1}, ValueError, "ping_interval: -1 is not greater"),
        ({"compression": "gzip"}, TypeError, "compression: 'gzip' is no bool"),
    ],
)
def test_an_option_that_cannot_be_is_named(
    options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        websocket(**options)


# The end


@pytest.mark.parametrize(
    ("how", "logged"),
    [
        ("raises", "ZeroDivisionError: on purpose"),
        ("sends badly", "TypeError: a message is str or bytes"),
        ("another socket", "of another connection"),
        ("aborts", "404 Not Found"),
    ],
)
def test_a_method_that_fails_is_logged_and_told_with_a_code(
    live: Live, caplog: pytest.LogCaptureFixture, how: str, logged: str
) -> None:
    client = connected(live, f"/fails/{how.replace(' ', '%20')}")
    assert client.receive_close() == 1011
    client.close()
    wait_for(lambda: not live.server.websockets, "the method ends")
    errors = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert logged in caplog.text


@pytest.mark.parametrize("how", ["closes", "vanishes"])
def test_a_client_that_leaves_ends_the_method(
    live: Live, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    client = connected(live, "/sends_on")
    assert client.receive() == "tick"
    if how == "closes":
        client.send_close()
    client.close()
    wait_for(lambda: not live.server.websockets, "the method ends")
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR]


# Transactions


class Journal(TGController):
    """Notes what becomes of the transactions that its methods begin."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Any] = []

    def begin(self, name: str) -> None:
        def ended(committed: bool) -> None:
            self.events.append((name, "committed" if committed else "failed"))

        transaction.get().addAfterCommitHook(ended)
        transaction.get().addAfterAbortHook(lambda: self.events.append((name, "gone")))

    @expose()
    @websocket
    def work(self, how: str = "well") -> None:
        self.events.append("method")
        with transaction.manager:
            self.begin("message")
        self.begin("rest")
        request.websocket.send("done")
        request.websocket.receive()
        if how == "badly":
            raise ZeroDivisionError("on purpose")

    def _before(self, *args: Any, **kwargs: Any) -> None:
        self.begin("opening")


@pytest.mark.parametrize(("how", "end"), [("well", "committed"), ("badly", "gone")])
def test_a_transaction_does_not_last_as_long_as_the_socket(
    serve: Serve, how: str, end: str
) -> None:
    journal = Journal()
    options = {"tm.enabled": True}
    application = make_app(journal, TransactionManagerConfigurationComponent, **options)
    live = serve(application=application)
    client = connected(live, f"/work/{how}")
    assert client.receive() == "done"
    assert journal.events == [
        ("opening", "committed"),
        "method",
        ("message", "committed"),
    ]
    client.send("on")
    client.receive_close()
    client.close()
    wait_for(lambda: not live.server.websockets, "the method ends")
    assert journal.events[3:] == [("rest", end)]
