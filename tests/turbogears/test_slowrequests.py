"""backlash reports slow pages, which run in greenlets."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import gevent
import gevent.event
import pytest
from tg import MinimalApplicationConfigurator, TGController, expose, request
from tg.configurator.components.slow_requests import SlowRequestsConfigurationComponent

from tests.engine.clients import DEADLINE, wait_for
from tests.engine.conftest import Live
from tests.turbogears.slow import Reporter, reporter
from tgext.socketio.websocket import websocket

__all__ = ["reporter"]


class RootController(TGController):
    def __init__(self) -> None:
        super().__init__()
        self.go_on = gevent.event.Event()

    @expose(content_type="text/plain")
    def wait_here(self) -> str:
        assert self.go_on.wait(DEADLINE)
        return "waited"

    @expose(content_type="text/plain")
    def block(self) -> str:
        """Lets no other greenlet run."""
        end = time.monotonic() + 1.1
        while time.monotonic() < end:
            pass
        return "blocked"

    @expose(content_type="text/plain")
    def be_quick(self) -> str:
        return "quick"

    @expose()
    @websocket
    def echo(self) -> None:
        for message in request.websocket:
            request.websocket.send(message)


@pytest.fixture
def root() -> RootController:
    return RootController()


@pytest.fixture
def start(
    serve: Callable[..., Live], reporter: Reporter, root: RootController
) -> Callable[..., Live]:
    def start(interval: int, **options: Any) -> Live:
        configurator = MinimalApplicationConfigurator()
        configurator.register(SlowRequestsConfigurationComponent)
        configurator.update_blueprint(
            {
                "root_controller": root,
                "debug": False,
                "trace_slowreqs.enable": True,
                "trace_slowreqs.interval": interval,
                "trace_slowreqs.reporters": [reporter],
                **options,
            }
        )
        app = configurator.make_wsgi_app({}, {})
        return serve(application=app, resource="socketio")

    return start


def test_the_stack_of_a_page_that_waits_is_reported(
    start: Callable[..., Live], reporter: Reporter, root: RootController
) -> None:
    live = start(1)
    asked = gevent.spawn(live.http().request, "GET", "/wait_here")
    wait_for(lambda: reporter.reports, "the report")
    root.go_on.set()
    assert asked.get(timeout=DEADLINE).body == b"waited"
    [report] = reporter.reports
    assert report.exception == "SlowRequestError: /wait_here"
    names = [frame.function_name for frame in report.frames]
    assert "wait_here" in names
    assert report.context.request.path == "/wait_here"


def test_several_pages_have_their_own_stacks(
    start: Callable[..., Live], reporter: Reporter, root: RootController
) -> None:
    live = start(1)
    asked = [
        gevent.spawn(live.http().request, "GET", f"/wait_here?number={number}")
        for number in range(3)
    ]
    wait_for(lambda: len(reporter.reports) == 3, "the reports")
    root.go_on.set()
    gevent.joinall(asked, timeout=DEADLINE, raise_error=True)
    queries = {each.context.environ["QUERY_STRING"] for each in reporter.reports}
    assert queries == {"number=0", "number=1", "number=2"}
    for each in reporter.reports:
        assert "wait_here" in [frame.function_name for frame in each.frames]


def test_a_page_that_blocks_all_is_reported_at_its_end(
    start: Callable[..., Live], reporter: Reporter
) -> None:
    live = start(1)
    assert live.http().request("GET", "/block").body == b"blocked"
    wait_for(lambda: reporter.reports, "the report")
    [report] = reporter.reports
    assert report.exception == "SlowRequestError: /block"


@pytest.mark.parametrize(
    ("interval", "path", "options"),
    [
        (3600, "/be_quick", {}),
        (1, "/block", {"trace_slowreqs.exclude": ["/block"]}),
    ],
)
def test_others_are_not_reported(
    start: Callable[..., Live],
    reporter: Reporter,
    interval: int,
    path: str,
    options: dict[str, Any],
) -> None:
    live = start(interval, **options)
    assert live.http().request("GET", path).status == 200
    gevent.sleep(0.05)
    assert reporter.reports == []


def test_an_open_websocket_is_not_slow(
    start: Callable[..., Live], reporter: Reporter, root: RootController
) -> None:
    live = start(1)
    client = live.websocket("/echo")
    client.send("hello")
    assert client.receive() == "hello"
    # The page begins later, so the WebSocket would have been reported before it.
    asked = gevent.spawn(live.http().request, "GET", "/wait_here")
    wait_for(lambda: reporter.reports, "the report of the page")
    root.go_on.set()
    asked.get(timeout=DEADLINE)
    client.close()
    assert [each.exception for each in reporter.reports] == [
        "SlowRequestError: /wait_here"
    ]
