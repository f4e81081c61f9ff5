"""Fixtures of the tests with packages of others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live.conftest import installed, node_clients, serve, wait
from tests.redis_server import RedisServer, running_redis

__all__ = ["installed", "node_clients", "serve", "wait"]


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server
