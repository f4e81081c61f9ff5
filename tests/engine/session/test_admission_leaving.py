"""Admission of a client that leaves, or is sent a call, before it is admitted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import gevent
import pytest
from gevent.event import Event

from tgext.socketio.engine.namespaces.base import ConnectionRefused

from ..clients import DEADLINE, wait_for
from ..conftest import Serve
from ..sample_namespaces import Chat
from .gates import (
    ENDS,
    OWN,
    STEPS,
    Scene,
    expect_nothing_of,
    expect_refusal,
    names_until,
)

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
    asking = scene.socket.admission.asking
    wait_for(
        lambda: namespace.ns_name not in asking or not scene.socket.busy, "it ends"
    )
    expect_nothing_of(scene.live, scene.namespace, scene.socket)
    interrupted = end is server_stops  # no handler goes on when it has stopped
    if step == "recv_connect" and outcome == "succeeds" and not interrupted:
        # recv_disconnect may undo what recv_connect did.
        wait_for(lambda: len(namespace.own_calls) > 1, "the end is told")
        assert namespace.own_calls == ["recv_connect", "recv_disconnect"]
    else:
        assert namespace.own_calls == []


# A namespace that asks its client on the way in


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
    if own:  # it was admitted, and has left
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
    # It was told that it is connected, so it is also told that it is disconnected.
    assert scene.client.read() == {"type": "disconnect", "endpoint": "/chat"}
    scene.expect_nothing()
    assert scene.namespace.calls == ["friend"]


@pytest.mark.parametrize("password", ["sesame", "guess"])
def test_who_is_asked_hears_nothing_of_others(
    serve: Serve, kind: str, password: str
) -> None:
    """Also when others loop over the server's sockets, as with gevent-socketio."""

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
