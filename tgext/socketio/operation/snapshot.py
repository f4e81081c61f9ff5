"""The metrics of one process at one time, as values that JSON can carry."""

from __future__ import annotations

import os
import socket as native_socket
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final

from ..drivers import applications
from ..engine.concurrency.fairness import in_turns
from ..engine.hub.counts import Timing
from ..engine.hub.hub import Hub, hubs
from ..engine.io.traffic import NOTHING
from ..engine.session.session import Socket
from ..messaging.cluster import clustered
from .looplag import LoopLag

#: The values of a metric: each with the labels that :mod:`.catalogue` names. That of a
#: histogram is the list of its cumulative buckets, and the sum.
Values = list[tuple[list[str], Any]]

#: Hexadecimal digits of the hash of a user's name; users are counted by it.
_DIGITS: Final = 12

lag: Final = LoopLag()


def name_of_process() -> str:
    """The name of this process in the label ``process``."""
    return f"{native_socket.gethostname()}:{os.getpid()}"


class Snapshot:
    """The metrics of one process.

    :param process: its name.

    :ivar values: by the name of the metric.
    :ivar users: hashes of the names of the users.
    """

    def __init__(self, process: str) -> None:
        self.process = process
        self.values: dict[str, Values] = {}
        self.users: set[str] = set()

    def set(self, name: str, value: Any, *labels: str) -> None:
        """Set a metric, for a combination of its labels."""
        self.values.setdefault(name, []).append((list(labels), value))

    def set_each(self, name: str, values: Mapping[Any, Any]) -> None:
        """Set a metric by its labels: a text, or a tuple of several."""
        for labels, value in values.items():
            several = labels if isinstance(labels, tuple) else (labels,)
            self.set(name, value, *several)


def take(among: Iterable[Hub] | None = None) -> Snapshot:
    """The metrics of this process now. Other greenlets run meanwhile.

    :param among: the hubs of its servers; None for all.
    """
    snapshot = Snapshot(name_of_process())
    known = list(hubs if among is None else among)
    _connections(snapshot, known)
    _counts(snapshot, known)
    _cluster(snapshot, known)
    timing = lag.ask()
    snapshot.set("event_loop_lag_seconds", _histogram(timing))
    return snapshot


def _connections(snapshot: Snapshot, known: list[Hub]) -> None:
    connections: Counter[tuple[str, str]] = Counter()
    namespaces: Counter[str] = Counter()
    rooms: Counter[str] = Counter()
    traffic, outbox = NOTHING, 0
    for hub in known:  # before others run: it grows by what ends from now on
        traffic = traffic.plus(hub.counts.traffic)
    sockets = [each for hub in known for each in hub.registry.sockets.values()]
    for socket in in_turns(sockets):
        assert isinstance(socket, Socket)
        transport = socket.transport
        if transport is None:
            continue
        traffic = traffic.plus(transport.traffic)  # its end has not been counted
        if socket.ended:
            continue
        connections[socket.generation.name, transport.name] += 1
        namespaces.update(each or "/" for each in socket.active_ns)
        outbox += transport.outbox.size
        user = socket._tgsio_user
        if user is not None:
            name = user.encode("utf-8", "surrogatepass")
            snapshot.users.add(sha256(name).hexdigest()[:_DIGITS])
    for hub in known:
        for each in hub.all_rooms:
            occupied = list(each.occupied())
            rooms.update(name or "/" for name, room in occupied if room is not None)
    snapshot.set_each("connections", connections)
    snapshot.set_each("namespace_connections", namespaces)
    snapshot.set_each("rooms", rooms)
    snapshot.set("websockets", sum(len(hub.registry.websockets) for hub in known))
    snapshot.set("outbox_bytes", outbox)
    snapshot.set("messages", traffic.received, "received")
    snapshot.set("messages", traffic.sent, "sent")
    snapshot.set("bytes", traffic.received_bytes, "received")
    snapshot.set("bytes", traffic.sent_bytes, "sent")


def _counts(snapshot: Snapshot, known: list[Hub]) -> None:
    for name in ("opened", "closed", "refused", "errors", "recoveries"):
        total: Counter[Any] = Counter()
        for hub in known:
            total.update(getattr(hub.counts, name))
        snapshot.set_each(name, total)
    snapshot.set("acks", sum(hub.counts.acks_sent for hub in known), "sent")
    snapshot.set("acks", sum(hub.counts.acks_received for hub in known), "received")
    timings: dict[tuple[str, str], Timing] = {}
    events: Counter[tuple[str, str]] = Counter()
    for hub in known:
        for key, each in (hub.counts.events or {}).items():
            events[key] += each.number
            timings.setdefault(key, Timing()).include(each)
    snapshot.set_each("events", events)
    for key, timing in timings.items():
        snapshot.set("event_duration_seconds", _histogram(timing), *key)


def _histogram(timing: Timing) -> list[Any]:
    return [timing.cumulative, timing.seconds]


def _cluster(snapshot: Snapshot, known: list[Hub]) -> None:
    """What this process has to do with others. Nothing is connected for that."""
    topics = sum(
        len(rooms.bus)
        for hub in known
        for rooms in hub.all_rooms
        if rooms.bus is not None
    )
    peers, lags = 0, []
    listeners = []
    for application in list(applications):
        app_globals: Any = application.config.get("tg.app_globals")
        channels = getattr(app_globals, "socketio_channels", None)
        if channels is not None:
            topics += len(channels)
            listeners.append(getattr(channels.backend, "listener", None))
        known_peers = getattr(app_globals, "socketio_peers", None)
        if known_peers is not None:
            peers += len(known_peers.alive)
            lags.append(known_peers.lag)
    snapshot.set("topics", topics)
    used = [each for each in listeners if each is not None]
    if used:
        snapshot.set("broker_up", int(not any(each.is_lost for each in used)))
        snapshot.set("broker_lost", sum(each.losses for each in used))
    if any(clustered(each.config for each in list(applications))):
        snapshot.set("peers", peers)
    if lags:
        snapshot.set("broker_lag_seconds", max(lags))
