"""The messages that docs/mistakes.rst quotes are those of the package."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from .pages import ROOT, read

PAGE = "docs/mistakes.rst"


def quoted() -> list[str]:
    """The texts of several words in the page's second columns."""
    cells = re.findall(r"^     - (.+(?:\n       .+)*)", read(PAGE), re.MULTILINE)
    texts = re.findall(r"``([^`]+)``", "\n".join(" ".join(c.split()) for c in cells))
    return [each for each in texts if re.match(r'[\w.…]+( [\w….,"]+){2}', each)]


def texts() -> Iterator[str]:
    """All texts in the package's code, with … for what is put into them."""
    for path in (ROOT / "tgext" / "socketio").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield re.sub(r"%[sdr]", "…", node.value)
            elif isinstance(node, ast.JoinedStr):
                yield "".join(
                    str(each.value) if isinstance(each, ast.Constant) else "…"
                    for each in node.values
                )


@pytest.fixture(scope="module")
def said() -> str:
    return "\n".join(texts())


@pytest.mark.parametrize("message", quoted())
def test_the_message_is_one_of_the_package(message: str, said: str) -> None:
    assert message in said


def test_enough_is_checked() -> None:
    assert len(quoted()) >= 12
