"""The examples of a page of the documentation."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page: str) -> list[str]:
    """The literal blocks of a page of ``docs/``, in order."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = re.findall(r"::\n\n((?:    .*\n|\n)+)", text)
    return [textwrap.dedent(each).strip() + "\n" for each in found]


def block(page: str, content: str) -> str:
    """The only block with a text in it."""
    [found] = [each for each in blocks(page) if content in each]
    return found
