"""Consoles in tracebacks; ``tests/live/test_debugbar.py`` types in those of pages."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from backlash.console import Console
from tg import config, request


def console(environ: dict[str, Any] | None) -> Console:
    known = {"request": request, "config": config}
    return Console(known, {}, None if environ is None else {"environ": environ})


def test_a_line_has_the_request_that_failed() -> None:
    failed = SimpleNamespace(path="/failed")
    typed = console(
        {"tg.locals": SimpleNamespace(request=failed, config={"colour": "red"})}
    )
    for _ in range(2):
        assert "'/failed'" in typed.eval("request.path")
        assert "'red'" in typed.eval("config['colour']")
    assert "ZeroDivisionError" in typed.eval("1 / 0")
    with pytest.raises(TypeError, match="No object"):
        request.path  # noqa: B018


@pytest.mark.parametrize("environ", [None, {}])
def test_a_line_without_a_request_runs(environ: dict[str, Any] | None) -> None:
    assert "\n3" in console(environ).eval("print(1 + 2)")
