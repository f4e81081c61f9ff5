"""Whose sessions other processes can have."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tgext.socketio.engine.recovery.kept import is_shared


@pytest.mark.parametrize(
    ("user", "shared"),
    [(None, True), ("ann", True), (7, True), (True, False), (uuid4(), False)],
)
def test_users_whose_ids_json_has(user: Any, shared: bool) -> None:
    assert is_shared(user) is shared
