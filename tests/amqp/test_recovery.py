"""Clients that recover, whose channels a real RabbitMQ carries."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from gevent.server import StreamServer
from gevent.socket import SHUT_RDWR, create_connection
from tg import MinimalApplicationConfigurator, TGController

from tests.engine import clients
from tests.engine.clients import wait_for
from tests.engine.conftest import Live, serve
from tests.turbogears.messaging.test_recovery import SocketIO, join
from tgext.socketio.backends.amqp import AmqpPubSub

from .conftest import Broker

__all__ = ["serve"]  # a fixture


class Way:
    """The way to a broker, which loses its connections."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._ends: list[Any] = []
        self._server = StreamServer(("127.0.0.1", 0), self._relay)
        self._server.start()
        self.port = self._server.server_port

    def _relay(self, near: Any, address: Any) -> None:
        far = create_connection(("127.0.0.1", self._port))
        self._ends += near, far
        there = gevent.spawn(self._pass_on, near, far)
        self._pass_on(far, near)
        there.join()

    def _pass_on(self, source: Any, target: Any) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(SHUT_RDWR)
        except OSError:
            pass

    def cut(self) -> None:
        ends, self._ends = self._ends, []
        for each in ends:
            try:
                each.shutdown(SHUT_RDWR)
            except OSError:
                pass

    def close(self) -> None:
        self._server.stop(timeout=1)
        self.cut()


@pytest.fixture
def way(broker: Broker) -> Iterator[Way]:
    made = Way(broker.port)
    yield made
    made.close()


@pytest.mark.parametrize("is_lost", [False, True])
def test_who_may_have_missed_something_is_a_new_client(
    serve: Callable[..., Live],
    broker: Broker,
    way: Way,
    is_lost: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(clients, "RESOURCE", "/socketio")
    caplog.set_level(logging.WARNING)

    class Globals: ...

    class RootController(TGController):
        socketio = SocketIO()

    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint(
        {
            "root_controller": RootController(),
            "app_globals": Globals,
            "anypubsub.backend": "amqp",
            "anypubsub.host": f"127.0.0.1:{way.port}",
        }
    )
    wsgi = configurator.make_wsgi_app({}, {})
    live = serve(application=wsgi, resource="socketio")
    ann, bob = join(live), join(live)
    for each in ann, bob:
        assert each.call("subscribe", "news") == "news"
    others = AmqpPubSub(f"127.0.0.1:{broker.port}")
    others.publish("news", json.dumps("one"))
    assert ann.event() == ["pubblication", "one"]
    ann.cut()
    if is_lost:
        way.cut()
        others.publish("news", json.dumps("lost"))
        wait_for(lambda: "'news' is back" in caplog.text, "it is subscribed again")
    others.publish("news", json.dumps("two"))
    # Once Bob has it, it has come to the server: before Ann is back.
    while bob.event() != ["pubblication", "two"]:
        pass
    back = ann.back()
    assert back.recovered == (not is_lost)
    if not is_lost:
        assert back.event() == ["pubblication", "two"]
    others.close()
