"""The example of the page about messages to users, as it stands there."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from tg import MinimalApplicationConfigurator

from tests.engine.clients import Client
from tests.engine.conftest import Live
from tests.pages import block


def example() -> dict[str, Any]:
    """Runs the example of the section."""
    offer = SimpleNamespace(customer="anna", title="A lamp", accepted=False)
    query = SimpleNamespace(get=lambda number: offer)
    found: dict[str, Any] = {
        "DBSession": SimpleNamespace(query=lambda cls: query),
        "Offer": object,
        "offer": offer,
    }
    exec(block("docs/rooms.rst", "class Shop"), found)
    return found


def with_users(application: Any) -> Any:
    def identifying(environ: dict[str, Any], start_response: Any) -> Any:
        user = environ.get("HTTP_X_USER")
        if user:
            environ["repoze.who.identity"] = {"repoze.who.userid": user}
            permissions = ["manage"] if user == "admin" else []
            environ["repoze.what.credentials"] = {"permissions": permissions}
        return application(environ, start_response)

    return identifying


def test_the_example_does_what_the_page_says(
    serve: Callable[..., Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = example()
    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": found["RootController"]()})
    application = with_users(configurator.make_wsgi_app({}, {}))
    live = serve(application=application, resource="socketio")

    def join(user: str) -> Client:
        client = live.websocket_5(headers={"X-User": user})
        client.join("/shop")
        return client

    anna, anna_too, admin = join("anna"), join("anna"), join("admin")
    assert live.http().get("/accept?number=7").text == "accepted"
    assert found["offer"].accepted
    for client in (anna, anna_too):
        assert client.event("/shop") == ["accepted", "A lamp"]
        assert client.call("/shop", "enter", "Rome")[0]
    admin.emit("/shop", "who_is_there", "Rome", number=2)
    packet = anna.read()
    assert packet["name"] == "are you there?"
    anna.ack("/shop", packet["id"], True)
    anna_too.leave("/shop")
    assert admin.read()["args"] == [{"there": 1, "missing": 1}]
    anna.emit("/shop", "ban", "admin")
    assert anna.event("/shop")[:2] == ["error", "method_access_denied"]
    admin.emit("/shop", "ban", "anna")
    assert anna.read()["type"] == "disconnect"
