"""Packets of 0.9 clients that arrive before the connect packet."""

from __future__ import annotations

from typing import Any

import gevent
import pytest

from ..clients import DEADLINE, wait_for
from ..conftest import Serve
from ..sample_namespaces import Echo
from .gates import (
    OWN,
    Scene,
    expect_refusal,
    names_until,
    refused,
)

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
    """However long the admission takes."""
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
    wait_for(lambda: socket.admission.early is not None, "it came")
    early: Any = socket.admission.early
    socket.kill()
    assert (early.size, early.count) == (0, 0)


@pytest.mark.parametrize("kind", OLD)
def test_what_came_early_is_charged_with_its_real_size(serve: Serve, kind: str) -> None:
    """It waits as it would be written, where a character may be two escapes."""
    live = serve({"/chat": Echo})
    client = live.client(kind)
    socket: Any = live.socket(client)
    client.emit("/chat", "echo", "\N{GRINNING FACE}" * 10_000)
    wait_for(lambda: socket.admission.early is not None, "it came")
    assert 120_000 < socket.account.size < 121_000
    client.join("/chat")
    assert socket.account.size == 0


def test_what_the_account_has_no_room_for_does_not_wait(serve: Serve) -> None:
    live = serve({"/chat": Echo})
    client = live.client("0.9-websocket")
    account = live.socket(client).account
    account.charge(8_000_000 - 10_000)
    client.emit("/chat", "echo", 1)
    client.emit("/chat", "echo", "\N{GRINNING FACE}" * 4_000)
    assert client.event("/chat")[:2] == ["error", "no_such_namespace"]
    assert account.size < 8_000_000 - 9_000
