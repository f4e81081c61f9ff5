"""The table of metrics is that of the documentation."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tgext.socketio.operation.catalogue import COUNTER, METRICS, PREFIX, SHARED, Metric

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/in_production.rst"
DASHBOARD = ROOT / "deploy/grafana.json"


def full_name(metric: Metric) -> str:
    return PREFIX + metric.name + ("_total" if metric.kind == COUNTER else "")


def test_the_documentation_has_each_metric_with_its_labels() -> None:
    rows = re.findall(
        r"^``(socketio_\w+)`` +(counter|gauge|histogram) +(\S.*?)?  ",
        PAGE.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    found = {
        name: (kind, labels.replace(",", "").split()) for name, kind, labels in rows
    }
    assert found == {
        full_name(each): (each.kind, list(each.labels))
        for each in (*METRICS.values(), *SHARED.values())
    }


def test_the_dashboard_asks_for_metrics_that_there_are() -> None:
    names = {full_name(each) for each in (*METRICS.values(), *SHARED.values())}
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    asked = {
        re.sub("_(bucket|count|sum)$", "", name)
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for name in re.findall(r"socketio_\w+", target["expr"])
    }
    assert asked <= names
    assert len(asked) > 15


def test_names_are_those_of_prometheus() -> None:
    for each in (*METRICS.values(), *SHARED.values()):
        assert re.fullmatch(r"[a-z_]+", each.name)
        assert not each.name.endswith("_total")
        assert each.meaning
        assert "process" not in each.labels
