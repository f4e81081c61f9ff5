"""The clients for Node of all generations, through several workers: all they can do.

The tests are those of tests/live/test_clients.py.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.live.nodes import CONNECTIONS, player
from tests.live.test_clients import *  # noqa: F403
from tests.live.test_clients import Connection

from .behind import Behind

#: How many clients play at once.
AT_ONCE = 5

#: It walks the sockets of its own process, which are not all.
del test_who_is_not_admitted_hears_no_secret  # noqa: F821


@pytest.fixture(scope="module")
def played(lab: Behind, node_clients: Path) -> dict[tuple[str, str], Any]:
    """What each client sees, or why it has not played to the end."""

    def play(connection: tuple[str, str]) -> Any:
        try:
            return player(node_clients, lab.url, *connection)()
        except AssertionError as error:
            return str(error)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(CONNECTIONS, pool.map(play, CONNECTIONS), strict=True))


@pytest.fixture(scope="module", params=CONNECTIONS, ids="-".join)
def connection(
    request: pytest.FixtureRequest,
    lab: Behind,
    node_clients: Path,
    played: dict[tuple[str, str], Any],
) -> Connection:
    client, transport = request.param
    if isinstance(played[request.param], str):
        pytest.fail(played[request.param])
    play = player(node_clients, lab.url, client, transport)
    return Connection(client, transport, played[client, transport], play)
