"""Clients that are back while their channels cannot be heard."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.conftest import Live
from tgext.socketio.backends.errors import BackendError
from tgext.socketio.engine.hub.account import LimitExceeded
from tgext.socketio.messaging.channels import Channels

from .test_recovery import join, live, open_

__all__ = ["live", "open_"]  # fixtures


@pytest.mark.parametrize("error", [BackendError, LimitExceeded])
def test_a_broker_that_is_lost(
    live: Live,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
) -> None:
    """All or nothing: the client is a new one."""
    ann = join(live)
    for channel in ("news", "secrets"):
        assert ann.call("subscribe", channel) == channel
    ann.cut()
    subscribe = Channels.subscribe

    def fail(channels: Channels, name: str, *args: Any) -> bool:
        if name == "secrets":
            raise error("the broker is lost")
        return subscribe(channels, name, *args)

    monkeypatch.setattr(Channels, "subscribe", fail)
    back = ann.back()
    assert not back.recovered
    assert back.event() == ["welcome", False, 1]
    assert back.call("whoami")[2] == []
