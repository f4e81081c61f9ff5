"""Each row of docs/turbogears_features.rst names a test that exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "turbogears_features.rst"

#: The beginning of each row but the first of a table, and what it has.
ROW = re.compile(
    r"^   \* - (?P<feature>.+\n(?:       .+\n)*)"
    r"     - (?P<verdict>.+)\n"
    r"     -(?P<how>.*\n(?:       .+\n)*)"
    r"     - ``(?P<test>[^`]+)``\n",
    re.MULTILINE,
)


def rows() -> list[re.Match[str]]:
    return list(ROW.finditer(PAGE.read_text(encoding="utf-8")))


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["feature"].strip())
def test_the_row_names_a_test_that_exists(row: re.Match[str]) -> None:
    assert row["verdict"] in ("works", "differently", "not")
    path, _, name = row["test"].partition("::")
    tests = (ROOT / path).read_text(encoding="utf-8")
    assert f"\ndef {name}(" in tests


def test_every_row_is_checked() -> None:
    tables = PAGE.read_text(encoding="utf-8").split(".. list-table::\n")
    features = [each for each in tables if "\n     - test\n" in each]
    begun = sum(each.count("\n   * - ") for each in features)
    assert len(rows()) == begun - len(features) > 30


def test_what_does_not_work_as_in_a_page_is_explained() -> None:
    assert [
        each["feature"]
        for each in rows()
        if each["verdict"] != "works" and not each["how"].strip()
    ] == []
