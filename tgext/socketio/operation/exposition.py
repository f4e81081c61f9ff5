"""Metrics as text for Prometheus, with ``prometheus_client``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from ..engine.hub.counts import BOUNDS
from . import catalogue
from .catalogue import COUNTER, HISTOGRAM, METRICS, SHARED
from .snapshot import Snapshot

_BUCKETS: Final = (*map(str, BOUNDS), "+Inf")


class Snapshots(Collector):
    """The metrics of several processes, each with its name in the label ``process``.

    Their counters are not added up: when a process ends, the sum would fall, which
    Prometheus takes for a restart of all. In queries, ``sum without (process)`` adds.

    :param snapshots: those of the processes that answered.
    :param missing: how many did not.
    """

    def __init__(self, snapshots: Sequence[Snapshot], missing: int = 0) -> None:
        self._snapshots = snapshots
        users = set().union(*(each.users for each in snapshots))
        self._shared = {
            "users": len(users),
            "processes": len(snapshots),
            "processes_missing": missing,
        }

    def collect(self) -> Iterator[Metric]:
        """All metrics."""
        for each in METRICS.values():
            yield self._family(each)
        for each in SHARED.values():
            name = catalogue.PREFIX + each.name
            yield GaugeMetricFamily(name, each.meaning, value=self._shared[each.name])

    def _family(self, metric: catalogue.Metric) -> Metric:
        name = catalogue.PREFIX + metric.name
        labels = ("process", *metric.labels)
        if metric.kind == HISTOGRAM:
            histogram = HistogramMetricFamily(name, metric.meaning, labels=labels)
            for own, (buckets, total) in self._values(metric.name):
                histogram.add_metric(own, list(zip(_BUCKETS, buckets)), total)  # noqa: B905
            return histogram
        family = CounterMetricFamily if metric.kind == COUNTER else GaugeMetricFamily
        simple = family(name, metric.meaning, labels=labels)
        for own, value in self._values(metric.name):
            simple.add_metric(own, value)
        return simple

    def _values(self, name: str) -> Iterable[tuple[list[str], Any]]:
        for each in self._snapshots:
            for labels, value in each.values.get(name, ()):
                yield [each.process, *labels], value


def text_of(
    snapshots: Sequence[Snapshot], missing: int = 0, accept: str = ""
) -> tuple[bytes, str]:
    """Metrics in a format that the client accepts.

    :param accept: the header ``Accept``.
    :returns: the text, and its type.
    """
    registry = CollectorRegistry()
    registry.register(Snapshots(snapshots, missing))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type
