"""What ``docs/in_production.rst`` says about Socket.IO Admin UI."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tg.predicates import has_permission

from tests.pages import block, section
from tgext.socketio import SocketIOController
from tgext.socketio.operation.admin import AdminNamespace

from .watching import Chat

PAGE = "docs/in_production.rst"
TITLE = "Admin UI"


def test_the_example() -> None:
    code = block(PAGE, "class Admin", section=TITLE)
    names: dict[str, Any] = {"SocketIOController": SocketIOController, "Chat": Chat}
    exec(code, names)
    assert isinstance(names["Admin"].allow_only, has_permission)
    assert names["SocketIO"]().admin is names["Admin"]


@pytest.mark.parametrize("name", ["readonly", "mode", "max_sockets", "max_events"])
def test_defaults(name: str) -> None:
    [default] = re.findall(rf"^``{name}`` +(\S+) ", section(PAGE, TITLE), re.M)
    assert default.strip("`") == repr(getattr(AdminNamespace, name))
