"""The application of the clients, with several workers behind each proxy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live.conftest import browser, node_clients

from .behind import ARRANGEMENTS, Behind, serving

__all__ = ["browser", "node_clients"]


@pytest.fixture(
    scope="session",
    params=ARRANGEMENTS,
    ids=lambda each: f"{each[1]}-{each[0]}",
)
def lab(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Behind]:
    """Takes the place of the one process that tests/live has."""
    workers, proxy = request.param
    folder = tmp_path_factory.mktemp("lab")
    make = "tests.soak.workers.shared_lab:make_app"
    with serving(folder, make, workers, proxy) as behind:
        yield behind
        print(f"{behind.handed_over} requests were handed over", end="; ")
        assert behind.handed_over > 0
