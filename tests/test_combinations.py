"""Which combinations of parameters are kept."""

from __future__ import annotations

from itertools import product

import pytest

from .combinations import diagonal


@pytest.mark.parametrize(
    ("sizes", "count"), [((3,), 3), ((3, 5), 5), ((2, 2, 4), 4), ((6, 6), 6)]
)
def test_each_row_occurs_in_as_few_combinations_as_the_longest_table_has_rows(
    sizes: tuple[int, ...], count: int
) -> None:
    rows = [[(table, row) for row in range(size)] for table, size in enumerate(sizes)]
    combinations = [set(each) for each in product(*rows)]
    chosen = diagonal(combinations)
    assert len(chosen) == count
    assert chosen == sorted(chosen)
    kept = set().union(*(combinations[index] for index in chosen))
    assert kept == set().union(*combinations)


def test_tests_without_parameters_are_kept() -> None:
    assert diagonal([set()]) == [0]


def test_rows_that_do_not_combine_with_all_are_kept() -> None:
    combinations = [{"a", "x"}, {"a", "y"}, {"b", "y"}, {"c", "y"}]
    assert diagonal(combinations) == [0, 2, 3]


SAMPLE = """
import pytest

@pytest.fixture(params=["red", "blue"])
def colour(request):
    return request.param

@pytest.mark.parametrize(("number", "text"), [(1, "one"), (2, "two"), (3, "two")])
@pytest.mark.parametrize("flag", [False, True])
def test_many(colour, number, text, flag): ...

@pytest.mark.parametrize("number", [1, 2])
def test_table(number): ...

def test_alone(): ...
"""
CONFTEST = """
from tests.combinations import thin_out

def pytest_collection_modifyitems(config, items):
    thin_out(config, items)
"""

pytest_plugins = ["pytester"]


def test_pytest_deselects_the_others(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(SAMPLE)
    outcome = pytester.inline_run()
    passed, skipped, failed = outcome.listoutcomes()
    assert (len(passed), skipped, failed) == (3 + 2 + 1, [], [])
