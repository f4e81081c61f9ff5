"""An application may give functions instead of namespace classes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tgext.socketio.engine.mixins import RoomsMixin
from tgext.socketio.engine.namespaces.base import BaseNamespace, ConnectionRefused
from tgext.socketio.engine.session.factories import name_of

from ..clients import wait_for
from ..conftest import Live, Serve
from ..sample_namespaces import Echo


class Shop(BaseNamespace, RoomsMixin):
    """Needs more than gevent-socketio gives its namespaces."""

    left: list[str]

    def __init__(self, *args: Any, stock: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stock = stock
        self.join("customers")
        self.emit("greeted", self.ns_name, self.request)

    def recv_connect(self) -> None:
        if self.stock == "none":
            raise ConnectionRefused("Sold out")

    def recv_disconnect(self) -> None:
        self.left.append(self.stock)
        self.disconnect(silent=True)

    def on_stock(self) -> Any:
        return self.stock


class Maker:
    """A callable object; its class method is another way to make one."""

    def __call__(self, environ: Any, ns_name: str, request: Any = None) -> Shop:
        return Shop(environ, ns_name, request, stock="tea")

    @classmethod
    def build(cls, environ: Any, ns_name: str, request: Any = None) -> Shop:
        return Shop({**environ}, ns_name, request=request, stock="tea")


def make(environ: Any, ns_name: str, request: Any = None) -> Shop:
    return Shop(environ, ns_name, request=request, stock="tea")


FACTORIES: dict[str, Callable[..., Any]] = {
    "a function": make,
    "a lambda": lambda environ, ns_name, request: Shop(
        environ, ns_name, request, stock="tea"
    ),
    "a partial class": partial(Shop, stock="tea"),
    "an object": Maker(),
    "a class method": Maker.build,
}


@pytest.fixture(autouse=True)
def _left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Shop, "left", [], raising=False)


@pytest.mark.parametrize("factory", FACTORIES)
def test_a_function_makes_the_namespace(serve: Serve, kind: str, factory: str) -> None:
    live = serve({"/shop": FACTORIES[factory], "/other": Echo})  # type: ignore[dict-item]
    client = live.client(kind)
    client.join("/shop")
    assert client.event("/shop") == ["greeted", "/shop", None]
    assert client.call("/shop", "stock") == ["tea"]
    socket = live.socket(client)
    assert live.server.rooms.members("/shop", "customers") == [socket]
    client.close()
    wait_for(lambda: Shop.left == ["tea"], "the namespace is told of the end")


def test_what_it_makes_may_refuse(serve: Serve, kind: str) -> None:
    live = serve({"/shop": partial(Shop, stock="none"), "/other": Echo})  # type: ignore[dict-item]
    client = live.client(kind)
    client.join("/other")
    client.send(client.dialect.connect("/shop"))
    assert client.read()["type"] == "refused"
    assert client.call("/other", "echo", 1) == [1]
    assert live.server.rooms.members("/shop", "customers") == []
    assert Shop.left == []


def refused(live: Live) -> Any:
    client = live.client("4-websocket")
    client.send("40/shop,")
    return client.read()["data"]


class Incomplete(BaseNamespace):
    def __init__(self, environ: Any, ns_name: str, request: Any = None) -> None:
        self.answer = 42


class New(BaseNamespace):
    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return None


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (
            lambda environ, ns_name, request: None,
            "<lambda> returned a builtins.NoneType, and has to return a BaseNamespace",
        ),
        (partial(lambda *args, **kw: {}), "functools.partial returned a builtins.dict"),
        (
            lambda *args, **kwargs: Incomplete(*args, **kwargs),
            "Incomplete.__init__ does not call super().__init__",
        ),
        (New, "New.__new__ returned a builtins.NoneType: it has to return super()"),
        (lambda environ: None, "got an unexpected keyword argument 'request'"),
    ],
)
def test_one_that_does_not_refuses_and_is_named(
    serve: Serve, factory: Any, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    live = serve({"/shop": factory})
    assert refused(live) == {"message": "Internal server error"}
    assert message in caplog.text


class Once:
    """Makes one namespace, and returns it whoever asks."""

    made: Any = None

    def __call__(self, environ: Any, ns_name: str, request: Any = None) -> Any:
        self.made = self.made or Echo({**environ}, ns_name, request)
        return self.made


def refused_at(client: Any, endpoint: str) -> None:
    client.send(client.dialect.connect(endpoint))
    assert client.read()["type"] == "refused"


def test_a_namespace_is_that_of_one_client(
    serve: Serve, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The second client would speak as the first one."""
    live = serve({"/shop": Once(), "/other": Echo})  # type: ignore[dict-item]
    first, second = live.client(kind), live.client(kind)
    first.join("/shop")
    second.join("/other")
    refused_at(second, "/shop")
    assert "Echo that it returned before, and has to make one" in caplog.text
    assert first.call("/shop", "echo", 1) == [1]
    assert list(live.socket(second).active_ns) == ["/other"]
    assert live.server.rooms.members("/shop") == [live.socket(first)]


@pytest.mark.parametrize("leaves", [True, False])
def test_a_namespace_is_used_once_by_its_client(
    serve: Serve, kind: str, leaves: bool
) -> None:
    once = Once()
    live = serve({"/shop": once, "/again": once, "/other": Echo})  # type: ignore[dict-item]
    client = live.client(kind)
    client.join("/other")
    client.join("/shop")
    if leaves:
        client.leave("/shop")
    refused_at(client, "/shop" if leaves else "/again")
    assert client.call("/other", "echo", 1) == [1]


def test_a_function_may_pass_another_environ(serve: Serve, kind: str) -> None:
    def factory(environ: Any, ns_name: str, request: Any = None) -> Echo:
        return Echo({"socketio": environ["socketio"]}, ns_name)

    client = serve({"/shop": factory}).client(kind)
    client.join("/shop")
    assert client.call("/shop", "echo", 1) == [1]


@pytest.mark.parametrize(
    ("factory", "name"),
    [
        (Shop, f"{__name__}.Shop"),
        (make, f"{__name__}.make"),
        (Maker.build, f"{__name__}.Maker.build"),
        (Maker(), f"{__name__}.Maker"),
        (partial(Shop), "functools.partial"),
    ],
)
def test_names_for_messages(factory: Any, name: str) -> None:
    assert name_of(factory) == name


def test_a_function_may_make_a_namespace_of_gevent_socketio(
    serve: Serve, kind: str
) -> None:
    foreign = pytest.importorskip("socketio.namespace", reason="gevent-socketio")
    mixins = pytest.importorskip("socketio.mixins", reason="gevent-socketio")

    class Theirs(foreign.BaseNamespace, mixins.RoomsMixin):  # type: ignore[misc, name-defined]
        def initialize(self) -> None:
            self.join("customers")

        def on_stock(self) -> str:
            return "coffee"

    live = serve({"/shop": lambda *args, **kwargs: Theirs(*args, **kwargs)})  # type: ignore[dict-item]
    client = live.client(kind)
    client.join("/shop")
    assert client.call("/shop", "stock") == ["coffee"]
    socket = live.socket(client)
    assert live.server.rooms.members("/shop", "customers") == [socket]
