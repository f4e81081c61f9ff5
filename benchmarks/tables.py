"""Measurements as Markdown, ratios first."""

from __future__ import annotations

from statistics import median

from measuring import (
    BACK,
    CAUGHT_UP,
    CPU,
    MAX_LOAD_CPU_PERCENT,
    MEMORY,
    NEIGHBOUR_MAX,
    NEIGHBOUR_P50,
    NEIGHBOUR_P99,
    P50,
    P99,
    RATE,
    UNSERVED,
    Measurements,
    cpu_percent,
)
from scenarios import EVENT_COST, STORM_NEIGHBOUR

Row = list[str]


def markdown(rows: list[Row]) -> str:
    """A table: the first row is its header, all columns but the first are figures."""
    rule = ["---", *["---:"] * (len(rows[0]) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [rows[0], rule, *rows[1:]])


def ratio_table(data: Measurements) -> str:
    """Our figures divided by those of the peers: the median, and the spread."""
    ours = data.measured(data.scenario.ours)
    unit = data.scenario.unit
    if unit == "nothing":
        rows = [["ours ÷ theirs", *(f"memory, {each}" for each in ours)]]
        figures = (MEMORY,)
    else:
        rows = [["ours ÷ theirs"]]
        rows[0] += [f"{unit}/s, {each}" for each in ours]
        rows[0] += [f"CPU, {each}" for each in ours]
        figures = (RATE, CPU)
    for peer in data.measured(data.scenario.peers):
        ratios = (data.ratios(each, peer, *keys) for keys in figures for each in ours)
        rows.append([peer, *map(_with_spread, ratios)])
    return markdown(rows)


def _with_spread(values: list[float]) -> str:
    """The median, and between what the values are if there are several."""
    middle = f"{median(values):.2f}"
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):.2f} to {max(values):.2f})"


def figure_table(data: Measurements) -> str:
    unit = data.scenario.unit
    header = ["server", f"{unit}/s", "CPU µs each", "p50 ms", "p99 ms"]
    header += ["KiB/connection", "unserved", "CPU server", "CPU load"]
    names = data.measured(data.scenario.servers)
    return markdown([header, *(_figures(data, name) for name in names)])


def _figures(data: Measurements, name: str) -> Row:
    unserved = data.median(name, *UNSERVED)
    return [
        name,
        f"{data.median(name, *RATE):,.0f}",
        f"{data.median(name, *CPU):.2f}",
        f"{data.median(name, *P50) / 1000:.2f}",
        f"{data.median(name, *P99) / 1000:.2f}",
        f"{data.median(name, *MEMORY):.1f}",
        f"**{unserved:.0f}**" if unserved else "0",
        f"{median(cpu_percent(r) for r in data.results[name]):.0f} %",
        f"{data.median(name, 'load_cpu_percent'):.0f} %",
    ]


def event_cost_table(data: Measurements) -> str:
    """The CPU time of an event in each application, and the change from row to row."""
    rows = [["application", "events/s", "server CPU µs/event", "± µs"]]
    before = None
    for name in data.measured(data.scenario.servers):
        cost = data.median(name, *CPU)
        added = "" if before is None else f"{cost - before:+.1f}"
        rows.append([name, f"{data.median(name, *RATE):,.0f}", f"{cost:.1f}", added])
        before = cost
    return markdown(rows)


def neighbour_table(data: Measurements) -> str:
    """How long a client waited for its echoes while others connected."""
    rows = [["server", "the neighbour's p50 ms", "p99 ms", "max ms"]]
    for name in data.measured(data.scenario.servers):
        figures = (NEIGHBOUR_P50, NEIGHBOUR_P99, NEIGHBOUR_MAX)
        values = (data.median(name, *keys) / 1000 for keys in figures)
        rows.append([name, *(f"{each:.2f}" for each in values)])
    return markdown(rows)


def storm_table(data: Measurements) -> str:
    """How long clients were without what they missed, and who did not get it."""
    header = [
        "server",
        "recovered",
        "came back as new ones",
        "events they missed",
        "missing or doubled for others",
    ]
    header += ["s until the last was back", "s until the last recovered one had all"]
    header += ["p50 s", "p99 s", "CPU load"]
    rows = [header]
    for name in data.measured(data.scenario.servers):
        counts = (
            data.median(name, key)
            for key in ("recovered", "as_new", "missing", "wrong")
        )
        rows.append(
            [
                name,
                *(f"{each:,.0f}" for each in counts),
                f"{data.median(name, *BACK):.2f}",
                f"{data.median(name, *CAUGHT_UP):.2f}",
                f"{data.median(name, *P50) / 1e6:.2f}",
                f"{data.median(name, *P99) / 1e6:.2f}",
                f"{data.median(name, 'load_cpu_percent'):.0f} %",
            ]
        )
    return markdown(rows)


def program_table(data: Measurements) -> str:
    """The figures of programs that measure themselves."""
    names = data.measured(data.scenario.servers)
    rows = [["what", *names]]
    for what in data.results[names[0]][0]["figures"]:
        unit = data.results[names[0]][0]["figures"][what][1]
        values = (
            median(each["figures"][what][0] for each in data.results[name])
            for name in names
        )
        rows.append([what, *(f"{each:,.1f} {unit}" for each in values)])
    return markdown(rows)


def section(data: Measurements, rounds: int, seconds: float) -> str:
    """The section of the report about one scenario."""
    scenario = data.scenario
    parts = [
        f"## {scenario.name}",
        f"`{' '.join(scenario.load)}`: medians of {rounds} x {seconds:g} s",
    ]
    if scenario.name == EVENT_COST.name:
        parts.append(event_cost_table(data))
    elif scenario.is_storm or scenario.measures_itself:
        if data.measured(scenario.servers):
            table = storm_table if scenario.is_storm else program_table
            parts.append(table(data))
    else:
        if data.measured(scenario.ours) and data.measured(scenario.peers):
            parts.append(ratio_table(data))
        if data.measured(scenario.servers):
            parts.append(figure_table(data))
            if scenario.name == STORM_NEIGHBOUR.name:
                parts.append(neighbour_table(data))
    parts += [f"{name} failed: {why}" for name, why in data.failures.items()]
    parts += [f"{name}: events were missing or doubled" for name in data.faulty()]
    parts += [
        f"{name}: the load generator was above {MAX_LOAD_CPU_PERCENT} % CPU"
        for name in data.busy_load()
    ]
    return "\n\n".join(parts)
