"""What handlers send to clients that have gone, or are on their way in."""

from __future__ import annotations

import gevent
from gevent.event import Event

from tests.engine.clients import wait_for
from tests.engine.conftest import Live

from .test_recovery import Chat, join, live, open_

__all__ = ["live", "open_"]  # fixtures


def test_what_a_handler_sends_while_its_client_is_on_the_way_in(
    live: Live,
) -> None:
    """The handler runs for the connection that was lost."""
    work, gate = Chat.gates["work"], Chat.gates["ann"] = Event(), Event()
    gate.set()
    ann = join(live, name="ann")
    ann.emit("work")
    wait_for(lambda: live.socket(ann.client).busy, "the handler runs")
    socket = live.socket(ann.client)
    end = gevent.spawn(socket.kill, reason="transport close")
    wait_for(lambda: socket.ended, "the connection ends")
    gate.clear()
    back = ann.asks()
    wait_for(lambda: len(Chat.seen) == 2, "the way in has begun")
    work.set()
    end.join()
    wait_for(lambda: not socket.busy, "the handler has ended")
    gate.set()
    assert back.connected().recovered
    assert back.events(2) == [["done"], ["welcome", True, 2]]
