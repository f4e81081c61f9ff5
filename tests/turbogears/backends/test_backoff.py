"""The wait before the next attempt to reach a broker."""

from __future__ import annotations

from tgext.socketio.backends.backoff import LONGEST, Backoff


def test_attempts_become_rarer() -> None:
    backoff = Backoff()
    waits = [backoff.next() for _ in range(10)]
    for number, wait in enumerate(waits):
        least = min(LONGEST, 0.1 * 2**number)
        assert least <= wait <= 1.1 * least
    backoff.reset()
    assert backoff.next() <= 0.11
