"""Sockets of a cluster, for a process that has none.

``test_targets.py`` has it with Redis.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tgext.socketio.backends.errors import BackendError
from tgext.socketio.engine.hub.roomkeys import UserRoom
from tgext.socketio.engine.namespaces.targets import Target
from tgext.socketio.messaging.distant import Distant
from tgext.socketio.wire.json import dumps


class OneWay:
    """A backend to which this process can only publish."""

    def __init__(self) -> None:
        self.published: list[Any] = []

    def publish(self, channel: str, message: str) -> None:
        self.published.append(json.loads(message))


class Globals:
    def __init__(self, backend: Any) -> None:
        self.anypubsub = backend


def target_over(backend: Any, **more: Any) -> Target:
    settings = {"socketio.cluster": "true", **more}
    if backend is not None:
        settings["tg.app_globals"] = Globals(backend)
    distant = Distant(settings, ["app.SocketIO"])
    return Target(
        "/chat", UserRoom("anna"), lambda: distant, dumps, lambda f, *a: f(*a)
    )


def test_what_needs_no_answer_is_sent_over_any_backend() -> None:
    backend = OneWay()
    target = target_over(backend)
    target.emit("news", 1)
    target.emit_on_commit("news", 2)
    target.join("lobby")
    target.leave(7)
    target.disconnect("banned")
    news, later, *commands = backend.published
    for each, number in ((news, 1), (later, 2)):
        assert each["to"] == "app.SocketIO"
        assert each["room"] == {"user": "anna"}
        assert each["packet"]["args"] == [number]
    told = [each["data"][1] for each in commands]
    assert [(each["do"], each["value"]) for each in told] == [
        ("join", "lobby"),
        ("leave", 7),
        ("disconnect", "banned"),
    ]
    for each in told:
        assert each["to"] == ["app.SocketIO"]
        assert (each["endpoint"], each["room"]) == ("/chat", {"user": "anna"})


def test_what_needs_one_says_what_to_use() -> None:
    target = target_over(OneWay())
    with pytest.raises(BackendError, match=r"anypubsub\.backend: .* only with redis"):
        target.count()
    with pytest.raises(BackendError, match="redis"):
        target.emit("question", ack=1)


def test_the_memory_of_this_process_leads_nowhere() -> None:
    target = target_over(None)
    for use in (target.count, lambda: target.join("lobby")):
        with pytest.raises(BackendError, match="reaches no other process"):
            use()
