"""Clients that are back while their channels cannot be heard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from gevent.queue import Queue
from tg import MinimalApplicationConfigurator, TGController

from tests.engine.clients import wait_for
from tests.engine.conftest import Live
from tgext.socketio.backends.errors import BackendError
from tgext.socketio.engine.hub.account import LimitExceeded
from tgext.socketio.messaging.channels import Channels

from .test_recovery import SocketIO, join, live, open_

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


class Broker:
    """A broker of anypubsub's interfaces, which loses its subscribers."""

    def __init__(self) -> None:
        self.subscribers: list[tuple[str, Queue[Any]]] = []

    def subscribe(self, channel: str) -> Iterator[Any]:
        messages: Queue[Any] = Queue()
        self.subscribers.append((channel, messages))
        return iter(messages)

    def publish(self, channel: str, message: Any) -> None:
        for name, messages in self.subscribers:
            if name == channel:
                messages.put(message)

    def lose(self, channel: str) -> None:
        """Lose one of its connections."""
        lost = [each for each in self.subscribers if each[0] == channel]
        self.subscribers = [each for each in self.subscribers if each[0] != channel]
        for _, messages in lost:
            messages.put(StopIteration)


@pytest.mark.parametrize("is_lost", [True, False])
def test_a_broker_without_a_log_that_loses_a_channel(
    serve: Callable[..., Live], is_lost: bool
) -> None:
    """Nobody knows what was published meanwhile: the client is a new one."""
    broker = Broker()

    class Globals:
        anypubsub = broker

    class RootController(TGController):
        socketio = SocketIO()

    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint(
        {"root_controller": RootController(), "app_globals": Globals}
    )
    wsgi = configurator.make_wsgi_app({}, {})
    ann = join(serve(application=wsgi, resource="socketio"))
    assert ann.call("subscribe", "news") == "news"
    broker.publish("news", '"one"')
    assert ann.event() == ["pubblication", "one"]
    ann.cut()
    if is_lost:
        broker.lose("news")
        broker.publish("news", '"lost"')
        wait_for(lambda: len(broker.subscribers) == 1, "the channel is heard again")
    broker.publish("news", '"two"')
    back = ann.back()
    assert back.recovered == (not is_lost)
    if not is_lost:
        assert back.event() == ["pubblication", "two"]
