"""In, or not in: a client's way into a namespace, whatever happens on it."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import gevent
import pytest
from gevent import GreenletExit
from gevent.event import Event

from tgext.socketio.engine.namespaces.base import BaseNamespace, ConnectionRefused
from tgext.socketio.engine.virtsocket import Socket
from tgext.socketio.wire.socketio.packet import event_packet

from ..clients import DEADLINE, Client, wait_for
from ..conftest import Live, Serve, manage
from ..sample_namespaces import Chat, Echo, fresh


class Gate(Chat):
    """A namespace whose way in goes on when the test says so, and ends as it says.

    :cvar step: where it waits: ``__init__``, ``initialize`` or ``recv_connect``.
    :cvar outcome: called with the namespace at that step, after it waited.
    :cvar calls: what was called of it.
    :cvar instances: those that were made.
    """

    step = "recv_connect"
    entered: Event
    go_on: Event
    outcome: Callable[[Any], object] = staticmethod(lambda namespace: None)
    calls: list[str]
    instances: list[Any]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.entered, cls.go_on = Event(), Event()
        cls.calls, cls.instances = [], []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instances.append(self)
        self.own_calls: list[str] = []
        self.take("__init__")

    def initialize(self) -> None:
        self.take("initialize")

    def recv_connect(self) -> None:
        self.take("recv_connect")
        self.calls.append("recv_connect")
        self.own_calls.append("recv_connect")

    def recv_disconnect(self) -> None:
        self.calls.append("recv_disconnect")
        self.own_calls.append("recv_disconnect")
        super().recv_disconnect()

    def take(self, step: str) -> None:
        if step == self.step:
            self.ask()
            self.entered.set()
            assert self.go_on.wait(DEADLINE)
            self.outcome(self)

    def ask(self) -> None:
        """Everything that a namespace may begin."""
        self.join("staff")
        self.join("lobby")
        self.leave("lobby")
        self.spawn(self.chatter)
        self.emit("welcome", 1)
        self.emit("question", callback=print)
        self.send("hello")

    def chatter(self) -> None:
        self.join("late")
        self.emit("from a job")
        gevent.sleep(DEADLINE)


STEPS = ["__init__", "initialize", "recv_connect"]

#: What the client is sent by `Gate.ask`, by the names of the events.
OWN = ["welcome", "question", "message", "from a job"]


def refused(namespace: Any) -> None:
    raise ConnectionRefused("No")


def failing(error: BaseException) -> Callable[[Any], None]:
    def fail(namespace: Any) -> None:
        raise error

    return fail


def attack(live: Live, speaker: Client, victim: Socket) -> None:
    """Every way in which something of a namespace is sent to many."""
    speaker.call("/chat", "shout to others", "secret")
    speaker.call("/chat", "say", "staff", "secret")
    speaker.call("/chat", "say", "late", "secret")
    rooms = live.server.rooms
    packet = event_packet("/chat", "secret", ["salary"])
    rooms.broadcast(packet, skip=live.socket(speaker))
    rooms.broadcast(packet, "staff")
    for socket in live.server.sockets.values():
        if socket is victim:
            socket.send_packet(packet)
    assert victim not in rooms.members("/chat")
    assert victim not in rooms.members("/chat", "staff")


def names_until(client: Client, last: str) -> list[str]:
    """What the client is sent, by name or type, up to something."""
    seen: list[str] = []
    while not seen or seen[-1] != last:
        packet = client.read()
        seen.append(packet.get("name") or packet["type"])
    return seen


def expect_nothing_of(live: Live, namespace: type[Gate], socket: Socket) -> None:
    rooms = live.server.rooms
    assert "/chat" not in socket.active_ns
    assert socket.admission.asking == {}
    assert socket.ack_callbacks == {}
    assert list(rooms.rooms_of("/chat", socket)) == []
    assert socket.session.get("rooms", set()) == set()
    for each in namespace.instances:
        wait_for(lambda each=each: not each.jobs, "its jobs end")


class Scene:
    """A client on its way in, and one that is in already."""

    def __init__(self, serve: Serve, kind: str, **attributes: Any) -> None:
        self.namespace = fresh(Gate, step="")
        self.live = serve({"/chat": self.namespace, "/other": Chat})
        self.speaker = self.live.client()
        self.speaker.join("/chat")
        for name, value in {"step": "recv_connect", **attributes}.items():
            setattr(self.namespace, name, value)
        self.namespace.calls.clear()
        self.namespace.instances.clear()
        self.client = self.live.client(kind)
        self.client.join("/other")
        self.socket = self.live.socket(self.client)

    def ask(self) -> None:
        self.client.send(self.client.dialect.connect("/chat"))
        assert self.namespace.entered.wait(DEADLINE)

    def attack(self) -> None:
        attack(self.live, self.speaker, self.socket)

    def expect_nothing(self) -> None:
        """The client is served elsewhere, and heard no more."""
        assert self.client.call("/other", "echo", 1) == [1]
        expect_nothing_of(self.live, self.namespace, self.socket)
        assert self.speaker.call("/chat", "echo", 2) == [2]


ENDS: dict[str, tuple[Any, str]] = {
    "refuses": (refused, "No"),
    "KeyError": (failing(KeyError("user")), "Internal server error"),
    "GreenletExit": (failing(GreenletExit()), "Internal server error"),
    "Timeout": (failing(gevent.Timeout(1)), "Internal server error"),
    "SystemExit": (failing(SystemExit(1)), "Internal server error"),
    "KeyboardInterrupt": (failing(KeyboardInterrupt()), "Internal server error"),
    "GeneratorExit": (failing(GeneratorExit()), "Internal server error"),
}


def refusal(kind: str, message: str) -> dict[str, Any]:
    """What a client reads that ``/chat`` refuses."""
    data: Any = {"message": message}
    if kind.startswith("2"):
        data = message
    if kind.startswith("0.9"):
        return {"type": "refused", "endpoint": "/chat"}
    return {"type": "refused", "endpoint": "/chat", "data": data}


def expect_refusal(client: Client, kind: str, message: str) -> None:
    packet = client.read()
    expected = refusal(kind, message)
    assert {name: packet.get(name) for name in expected} == expected


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("end", list(ENDS))
def test_who_is_refused_saw_and_left_nothing(
    serve: Serve, kind: str, step: str, end: str
) -> None:
    outcome, message = ENDS[end]
    scene = Scene(serve, kind, step=step, outcome=staticmethod(outcome))
    scene.ask()
    scene.attack()
    scene.namespace.go_on.set()
    expect_refusal(scene.client, kind, message)
    scene.attack()
    scene.expect_nothing()
    assert scene.namespace.calls == []


@pytest.mark.parametrize("step", STEPS)
def test_who_is_admitted_gets_what_waited_and_then_what_all_get(
    serve: Serve, kind: str, step: str
) -> None:
    scene = Scene(serve, kind, step=step)
    scene.ask()
    scene.attack()
    assert scene.socket.session["rooms"] >= {"/chat_staff"}
    scene.namespace.go_on.set()
    assert names_until(scene.client, OWN[-1]) == ["connect", *OWN]
    assert scene.client.call("/chat", "echo", 1, number=9) == [1]
    for room in ("staff", "late", None):
        assert scene.socket in scene.live.server.rooms.members("/chat", room)
    assert scene.socket not in scene.live.server.rooms.members("/chat", "lobby")
    scene.speaker.call("/chat", "shout to others", 1)
    assert scene.client.event("/chat") == ["shouted", 1]
    scene.speaker.call("/chat", "say", "staff", 2)
    assert scene.client.event("/chat") == ["said", 2]
    assert scene.namespace.calls == ["recv_connect"]
    assert len(scene.socket.ack_callbacks) == 1


def test_what_recv_connect_tells_others_reaches_them_at_once(
    serve: Serve, kind: str
) -> None:
    def tell(namespace: Any) -> None:
        namespace.emit_to_room("hall", "came to the hall")
        namespace.broadcast_event_not_me("came")
        namespace.broadcast_event("came, all")
        namespace.calls.append("told")

    scene = Scene(serve, kind, outcome=staticmethod(tell))
    scene.speaker.call("/chat", "join", "hall")
    scene.ask()
    scene.namespace.go_on.set()
    for name in ("came to the hall", "came", "came, all"):
        assert scene.speaker.event("/chat") == [name]
    # What it tells all it tells its own client too, which waits as the rest does.
    seen = names_until(scene.client, "came, all")
    assert seen == ["connect", *OWN, "came, all"]


# Leaving on the way in


@pytest.mark.parametrize("step", ["__init__", "initialize"])
def test_disconnect_before_recv_connect_refuses(
    serve: Serve, kind: str, step: str
) -> None:
    def leave(namespace: Any) -> None:
        namespace.disconnect()
        namespace.emit("too late")

    scene = Scene(serve, kind, step=step, outcome=staticmethod(leave))
    scene.ask()
    scene.namespace.go_on.set()
    expect_refusal(scene.client, kind, "Connection refused")
    scene.expect_nothing()
    assert scene.namespace.calls == []


@pytest.mark.parametrize("silent", [False, True])
def test_disconnect_in_recv_connect_lets_in_and_takes_leave(
    serve: Serve, kind: str, silent: bool
) -> None:
    """As in gevent-socketio, where the answer to the connect packet had gone out."""

    def leave(namespace: Any) -> None:
        namespace.disconnect(silent=silent)
        namespace.emit("too late")
        scene.attack()

    scene = Scene(serve, kind, outcome=staticmethod(leave))
    scene.ask()
    gevent.sleep(0)  # the job speaks
    scene.namespace.go_on.set()
    last = OWN[-1] if silent else "disconnect"
    expected = ["connect", *OWN, *([] if silent else ["disconnect"])]
    assert names_until(scene.client, last) == expected
    scene.expect_nothing()
    assert scene.namespace.calls == ["recv_connect", "recv_disconnect"]


@pytest.mark.parametrize("step", STEPS)
def test_who_is_sent_away_by_another_on_the_way_in_is_refused(
    serve: Serve, kind: str, step: str
) -> None:
    scene = Scene(serve, kind, step=step)
    scene.ask()
    scene.namespace.instances[0].disconnect()
    scene.namespace.go_on.set()
    expect_refusal(scene.client, kind, "Connection refused")
    scene.expect_nothing()
    calls = ["recv_connect", "recv_disconnect"] if step == "recv_connect" else []
    assert scene.namespace.calls == calls


def kill(scene: Scene) -> None:
    scene.socket.kill()


def sent_away(scene: Scene) -> None:
    scene.socket.disconnect()


def server_stops(scene: Scene) -> None:
    stopping = gevent.spawn(scene.live.server.stop, timeout=0.2)
    stopping.join()


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("end", [kill, sent_away, server_stops])
@pytest.mark.parametrize("outcome", ["succeeds", "refuses", "KeyError"])
def test_a_connection_that_ends_on_the_way_in(
    serve: Serve, kind: str, step: str, end: Callable[[Scene], None], outcome: str
) -> None:
    done = ENDS.get(outcome, (lambda namespace: None, ""))[0]
    scene = Scene(serve, kind, step=step, outcome=staticmethod(done))
    scene.ask()
    end(scene)
    sessions = scene.live.server.sockets
    wait_for(lambda: scene.socket.sessid not in sessions, "the session ends")
    expect_nothing_of(scene.live, scene.namespace, scene.socket)
    namespace = scene.namespace.instances[0]
    scene.namespace.go_on.set()
    wait_for(lambda: namespace._admission is None or not scene.socket.busy, "it ends")
    expect_nothing_of(scene.live, scene.namespace, scene.socket)
    interrupted = end is server_stops  # no handler goes on when it has stopped
    if step == "recv_connect" and outcome == "succeeds" and not interrupted:
        # What it did, recv_disconnect may undo.
        wait_for(lambda: len(namespace.own_calls) > 1, "the end is told")
        assert namespace.own_calls == ["recv_connect", "recv_disconnect"]
    else:
        assert namespace.own_calls == []


# What asks its client on the way in


@pytest.mark.parametrize("own", [True, False])
def test_who_is_taken_out_on_the_way_in_is_no_member(
    serve: Serve, kind: str, own: bool
) -> None:
    """By ``remove_namespace``, as gevent-socketio has it."""

    def remove(namespace: Any) -> None:
        if own:
            namespace.socket.remove_namespace("/chat")

    scene = Scene(serve, kind, outcome=staticmethod(remove))
    scene.ask()
    if not own:
        scene.socket.remove_namespace("/chat")
    scene.namespace.go_on.set()
    told = scene.client.read()
    if own:  # it was let in, and is in no more
        assert told["type"] == "connect"
        names_until(scene.client, "from a job")
        assert scene.namespace.calls == ["recv_connect", "recv_disconnect"]
    else:
        assert told["type"] == "refused"
    scene.attack()
    scene.expect_nothing()


def test_who_is_asked_on_the_way_in_is_connected_and_not_admitted(
    serve: Serve, kind: str
) -> None:
    def ask(namespace: Any) -> None:
        namespace.calls.append(namespace.call("question", timeout=DEADLINE))
        raise ConnectionRefused("Wrong")

    scene = Scene(serve, kind, outcome=staticmethod(ask), ask=lambda self: None)
    scene.ask()
    scene.namespace.go_on.set()
    assert scene.client.read()["type"] == "connect"
    number = scene.client.read()["id"]
    scene.attack()
    scene.client.ack("/chat", number, "friend")
    # It was told that it is connected, so it is told that it is not any more.
    assert scene.client.read() == {"type": "disconnect", "endpoint": "/chat"}
    scene.expect_nothing()
    assert scene.namespace.calls == ["friend"]


@pytest.mark.parametrize("password", ["sesame", "guess"])
def test_who_is_asked_hears_nothing_of_others(
    serve: Serve, kind: str, password: str
) -> None:
    """Nor where they walk the server's sockets, as programs of gevent-socketio do."""

    class Asking(Chat):
        def recv_connect(self) -> None:
            self.spawn(self.emit, "from a job")
            if self.call("password") != "sesame":
                raise ConnectionRefused
            self.emit("welcome")

        def on_tell(self) -> None:
            for socket in self.socket.server.sockets.values():
                if socket is not self.socket:
                    socket["/chat"].emit("secret")

    class Guard(Asking):
        def recv_connect(self) -> None:
            pass

    live = serve({"/chat": Asking, "/guard": Guard, "/other": Chat})
    speaker = live.client()
    speaker.join("/guard")
    client = live.client(kind)
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    assert names_until(client, "password")[0] == "connect"
    number = next(iter(live.socket(client).ack_callbacks))
    speaker.emit("/guard", "tell")
    assert speaker.call("/guard", "echo", 1) == [1]
    client.send(client.dialect.ack("/chat", number, (password,)))
    heard = ["disconnect"] if password == "guess" else ["welcome", "secret"]
    assert names_until(client, heard[-1]) == ["from a job", *heard]


def test_a_callback_on_the_way_in_speaks_for_the_namespace(
    serve: Serve, kind: str
) -> None:
    class Asking(Chat):
        def recv_connect(self) -> None:
            done = Event()
            self.call("first")
            again = partial(self.emit, "third", callback=done.set)
            self.emit("second", callback=again)
            assert done.wait(DEADLINE)

    client = serve({"/chat": Asking}).client(kind)
    client.send(client.dialect.connect("/chat"))
    assert client.read()["type"] == "connect"
    for name in ["first", "second", "third"]:
        asked = client.read()
        assert asked["name"] == name
        client.send(client.dialect.ack("/chat", asked["id"], ()))
    assert client.call("/chat", "echo", 1) == [1]


@pytest.mark.parametrize("step", ["initialize", "recv_connect"])
def test_who_answers_on_the_way_in_is_admitted(
    serve: Serve, kind: str, step: str
) -> None:
    def ask(namespace: Any) -> None:
        namespace.emit("answered", namespace.call("question", timeout=DEADLINE))

    attributes = {"step": step, "ask": lambda self: None}
    scene = Scene(serve, kind, outcome=staticmethod(ask), **attributes)
    scene.ask()
    scene.namespace.go_on.set()
    assert scene.client.read()["type"] == "connect"
    scene.client.ack("/chat", scene.client.read()["id"], "friend")
    assert scene.client.event("/chat") == ["answered", "friend"]
    assert scene.client.call("/chat", "echo", 1) == [1]


# What stands around it


def serve_around(
    serve: Serve, namespace: type[BaseNamespace], around: Callable[..., Any]
) -> Live:
    accepting = manage({"/chat": namespace, "/other": Echo})

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        if "socketio" in environ:
            environ["socketio"].around = around
        return accepting(environ, start_response)

    return serve(application=application)


@pytest.mark.parametrize("step", ["_make", "_greet"])
def test_a_wrapper_that_answers_itself_refuses(
    serve: Serve, kind: str, step: str
) -> None:
    def around(function: Any, *args: Any) -> Any:
        answers = function.__name__ == step and args[-1]["endpoint"] == "/chat"
        return None if answers else function(*args)

    client = serve_around(serve, fresh(Gate, step=""), around).client(kind)
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    expect_refusal(client, kind, "Connection refused")
    assert client.call("/other", "echo", 1) == [1]


@pytest.mark.parametrize("step", ["_make", "_greet"])
def test_a_commit_that_fails_refuses(serve: Serve, kind: str, step: str) -> None:
    def around(function: Any, *args: Any) -> Any:
        result = function(*args)
        if function.__name__ == step and args[-1]["endpoint"] == "/chat":
            raise RuntimeError("serialization failure")
        return result

    namespace = fresh(Gate, step="", initialize=Gate.ask)
    live = serve_around(serve, namespace, around)
    client = live.client(kind)
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    expect_refusal(client, kind, "Internal server error")
    assert client.call("/other", "echo", 1) == [1]
    expect_nothing_of(live, namespace, live.socket(client))


class Attempts(Gate):
    """Leaves something of each attempt."""

    step = ""

    def initialize(self) -> None:
        self.leave_mark("initialize")

    def recv_connect(self) -> None:
        self.leave_mark("recv_connect")

    def leave_mark(self, step: str) -> None:
        self.calls.append(step)
        mark = f"{step} {self.calls.count(step)}"
        self.join(mark)
        self.emit(mark)
        self.emit(f"asks {mark}", callback=print)
        self.spawn(gevent.sleep, DEADLINE)


@pytest.mark.parametrize("twice", ["_make", "_greet"])
def test_what_an_attempt_left_is_dropped_before_the_next(
    serve: Serve, kind: str, twice: str
) -> None:
    def around(function: Any, *args: Any) -> Any:
        if function.__name__ == twice:
            function(*args)
        return function(*args)

    namespace = fresh(Attempts)
    live = serve_around(serve, namespace, around)
    client = live.client(kind)
    client.join("/chat")
    first = {"_make": "initialize 2", "_greet": "initialize 1"}[twice]
    second = {"_make": "recv_connect 1", "_greet": "recv_connect 2"}[twice]
    for mark in (first, second):
        assert client.event("/chat") == [mark]
        assert client.read()["name"] == f"asks {mark}"
    socket = live.socket(client)
    wait_for(lambda: len(socket["/chat"].jobs) == 2, "the others have ended")
    assert len(socket.ack_callbacks) == 2
    assert socket.session["rooms"] == {f"/chat_{first}", f"/chat_{second}"}
    assert set(live.server.rooms.rooms_of("/chat", socket)) == {None, first, second}
    for each in namespace.instances[:-1]:
        wait_for(lambda each=each: not each.jobs, "the first instance ends")


def test_what_others_say_meanwhile_is_kept_and_in_order(
    serve: Serve, kind: str
) -> None:
    scene = Scene(serve, kind, outcome=staticmethod(refused))
    scene.speaker.join("/other")
    scene.ask()
    for number in range(3):
        scene.speaker.call("/other", "shout to others", number)
    scene.namespace.go_on.set()
    for number in range(3):
        assert scene.client.event("/other") == ["shouted", number]
    expect_refusal(scene.client, kind, "No")


# What refuses without an exception


def test_an_acl_without_recv_connect_refuses(serve: Serve, kind: str) -> None:
    namespace = fresh(Gate, step="", get_initial_acl=lambda self: {"on_echo"})
    live = serve({"/chat": namespace, "/other": Echo})
    client = live.client(kind)
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    text = 'You do not have access to method "recv_connect"'
    expect_refusal(client, kind, text)
    expect_nothing_of(live, namespace, live.socket(client))
    assert client.call("/other", "echo", 1) == [1]


def test_a_recv_connect_that_wants_what_nobody_sends_refuses(
    serve: Serve, kind: str
) -> None:
    class Wanting(BaseNamespace):
        def recv_connect(self, token: str) -> None:  # type: ignore[override]
            raise AssertionError

    client = serve({"/chat": Wanting, "/other": Echo}).client(kind)
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    expect_refusal(client, kind, 'recv_connect misses "token"')


class Unwritable:
    def __str__(self) -> str:
        raise ValueError


class OwnRefusal(ConnectionRefused):
    """Of an application that calls no super."""

    def __init__(self) -> None:
        pass


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ConnectionRefused("No", datetime.date(2026, 1, 2)), "No"),
        (ConnectionRefused("No", {"who": {1, 2}}), "No"),
        (ConnectionRefused("No", Unwritable()), "No"),
        (ConnectionRefused(KeyError("ada")), "'ada'"),  # type: ignore[arg-type]
        (ConnectionRefused(b"No"), "b'No'"),  # type: ignore[arg-type]
        (ConnectionRefused(Unwritable()), "Internal server error"),  # type: ignore[arg-type]
        (OwnRefusal(), "Connection refused"),
    ],
    ids=repr,
)
def test_who_is_refused_is_told_whatever_the_words(
    serve: Serve, kind: str, error: ConnectionRefused, told: str
) -> None:
    scene = Scene(serve, kind, outcome=staticmethod(failing(error)))
    scene.namespace.go_on.set()
    scene.ask()
    expect_refusal(scene.client, kind, told)
    scene.expect_nothing()


@pytest.mark.parametrize("through", ["/chat", "/other"])
def test_no_ack_answers_what_was_not_asked(
    serve: Serve, kind: str, through: str
) -> None:
    """Nor through a namespace that the client is in."""
    heard: list[Any] = []

    class Asking(Gate):
        def ask(self) -> None:
            self.emit("question", callback=heard.append)

    live = serve({"/chat": Asking, "/other": Chat})
    client = live.client(kind)
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    assert Asking.entered.wait(DEADLINE)
    number = next(iter(live.socket(client).ack_callbacks))
    client.send(client.dialect.ack(through, number, ("forged",)))
    gevent.sleep(0.1)
    assert heard == []
    Asking.go_on.set()
    assert client.read()["type"] == "connect"
    assert client.read()["id"] == number
    client.send(client.dialect.ack("/other", number, ("elsewhere",)))
    client.send(client.dialect.ack("/chat", number, ("answer",)))
    assert client.call("/chat", "echo", 1) == [1]
    assert heard == ["answer"]


def test_a_constructor_without_super_refuses_and_is_named(
    serve: Serve, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Orphan(BaseNamespace):
        def __init__(self, environ: Any, ns_name: str, request: Any = None) -> None:
            self.answer = 42

    client = serve({"/chat": Orphan, "/other": Echo}).client(kind)
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    expect_refusal(client, kind, "Internal server error")
    assert client.call("/other", "echo", 1) == [1]
    assert "Orphan.__init__ does not call super().__init__" in caplog.text


def test_a_namespace_that_answers_its_client_itself_answers_once(
    serve: Serve, kind: str
) -> None:
    class Own(Echo):
        def process_packet(self, packet: Any) -> Any:
            if packet["type"] != "connect":
                return super().process_packet(packet)
            self.socket.send_packet(packet)
            return None

    client = serve({"/chat": Own}).client(kind)
    client.join("/chat")
    assert client.call("/chat", "echo", 1) == [1]


def test_who_never_asked_hears_nothing(serve: Serve, kind: str) -> None:
    """An application that walks the server's sockets, as old ones do."""
    live = serve({"/chat": Chat, "/other": Echo})
    client = live.client(kind)
    client.join("/other")
    for socket in live.server.sockets.values():
        socket.send_packet(event_packet("/chat", "secret", ["salary"]))
    assert client.call("/other", "echo", 1) == [1]


# Ways in without end


def test_a_way_in_that_ends_in_time(serve: Serve, kind: str) -> None:
    class Slow(Echo):
        def recv_connect(self) -> None:
            gevent.sleep(0.3)

    client = serve({"/chat": Slow}, connect_timeout=DEADLINE).client(kind)
    client.join("/chat")
    assert client.call("/chat", "echo", 1) == [1]


def one_line(caplog: pytest.LogCaptureFixture, name: str) -> str:
    lines = [
        each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING
    ]
    assert len(lines) == 1, lines
    assert name in lines[0]
    assert "self.spawn" in lines[0]
    return lines[0]


@pytest.mark.parametrize("stubborn", [False, True])
@pytest.mark.parametrize("method", ["initialize", "recv_connect"])
def test_a_way_in_that_never_ends_is_refused(
    serve: Serve,
    kind: str,
    method: str,
    stubborn: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    interrupted: list[bool] = []

    def loop(self: Any) -> None:
        while True:
            self.emit("tick")
            try:
                gevent.sleep(0.01)
            except BaseException:
                interrupted.append(True)
                if not stubborn or len(interrupted) > 1:
                    raise

    namespace: Any = type("Endless", (Echo,), {method: loop})
    live = serve({"/chat": namespace, "/other": Echo}, connect_timeout=0.2)
    client, other = live.client(kind), live.client()
    for each in (client, other):
        each.join("/other")
    client.send(client.dialect.connect("/chat"))
    assert other.call("/other", "echo", 1) == [1]
    expect_refusal(client, kind, "Internal server error")
    assert client.call("/other", "echo", 1) == [1]
    assert "connect_timeout" in one_line(caplog, "Endless")
    assert "/chat" not in live.socket(client)


@pytest.mark.parametrize("where", ["recv_connect", "job"])
def test_what_waits_on_the_way_in_is_bounded(
    serve: Serve, kind: str, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    def flood(self: Any) -> None:
        for _ in range(100):
            self.emit("flood", "x" * 1000)

    class Flooding(Echo):
        def recv_connect(self) -> None:
            if where == "job":
                self.spawn(flood, self).join()
            else:
                flood(self)

    live = serve({"/chat": Flooding, "/other": Echo}, max_outbox=50_000)
    client = live.client(kind)
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    expect_refusal(client, kind, "Internal server error")
    assert client.call("/other", "echo", 1) == [1]
    assert "max_outbox" in one_line(caplog, "Flooding")


# What 0.9 clients send early

OLD = ["0.9-websocket", "0.9-xhr-polling"]


@pytest.mark.parametrize("kind", OLD)
def test_what_comes_before_the_connect_is_handled_after_it(
    serve: Serve, kind: str
) -> None:
    scene = Scene(serve, kind)
    dialect = scene.client.dialect
    early = [dialect.event("/chat", "echo", (each,), each) for each in (1, 2, 3)]
    late = dialect.event("/chat", "echo", (4,), 4)
    scene.client.send(*early)
    scene.client.send(dialect.connect("/chat"), late)
    assert scene.namespace.entered.wait(DEADLINE)
    scene.attack()
    scene.namespace.go_on.set()
    assert names_until(scene.client, "from a job") == ["connect", *OWN]
    acks = [scene.client.read() for _ in range(4)]
    assert [each["args"] for each in acks] == [[1], [2], [3], [4]]


@pytest.mark.parametrize("kind", OLD)
def test_what_comes_before_the_connect_is_answered_when_that_is_refused(
    serve: Serve, kind: str
) -> None:
    scene = Scene(serve, kind, outcome=staticmethod(refused))
    dialect = scene.client.dialect
    scene.client.send(dialect.event("/chat", "echo", (1,), 1))
    scene.client.send(dialect.connect("/chat"))
    scene.namespace.go_on.set()
    expect_refusal(scene.client, kind, "No")
    assert scene.client.event("/chat")[:2] == ["error", "no_such_namespace"]


@pytest.mark.parametrize("kind", OLD)
@pytest.mark.parametrize("admitted", [True, False])
def test_no_handler_runs_for_what_came_early_on_the_way_in(
    serve: Serve, kind: str, admitted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the way in takes."""
    monkeypatch.setattr("tgext.socketio.engine.session.early.PATIENCE", 0.1)
    outcome: Any = (lambda namespace: None) if admitted else refused
    scene = Scene(serve, kind, outcome=staticmethod(outcome))
    dialect = scene.client.dialect
    scene.client.send(dialect.event("/chat", "echo", (1,), 1))
    scene.client.send(dialect.connect("/chat"))
    assert scene.namespace.entered.wait(DEADLINE)
    gevent.sleep(0.3)
    scene.namespace.go_on.set()
    if admitted:
        assert names_until(scene.client, "from a job") == ["connect", *OWN]
        assert scene.client.read()["args"] == [1]
    else:
        expect_refusal(scene.client, kind, "No")
        assert scene.client.event("/chat")[:2] == ["error", "no_such_namespace"]


@pytest.mark.parametrize("kind", OLD)
@pytest.mark.parametrize("bound", ["PATIENCE", "MOST", "max_message_size"])
def test_what_no_connect_follows_is_answered(
    serve: Serve, kind: str, bound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"PATIENCE": 0.1, "MOST": 0}
    if bound in values:
        monkeypatch.setattr(
            f"tgext.socketio.engine.session.early.{bound}", values[bound]
        )
    live = serve({"/chat": Echo}, max_message_size=200)
    client = live.client(kind)
    if bound == "max_message_size":
        for _ in range(2):
            client.emit("/chat", "echo", "x" * 100)
    else:
        client.emit("/chat", "echo", 1)
    assert client.event("/chat")[:2] == ["error", "no_such_namespace"]


@pytest.mark.parametrize("kind", OLD)
def test_what_came_early_is_not_kept_when_the_client_goes(
    serve: Serve, kind: str
) -> None:
    live = serve({"/chat": Echo})
    client = live.client(kind)
    client.emit("/chat", "echo", 1)
    socket = live.socket(client)
    wait_for(lambda: socket.admission._early is not None, "it came")
    socket.kill()
    early: Any = socket.admission._early
    assert (early._waiting, early._size, early._count) == ({}, 0, 0)
