"""An application whose metrics are a page, and what is on that page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from tg import MinimalApplicationConfigurator, TGController

from tests.engine.clients import Http
from tests.engine.conftest import Live, Serve
from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.operation.metrics import BearerToken, MetricsController

TOKEN = "a secret of the operators"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}

Labels = Mapping[str, str]


class Chat(SocketIOTGNamespace):
    def on_ask(self, value: Any) -> Any:
        self.join_all(value)
        return value

    def join_all(self, value: Any) -> None: ...


def with_metrics(serve: Serve, predicate: Any = None, **options: Any) -> Live:
    decides = BearerToken(TOKEN) if predicate is None else predicate

    class SocketIO(SocketIOController):
        chat = Chat

    class RootController(TGController):
        socketio = SocketIO()
        metrics = MetricsController(decides)

    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": RootController(), **options})
    application = configurator.make_wsgi_app({}, {})
    return serve(application=application, resource="socketio")


class Scrape:
    """What one request for the page has answered."""

    def __init__(self, live: Live, headers: Labels = HEADERS) -> None:
        self.reply = Http(live.port).get("/metrics", headers)
        assert self.reply.status == 200, self.reply.text
        self.samples = [
            sample
            for family in text_string_to_metric_families(self.reply.text)
            for sample in family.samples
        ]

    def value(self, name: str, **labels: str) -> float:
        """The sum of a metric over all labels that are not given."""
        wanted = labels.items()
        return sum(
            each.value
            for each in self.samples
            if each.name == f"socketio_{name}" and wanted <= each.labels.items()
        )
