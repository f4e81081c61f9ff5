"""The documentation's table of options equals the server's table."""

from __future__ import annotations

import pytest

from . import option_table


def test_the_documentation_has_the_table_of_the_server() -> None:
    """``python -m tests.turbogears.option_table`` writes it."""
    [found] = option_table.TABLE.finditer(option_table.PAGE.read_text())
    assert found[0] == option_table.table()


def test_a_row_that_takes_several_lines_is_one_row() -> None:
    core = pytest.importorskip("docutils.core")
    document = core.publish_doctree(
        option_table.table(), settings_overrides={"halt_level": 2}
    )
    rows = [each.astext() for each in document.findall() if each.tagname == "row"]
    names = [each.partition("\n")[0] for each in rows[1:]]
    assert names == [*option_table.OURS, *option_table.OPTIONS]
