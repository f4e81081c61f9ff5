"""The table of options of the documentation, made from the rows of the server's table.

``python -m tests.turbogears.option_table`` writes it into docs/options.rst.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import zip_longest
from pathlib import Path
from textwrap import wrap

from tgext.socketio.engine.hub.settings import OPTIONS
from tgext.socketio.serveroptions import OURS

PAGE = Path(__file__).parents[2] / "docs" / "options.rst"

HEAD = ("option", "default", "meaning", "when exceeded")

#: Characters of each column.
WIDTHS = (31, 17, 36, 29)

#: The table in the page: from its first border to its last.
TABLE = re.compile(
    r"^=[ =]*=\noption +default +meaning.*?\n(=[ =]*=\n).*?\n\1",
    re.DOTALL | re.MULTILINE,
)


def lines_of(cells: Iterable[str]) -> list[str]:
    """A row of a simple table; a line whose first cell is empty continues it."""
    columns = [
        wrap(cell, width, break_long_words=False)
        for cell, width in zip(cells, WIDTHS, strict=True)
    ]
    return [
        " ".join(
            part.ljust(width) for part, width in zip(parts, WIDTHS, strict=True)
        ).rstrip()
        for parts in zip_longest(*columns, fillvalue="")
    ]


def table() -> str:
    """The table as reStructuredText."""
    border = " ".join("=" * width for width in WIDTHS)
    rows = [
        (f"``{each.name}``", each.default_text, each.meaning, each.exceeded)
        for each in (*OURS.values(), *OPTIONS.values())
    ]
    body = [line for row in rows for line in lines_of(row)]
    return "\n".join([border, *lines_of(HEAD), border, *body, border, ""])


if __name__ == "__main__":
    PAGE.write_text(TABLE.sub(lambda found: table(), PAGE.read_text()))
