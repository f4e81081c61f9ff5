"""Greenlets of a namespace are limited; all about their end: ``test_greenlets.py``."""

from __future__ import annotations

from typing import Any

import gevent
import pytest
from gevent.event import Event

from tgext.socketio.engine.hub.account import LimitExceeded

from ..conftest import Serve
from ..sample_namespaces import Echo


def test_a_connection_has_so_many_jobs_in_all_its_namespaces(serve: Serve) -> None:
    live = serve({"/chat": Echo, "/game": Echo}, max_jobs=2)
    client = live.client()
    for endpoint in ("/chat", "/game"):
        client.join(endpoint)
    chat, game = live.socket(client).active_ns.values()
    go_on = Event()
    jobs: list[gevent.Greenlet[..., Any]] = [
        each.spawn(go_on.wait) for each in (chat, game)
    ]
    with pytest.raises(LimitExceeded, match="max_jobs"):
        chat.spawn(go_on.wait)
    go_on.set()
    gevent.joinall(jobs)
    assert game.spawn(divmod, 7, 2).get() == (3, 1)
