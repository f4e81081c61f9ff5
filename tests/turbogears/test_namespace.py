"""``@require``, ``@validate`` and ``allow_only`` on namespaces."""

from __future__ import annotations

from typing import Any

import formencode
import pytest
from tg import predicates, require, validate
from tg.i18n import lazy_ugettext
from tg.validation import Convert, RequireValue, TGValidationError
from webtest import TestApp

from tgext.socketio import SocketIOTGNamespace, event

from .apps import make_app, mount, post

FORMENCODE = {
    "validation.exceptions": [formencode.Invalid],
    "validation.validators": {
        formencode.Schema: lambda schema, params: schema.to_python(params)
    },
    "validation.explode": {
        formencode.Invalid: lambda failure: {
            "errors": failure.unpack_errors(),
            "values": failure.value,
        }
    },
}


class Order(formencode.Schema):
    allow_extra_fields = True
    amount = formencode.validators.Int(min=1)
    unit = formencode.validators.OneOf(["kg", "t"])


class EvenSum:
    """Any object with ``validate`` is a validator of all parameters."""

    def validate(self, params: dict[str, Any]) -> dict[str, Any]:
        if sum(params.values()) % 2:
            raise TGValidationError("The sum is odd")
        return {name: value * 10 for name, value in params.items()}


class TooLate(Exception):
    """An application's own kind of validation error."""


class Punctual:
    def to_python(self, value: Any, state: Any = None) -> Any:
        raise TooLate("too late")


class Validated(SocketIOTGNamespace):
    def report(self, *args: Any, **named: Any) -> tuple[Any, ...]:
        self.emit("got", *args, named)
        return args

    @validate({"number": Convert(int, "Must be a number")})
    def on_one(self, number):
        self.report(number)

    @validate({"a": Convert(int, "a is wrong"), "b": Convert(int, "b is wrong")})
    def on_two(self, a, b):
        self.report(a, b)

    @validate({"name": RequireValue(lazy_ugettext("Required"))})
    def on_lazy(self, name):
        self.report(name)

    @validate({"number": Convert(int, "no number", default=7)})
    def on_default(self, number=None, rest="rest"):
        self.report(number, rest)

    @validate({"number": Convert(int, "no number")})
    def on_varargs(self, number, *rest):
        self.report(number, *rest)

    @validate({"number": Convert(int, "no number")})
    def on_keywords(self, number, **kw):
        self.report(number, **kw)

    @validate(EvenSum())
    def on_whole(self, a, b):
        self.report(a, b)

    @validate(Order())
    def on_schema(self, amount, unit):
        self.report(amount, unit)

    @validate({"number": Convert(int, "not an integer")})
    @validate({"number": Convert(lambda n: n if n > 9 else 1 / 0, "too small")})
    def on_both(self, number):
        self.report(number)

    @validate({"packet": Convert(lambda packet: packet["args"])})
    def on_packet(self, packet):
        self.report(packet)

    def handle(self, number):
        from tg import request

        errors = {k: str(v) for k, v in request.validation.errors.items()}
        self.emit("handled", number, errors)
        return "handled"

    @validate({"number": Convert(int, "no number")}, error_handler=handle)
    def on_handled(self, number):
        self.report(number)

    @validate({"number": Convert(lambda text: text.upper(), "no text")})
    def second(self, number):
        self.report("second", number)

    @validate(
        {"number": Convert(int, "no number")},
        error_handler=second,
        chain_validation=True,
    )
    def on_chained(self, number):
        self.report(number)

    def last(self, number):
        self.report("last", number)

    @validate(
        {"number": Convert(int, "no number")},
        error_handler=last,
        chain_validation=True,
    )
    def on_chained_to_plain(self, number):
        self.report(number)

    @validate({"when": Punctual()})
    def on_own_exception(self, when):
        raise AssertionError


@pytest.mark.parametrize(
    ("event", "args", "got"),
    [
        ("one", ["5"], [5, {}]),
        ("two", ["1", "2"], [1, 2, {}]),
        ("lazy", ["ada"], ["ada", {}]),
        ("default", [], [7, "rest", {}]),
        ("default", ["5"], [5, "rest", {}]),
        ("default", ["5", "x"], [5, "x", {}]),
        ("varargs", ["5", "a", "b"], [5, "a", "b", {}]),
        ("varargs", ["5"], [5, {}]),
        ("keywords", ["5"], [5, {}]),
        ("whole", [1, 3], [10, 30, {}]),
        ("schema", ["12", "kg"], [12, "kg", {}]),
        ("both", ["12"], [12, {}]),
        ("packet", ["x"], [["x"], {}]),
        ("handled", ["5"], [5, {}]),
        ("chained", ["x"], ["second", "X", {}]),
        ("chained_to_plain", ["x"], ["last", "x", {}]),
    ],
)
def test_validated_values_reach_the_handler(
    event: str, args: list[Any], got: list[Any]
) -> None:
    posted = post(Validated, event, *args, options=FORMENCODE)
    assert posted.errors == []
    assert [list(packet["args"]) for packet in posted.sent] == [got]


@pytest.mark.parametrize(
    ("event", "args", "info"),
    [
        ("one", ["x"], {"number": "Must be a number"}),
        ("two", ["x", "y"], {"a": "a is wrong", "b": "b is wrong"}),
        ("two", ["1", "y"], {"b": "b is wrong"}),
        ("lazy", [""], {"name": "Required"}),
        ("whole", [1, 2], "The sum is odd"),
        (
            "schema",
            ["0", "lb"],
            {
                "amount": "Please enter a number that is 1 or greater",
                "unit": "Value must be one of: kg; t (not 'lb')",
            },
        ),
        ("both", ["x"], {"number": "not an integer"}),
        ("both", ["3"], {"number": "too small"}),
        ("chained", [None], {"number": "no text"}),
        ("own_exception", ["now"], {"when": "too late"}),
        # Validators would get None for missing arguments, and drop surplus ones.
        ("one", [], 'on_one misses "number"'),
        ("two", [], 'on_two misses "a", "b"'),
        ("two", ["1"], 'on_two misses "b"'),
        ("one", ["1", "2"], "on_one takes 1 argument, 2 were given"),
        ("two", ["1", "2", "3"], "on_two takes 2 arguments, 3 were given"),
    ],
)
def test_mistakes_are_named(event: str, args: list[Any], info: Any) -> None:
    failures = [formencode.Invalid, TooLate]
    options = {**FORMENCODE, "validation.exceptions": failures}
    posted = post(Validated, event, *args, options=options)
    assert posted.errors == [("invalid_method_args", info)]
    assert posted.sent == []


def test_an_exception_nobody_explains_is_told_by_its_text() -> None:
    class Refusing:
        def validate(self, params: dict[str, Any]) -> dict[str, Any]:
            raise TooLate("come back tomorrow")

    class Namespace(SocketIOTGNamespace):
        @validate(Refusing())
        def on_late(self, when):
            raise AssertionError

    posted = post(Namespace, "late", 1, options={"validation.exceptions": [TooLate]})
    assert posted.errors == [("invalid_method_args", "come back tomorrow")]


def test_an_error_handler_sees_the_errors_and_the_arguments() -> None:
    posted = post(Validated, "handled", "x")
    assert [packet["args"] for packet in posted.sent] == [
        ("x", {"number": "no number"})
    ]
    assert posted.errors == []


class Guarded(SocketIOTGNamespace):
    @require(predicates.not_anonymous())
    def on_members(self):
        self.emit("welcome")

    @require(predicates.not_anonymous())
    @require(predicates.is_user("ada"))
    def on_ada(self):
        self.emit("welcome")

    @require(predicates.is_user("ada"))
    @validate({"number": Convert(int, "no number")})
    def on_both(self, number):
        self.emit("welcome")

    @require(predicates.Not(predicates.is_user("ada")))
    def on_others(self):
        self.emit("welcome")

    def get_initial_acl(self):
        return {"on_members", "on_ada", "on_both", "on_others"}

    @require(predicates.not_anonymous())
    def on_not_in_the_acl(self):
        self.emit("welcome")


@pytest.mark.parametrize(
    ("event", "args", "users"),
    [
        ("members", [], {"ada", "bob"}),
        ("ada", [], {"ada"}),
        ("both", ["1"], {"ada"}),
        ("others", [], {None, "bob"}),
        ("not_in_the_acl", [], set()),
    ],
)
@pytest.mark.parametrize("user", [None, "ada", "bob"])
def test_require(
    event: str, args: list[Any], users: set[str | None], user: str | None
) -> None:
    posted = post(Guarded, event, *args, user=user)
    if user in users:
        assert posted.errors == []
        assert len(posted.sent) == 1
    else:
        text = f'You do not have access to method "on_{event}"'
        assert posted.errors == [("method_access_denied", text)]
        assert posted.sent == []


def test_access_is_checked_before_arguments_are_looked_at() -> None:
    posted = post(Guarded, "both", "x")
    assert [name for name, _ in posted.errors] == ["method_access_denied"]


@pytest.mark.parametrize(
    "allowed",
    [
        predicates.not_anonymous(msg="Members only"),
        require(predicates.not_anonymous(msg="Members only")),
        predicates.Not(predicates.is_anonymous(), msg="Members only"),
        require(predicates.Not(predicates.is_anonymous(), msg="Members only")),
    ],
    ids=["predicate", "require", "not", "require-not"],
)
@pytest.mark.parametrize("user", [None, "ada"])
def test_allow_only_decides_about_the_namespace(allowed: Any, user: str | None) -> None:
    class Members(SocketIOTGNamespace):
        allow_only = allowed

        def on_try(self):
            self.authorize_connect()
            self.emit("tried")

    posted = post(Members, "try", user=user)
    if user:
        assert [packet["name"] for packet in posted.sent] == ["tried"]
        assert posted.errors == []
    else:
        assert posted.errors == [("method_access_denied", "Members only")]
        assert [packet["type"] for packet in posted.sent] == ["disconnect"]


def test_without_allow_only_no_client_is_refused() -> None:
    class Open(SocketIOTGNamespace):
        def on_try(self):
            self.authorize_connect()
            self.emit("open")

    assert len(post(Open, "try").sent) == 1


def test_a_schema_s_extra_values_go_only_where_they_are_taken() -> None:
    class Adding:
        def validate(self, params: dict[str, Any]) -> dict[str, Any]:
            return {**params, "extra": "spice"}

    class Namespace(SocketIOTGNamespace):
        @validate(Adding())
        def on_plain(self, a):
            self.emit("got", a)

        @validate(Adding())
        def on_keywords(self, a, **kw):
            self.emit("got", a, kw)

    assert post(Namespace, "plain", 1).sent[0]["args"] == (1,)
    assert post(Namespace, "keywords", 1).sent[0]["args"] == (1, {"extra": "spice"})


class Named(SocketIOTGNamespace):
    """``@event`` above, below and between the other decorators."""

    @event("members:sum")
    @require(predicates.not_anonymous())
    @validate({"number": Convert(int, "Must be a number")})
    def on_above(self, number: int) -> None:
        self.emit("got", number + 1)

    @require(predicates.not_anonymous())
    @event("members-sum")
    @validate({"number": Convert(int, "Must be a number")})
    def on_between(self, number: int) -> None:
        self.emit("got", number + 1)

    @require(predicates.not_anonymous())
    @validate({"number": Convert(int, "Must be a number")})
    @event("$sum")
    def below(self, number: int) -> None:
        self.emit("got", number + 1)


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("members:sum", "on_above"),
        ("members-sum", "on_between"),
        ("$sum", "below"),
    ],
)
def test_a_method_with_a_name_of_its_own_is_guarded(name: str, method: str) -> None:
    posted = post(Named, name, "1", user="ada")
    assert (posted.errors, posted.sent[0]["args"]) == ([], (2,))
    denied = f'You do not have access to method "{method}"'
    assert post(Named, name, "1").errors == [("method_access_denied", denied)]
    invalid = {"number": "Must be a number"}
    errors = post(Named, name, "x", user="ada").errors
    assert errors == [("invalid_method_args", invalid)]


def test_pages_and_namespaces_share_one_application() -> None:
    app = TestApp(make_app(mount(Guarded)))
    assert app.get("/").text == "front page"
