from __future__ import annotations

import gc

import gevent

from tgext.socketio.engine.concurrency.collector import YOUNG_OBJECTS, spared_collector
from tgext.socketio.engine.server import SocketIOServer

from ..clients import wait_for
from ..conftest import manage


def test_the_garbage_collector_is_spared_while_a_server_serves() -> None:
    before = gc.get_threshold()
    server = SocketIOServer(("127.0.0.1", 0), manage({}))
    serving = gevent.spawn(server.serve_forever)
    wait_for(lambda: server.started, "it serves")
    assert gc.get_threshold() == (YOUNG_OBJECTS, *before[1:])
    assert gc.get_freeze_count() > 0
    server.stop()
    serving.get()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_a_collector_that_is_off_stays_off() -> None:
    before = gc.get_threshold()
    gc.set_threshold(0, *before[1:])
    try:
        with spared_collector():
            assert gc.get_threshold()[0] == 0
    finally:
        gc.set_threshold(*before)
