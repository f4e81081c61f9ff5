"""An application, as PasteDeploy makes it, of which the command tells."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import tg
from tg import MinimalApplicationConfigurator, TGController, predicates, require
from tg.validation import Convert, RequireValue

from tgext.socketio import (
    PresenceMixin,
    SocketIOController,
    SocketIOTGNamespace,
    event,
    rate_limit,
)
from tgext.socketio.engine.mixins import RoomsMixin
from tgext.socketio.pubsub import PubSubTGNamespace


class is_known(predicates.Predicate):
    message = "Customers only"

    def evaluate(self, environ: Any, credentials: Any) -> None:
        if "repoze.who.identity" not in environ:
            self.unmet()


class Desk(PresenceMixin, RoomsMixin, SocketIOTGNamespace):
    """Where customers ask.

    And where they are answered.
    """

    allow_only = predicates.Any(is_known(), predicates.is_user("ada"))

    @tg.validate({"number": Convert(int), "text": RequireValue()})
    @require(predicates.has_permission("manage", msg="Managers only"))
    @rate_limit("20/minute")
    def on_answer(self, number: int, text: str = "yes", *more: object) -> None:
        """Answer a question."""

    @event("queue:enter")
    def on_enter(self, packet: Any) -> None:
        self.join(packet["args"][0])
        self.track(status="waits")


@rate_limit("5/second", by="user")
class News(PubSubTGNamespace):
    history = 3
    recovery = True

    @require(is_known())
    def subscribe_prices(self, shop): ...

    on_odd = print


class SocketIO(SocketIOController):
    allow_only = require(is_known(msg="Known ones"))

    desk = Desk
    news = News


class Globals: ...


def with_users(application: Any) -> Any:
    """Stands for ``repoze.who``."""

    def identifying(environ: dict[str, Any], start_response: Any) -> Any:
        user = unquote(environ.get("HTTP_X_USER", "ada"))
        environ["repoze.who.identity"] = {"repoze.who.userid": user}
        return application(environ, start_response)

    return identifying


def make_app(global_conf: Any, **settings: Any) -> Any:
    class Root(TGController):
        live = SocketIO()

    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": Root(), "app_globals": Globals})
    return with_users(configurator.make_wsgi_app(global_conf, settings))
