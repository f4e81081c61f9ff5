"""Fixtures: a Redis, and the servers of a cluster that it connects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tg import MinimalApplicationConfigurator, TGController, request_local

from tests.engine.clients import wait_for
from tests.engine.conftest import Live
from tests.redis_server import RedisServer, running_redis
from tgext.socketio import SocketIOController

from .clusters import Chat, Globals, Node, Spy, Start, Table


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def start(serve: Callable[..., Live], redis: RedisServer) -> Iterator[Start]:
    nodes: list[Node] = []

    def make(**options: Any) -> Node:
        class SocketIO(SocketIOController):
            chat = Chat
            spy = Spy
            table = Table

        class Annex(SocketIOController):
            chat = Chat

        class RootController(TGController):
            socketio = SocketIO()
            annex = Annex()

        settings = {
            "anypubsub.backend": "redis",
            "anypubsub.host": redis.url,
            "socketio.cluster": "true",
            **options,
        }
        configurator = MinimalApplicationConfigurator()
        configurator.update_blueprint(
            {
                "root_controller": RootController(),
                "app_globals": Globals,
                **{name: each for name, each in settings.items() if each is not None},
            }
        )
        wsgi = configurator.make_wsgi_app({}, {})
        config = request_local.config.current_conf()
        live = serve(application=wsgi, resource=["socketio", "annex"])
        nodes.append(Node(live, config))
        return nodes[-1]

    yield make
    for node in nodes:
        node.live.close_clients()
        node.live.server.stop(timeout=1)
        assert node.bus is None
    wait_for(lambda: redis.subscribers() == [], "nothing is subscribed any more")
