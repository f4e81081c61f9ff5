"""Each paragraph of the protocol documents has a test that cites it."""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from .paragraphs import CITABLE

TESTS = Path(__file__).parents[2]


@cache
def citations() -> dict[str, list[str]]:
    """The tests that cite each paragraph, as ``path::name``.

    They are read, not collected: a run of one file has them all.
    """
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                test = f"{path.relative_to(TESTS)}::{node.name}"
                for paragraph in cited(node):
                    found[paragraph].append(test)
    return found


def cited(function: ast.FunctionDef) -> list[str]:
    return [
        ast.literal_eval(argument)
        for each in function.decorator_list
        if isinstance(each, ast.Call)
        and isinstance(each.func, ast.Attribute)
        and each.func.attr == "cites"
        for argument in each.args
    ]


@pytest.mark.parametrize("paragraph", CITABLE)
def test_a_paragraph_is_proved(paragraph: str) -> None:
    assert citations()[paragraph], f"no test cites {paragraph}: {CITABLE[paragraph]}"


def test_what_is_cited_is_a_paragraph() -> None:
    strangers = {
        paragraph: tests
        for paragraph, tests in citations().items()
        if tests and paragraph not in CITABLE
    }
    assert strangers == {}
