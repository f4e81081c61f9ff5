"""What TurboGears knows of a request's dispatch, in an event; ``@cached`` needs it."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from secrets import token_hex
from typing import Any

import pytest
import tg
from tg import FullStackApplicationConfigurator, TGController
from tg.decorators import before_call, cached

from tests.engine import clients
from tests.engine.clients import KINDS, wait_for
from tests.engine.conftest import Live
from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.request.destination import Destinations

made: list[Any] = []

#: The requests of the events that read their state.
requests: list[Any] = []


class Lists(SocketIOTGNamespace):
    @cached(expire=300)
    def on_list(self, kind: str, number: int = 1) -> list[Any]:
        made.append((type(self).__name__, kind, number))
        return [kind] * number

    @cached(key="kind", type="memory")
    def on_by_kind(self, kind: str, number: int = 1) -> list[Any]:
        made.append((type(self).__name__, kind, number))
        return [kind] * number

    @before_call(lambda remainder, params: None)
    def on_state(self) -> list[Any]:
        state = tg.request.dispatch_state
        return [
            state.controller is self,
            state.action == self.on_state,
            [location for location, _ in state.controller_path],
            state.path,
            list(state.remainder),
            tg.request.controller_url,
            tg.request.response_ext,
            tg.request.response_type,
        ]

    def on_plain(self) -> list[Any]:
        state = tg.request.dispatch_state
        requests.append(weakref.ref(tg.request.environ["tg.locals"].request))
        return [
            state.controller is self,
            type(state.controller_path[-1][1]).__name__,
            tg.request.controller_url,
            state.root_dispatcher is tg.config["tg.root_controller"],
            tg.dispatched_controller().mount_point,
        ]

    def recv_connect(self) -> None:
        assert tg.request.dispatch_state.controller is self


class Others(Lists):
    pass


class SocketIO(SocketIOController):
    lists = Lists
    others = Others


class Section(TGController):
    live = SocketIO()


class RootController(TGController):
    section = Section()
    socket_io = SocketIO()


@pytest.fixture(params=["section/live", "socket.io"])
def resource(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(clients, "RESOURCE", f"/{request.param}")
    return str(request.param)


@pytest.fixture
def live(serve: Callable[..., Live], resource: str) -> Live:
    made.clear()
    configurator = FullStackApplicationConfigurator()
    root = RootController()
    configurator.update_blueprint(
        {
            "root_controller": root,
            "serve_static": False,
            "cache.enabled": True,
            "cache.type": "memory",
        }
    )
    application = Destinations(configurator.make_wsgi_app({}, {}))
    return serve(application=application, resource=resource)


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_knows_the_path_and_the_controllers_of_its_connection(
    live: Live, resource: str, kind: str
) -> None:
    client = live.client(kind)
    client.join("/lists")
    path = resource.split("/")
    locations = ["/", *resource.replace(".", "_").split("/")]
    state = [True, True, locations, path, [], resource, None, None]
    assert client.call("/lists", "state") == [state]


def test_a_method_that_is_called_directly_knows_them_too(
    live: Live, resource: str
) -> None:
    client = live.client()
    client.join("/lists")
    mount = "/" + resource.replace(".", "_")
    plain = [True, "SocketIO", resource, True, mount]
    assert client.call("/lists", "plain") == [plain]


def test_an_event_that_read_its_state_leaves_nothing_in_memory(live: Live) -> None:
    """Not even until the garbage collector runs."""
    requests.clear()
    client = live.client()
    client.join("/lists")
    gc.disable()
    try:
        client.call("/lists", "plain")
        wait_for(lambda: requests[0]() is None, "the request is forgotten")
    finally:
        gc.enable()


@pytest.fixture
def fresh() -> str:
    """A value that no cache of this process knows."""
    return token_hex(4)


def test_cached_remembers_what_a_handler_returned(live: Live, fresh: str) -> None:
    client = live.client()
    client.join("/lists")
    client.join("/others")
    for _ in range(2):
        assert client.call("/lists", "list", fresh, 2) == [[fresh, fresh]]
        assert client.call("/lists", "list", fresh) == [[fresh]]
        assert client.call("/others", "list", fresh) == [[fresh]]
    assert made == [("Lists", fresh, 2), ("Lists", fresh, 1), ("Others", fresh, 1)]


def test_cached_takes_the_key_that_it_is_given(live: Live, fresh: str) -> None:
    client = live.client()
    client.join("/lists")
    assert client.call("/lists", "by_kind", fresh, 2) == [[fresh, fresh]]
    assert client.call("/lists", "by_kind", fresh, 3) == [[fresh, fresh]]
    assert client.call("/lists", "by_kind", f"{fresh}'", 1) == [[f"{fresh}'"]]
    assert made == [("Lists", fresh, 2), ("Lists", f"{fresh}'", 1)]
