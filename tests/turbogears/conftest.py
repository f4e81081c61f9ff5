"""Fixtures of the TurboGears floor, after gevent has patched the standard library."""

import pytest

import tgext.socketio.server  # noqa: F401  before anything that imports tg
from tests.engine import clients
from tests.engine.conftest import greenlets, kind, serve, unhandled

__all__ = ["greenlets", "kind", "serve", "unhandled"]


@pytest.fixture(autouse=True)
def _resource(monkeypatch: pytest.MonkeyPatch) -> None:
    """The raw clients ask where the applications of these tests are mounted."""
    monkeypatch.setattr(clients, "RESOURCE", "/socketio")
