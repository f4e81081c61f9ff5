"""The ratios of a run as a chart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot
from measuring import RATE, Measurements
from scenarios import OURS, PEERS

#: Scenarios that the chart shows.
SHOWN = ("echo", "ack", "fanout", "fanout-burst", "rooms", "channels-redis", "storm")

COLOURS = ("#c44e52", "#dd8452", "#8172b3", "#937860", "#55a868", "#4c72b0")


def draw(data: Mapping[str, Measurements], path: Path) -> bool:
    """Write an SVG with a bar for each scenario and peer: our rate divided by its rate.

    :returns: whether there were results to show.
    """
    bars = [
        (name, number, data[name].ratio(OURS.name, peer.name, *RATE))
        for name in SHOWN
        if name in data and data[name].results.get(OURS.name)
        for number, peer in enumerate(PEERS)
        if data[name].results.get(peer.name)
    ]
    if not bars:
        return False
    pyplot.rcParams.update({"svg.hashsalt": "bench", "font.size": 11})
    figure, axes = pyplot.subplots(figsize=(7, 0.8 + 0.27 * len(bars)))
    places: dict[str, list[float]] = {}
    for count, (name, number, ratio) in enumerate(bars):
        group = places.setdefault(name, [])
        # Between the groups there is a gap.
        place = -(count + 0.8 * len(places))
        group.append(place)
        axes.barh(place, ratio - 1, left=1, color=COLOURS[number], height=0.9)
        axes.text(max(ratio, 1) * 1.05, place, f"{ratio:.1f}", va="center", fontsize=9)
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=1)
    axes.set_yticks(
        [sum(group) / len(group) for group in places.values()], list(places)
    )
    ratios = [ratio for *_, ratio in bars]
    axes.set_xlim(min(0.5, *ratios) * 0.8, max(ratios) * 2)
    axes.set_xticks([0.5, 1, 2, 5, 10, 20], ["0.5", "1", "2", "5", "10", "20"])
    axes.set_xlabel("tgext.socketio in TurboGears ÷ peer, rate on one core")
    handles = [pyplot.Rectangle((0, 0), 1, 1, color=each) for each in COLOURS]
    axes.legend(
        handles,
        [peer.name for peer in PEERS],
        loc="lower center",
        bbox_to_anchor=(0.4, 1.0),
        ncols=2,
        frameon=False,
        fontsize=9,
    )
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    return True
