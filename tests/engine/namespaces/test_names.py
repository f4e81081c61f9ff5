"""Names of this package that give way; all uses: tests/turbogears/test_own_names.py."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.engine.namespaces.base import BaseNamespace

from ..conftest import Serve
from ..sample_namespaces import Echo

AUTH = '{"token":"sesame"}'


class Accounts:
    def auth(self, user: str) -> str:
        return f"auth of {user}"


class ByMixin(Echo, Accounts):
    def on_auth(self) -> Any:
        return self.auth("ann")


class Derived(ByMixin): ...


class ByItself(Accounts, Echo):
    def on_auth(self) -> Any:
        return self.auth("ann")


class Assigned(Echo):
    def recv_connect(self) -> None:
        self.auth = "auth of ann"

    def on_auth(self) -> Any:
        return self.auth


@pytest.mark.parametrize("cls", [ByMixin, Derived, ByItself, Assigned])
def test_the_name_of_an_application_wins(
    serve: Serve, kind: str, cls: type[BaseNamespace]
) -> None:
    client = serve({"/chat": cls}).client(kind)
    client.join("/chat")
    assert client.call("/chat", "auth") == ["auth of ann"]


def test_a_name_that_is_not_used_is_ours(serve: Serve) -> None:
    class Known(Echo):
        def on_known(self) -> Any:
            return self.auth, self.disconnect_reason

    client = serve({"/chat": Known}).client()
    client.send(f"40/chat,{AUTH}")
    assert client.read()["type"] == "connect"
    assert client.call("/chat", "known") == [{"token": "sesame"}, None]


@pytest.mark.parametrize("value", [None, "theirs", {"user": 1}])
def test_what_is_no_method_does_not_decide(serve: Serve, kind: str, value: Any) -> None:
    namespace: Any = type("Own", (Echo,), {"authorize_connect": value})
    client = serve({"/chat": namespace}).client(kind)
    client.join("/chat")
    assert client.call("/chat", "echo", 1) == [1]
