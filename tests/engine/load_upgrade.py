"""The upgrade under load, in full; ``tox run -e load`` runs it.

200 clients of each revision upgrade while each of them receives and sends 50 numbered
messages a second. The clients run in another process.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest
from gevent import subprocess

from .conftest import Serve
from .upgraders import NAME, Journey, Numbers, crowd_command

ROOT = Path(__file__).parents[2]

CLIENTS = 200
RATE = 50.0
SECONDS = 12.0


@pytest.fixture(autouse=True)
def _timeout() -> Iterator[None]:
    """Replaces the time limit of ordinary tests."""
    timeout = gevent.Timeout.start_new(20 * SECONDS)
    yield
    timeout.close()


@pytest.mark.parametrize("version", [3, 4])
def test_nothing_is_lost_doubled_or_reordered(serve: Serve, version: int) -> None:
    live = serve({NAME: Numbers})
    options = {"size": CLIENTS, "rate": RATE, "seconds": SECONDS}
    ran = subprocess.run(
        crowd_command(port=live.port, version=version, **options),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    journeys = [Journey(**each) for each in json.loads(ran.stdout)]
    assert len(journeys) == CLIENTS
    assert [fault for each in journeys for fault in each.faults()] == []
    to_clients = sum(each.sent_by_server for each in journeys)
    to_server = sum(each.sent_by_client for each in journeys)
    by_polling = sum(each.by_polling for each in journeys)
    assert to_clients >= CLIENTS * RATE * SECONDS * 0.9
    assert 0 < by_polling < to_clients
    print(
        f"revision {version}: {to_clients} messages to {CLIENTS} clients,"
        f" {by_polling} of them by polling; {to_server} from them"
    )
