"""Mistakes in a namespace class are told when the class is made, with the line."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest

from tgext.socketio.engine.namespace import BaseNamespace, event

from ..clients import KINDS
from ..conftest import Serve

METHODS: dict[str, tuple[str, str]] = {
    "no self": (
        "def on_chat(): pass",
        "takes no self: define it as def on_chat(self, ...)",
    ),
    "only keywords": ("def on_chat(*, text): pass", "takes no self"),
    "another first argument": (
        "def on_chat(text, room=None): pass",
        "takes no self, and 'text' would be the namespace: define it as "
        "def on_chat(self, text, room)",
    ),
    "recv_connect without self": ("def recv_connect(): pass", "takes no self"),
    "async": (
        "async def on_chat(self, text): pass",
        "is async def, and nothing awaits it: it does not run",
    ),
    "an async generator": ("async def on_chat(self): yield 1", "is async def"),
    "an async way in": ("async def recv_connect(self): pass", "is async def"),
    "on_connect": (
        "def on_connect(self): pass",
        "Define recv_connect, which runs when",
    ),
    "on_disconnect": ("def on_disconnect(self): pass", "Define recv_disconnect"),
    "on_connect_error": (
        "def on_connect_error(self): pass",
        "keep 'connect_error' to themselves",
    ),
    "a digit": ("def on_1(self): pass", "@event('...') on the method"),
    "an underscore": ("def on__private(self): pass", "no client: the names of"),
    "nothing": ("def on_(self): pass", "is called by no client"),
    "another alphabet": ("def on_größe(self): pass", "is called by no client"),
    "__init__": (
        "def __init__(self, *args, **kwargs): self.count = 0",
        "does not call super().__init__: every client will be refused",
    ),
    "__new__": ("def __new__(cls, *args, **kwargs): pass", "call super().__new__"),
}


def told(source: str, caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the log says about a class with one method, which is in line 2 of a file."""
    caplog.clear()
    text = "class Chat(BaseNamespace):\n" + "".join(
        f"    {line}\n" for line in source.splitlines()
    )
    given = {"BaseNamespace": BaseNamespace, "event": event, "__name__": "shop"}
    exec(compile(text, "/srv/shop/chat.py", "exec"), given)
    return [each.getMessage() for each in caplog.records]


@pytest.mark.parametrize("mistake", METHODS)
def test_the_line_names_the_method_and_its_place(
    mistake: str, caplog: pytest.LogCaptureFixture
) -> None:
    source, message = METHODS[mistake]
    (line,) = told(source, caplog)
    name = source.partition("def ")[2].partition("(")[0]
    assert line.startswith(f"Chat.{name} (/srv/shop/chat.py, line 2) ")
    assert message in line


@pytest.mark.parametrize(
    "source",
    [
        "def on_chat(self, text): pass",
        "def on_chat(this, text): pass",
        "def on_chat(_, text): pass",
        "def on_chat(*args): pass",
        "on_chat = staticmethod(lambda text: text)",
        "on_chat = lambda text: text",
        "async def helper(self): pass",
        "@event('1')\ndef on_1(self): pass",
        "def get_initial_acl(self): return {'on_1'}\ndef on_1(self): pass",
        "def process_event(self, packet): pass\ndef on_connect(self): pass",
        "def __init__(self, *args, **kw): super().__init__(*args, **kw)",
        "def __init__(self, *args): BaseNamespace.__init__(self, *args)",
        "def __new__(cls, *args, **kw): return super().__new__(cls)",
        "def on_any(self, event, *args): pass",
    ],
)
def test_what_may_be_is_not_told(source: str, caplog: pytest.LogCaptureFixture) -> None:
    assert told(source, caplog) == []


def test_the_functions_of_decorators_may_have_any_arguments(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def plain(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(namespace_of_client: Any, text: str) -> Any:
            return function(namespace_of_client, text)

        return wrapper

    def named(function: Callable[..., Any]) -> Callable[..., Any]:
        return wraps(function)(plain(function))

    class Chat(BaseNamespace):
        @plain
        def on_plain(self, text: str) -> None: ...

        @named
        def on_named(self, text: str) -> None: ...

    assert Chat.__name__ == "Chat"
    assert caplog.records == []


def test_a_class_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    """Not again for each subclass."""

    class Chat(BaseNamespace):
        def on_connect(self) -> None: ...

    class Private(Chat):
        pass

    assert Private.__name__ == "Private"
    assert len(caplog.records) == 1


def test_an_instance_instead_of_the_class() -> None:
    class Chat(BaseNamespace):
        pass

    with pytest.raises(TypeError, match=r"Mount the class, chat = Chat, without paren"):
        Chat()


@pytest.mark.parametrize(
    ("kind", "told"), [("2-websocket", True), ("4-websocket", False), ("0.9", False)]
)
def test_what_clients_keep_to_themselves_is_told_once_when_they_come(
    serve: Serve, caplog: pytest.LogCaptureFixture, kind: str, told: bool
) -> None:
    class Table(BaseNamespace):
        def on_ping(self) -> None: ...

        def on_reconnect(self) -> None: ...

        def on_play(self) -> None: ...

    kinds = [each for each in KINDS if each.startswith(kind)]
    live = serve({"/table": Table})
    for _ in range(2):
        live.client(kinds[0]).join("/table")
    lines = [each for each in caplog.messages if "keep events of this name" in each]
    assert len(lines) == told
    if told:
        assert "Table handles ping, reconnect: clients 1.x/2.x keep" in lines[0]
