"""The ACL: which methods of a namespace a client may call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from gevent.event import Event

from tgext.socketio.engine.namespaces.base import BaseNamespace

from ..clients import DEADLINE, Dialect1
from ..conftest import Serve
from ..sample_namespaces import Echo


class Guarded(Echo):
    def get_initial_acl(self) -> set[str]:
        return {"recv_connect", "on_login", "on_echo"}

    def on_login(self) -> None:
        self.add_acl_method("on_secret")

    def on_logout(self) -> None:
        self.reset_acl()

    def on_secret(self) -> str:
        return "sesame"

    def on_lift(self) -> None:
        self.lift_acl_restrictions()


def denied(client: Any, event: str) -> bool:
    client.emit("/chat", event, number=1)
    packet = client.read()
    if packet["type"] == "ack":
        return False
    info = f'You do not have access to method "on_{event}"'
    assert packet["args"] == ["method_access_denied", info]
    # An ack is sent, too.
    old = isinstance(client.dialect, Dialect1)
    failed = {"error": {"name": "method_access_denied", "info": info}}
    assert client.read()["args"] == [None if old else failed]
    return True


def test_a_client_calls_what_the_acl_allows(serve: Serve, kind: str) -> None:
    live = serve({"/chat": Guarded})
    client, other = live.client(kind), live.client(kind)
    for each in (client, other):
        each.join("/chat")
        assert denied(each, "secret")
        # The client does not even learn that the method exists.
        assert denied(each, "unheard")
    client.call("/chat", "login")
    assert not denied(client, "secret")
    assert denied(client, "logout")
    assert denied(other, "secret")
    namespace = live.socket(client)["/chat"]
    namespace.add_acl_method("on_logout")
    client.call("/chat", "logout")
    assert denied(client, "secret")
    namespace.add_acl_method("on_lift")
    client.call("/chat", "lift")
    assert not denied(client, "secret")
    assert namespace.is_method_allowed("on_anything")
    namespace.reset_acl()
    namespace.del_acl_method("on_echo")
    assert denied(client, "echo")


def test_a_method_that_is_not_in_the_acl_cannot_be_forbidden(serve: Serve) -> None:
    live = serve({"/chat": Echo})
    client = live.client()
    client.join("/chat")
    namespace = live.socket(client)["/chat"]
    with pytest.raises(ValueError, match="on_echo"):
        namespace.del_acl_method("on_echo")
    # Once a method is allowed by name, no other is allowed.
    namespace.add_acl_method("on_other")
    assert denied(client, "echo")
    with pytest.raises(KeyError):
        namespace.del_acl_method("on_echo")


def test_the_acl_holds_for_messages_and_json(serve: Serve) -> None:
    class Mute(Echo):
        def get_initial_acl(self) -> set[str]:
            return {"recv_connect"}

    client = serve({"/chat": Mute}).client("0.9-websocket")
    client.join("/chat")
    for text, method in [
        ("3::/chat:hi", "recv_message"),
        ("4::/chat:1", "recv_json"),
        ("7::/chat:2", "recv_error"),
    ]:
        client.send(text)
        info = f'You do not have access to method "{method}"'
        assert client.event("/chat") == ["error", "method_access_denied", info]


def test_the_end_is_told_whatever_the_acl_says(serve: Serve) -> None:
    ended = Event()

    class Mute(BaseNamespace):
        def get_initial_acl(self) -> set[str]:
            return {"recv_connect"}

        def recv_disconnect(self) -> None:
            ended.set()

    client = serve({"/chat": Mute}).client()
    client.join("/chat")
    client.leave("/chat")
    assert ended.wait(DEADLINE)


def test_a_decorator_catches_what_handlers_and_jobs_raise(
    serve: Serve, kind: str
) -> None:
    class Caught(BaseNamespace):
        def exception_handler_decorator(
            self, function: Callable[..., Any]
        ) -> Callable[..., Any]:
            def wrapper(*args: Any) -> Any:
                try:
                    return function(*args)
                except ZeroDivisionError:
                    self.emit("caught", *args)
                    return "caught"

            return wrapper

        def on_divide(self, one: int, two: int) -> float:
            return one / two

        def on_divide_in_job(self, one: int, two: int) -> Any:
            return self.spawn(lambda one, two: one / two, one, two).get()

    client = serve({"/chat": Caught}).client(kind)
    client.join("/chat")
    assert client.call("/chat", "divide", 1, 2) == [0.5]
    for event in ("divide", "divide in job"):
        client.emit("/chat", event, 1, 0, number=1)
        assert client.event("/chat") == ["caught", 1, 0]
        assert client.read()["args"] == ["caught"]
