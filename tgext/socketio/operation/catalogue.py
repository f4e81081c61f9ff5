"""All metrics, in one table; the documentation has the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

#: What the name of each metric begins with.
PREFIX: Final = "socketio_"

COUNTER: Final = "counter"
GAUGE: Final = "gauge"
HISTOGRAM: Final = "histogram"

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True)
class Metric:
    """One row of the table.

    :param name: without :data:`PREFIX`, and without ``_total`` for a counter.
    :param labels: in addition to ``process``, which all have.
    """

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()


#: The metrics of one process, by name.
METRICS: Final = {
    each.name: each
    for each in (
        Metric("connections", GAUGE, "open connections", ("generation", "transport")),
        Metric("websockets", GAUGE, "open plain WebSockets"),
        Metric("namespace_connections", GAUGE, "clients in it", ("namespace",)),
        Metric("rooms", GAUGE, "rooms that have members", ("namespace",)),
        Metric("opened", COUNTER, "connections opened", ("generation", "transport")),
        Metric("closed", COUNTER, "connections closed", ("reason",)),
        Metric("refused", COUNTER, "what was refused", ("what", "status")),
        Metric("recoveries", COUNTER, "clients that were back", ("result",)),
        Metric("errors", COUNTER, "errors that clients were told", ("error",)),
        Metric("events", COUNTER, "events", ("namespace", "event")),
        Metric(
            "event_duration_seconds",
            HISTOGRAM,
            "time of each sixteenth event of its kind, from the first",
            ("namespace", "event"),
        ),
        Metric("acks", COUNTER, "acks sent and received", ("direction",)),
        Metric("messages", COUNTER, "messages received and sent", ("direction",)),
        Metric("bytes", COUNTER, "bytes of these messages", ("direction",)),
        Metric("outbox_bytes", GAUGE, "output that clients have not read yet"),
        Metric("topics", GAUGE, "topics and channels that the process listens to"),
        Metric("peers", GAUGE, "other processes of the cluster that it knows of"),
        Metric("broker_up", GAUGE, "1 while the broker delivers, else 0"),
        Metric("broker_lost", COUNTER, "how often the broker was lost"),
        Metric("broker_lag_seconds", GAUGE, "time of a heartbeat over the broker"),
        Metric(
            "event_loop_lag_seconds",
            HISTOGRAM,
            "how late the event loop ran a timer of one second",
        ),
    )
}

#: The metrics of all processes together, which have no label ``process``.
SHARED: Final = {
    each.name: each
    for each in (
        Metric("users", GAUGE, "users with a connection, each counted once"),
        Metric("processes", GAUGE, "processes that this answer is about"),
        Metric("processes_missing", GAUGE, "processes that did not answer in time"),
    )
}
