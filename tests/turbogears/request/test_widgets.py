"""What tw2 keeps of an event, without tw2; tests/stacks/patched has tw2's widgets."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from tgext.socketio.request.context import contexts
from tgext.socketio.request.widgets import find_middleware, state_with


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of tw2, with one dictionary for all that is no event."""
    state: dict[str, Any] = {}
    core = SimpleNamespace(request_local=lambda: state)
    monkeypatch.setitem(sys.modules, "tw2.core.core", core)
    return core


def test_without_tw2_there_is_no_middleware(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "tw2.core.core", raising=False)
    assert find_middleware() is None


def test_the_middleware_is_that_of_the_page(core: Any) -> None:
    assert find_middleware() is None
    core.request_local()["middleware"] = middleware = object()
    assert find_middleware() is middleware
    assert find_middleware() is middleware


@pytest.mark.parametrize("middleware", [None, "the middleware"])
def test_each_event_has_a_dictionary_of_its_own(core: Any, middleware: Any) -> None:
    find_middleware()
    core.request_local()["of"] = "the thread"
    seen = []
    for _ in range(2):
        event = SimpleNamespace(widgets=state_with(middleware))
        contexts().append((event, False))
        try:
            state = core.request_local()
            seen.append(dict(state))
            state["validated_widget"] = "a form with someone's values"
        finally:
            contexts().pop()
    assert seen == [{} if middleware is None else {"middleware": middleware}] * 2
    assert core.request_local() == {"of": "the thread"}


def test_the_dictionary_of_a_page_is_that_of_the_thread(core: Any) -> None:
    find_middleware()
    core.request_local()["of"] = "the thread"
    contexts().append((SimpleNamespace(), False))
    try:
        assert core.request_local() == {"of": "the thread"}
    finally:
        contexts().pop()
