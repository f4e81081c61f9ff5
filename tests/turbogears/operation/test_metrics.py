"""The page of metrics, as Prometheus reads it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import gevent
import pytest
from tg import require
from tg.predicates import Any as AnyOf
from tg.predicates import NotAuthorizedError, not_anonymous

from tests.engine.clients import DEADLINE, Http, wait_for
from tests.engine.conftest import Serve
from tgext.socketio.operation import snapshot
from tgext.socketio.operation.metrics import BearerToken, MetricsController

from .pages import HEADERS, TOKEN, Scrape, with_metrics

PRODUCT = Path(__file__).parents[3] / "tgext/socketio"
EXPOSITION = "tgext.socketio.operation.exposition"


def test_what_clients_do_is_on_the_page(
    serve: Serve, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = with_metrics(serve)
    # Not those of other tests in this process.
    monkeypatch.setattr(snapshot, "hubs", [live.server.hub])
    before = Scrape(live)
    client = live.joined(kind)
    socket = live.socket(client)
    for number in range(3):
        assert client.call("/chat", "ask", "x", number=number + 1) == ["x"]
    client.emit("/chat", "unheard of")
    wait_for(lambda: live.server.hub.counts.errors, "the error")
    after = Scrape(live)

    def change(name: str, **labels: str) -> float:
        return after.value(name, **labels) - before.value(name, **labels)

    transport = kind.partition("-")[2].removeprefix("xhr-")
    by = {"generation": socket.generation.name, "transport": transport}
    assert change("connections", **by) == 1
    assert change("opened_total", **by) == 1
    assert change("namespace_connections", namespace="/chat") == 1
    ask = {"namespace": "/chat", "event": "ask"}
    assert change("events_total", **ask) == 3
    assert change("events_total", event="other") == 1
    assert change("event_duration_seconds_count", **ask) == 1
    assert change("event_duration_seconds_sum", **ask) > 0
    assert change("event_duration_seconds_bucket", le="+Inf", **ask) == 1
    assert change("errors_total", error="no_such_method") == 1
    assert change("acks_total", direction="sent") == 3
    assert change("messages_total", direction="received") >= 4
    assert change("bytes_total", direction="sent") > 3
    gevent.spawn(socket.kill, reason="ping timeout").join(DEADLINE)
    last = Scrape(live)
    assert last.value("connections", **by) == before.value("connections", **by)
    closed = {"reason": "ping timeout"}
    assert last.value("closed_total", **closed) > after.value("closed_total", **closed)
    for name in ("messages_total", "bytes_total"):
        assert last.value(name) >= after.value(name)  # counters never fall
    assert last.value("processes") == 1
    assert last.value("processes_missing") == 0


def test_prometheus_gets_the_format_that_it_asks_for(serve: Serve) -> None:
    live = with_metrics(serve)
    plain = Scrape(live).reply
    assert plain.headers["Content-Type"].startswith("text/plain; version=")
    assert plain.headers["Cache-Control"] == "no-store"
    accept = {**HEADERS, "Accept": "application/openmetrics-text; version=1.0.0"}
    reply = Http(live.port).get("/metrics", accept)
    assert reply.headers["Content-Type"].startswith("application/openmetrics-text")
    assert reply.text.endswith("# EOF\n")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": TOKEN},
        {"Authorization": "Bearer"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Bearer \xe9"},
    ],
)
def test_nobody_else_reads_them(serve: Serve, headers: Any) -> None:
    live = with_metrics(serve)
    reply = Http(live.port).get("/metrics", headers)
    assert reply.status in (401, 403)
    assert "socketio_" not in reply.text


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
@pytest.mark.parametrize("token", [TOKEN, "ein geheimes Paßwort €"])
def test_a_token_is_read_as_http_spells_it(scheme: str, token: str) -> None:
    sent = f"{scheme}{token}".encode().decode("latin-1")
    credentials: dict[str, Any] = {}
    BearerToken(token).evaluate({"HTTP_AUTHORIZATION": sent}, credentials)
    with pytest.raises(NotAuthorizedError):
        BearerToken(token + "x").evaluate({"HTTP_AUTHORIZATION": sent}, credentials)


@pytest.mark.parametrize("wrap", [require, lambda predicate: predicate])
def test_any_predicate_decides(serve: Serve, wrap: Any) -> None:
    live = with_metrics(serve, wrap(AnyOf(not_anonymous(), BearerToken(TOKEN))))
    assert Http(live.port).get("/metrics").status in (401, 403)
    assert Http(live.port).get("/metrics", HEADERS).status == 200


@pytest.mark.parametrize("predicate", [None, "", True, TOKEN, object(), require(None)])
def test_without_a_predicate_the_application_does_not_start(predicate: Any) -> None:
    with pytest.raises(TypeError, match="give it a predicate that says who may read"):
        MetricsController(predicate)


@pytest.mark.parametrize("token", ["", "short", "fifteen letters", b"x" * 16, None])
def test_a_token_that_can_be_guessed_is_refused(token: Any) -> None:
    with pytest.raises(ValueError, match="less than 16 characters"):
        BearerToken(token)


def test_without_the_library_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    monkeypatch.delitem(sys.modules, EXPOSITION, raising=False)
    with pytest.raises(ImportError, match=r"pip install 'tgext.socketio\[metrics\]'$"):
        MetricsController(BearerToken(TOKEN))


def test_only_one_module_needs_it_and_none_needs_opentelemetry() -> None:
    asked = re.compile(r"^(?:from|import) (?:prometheus_client|opentelemetry)", re.M)
    found = [
        each.name
        for each in PRODUCT.rglob("*.py")
        if asked.search(each.read_text(encoding="utf-8"))
    ]
    assert found == ["exposition.py"]


WITHOUT_CHANNELS = """
import sys
sys.modules["anypubsub"] = None
from gevent import monkey
monkey.patch_all()
import tgext.socketio.operation.metrics
"""


def test_an_application_without_channels_has_metrics() -> None:
    """They do not need anypubsub."""
    root = PRODUCT.parents[1]
    subprocess.run([sys.executable, "-c", WITHOUT_CHANNELS], cwd=root, check=True)
