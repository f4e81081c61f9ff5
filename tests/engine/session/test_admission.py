"""Admission: a client is either completely in a namespace or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from ..conftest import Serve
from .gates import (
    ENDS,
    OWN,
    STEPS,
    Scene,
    expect_refusal,
    names_until,
)


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
    # A broadcast goes to its own client too, and waits like its other output.
    seen = names_until(scene.client, "came, all")
    assert seen == ["connect", *OWN, "came, all"]
