"""The controller that ``plug`` mounts; ``tests/stacks`` has tgext.pluggable itself."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from tg import (
    AppConfig,
    FullStackApplicationConfigurator,
    MinimalApplicationConfigurator,
    TGController,
)

import tgext.socketio
from tests.engine.conftest import Live
from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.configuration import ConfigurationError
from tgext.socketio.pluggable import plugme

HERE = __name__


class Chat(SocketIOTGNamespace):
    def on_say(self, word: str) -> str:
        return word.upper()


class Front(SocketIOController):
    front = Chat


class Below(TGController): ...


@pytest.fixture(autouse=True)
def _unplugged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Applications of other tests have no such controller."""
    monkeypatch.setattr("tg.hooks._hooks", {})


def minimal() -> Any:
    return MinimalApplicationConfigurator()


def full_stack() -> Any:
    configurator = FullStackApplicationConfigurator()
    configurator.update_blueprint(
        {"renderers": ["json"], "default_renderer": "json", "i18n.enabled": False}
    )
    return configurator


def root_class() -> type[TGController]:
    class Root(TGController):
        below = Below()

    return Root


def make(configurator: Any, root: Any, **settings: Any) -> Any:
    configurator.update_blueprint({"root_controller": root})
    return configurator.make_wsgi_app({}, settings)


def test_it_is_where_tgext_pluggable_looks_for_it() -> None:
    assert tgext.socketio.plugme is plugme


@pytest.mark.parametrize("configure", [minimal, full_stack])
@pytest.mark.parametrize(
    ("options", "resource", "namespace"),
    [
        ({"namespaces": {"chat": f"{HERE}:Chat"}}, "socketio", "/chat"),
        ({"namespaces": {"/chat": Chat}, "appid": None}, "socketio", "/chat"),
        ({"namespaces": {"": f"{HERE}.Chat"}, "appid": "live"}, "live", ""),
        ({"controller": f"{HERE}:Front", "appid": "below.io"}, "below/io", "/front"),
        (
            {"controller": Front, "namespaces": {"chat": Chat}, "plug_helpers": False},
            "socketio",
            "/chat",
        ),
    ],
)
def test_clients_reach_what_is_plugged(
    serve: Callable[..., Live],
    monkeypatch: pytest.MonkeyPatch,
    configure: Callable[[], Any],
    options: dict[str, Any],
    resource: str,
    namespace: str,
) -> None:
    monkeypatch.setattr("tests.engine.clients.RESOURCE", f"/{resource}")
    configurator = configure()
    appid = plugme(configurator, options)["appid"]
    assert appid == resource.replace("/", ".")
    live = serve(application=make(configurator, root_class()()), resource=resource)
    client = live.client("4-websocket")
    client.join(namespace)
    assert client.call(namespace, "say", "hello") == ["HELLO"]
    live.close_clients()


@pytest.mark.filterwarnings("ignore:Using AppConfig:DeprecationWarning")
def test_the_configuration_of_older_applications() -> None:
    root = root_class()()
    configurator = AppConfig(minimal=True, root_controller=root)
    plugme(configurator, {"controller": Front})
    configurator.make_wsgi_app()
    assert isinstance(root.socketio, Front)


def test_applications_of_other_configurators_are_left_alone() -> None:
    mine, other = minimal(), minimal()
    plugme(mine, {"controller": Front})
    root, others = root_class()(), root_class()()
    make(other, others)
    make(mine, root)
    assert isinstance(root.socketio, Front)
    assert not hasattr(others, "socketio")


def test_an_application_that_is_made_again_keeps_its_controller() -> None:
    configurator, root = minimal(), root_class()()
    plugme(configurator, {"controller": Front})
    make(configurator, root)
    before = root.socketio
    make(configurator, root)
    assert root.socketio is before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (None, "plug: name the namespaces, as in plug"),
        ({"appid": "live"}, "plug: name the namespaces, as in plug"),
        ({"namespaces": f"{HERE}:Chat"}, "plug: namespaces: give a dict"),
        (
            {"namespace": {"chat": Chat}},
            r"plug: namespace is not an option \(did you mean namespaces\?\)",
        ),
    ],
)
def test_options_are_checked_at_once(options: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as raised:
        plugme(minimal(), options)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"namespaces": {"chat": f"{HERE}:Caht"}},
            "plug: namespaces: cannot import .*Caht",
        ),
        ({"controller": "no.where"}, "plug: controller: cannot import 'no.where'"),
        ({"controller": Chat}, "controller: .*Chat.* is not a subclass of SocketIOC"),
        ({"namespaces": {"chat": str}}, "namespaces: .*str.* is not a namespace class"),
        (
            {"controller": Front, "appid": "below"},
            "there is something at below already",
        ),
        ({"controller": Front, "appid": "no.io"}, "plug: appid no.io: there is no no"),
    ],
)
def test_what_cannot_be_mounted_is_told_when_the_application_is_made(
    options: dict[str, Any], message: str
) -> None:
    configurator = minimal()
    plugme(configurator, options)
    with pytest.raises(ConfigurationError, match=message) as raised:
        make(configurator, root_class()())
    assert "\n" not in str(raised.value)


def test_the_configuration_is_checked_where_no_server_does_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configurator = minimal()
    plugme(configurator, {"controller": Front})
    make(configurator, root_class()(), **{"socketio.clutser": "true"})
    monkeypatch.delitem(sys.modules, "tgext.socketio.server")
    with pytest.raises(ConfigurationError, match=r"did you mean socketio\.cluster\?"):
        make(configurator, root_class()(), **{"socketio.clutser": "true"})
