"""Databases in memory."""

from __future__ import annotations

import gc
import warnings
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from tgext.socketio.testing import SocketIOTest, databases

from .shop import make_app


class Globals:
    sa_engine: Any = None


def enter(engine: Any) -> None:
    globals_ = type("Own", (Globals,), {"sa_engine": engine})
    gc.collect()  # the applications of other tests
    with SocketIOTest(make_app(app_globals=globals_)):
        pass


def test_a_database_that_handlers_would_find_empty_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="use a file") as warned:
        enter(create_engine("sqlite:///:memory:"))
    assert warned[0].filename == __file__


def test_others_are_not(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        enter(create_engine(f"sqlite:///{tmp_path / 'test.db'}"))
        enter(create_engine("sqlite://", poolclass=StaticPool))


def test_without_a_patch_it_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "is_module_patched", lambda name: False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        enter(create_engine("sqlite:///:memory:"))
