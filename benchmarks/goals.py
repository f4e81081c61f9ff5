"""The project's speed goals, and whether a run met them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from measuring import CPU, MEMORY, P50, P99, RATE, Measurements
from scenarios import (
    BUN,
    CONTROLLER,
    ENGINE,
    FLASK,
    FLOOR,
    NODE,
    OURS,
    PICOWS,
    PYTHON_SOCKETIO,
    SIMPLE,
    UVICORN,
)
from tables import markdown

Data = Mapping[str, Measurements]
PYTHON = (PYTHON_SOCKETIO, SIMPLE, UVICORN, FLASK)


@dataclass(frozen=True)
class Goal:
    """A figure of one run, and the bound for it."""

    text: str
    bound: float
    measure: Callable[[Data], float]
    at_most: bool = False

    def judge(self, data: Data) -> list[str] | None:
        """A row of the table; None when the run did not measure the figure."""
        try:
            value = self.measure(data)
        except (KeyError, ZeroDivisionError):
            return None
        met = value <= self.bound if self.at_most else value >= self.bound
        wanted = f"{'≤' if self.at_most else '≥'} {self.bound:g}"
        return [self.text, wanted, f"{value:.2f}", "yes" if met else "**no**"]


def ratio(scenario: str, ours: str, peer: str, *keys: str) -> Callable[[Data], float]:
    def measure(data: Data) -> float:
        return _known(data, scenario, ours, peer).ratio(ours, peer, *keys)

    return measure


def _known(data: Data, scenario: str, *names: str) -> Measurements:
    measurements = data[scenario]
    for name in names:
        if not measurements.results.get(name):
            raise KeyError(name)
    return measurements


def _memory(data: Data) -> float:
    return _known(data, "idle", OURS.name).median(OURS.name, *MEMORY)


def _tail(data: Data) -> float:
    """The 99th percentile of the latency, divided by the median."""
    echo = _known(data, "echo", OURS.name)
    return echo.median(OURS.name, *P99) / echo.median(OURS.name, *P50)


def _greed(data: Data) -> float:
    """How much longer other clients wait because one sends as fast as it can.

    In each turn of the event loop, the server handles as many messages of such a client
    as it reads at once, and one of each other client.
    """
    with_it = _known(data, "greedy", OURS.name).median(OURS.name, *P50)
    without = _known(data, "steady", OURS.name).median(OURS.name, *P50)
    return with_it / without


def _flatness(*scenarios: str) -> Callable[[Data], float]:
    """CPU per message in the slowest scenario, divided by that in the fastest."""

    def measure(data: Data) -> float:
        costs = [
            _known(data, each, OURS.name).median(OURS.name, *CPU) for each in scenarios
        ]
        return max(costs) / min(costs)

    return measure


def _goals() -> Iterator[Goal]:
    tg, engine, node = OURS.name, ENGINE.name, NODE.name
    for scenario in ("echo", "ack"):
        for peer in (PYTHON_SOCKETIO, SIMPLE, FLASK):
            yield Goal(
                f"{scenario}: rate ÷ {peer.name}",
                8,
                ratio(scenario, tg, peer.name, *RATE),
            )
        yield Goal(f"{scenario}: rate ÷ node", 0.9, ratio(scenario, tg, node, *RATE))
        yield Goal(
            f"{scenario}, engine: rate ÷ node",
            1.2,
            ratio(scenario, engine, node, *RATE),
        )
    for scenario in ("echo", "ack", "steady"):
        yield Goal(f"{scenario}: rate ÷ bun", 0.7, ratio(scenario, tg, BUN.name, *RATE))
    for scenario in ("fanout", "fanout-burst"):
        yield Goal(f"{scenario}: rate ÷ node", 1.4, ratio(scenario, tg, node, *RATE))
        yield Goal(f"{scenario}: rate ÷ bun", 1.3, ratio(scenario, tg, BUN.name, *RATE))
        for peer in PYTHON:
            yield Goal(
                f"{scenario}: rate ÷ {peer.name}",
                5,
                ratio(scenario, tg, peer.name, *RATE),
            )
        yield Goal(
            f"{scenario}: CPU per delivery ÷ a C program's",
            1.3,
            ratio(scenario, tg, FLOOR.name, *CPU),
            at_most=True,
        )
    for scenario in ("raw", "raw-16k", "raw-steady", "raw-16k-steady"):
        yield Goal(
            f"{scenario}: rate ÷ picows",
            1,
            ratio(scenario, CONTROLLER.name, PICOWS.name, *RATE),
        )
    for scenario, wanted in (("steady", 1.2), ("polling", 1), ("channels-redis", 2.5)):
        yield Goal(f"{scenario}: rate ÷ node", wanted, ratio(scenario, tg, node, *RATE))
    yield Goal("idle: KiB per connection, of 10,000", 12, _memory, at_most=True)
    yield Goal("storm: connects ÷ node", 1, ratio("storm", tg, node, *RATE))
    yield Goal("storm, engine: connects ÷ node", 1, ratio("storm", engine, node, *RATE))
    yield Goal("echo: p99 ÷ median", 3, _tail, at_most=True)
    yield Goal("greedy: the others' median ÷ without it", 2, _greed, at_most=True)
    yield Goal(
        "scale: CPU per message, 100 to 10,000 connections, all busy",
        1.3,
        _flatness("scale-100", "scale-1000", "scale-10000"),
        at_most=True,
    )
    yield Goal(
        "scale: CPU per message of 100 clients, alone and among 10,000",
        1.2,
        _flatness("scale-100", "scale-idle"),
        at_most=True,
    )


GOALS = tuple(_goals())


def table(data: Data) -> str:
    """The goals, the measured figures, and whether the goals are met."""
    rows = [each for each in (goal.judge(data) for goal in GOALS) if each is not None]
    if not rows:
        return ""
    return "## Goals\n\n" + markdown([["goal", "wanted", "measured", "met"], *rows])
