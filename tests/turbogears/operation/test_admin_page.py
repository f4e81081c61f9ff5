"""What ``docs/in_production.rst`` says about Socket.IO Admin UI."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
from tg.predicates import has_permission

from tgext.socketio import SocketIOController
from tgext.socketio.operation.admin import AdminNamespace

from .watching import Chat

PAGE = Path(__file__).parents[3] / "docs" / "in_production.rst"

_, _, REST = PAGE.read_text(encoding="utf-8").partition("\nAdmin UI\n---")
SECTION = re.split(r"\n\w[^\n]+\n---", REST)[0]


def test_the_example() -> None:
    code, *_ = re.findall(r"::\n\n((?:    .*\n|\n)+)", SECTION)
    names: dict[str, Any] = {"SocketIOController": SocketIOController, "Chat": Chat}
    exec(textwrap.dedent(code), names)
    assert isinstance(names["Admin"].allow_only, has_permission)
    assert names["SocketIO"]().admin is names["Admin"]


@pytest.mark.parametrize("name", ["readonly", "mode", "max_sockets", "max_events"])
def test_defaults(name: str) -> None:
    [default] = re.findall(rf"^``{name}`` +(\S+) ", SECTION, re.M)
    assert default.strip("`") == repr(getattr(AdminNamespace, name))
