"""Names of events, and the methods that handle them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.engine.namespace import BaseNamespace, event
from tgext.socketio.engine.namespaces.events import (
    allowed_event_name_regex,
    events_of,
    method_of,
)

from ...wire.strategies import SOME
from ..clients import Client, Dialect1
from ..conftest import Serve
from ..sample_namespaces import Echo

UNALLOWED = (
    "unallowed_event_name",
    "name must only contains alpha numerical characters",
)

#: Names of events that cannot be names of methods.
NAMES = [
    "$stream",
    "chat:message",
    "a-b",
    "\U0001f600",
    "",
    " ",
    "1",
    "__proto__",
    "_private",
    "os.system",
    "caf\xe9",
    "a\n",
    "a\x00",
    "a/b",
    "x" * 200 + "!",
]


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("a", "on_a"),
        ("user message", "on_user_message"),
        ("A_1", "on_A_1"),
        ("x" * 200, "on_" + "x" * 200),
        *((name, "") for name in NAMES),
    ],
)
def test_the_method_of_an_event(name: str, method: str) -> None:
    assert method_of(name) == method
    assert bool(allowed_event_name_regex.match(name)) is bool(method)


# The decorator


class Named(Echo):
    """Each event has a name that is no method's."""

    @event(*NAMES)
    def on_named(self, packet: Any) -> Any:
        return [packet["name"], *packet["args"]]

    @event("usual")
    def other(self, value: Any) -> Any:
        return ["other", value]


def test_a_decorated_method_handles_events_of_any_name(serve: Serve, kind: str) -> None:
    client = serve({"/chat": Named}).client(kind)
    client.join("/chat")
    for _ in range(2):  # the second time, the handler is known
        for name in NAMES:
            assert client.call("/chat", name, 1) == [[name, 1]]
        assert client.call("/chat", "usual", 2) == [["other", 2]]
        assert client.call("/chat", "named", 3) == [["named", 3]]
    client.emit("/chat", "other", 1, number=1)
    client.failure("/chat", "no_such_method", 'The method "on_other" was not found')
    client.emit("/chat", "chat:Message", 1, number=1)
    client.failure("/chat", *UNALLOWED)
    assert client.call("/chat", "echo", 1) == [1]


def test_its_arguments_are_checked(serve: Serve) -> None:
    class Checked(Echo):
        @event("a-b")
        def on_ab(self, one: Any) -> Any:
            return one

    client = serve({"/chat": Checked}).client()
    client.join("/chat")
    client.emit("/chat", "a-b")
    info = 'on_ab misses "one"'
    assert client.event("/chat") == ["error", "invalid_method_args", info]
    assert client.call("/chat", "a-b", 1) == [1]


def test_a_subclass_overrides_the_method(serve: Serve) -> None:
    class Mixin:
        @event("mixed:in")
        def on_mixed(self) -> str:
            return "mixed"

    class Own(Named, Mixin):
        def on_named(self, packet: Any) -> Any:
            return "own"

        @event("usual")
        def another(self, value: Any) -> Any:
            return ["another", value]

    client = serve({"/chat": Own}).client()
    client.join("/chat")
    assert client.call("/chat", "$stream") == ["own"]
    assert client.call("/chat", "mixed:in") == ["mixed"]
    assert client.call("/chat", "usual", 1) == [["another", 1]]


def test_an_acl_has_the_name_of_the_method(serve: Serve, kind: str) -> None:
    class Guarded(Named):
        def get_initial_acl(self) -> set[str]:
            return {"recv_connect", "on_echo", "other"}

    client = serve({"/chat": Guarded}).client(kind)
    client.join("/chat")
    assert client.call("/chat", "usual", 1) == [["other", 1]]
    client.emit("/chat", "$stream", number=1)
    info = 'You do not have access to method "on_named"'
    client.failure("/chat", "method_access_denied", info)


def test_other_kinds_of_methods() -> None:
    class Kinds(BaseNamespace):
        @event("a:1")
        @staticmethod
        def one() -> None: ...

        @staticmethod
        @event("a:2")
        def two() -> None: ...

        @event("a:3")
        @classmethod
        def three(cls) -> None: ...

        @event("a:4")
        @event("a:5", "a:6")
        def four(self) -> None: ...

        #: `hasattr` of it raises.
        strange: Any = type("Strange", (), {"__getattr__": lambda self, name: 1 / 0})()

    methods = {"1": "one", "2": "two", "3": "three", "4": "four", "5": "four"}
    expected = {f"a:{number}": name for number, name in methods.items()}
    assert events_of(Kinds) == {**expected, "a:6": "four"}


def test_one_event_has_one_method() -> None:
    with pytest.raises(TypeError, match=r"Twice.* handle the event 'a-b': one and two"):

        class Twice(BaseNamespace):
            @event("a-b")
            def one(self) -> None: ...

            @event("a-b")
            def two(self) -> None: ...

    with pytest.raises(TypeError, match=r"Usual.* 'a b': one and on_a_b"):

        class Usual(BaseNamespace):
            @event("a b")
            def one(self) -> None: ...

            def on_a_b(self) -> None: ...


@pytest.mark.parametrize("names", [(), (1,), (None,), ("a", b"b"), (Echo.on_echo,)])
def test_names_are_text(names: Any) -> None:
    with pytest.raises(TypeError, match=r"@event\('chat:message'\)"):
        event(*names)


@given(st.dictionaries(st.text(max_size=20), st.sampled_from("abc"), max_size=10))
def test_any_names_are_found_again(names: dict[str, str]) -> None:
    members = {
        method: event(*own)(lambda self: None)
        for method in "abc"
        if (own := [name for name, each in names.items() if each == method])
    }
    cls: Any = type("Made", (BaseNamespace,), members)
    assert events_of(cls) == names


class Anything(Named):
    """Has a method for each name that begins with ``on_``."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("on_"):
            return lambda *args: name
        raise AttributeError(name)


def test_any_name_reaches_its_own_method_or_none(serve: Serve) -> None:
    client = serve({"/chat": Anything}).client()
    client.join("/chat")
    near = st.sampled_from(["recv_disconnect", "named", "on_named", "_tgsio_events"])
    usual = st.text(st.sampled_from("aZ0_ "), min_size=1, max_size=120)
    anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)

    @SOME
    @given(st.sampled_from(NAMES) | near | usual | anything)
    def check(name: str) -> None:
        client.emit("/chat", name, number=1)
        packet = client.read()
        if name in NAMES:
            assert packet["args"] == [[name]]
        elif name == "named":
            assert packet["args"] == [["named"]]
        elif name[:1].isascii() and name[:1].isalpha() and _is_plain(name):
            assert packet["args"] == ["on_" + name.replace(" ", "_")]
        else:
            assert packet["args"] == list(UNALLOWED)
            assert client.read()["type"] == "ack"

    check()


def _is_plain(name: str) -> bool:
    return all(each.isascii() and (each.isalnum() or each in "_ ") for each in name)


# Names that no method has


class Listed(Echo):
    """Handles the methods that its ACL lists."""

    def get_initial_acl(self) -> set[str]:
        return {"recv_connect", "on_echo", "on_a-b", "on_\U0001f600"}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("on_"):
            return lambda *args: [name, *args]
        raise AttributeError(name)


def test_an_acl_allows_a_name(serve: Serve, kind: str) -> None:
    client = serve({"/chat": Listed}).client(kind)
    client.join("/chat")
    for _ in range(2):
        assert client.call("/chat", "a-b", 1) == [["on_a-b", 1]]
        assert client.call("/chat", "\U0001f600") == [["on_\U0001f600"]]
    client.emit("/chat", "a_b-", number=1)
    client.failure("/chat", *UNALLOWED)
    client.emit("/chat", "a_b", number=1)
    info = 'You do not have access to method "on_a_b"'
    client.failure("/chat", "method_access_denied", info)


class Quiet(Echo):
    unallowed_event_name_error = False


def is_old(client: Client) -> bool:
    return isinstance(client.dialect, Dialect1)


@pytest.mark.parametrize("name", ["$stream", "", "a-b"])
def test_who_sends_what_nobody_handles_is_told(
    serve: Serve, kind: str, name: str
) -> None:
    client = serve({"/chat": Echo}).client(kind)
    client.join("/chat")
    client.emit("/chat", name)
    assert client.event("/chat") == ["error", *UNALLOWED]
    client.emit("/chat", name, number=1)
    client.failure("/chat", *UNALLOWED)


@pytest.mark.parametrize("name", ["$stream", "", "a-b"])
def test_a_namespace_may_tell_in_acks_alone(
    serve: Serve, kind: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Clients 0.9 do not get the error then: their acks have none."""
    caplog.set_level("INFO")
    client = serve({"/chat": Quiet}).client(kind)
    client.join("/chat")
    client.emit("/chat", name)
    if is_old(client):
        assert client.event("/chat") == ["error", *UNALLOWED]
    assert client.call("/chat", "echo", 1) == [1]
    assert any("unallowed_event_name" in each for each in caplog.messages)
    client.emit("/chat", name, number=2)
    if is_old(client):
        client.failure("/chat", *UNALLOWED)
        return
    error = dict(zip(("name", "info"), UNALLOWED, strict=True))
    assert client.read()["args"] == [{"error": error}]
    # Events whose names a method could have are answered as usual.
    client.emit("/chat", "nothing")
    assert client.event("/chat")[:2] == ["error", "no_such_method"]
