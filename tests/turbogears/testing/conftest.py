"""Fixtures: an application, and clients of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from webtest import TestApp

from tgext.socketio.testing import GENERATIONS, SocketIOTest

from .shop import make_app

wsgi = make_app()


@pytest.fixture(params=GENERATIONS)
def generation(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def app() -> Any:
    """WebTest's, with cookies of its own."""
    return TestApp(wsgi)


@pytest.fixture
def io(
    app: Any, unhandled: list[BaseException], greenlets: Callable[[], list[Any]]
) -> Iterator[SocketIOTest]:
    """Of the newest generation; nothing of it is left at the end."""
    with SocketIOTest(app, timeout=30) as io:
        yield io
    assert unhandled == []
    assert greenlets() == []
