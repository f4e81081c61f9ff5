"""What an application serves, as it is described."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.command.description import Call, Controller, Namespace, describe
from tgext.socketio.engine.namespace import BaseNamespace

from .shop import SocketIO

MODULE = "tests.turbogears.command.shop"


@pytest.fixture
def controller() -> Controller:
    root = type("Root", (), {"live": SocketIO()})()
    [found] = describe({"tg.root_controller": root})
    return found


@pytest.fixture
def desk(controller: Controller) -> Namespace:
    return controller.namespaces[0]


@pytest.fixture
def news(controller: Controller) -> Namespace:
    return controller.namespaces[1]


def test_a_controller(controller: Controller) -> None:
    assert controller.path == "/live"
    assert controller.of == f"{MODULE}:SocketIO"
    assert controller.guards == (f"{MODULE}.is_known(message='Known ones')",)
    assert [each.name for each in controller.namespaces] == ["/desk", "/news"]


def test_a_namespace(desk: Namespace, news: Namespace) -> None:
    assert desk.of == f"{MODULE}:Desk"
    assert desk.about == "Where customers ask."
    assert desk.guards == (f"Any({MODULE}.is_known(), is_user(user_name='ada'))",)
    assert desk.features == {}
    assert news.features == {"history": 3, "recovery": True}
    assert news.guards == ("rate_limit('5/second', by='user')",)


def test_its_events(desk: Namespace) -> None:
    answer, enter, named = desk.events
    assert answer == Call(
        "answer",
        "on_answer",
        "number, text='yes', *more",
        {
            "number": "Convert(func=builtins.int, msg='Invalid', default=<required>)",
            "text": "RequireValue(msg='Required')",
        },
        (
            "has_permission(message='Managers only', permission_name='manage')",
            "rate_limit('20/minute')",
        ),
        "Answer a question.",
    )
    assert (enter.name, named.name) == ("enter", "queue:enter")
    assert enter.method == named.method == "on_enter"
    assert enter.arguments == named.arguments == "packet"


def test_its_channels(desk: Namespace, news: Namespace) -> None:
    assert desk.channels == ()
    assert news.channels == (
        Call("prices", "subscribe_prices", "shop", {}, (f"{MODULE}.is_known()",), ""),
    )
    names = [each.name for each in news.events]
    assert names == ["odd", "resume", "subscribe", "unsubscribe"]


def test_what_cannot_be_told_is_told_shortly() -> None:
    class Secretive:
        def __repr__(self) -> str:
            raise LookupError

    class Verbose(BaseNamespace):
        allow_only = Secretive()

        def on_say(self, words: Any = "x" * 500) -> None: ...

    class Odd(type(SocketIO())):  # type: ignore[misc]
        odd = Verbose
        odd.on_say.decoration = type(  # type: ignore[attr-defined]
            "D", (), {"requirements": [], "validations": [_Validation("y" * 500)]}
        )

    root = type("Root", (), {"live": Odd()})()
    [controller] = describe({"tg.root_controller": root})
    [namespace] = [each for each in controller.namespaces if each.name == "/odd"]
    assert namespace.guards == (
        "<test_what_cannot_be_told_is_told_shortly.<locals>.Secretive>",
    )
    assert len(namespace.events[0].validators["*"]) < 250


class _Validation:
    def __init__(self, validators: Any) -> None:
        self.validators = validators


def test_an_application_without_a_controller() -> None:
    assert describe({"tg.root_controller": object()}) == []
