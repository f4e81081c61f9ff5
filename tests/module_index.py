"""The index of modules in *How it is built*, made from the modules' docstrings.

``python -m tests.module_index`` writes it into the page.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "tgext" / "socketio"
PAGE = ROOT / "docs" / "how_it_is_built.rst"

#: From the first folder of the index to the end of the page.
INDEX = re.compile(r"^``\./``\n.*\Z", re.DOTALL | re.MULTILINE)


def folders() -> Iterator[Path]:
    """The folders of the package, each before those that are in it."""
    yield PACKAGE
    yield from sorted({each.parent for each in PACKAGE.rglob("*.py")} - {PACKAGE})


def subject(module: Path) -> str:
    """The first line of a module's docstring."""
    text = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]


def entries(folder: Path) -> Iterator[str]:
    for module in sorted(folder.glob("*.py")):
        if module.stem not in ("__init__", "_version"):
            entry = f"``{module.name}``: {subject(module)}"
            yield from wrap(
                entry, 88, initial_indent="- ", subsequent_indent="  ",
                break_long_words=False, break_on_hyphens=False,
            )  # fmt: skip


def index() -> str:
    """The index as reStructuredText."""
    parts = [
        f"``{each.relative_to(PACKAGE)}/``\n\n" + "\n".join(entries(each))
        for each in folders()
    ]
    return "\n\n".join(part for part in parts if "- " in part) + "\n"


if __name__ == "__main__":
    PAGE.write_text(INDEX.sub(lambda found: index(), PAGE.read_text()))
