"""Locks of files of other packages: dogpile.cache and filelock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
import gevent.event
import pytest
from dogpile.cache import make_region

from tests.engine.clients import DEADLINE


def dogpile(path: Path) -> Callable[[Callable[[], Any]], Any]:
    region = make_region().configure(
        "dogpile.cache.dbm", arguments={"filename": str(path / "values.dbm")}
    )
    return lambda make: region.get_or_create("key", make)


def dogpile_of_two(path: Path) -> Callable[[Callable[[], Any]], Any]:
    """As two processes use it: each call has a region of its own."""
    return lambda make: dogpile(path)(make)


@pytest.mark.parametrize("use", [dogpile, dogpile_of_two])
def test_a_value_that_takes_long_is_made_once(
    tmp_path: Path, use: Callable[[Path], Callable[[Callable[[], Any]], Any]]
) -> None:
    go_on = gevent.event.Event()
    made = []

    def make() -> str:
        made.append(None)
        assert go_on.wait(DEADLINE)
        return "value"

    get = use(tmp_path)
    asking = [gevent.spawn(get, make) for _ in range(3)]
    gevent.sleep(0.05)
    go_on.set()
    gevent.joinall(asking, timeout=DEADLINE, raise_error=True)
    assert [each.value for each in asking] == ["value"] * 3
    assert len(made) == 1
