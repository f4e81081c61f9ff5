"""Closing a connection whose client still sends."""

from __future__ import annotations

import gevent
import pytest

from tgext.socketio.engine.http import lingering
from tgext.socketio.engine.http.lingering import has_more, linger, read_ahead
from tgext.socketio.engine.io.reader import buffered_input

from ..clients import DEADLINE
from ..conftest import Ends


def test_it_reads_until_the_client_closes(ends: Ends) -> None:
    ours, theirs = ends
    closing = gevent.spawn(linger, ours, buffered_input(ours, DEADLINE), DEADLINE)
    assert theirs.recv(1) == b""  # the output has ended
    theirs.sendall(b"x" * 100_000)
    assert not closing.ready()
    theirs.close()
    closing.get(timeout=DEADLINE)


def test_who_goes_on_is_not_listened_to_for_ever(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lingering, "LINGER", 0.05)
    ours, _ = ends
    linger(ours, buffered_input(ours, DEADLINE), DEADLINE)


def test_a_connection_that_has_failed_is_not_an_error(ends: Ends) -> None:
    ours, theirs = ends
    source = buffered_input(ours, DEADLINE)
    theirs.close()
    linger(ours, source, DEADLINE)
    ours.close()
    linger(ours, source, DEADLINE)


def test_what_has_come_is_seen_and_stays(ends: Ends) -> None:
    ours, theirs = ends
    source = buffered_input(ours, DEADLINE)
    assert not has_more(ours, source)
    theirs.sendall(b"more")
    assert has_more(ours, source)
    assert read_ahead(ours, source) == b"more"
    assert source.read(4) == b"more"
    assert ours.gettimeout() is None
    theirs.close()
    assert read_ahead(ours, source) == b""
