"""Hooks and controller wrappers work on handlers as on pages."""

from __future__ import annotations

from collections.abc import Iterator
from functools import wraps
from typing import Any

import pytest
import tg
from tg import MinimalApplicationConfigurator, expose, predicates, require, validate
from tg.decorators import before_call, before_validate
from tg.validation import Convert
from webtest import TestApp

from tgext.socketio import SocketIOTGNamespace

from ..apps import Posted, make_root, mount

notes: list[Any] = []


def note(name: str) -> Any:
    def hook(remainder: Any, params: Any) -> None:
        notes.append((name, tuple(remainder), dict(params)))

    return hook


def double(remainder: Any, params: dict[str, Any]) -> None:
    params["number"] = params["number"] * 2


class AddsRest:
    """A validator of all arguments, which adds one."""

    def to_python(self, values: dict[str, Any], state: Any = None) -> Any:
        return {**values, "rest": "added"}

    validate = to_python


def passing(function: Any) -> Any:
    """A decorator of an application that passes everything on."""

    @wraps(function)
    def wrapper(self: Any, *args: Any) -> Any:
        notes.append(("passing", args))
        return function(self, *args)

    return wrapper


def dropping(function: Any) -> Any:
    """A decorator whose function has another argument than the method."""

    @wraps(function)
    def wrapper(self: Any, token: str, number: Any) -> Any:
        notes.append(("token", token))
        return function(self, number)

    return wrapper


def adding(function: Any) -> Any:
    @wraps(function)
    def wrapper(self: Any, number: Any) -> Any:
        return function(self, "added", number)

    return wrapper


NUMBER = validate({"number": Convert(int, "no number")})


class Lab(SocketIOTGNamespace):
    @NUMBER
    @passing
    def on_validated_passing(self, number, rest="rest"):
        self.emit("got", number, rest)

    @passing
    @NUMBER
    def on_passing_validated(self, number, rest="rest"):
        self.emit("got", number, rest)

    @NUMBER
    @dropping
    def on_dropping(self, number):
        self.emit("got", number)

    @adding
    @NUMBER
    @require(predicates.not_anonymous())
    @expose()
    def on_adding(self, added, number):
        self.emit("got", added, number)

    @passing
    @validate(validators=AddsRest())
    def on_schema(self, number, rest):
        self.emit("got", number, rest)

    def on_plain(self, number, rest="rest"):
        self.emit("got", number, rest)

    def on_many(self, number, *rest):
        self.emit("got", number, *rest)

    @before_validate(note("before_validate"))
    @before_call(note("before_call"))
    @validate({"number": Convert(int, "no number")})
    @require(predicates.not_anonymous())
    def on_all(self, number, *rest):
        self.emit("got", number, *rest)

    @before_validate(double)
    def on_double(self, number):
        self.emit("got", number)

    @before_call(double)
    def on_double_late(self, number):
        self.emit("got", number)

    @before_call(note("never"))
    @validate({"number": Convert(int, "no number")}, error_handler=lambda self, *a: 1)
    def on_handled(self, number):
        self.emit("got", number)

    def on_wrapped(self, number):
        self.emit("got", number)


#: Hooks of an application.
HOOKS = {
    "before_validate": note("application"),
    "before_call": note("application, late"),
}


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    notes.clear()
    yield
    for name, hook in HOOKS.items():
        tg.hooks.disconnect(name, hook)


def post(
    event: str, *args: Any, configure: Any = None, anonymous: bool = False
) -> Posted:
    """Post an event to an application that ``configure`` set up."""
    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": make_root(mount(Lab))})
    if configure is not None:
        configure(configurator)
    app = TestApp(configurator.make_wsgi_app({}, {}))
    packet = {"type": "event", "name": event, "endpoint": "/test", "args": args}
    identity = {"repoze.who.userid": "ada", "groups": (), "permissions": ()}
    environ = {"repoze.who.identity": identity, "repoze.what.credentials": identity}
    if anonymous:
        environ = {}
    return Posted(app.post_json("/socketio/test", packet, extra_environ=environ))


def got(posted: Posted) -> list[Any]:
    [packet] = posted.sent
    assert packet["name"] == "got"
    return list(packet["args"])


@pytest.mark.parametrize(
    ("event", "args", "result", "seen"),
    [
        ("plain", [1], [1, "rest"], []),
        ("plain", [1, 2], [1, 2], []),
        ("many", [1, 2, 3], [1, 2, 3], []),
        (
            "all",
            ["1"],
            [1],
            [
                ("before_validate", (), {"number": "1"}),
                ("before_call", (), {"number": 1}),
            ],
        ),
        (
            "all",
            ["1", "x"],
            [1, "x"],
            [
                ("before_validate", ("x",), {"number": "1"}),
                ("before_call", (1, "x"), {}),
            ],
        ),
        ("double", [4], [8], []),
        ("validated passing", ["1"], [1, "rest"], [("passing", (1, "rest"))]),
        ("validated passing", ["1", 2], [1, 2], [("passing", (1, 2))]),
        ("passing validated", ["1", 2], [1, 2], [("passing", (1, 2))]),
        ("dropping", ["sesame", "1"], [1], [("token", "sesame")]),
        ("adding", ["1"], ["added", 1], []),
        ("schema", [1], [1, "added"], [("passing", (1, "added"))]),
        ("double late", [4], [8], []),
    ],
)
def test_hooks_of_a_handler(
    event: str, args: list[Any], result: list[Any], seen: list[Any]
) -> None:
    assert got(post(event, *args)) == result
    assert notes == seen


@pytest.mark.parametrize("event", ["plain", "all"])
def test_hooks_of_the_application(event: str) -> None:
    def configure(configurator: Any) -> None:
        for name, hook in HOOKS.items():
            tg.hooks.register(name, hook)

    posted = post(event, 1, configure=configure)
    assert got(posted)[0] == 1
    of_all = [each[0] for each in notes if each[0].startswith("application")]
    # They also run for the page to which the packet was posted.
    assert of_all == ["application", "application, late"] * 2


@pytest.mark.parametrize(
    ("event", "args"),
    [
        ("validated passing", ["x"]),
        ("passing validated", ["x"]),
        ("dropping", ["sesame", "x"]),
        ("adding", ["x"]),
    ],
)
def test_validators_know_the_arguments_of_decorated_handlers(
    event: str, args: list[Any]
) -> None:
    posted = post(event, *args)
    assert posted.errors == [("invalid_method_args", {"number": "no number"})]
    assert posted.sent == []


def test_a_decorated_handler_has_its_requirements() -> None:
    [(name, _)] = post("adding", 1, anonymous=True).errors
    assert name == "method_access_denied"


def test_a_hook_of_the_handler_is_not_one_of_its_error_handler() -> None:
    assert post("handled", "x").sent == []
    assert notes == []
    assert got(post("handled", "1")) == [1]


def wrapper(name: str) -> Any:
    def wrap(caller: Any) -> Any:
        def call(config: Any, controller: Any, remainder: Any, params: Any) -> Any:
            notes.append(name)
            return caller(config, controller, remainder, params)

        return call

    return wrap


def test_controller_wrappers() -> None:
    def configure(configurator: Any) -> None:
        dispatch = configurator.get_component("dispatch")
        dispatch.register_controller_wrapper(wrapper("all"))
        dispatch.register_controller_wrapper(wrapper("one"), controller=Lab.on_wrapped)

    assert got(post("wrapped", 1, configure=configure)) == [1]
    page, event = ["all"], ["one", "all"]
    assert notes == page + event
