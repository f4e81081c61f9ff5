"""Fewer combinations of parameters, where another Python tries all of them.

A test that is parametrized several times runs for every combination of the rows. With
``TGEXT_SOCKETIO_DIAGONAL=1`` only as many combinations are kept as are needed for each
row to occur. A table, which is one parametrization, stays whole; rows that are equal
count once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import pytest

#: A row: the names of parameters, and what identifies their values.
Row = Hashable


def diagonal(combinations: Sequence[AbstractSet[Any]]) -> list[int]:
    """The indices of combinations in which each row occurs, in their order.

    The next one is always the first of those with the most rows that are missing.
    """
    if not any(combinations):
        return list(range(len(combinations)))
    missing = set().union(*combinations)
    chosen: list[int] = []
    while missing:
        best = max(
            range(len(combinations)),
            key=lambda index: len(missing & combinations[index]),
        )
        chosen.append(best)
        missing -= combinations[best]
    return sorted(chosen)


def rows_of(item: pytest.Item) -> set[Row]:
    """The rows of the parametrizations from which a test has its parameters."""
    callspec = getattr(item, "callspec", None)
    if callspec is None:
        return set()
    tables = []
    for mark in item.iter_markers("parametrize"):
        names = mark.args[0] if mark.args else mark.kwargs["argnames"]
        if isinstance(names, str):
            names = [name.strip() for name in names.split(",")]
        tables.append(tuple(names))
    named = {name for table in tables for name in table}
    # The others are parameters of fixtures.
    tables += [(name,) for name in callspec.params if name not in named]
    return {
        (table, *(id(callspec.params[name]) for name in table if name))
        for table in tables
    }


def thin_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the combinations that are not needed."""
    tests: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        tests[item.nodeid.partition("[")[0]].append(item)
    kept: set[pytest.Item] = set()
    for same in tests.values():
        kept.update(same[index] for index in diagonal([rows_of(each) for each in same]))
    deselected = [each for each in items if each not in kept]
    config.hook.pytest_deselected(items=deselected)
    items[:] = [each for each in items if each in kept]
