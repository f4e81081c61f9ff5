"""The application's wrappers run around events."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import gevent
import pytest
import tg
from gevent.event import Event
from tg import MinimalApplicationConfigurator, TGController, expose
from tg.appwrappers.base import ApplicationWrapper
from tg.appwrappers.errorpage import ErrorPageApplicationWrapper
from tg.appwrappers.session import SessionApplicationWrapper
from webob.exc import HTTPFound, HTTPServiceUnavailable, status_map

from tests.engine.clients import DEADLINE
from tests.engine.conftest import Live
from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.namespace import ConnectionRefused
from tgext.socketio.request.context import contexts
from tgext.socketio.request.wrappers import SessionWatch


class Noting(ApplicationWrapper):
    """A wrapper that records its calls."""

    seen: list[tuple[Any, ...]]

    def __call__(self, controller: Any, environ: Any, context: Any) -> Any:
        self.seen.append(
            ("before", context.request.path, tg.request.environ is environ)
        )
        try:
            response = self.next_handler(controller, environ, context)
        except Exception as error:
            self.seen.append(("raised", str(error)))
            raise
        self.seen.append(("after", response.status_int))
        return response


class Old:
    """An old-style wrapper, which does not get the configuration."""

    def __init__(self, handler: Any) -> None:
        self.handler = handler

    def __call__(self, controller: Any, environ: Any, context: Any) -> Any:
        context.tmpl_context.old = "was here"
        return self.handler(controller, environ, context)


class Absent(ApplicationWrapper):
    """A wrapper that disables itself."""

    injected = False

    def __call__(self, controller: Any, environ: Any, context: Any) -> Any:
        raise AssertionError


class Retrying(ApplicationWrapper):
    """Tries again, as the transaction manager does."""

    def __call__(self, controller: Any, environ: Any, context: Any) -> Any:
        try:
            return self.next_handler(controller, environ, context)
        except LookupError:
            return self.next_handler(controller, environ, context)


class Closing(ApplicationWrapper):
    """A wrapper that answers without running the event."""

    answer: Callable[[], Any] | None = None

    def __call__(self, controller: Any, environ: Any, context: Any) -> Any:
        if type(self).answer is not None:
            return type(self).answer()
        return self.next_handler(controller, environ, context)


class Lab(SocketIOTGNamespace):
    attempts = 0

    def on_plain(self):
        return tg.tmpl_context.old

    def on_fail(self):
        raise RuntimeError("no more")

    def on_abort(self, code, text):
        tg.abort(code, text)

    def on_redirect(self, url, code):
        raise status_map[code](location=tg.url(url))

    def on_redirect_as_pages_do(self):
        tg.redirect("/login", params={"came_from": "/shop"})

    def on_leave(self):
        self.disconnect()

    def on_twice(self):
        type(self).attempts += 1
        self.emit("attempt", self.attempts)
        self.emit_on_commit("late", self.attempts)
        if self.attempts == 1:
            raise LookupError
        return self.attempts

    def on_end_another(self):
        for socket in SocketIOController.namespace("/lab").sockets:
            if socket is not self.socket:
                socket["/lab"].disconnect()

    def recv_disconnect(self):
        Noting.seen.append(("left", tg.request.cookies.get("user")))
        self.disconnect(silent=True)


class Picky(SocketIOTGNamespace):
    tries = 0

    def initialize(self):
        if "abort" in self.environ["QUERY_STRING"]:
            tg.abort(403, "Not with that")

    def recv_connect(self):
        type(self).tries += 1
        self.emit("welcome", self.tries)
        if self.tries == 1:
            raise LookupError
        if self.tries > 2:
            raise ConnectionRefused("Full")


class SocketIO(SocketIOController):
    lab = Lab
    picky = Picky


@pytest.fixture
def live(serve: Callable[..., Live], monkeypatch: pytest.MonkeyPatch) -> Live:
    monkeypatch.setattr(Noting, "seen", [], raising=False)
    monkeypatch.setattr(Closing, "answer", None)
    monkeypatch.setattr(Lab, "attempts", 0)
    monkeypatch.setattr(Picky, "tries", 0)

    class RootController(TGController):
        socketio = SocketIO()

    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint(
        {"root_controller": RootController(), "errorpage.enabled": True}
    )
    for wrapper in (Retrying, Closing, Old, Absent, Noting):
        configurator.register_application_wrapper(wrapper)
    configurator.register_application_wrapper(ErrorPageApplicationWrapper, after=True)
    application = configurator.make_wsgi_app({}, {})
    return serve(application=application, resource="socketio")


@pytest.fixture
def client(live: Live) -> Any:
    made = live.websocket_5(headers={"Cookie": "user=ada"})
    made.join("/lab")
    Noting.seen.clear()
    return made


BEFORE = ("before", "/socketio/", True)


def test_a_wrapper_sees_an_event_as_a_request(client: Any) -> None:
    assert client.call("/lab", "plain") == ["was here"]
    assert Noting.seen == [BEFORE, ("after", 200)]


def test_a_wrapper_sees_what_a_handler_raises(client: Any) -> None:
    client.emit("/lab", "fail")
    assert client.event("/lab") == ["error", "internal_error", "Internal server error"]
    assert Noting.seen == [BEFORE, ("raised", "no more")]
    assert client.call("/lab", "plain", number=2) == ["was here"]


@pytest.mark.parametrize(
    ("status", "name"), [(403, "method_access_denied"), (404, "404")]
)
def test_abort_is_an_answer(client: Any, status: int, name: str) -> None:
    client.emit("/lab", "abort", status, "No such room")
    assert client.event("/lab") == ["error", name, "No such room"]
    assert Noting.seen == [BEFORE, ("after", status)]


@pytest.mark.parametrize(
    ("status", "name"), [(403, "method_access_denied"), (404, "404")]
)
def test_the_ack_of_what_was_aborted_says_so(
    client: Any, status: int, name: str
) -> None:
    client.emit("/lab", "abort", status, "No such room", number=9)
    client.failure("/lab", name, "No such room")


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirection_tells_the_page_where_to_go(client: Any, code: int) -> None:
    client.emit("/lab", "redirect", "/basket?of=ada", code, number=9)
    client.failure("/lab", "redirect", "/basket?of=ada")
    assert Noting.seen == [BEFORE, ("after", code)]


def test_redirect_is_that_of_pages(client: Any) -> None:
    client.emit("/lab", "redirect_as_pages_do")
    url = "/login?came_from=%2Fshop"
    assert client.event("/lab") == ["error", "redirect", url]


def test_a_wrapper_may_send_an_event_elsewhere(client: Any) -> None:
    Closing.answer = lambda: HTTPFound(location="https://elsewhere.example/")
    client.emit("/lab", "plain")
    url = "https://elsewhere.example/"
    assert client.event("/lab") == ["error", "redirect", url]


def test_a_wrapper_may_run_an_event_again(client: Any) -> None:
    """Emits of every attempt are sent; only the last one's wait for success."""
    client.emit("/lab", "twice", number=3)
    assert client.event("/lab") == ["attempt", 1]
    assert client.event("/lab") == ["attempt", 2]
    assert client.event("/lab") == ["late", 2]
    assert client.read()["args"] == [2]


def test_a_wrapper_may_answer_in_an_event_s_place(client: Any) -> None:
    Closing.answer = lambda: HTTPServiceUnavailable("Closed for an hour")
    client.emit("/lab", "plain")
    assert client.event("/lab") == ["error", "503", "Closed for an hour"]
    Closing.answer = None
    assert client.call("/lab", "plain", number=2) == ["was here"]


def test_connecting_is_a_request_and_may_be_tried_again(live: Live) -> None:
    client = live.websocket_5()
    client.join("/picky")
    # There is one welcome, since the first attempt was rolled back.
    assert client.event("/picky") == ["welcome", 2]
    # Two attempts, and the page.
    assert [each[0] for each in Noting.seen].count("before") == 3


@pytest.mark.parametrize(
    ("query", "message"), [("?abort=1", "Not with that"), ("", "Full")]
)
def test_a_refusal_is_an_answer(live: Live, query: str, message: str) -> None:
    Picky.tries = 2
    client = live.websocket_5()
    client.send(f"40/picky{query},")
    assert client.receive() == f'44/picky,{{"message":"{message}"}}'
    assert Noting.seen[-1] == ("after", 403)


def test_what_an_event_ends_is_part_of_it(client: Any) -> None:
    client.emit("/lab", "leave")
    assert client.read()["type"] == "disconnect"
    assert Noting.seen == [BEFORE, ("left", "ada"), ("after", 200)]


def test_another_connection_s_end_is_a_request_of_its_own(
    live: Live, client: Any
) -> None:
    other = live.websocket_5(headers={"Cookie": "user=bob"})
    other.join("/lab")
    Noting.seen.clear()
    client.emit("/lab", "end another")
    assert other.read()["type"] == "disconnect"
    assert client.call("/lab", "plain", number=2) == ["was here"]
    assert Noting.seen[:5] == [
        BEFORE,
        BEFORE,
        ("left", "bob"),
        ("after", 200),
        ("after", 200),
    ]


def test_the_end_of_a_connection_is_a_request(live: Live, client: Any) -> None:
    live.socket(client).kill()
    assert Noting.seen == [BEFORE, ("left", "ada"), ("after", 200)]


def test_nothing_goes_into_a_page_s_greenlet(live: Live, client: Any) -> None:
    """The contexts are per greenlet: this one has none before, and none after."""
    live.socket(client).kill()
    assert contexts() == []
    gevent.sleep(0)


# What cannot reach the browser


class Session:
    """Replaces beaker's session, whose saving a test cannot control."""

    def __init__(self, kind: str, is_new: bool, dirty: bool) -> None:
        self._params = {"type": kind}
        self._sess = object()
        self._dirty = dirty
        self.is_new = is_new


@pytest.mark.parametrize(
    ("session", "warning"),
    [
        (None, None),
        (Session("cookie", False, False), None),
        (Session("cookie", False, True), "session.type = cookie"),
        (Session("file", False, True), None),
        (Session("file", True, True), "it is new, "),
        (Session("file", True, False), None),
    ],
)
def test_a_session_that_cannot_reach_the_browser_is_told_once(
    session: Any, warning: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    watch = SessionWatch()
    with caplog.at_level(logging.WARNING, logger="tgext.socketio"):
        for _ in range(2):
            watch.check(session)
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == (1 if warning else 0)
    if warning:
        assert warning in told[0]
        # Elsewhere than in a cookie, it is on the server already.
        advised = "Set session.type to file" in told[0]
        assert advised == ("session.type = cookie" in warning)
        assert "in a page." in told[0]


class Pages(TGController):
    """Pages and events with a session that beaker keeps on the server."""

    @expose()
    def remember(self, name: str, value: str) -> str:
        tg.session[name] = value
        tg.session.save()
        return value

    @expose("json")
    def recall(self) -> dict[str, Any]:
        return {name: tg.session.get(name) for name in ("page", "event")}


class Reading(SocketIOTGNamespace):
    entered: Event
    go_on: Event

    def on_read(self):
        before = tg.session.get("page")
        self.entered.set()
        self.go_on.wait(DEADLINE)
        return before

    def on_save(self, value):
        tg.session["event"] = value
        tg.session.save()

    def on_clear(self):
        tg.session.clear()
        tg.session.save()

    def on_invalidate(self):
        tg.session.invalidate()
        tg.session.save()


@pytest.fixture
def on_server(
    serve: Callable[..., Live], monkeypatch: pytest.MonkeyPatch
) -> tuple[Live, dict[str, str]]:
    """An application whose sessions are on the server, and the cookie of a session."""
    for name in ("entered", "go_on"):
        monkeypatch.setattr(Reading, name, Event(), raising=False)

    class Sockets(SocketIOController):
        reading = Reading

    class RootController(Pages):
        socketio = Sockets()

    configurator = MinimalApplicationConfigurator()
    options = {"session.type": "memory", "session.key": "sid"}
    configurator.update_blueprint({"root_controller": RootController(), **options})
    configurator.register_application_wrapper(SessionApplicationWrapper)
    application = configurator.make_wsgi_app({}, {})
    live = serve(application=application, resource="socketio")
    first = live.http().get("/remember?name=page&value=first")
    return live, {"Cookie": first.headers["Set-Cookie"].split(";")[0]}


def test_a_session_that_an_event_only_read_is_not_written(
    on_server: tuple[Live, dict[str, str]],
) -> None:
    """So the event does not overwrite what a page saved meanwhile."""
    live, cookie = on_server
    http, client = live.http(), live.websocket_5(headers=cookie)
    client.join("/reading")
    client.emit("/reading", "read", number=1)
    assert Reading.entered.wait(DEADLINE)
    http.get("/remember?name=page&value=second", cookie)
    Reading.go_on.set()
    assert client.read()["args"] == ["first"]
    assert http.get("/recall", cookie).json == {"page": "second", "event": None}
    client.call("/reading", "save", "saved", number=2)
    assert http.get("/recall", cookie).json == {"page": "second", "event": "saved"}


def test_an_event_that_invalidates_the_session_is_told_to_leave_that_to_a_page(
    on_server: tuple[Live, dict[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    live, cookie = on_server
    client = live.websocket_5(headers=cookie)
    client.join("/reading")
    with caplog.at_level(logging.WARNING, logger="tgext.socketio"):
        client.call("/reading", "invalidate")
    # The browser's session is the old one still.
    recalled = {"page": "first", "event": None}
    assert live.http().get("/recall", cookie).json == recalled
    [told] = [each for each in caplog.messages if each.startswith("An event saved")]
    assert told == (
        "An event saved the session, which cannot reach the browser: after "
        "session.invalidate() it is a new one, whose id would have to be sent as a "
        "cookie, and the browser keeps the old one. Empty that with session.clear() "
        "and session.save(), or invalidate it in a page."
    )
    client.call("/reading", "clear", number=2)
    assert live.http().get("/recall", cookie).json == {"page": None, "event": None}
