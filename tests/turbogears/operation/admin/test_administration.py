"""The parts of one namespace of administrators belong to its rooms."""

from __future__ import annotations

import gc
from weakref import ref

from tgext.socketio.engine.hub.hub import Hub
from tgext.socketio.operation.admin.administration import Plan, administration_of

from .fakes import rooms_with

PLAN = Plan(shows_sockets=True, max_sockets=10, max_events=10)


def test_each_namespace_has_its_own() -> None:
    hub, rooms = Hub(), rooms_with()
    found = [administration_of(PLAN, each, rooms, hub, {}) for each in ("/a", "/b")]
    assert found[0] is not found[1]
    assert administration_of(PLAN, "/a", rooms, hub, {}) is found[0]


def test_it_is_forgotten_with_its_rooms() -> None:
    rooms = rooms_with()
    administration_of(PLAN, "/admin", rooms, Hub(), {})
    alive = ref(rooms)
    del rooms
    gc.collect()
    assert alive() is None
