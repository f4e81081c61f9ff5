"""Clients that upgrade while numbers flow both ways: nothing is lost on the way."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.engine.upgraders import Journey, crowd_command
from tests.live.serving import ROOT

from .behind import ARRANGEMENTS, serving

MAKE = "tests.soak.workers.application:make_app"

#: The clients answer no pings, and on a busy machine their requests come late.
OPTIONS = """
heartbeat_interval = 300
handshake_timeout = 300
"""

CLIENTS = 100
RATE = 20.0
SECONDS = 8.0


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize(("workers", "proxy"), ARRANGEMENTS)
def test_nothing_is_lost_doubled_or_reordered(
    workers: int, proxy: str, version: int, tmp_path: Path
) -> None:
    options: dict[str, float] = {"size": CLIENTS, "rate": RATE, "seconds": SECONDS}
    with serving(tmp_path, MAKE, workers, proxy, OPTIONS) as behind:
        ran = subprocess.run(
            crowd_command(
                port=behind.port, version=version, resource="/socketio", **options
            ),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            check=True,
            timeout=40 * SECONDS,
        )
    journeys = [Journey(**each) for each in json.loads(ran.stdout)]
    assert len(journeys) == CLIENTS
    assert [fault for each in journeys for fault in each.faults()] == []
    by_polling = sum(each.by_polling for each in journeys)
    to_clients = sum(each.sent_by_server for each in journeys)
    assert 0 < by_polling < to_clients
    assert behind.handed_over > CLIENTS
    print(
        f"{to_clients} messages to {CLIENTS} clients, {by_polling} of them by polling; "
        f"{sum(each.sent_by_client for each in journeys)} from them; "
        f"{behind.handed_over} requests were handed over"
    )
