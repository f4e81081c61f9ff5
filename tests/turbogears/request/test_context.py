"""The stacks whose top TurboGears' proxies show."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
import tg
from tg import MinimalApplicationConfigurator, TGController, expose, request_local
from webtest import TestApp

from tests.engine.clients import DEADLINE
from tgext.socketio.request.context import configs, contexts, current, is_everywhere


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    yield
    assert contexts() == configs() == []


def test_outside_of_pages_and_events_there_is_no_context() -> None:
    assert contexts() == []
    assert current() is None


def test_the_stack_is_what_turbogears_pushes_to() -> None:
    """A page may run another page, whose context is on top meanwhile."""
    seen: list[Any] = []

    def look() -> None:
        tg.tmpl_context.seen = len(seen)
        seen.append([context.tmpl_context.seen for context, _ in contexts()])
        assert current().tmpl_context.seen == tg.tmpl_context.seen

    class RootController(TGController):
        @expose()
        def outer(self) -> str:
            look()
            assert page.get("/inner").text == "inner"
            return "outer"

        @expose()
        def inner(self) -> str:
            look()
            return "inner"

    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": RootController()})
    page = TestApp(configurator.make_wsgi_app({}, {}))
    assert page.get("/outer").text == "outer"
    assert seen == [[0], [0, 1]]


def test_turbogears_shows_what_is_on_the_stack() -> None:
    context, config = SimpleNamespace(tmpl_context={"a": 1}), {"answer": 42}
    contexts().append((context, False))
    configs().append((config, False))
    assert tg.tmpl_context["a"] == 1
    assert request_local.config["answer"] == 42
    contexts().pop()
    configs().pop()


def test_each_greenlet_has_a_stack_of_its_own() -> None:
    def look() -> Any:
        before = current()
        contexts().append(("theirs", False))
        gevent.sleep(0)
        return before, current()

    contexts().append(("ours", False))
    others = [gevent.spawn(look) for _ in range(3)]
    gevent.joinall(others, timeout=DEADLINE, raise_error=True)
    assert current() == "ours"
    contexts().pop()
    assert [each.value for each in others] == [(None, "theirs")] * 3


def test_a_configuration_of_the_process_needs_no_stack() -> None:
    """It is used everywhere until another one is pushed for the process."""
    first, second = {"n": 1}, {"n": 2}
    assert not is_everywhere(first)
    request_local.config.push_process_config(first)
    try:
        assert is_everywhere(first)
        assert request_local.config["n"] == 1
        assert not is_everywhere(dict(first))
        request_local.config.push_process_config(second)
        try:
            assert is_everywhere(second)
            assert not is_everywhere(first)
        finally:
            request_local.config.pop_process_config(second)
    finally:
        request_local.config.pop_process_config(first)
