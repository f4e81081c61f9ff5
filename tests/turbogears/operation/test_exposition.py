"""Metrics of processes as text for Prometheus."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tgext.socketio.engine.hub.counts import Timing
from tgext.socketio.operation.exposition import text_of
from tgext.socketio.operation.snapshot import Snapshot


def example(process: str, *users: str) -> Snapshot:
    snapshot = Snapshot(process)
    snapshot.users.update(users)
    snapshot.set("closed", 2, "ping timeout")
    snapshot.set("topics", 3)
    timing = Timing()
    for seconds in (0.0005, 0.02, 60):
        timing.add(seconds)
    key = "/chat", 'a"b\\c'
    snapshot.set("event_duration_seconds", [timing.cumulative, timing.seconds], *key)
    return snapshot


def test_each_process_has_its_own_values() -> None:
    text, _ = text_of([example("one:1", "a", "b"), example("two:2", "b")], missing=1)
    samples = {
        (each.name, tuple(sorted(each.labels.items()))): each.value
        for family in text_string_to_metric_families(text.decode())
        for each in family.samples
    }
    for process in ("one:1", "two:2"):
        closed = (("process", process), ("reason", "ping timeout"))
        assert samples["socketio_closed_total", closed] == 2
        assert samples["socketio_topics", (("process", process),)] == 3
        own = ("event", 'a"b\\c'), ("namespace", "/chat"), ("process", process)
        name = "socketio_event_duration_seconds"
        assert samples[f"{name}_count", own] == 3
        assert samples[f"{name}_sum", own] == 60.0205
        buckets = [("0.001", 1), ("0.01", 1), ("0.025", 2), ("10.0", 2), ("+Inf", 3)]
        for bound, number in buckets:
            key = tuple(sorted([*own, ("le", bound)]))
            assert samples[f"{name}_bucket", key] == number
    assert samples["socketio_users", ()] == 2
    assert samples["socketio_processes", ()] == 2
    assert samples["socketio_processes_missing", ()] == 1
