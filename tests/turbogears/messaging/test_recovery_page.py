"""The example of the page about clients that were away, as it stands there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tg import MinimalApplicationConfigurator, TGController

from tests.engine.conftest import Live
from tests.pages import block
from tgext.socketio import SocketIOController

from .test_recovery import Globals, Member


def test_the_example_does_what_the_page_says(serve: Callable[..., Live]) -> None:
    names: dict[str, Any] = {"latest_messages": lambda: ["hello"]}
    exec(block("docs/recovery.rst", "class Chat"), names)

    class SocketIO(SocketIOController):
        chat = names["Chat"]

    class RootController(TGController):
        socketio = SocketIO()

    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint(
        {"root_controller": RootController(), "app_globals": Globals}
    )
    wsgi = configurator.make_wsgi_app({}, {})
    live = serve(application=wsgi, resource="socketio")
    ann, bob = Member(live).connected(), Member(live).connected()
    assert ann.event() == bob.event() == ["history", ["hello"]]
    ann.cut()
    bob.call("say", "one")
    back = ann.back()
    assert back.recovered
    assert back.event() == ["said", "one"]
