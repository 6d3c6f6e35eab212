"""Drawings for a page of one model: SVG whose colours are the page's, light or dark.

Each function takes a part of a summary. What is drawn holds no text of the data.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.dates
import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import (
    EngFormatter,
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    NullLocator,
    SymmetricalLogLocator,
)

from alad.report.figures import as_svg
from alad.report.plots import STYLE

FEW_POWERS = 100  # times the lowest score: less may have one power of ten, or none
LOWEST = 0.05  # of the highest bar: how high one of few is drawn
WIDTH = 4.7  # inches: as wide as a telephone, so that its texts can be read there
# Stand-ins that matplotlib takes for colours; the page's own take their place.
INK, SOFT, LINE, CALM, ALARM = "#010203", "#010204", "#010205", "#010206", "#010207"
PAGE = {INK: "--ink", SOFT: "--soft", LINE: "--line", CALM: "--calm", ALARM: "--alarm"}
TEXT = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": SOFT,
    "axes.edgecolor": LINE,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "grid.color": LINE,
    "grid.alpha": 0.6,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "axes.axisbelow": True,
    "axes.grid.axis": "y",
}


def p_values(calibration: Mapping[str, Any]) -> str:
    """How many rows have which p-value, and the line of rows like those of calibration."""
    counts = np.asarray(calibration["counts"])
    with _styled():
        figure, ax = _one(1.9)
        ax.stairs(counts, np.linspace(0, 1, len(counts) + 1), fill=True, color=CALM)
        ax.axhline(calibration["uniform"], color=ALARM, lw=1.4, ls="--")
        ax.set(xlim=(0, 1), ylim=(0, None), xlabel="p-value", ylabel="rows")
        ax.yaxis.set_major_formatter(EngFormatter(sep=""))
        return _drawn(figure, "Histogram of the p-values of the scored rows")


def scores(found: Mapping[str, Any]) -> str:
    """How many rows have which score; rows and alerts, and the threshold."""
    edges = np.asarray(found["edges"])
    with _styled():
        figure, ax = _one(1.9)
        ax.stairs(found["quiet"], edges, fill=True, color=CALM)
        ax.stairs(found["alerts"], edges, fill=True, color=ALARM)
        if found["threshold"] is not None:
            ax.axvline(found["threshold"], color=INK, lw=1.2, ls="--")
        ax.set_yscale("symlog", linthresh=1)
        ax.set(xlim=(edges[0], edges[-1]), ylim=(0, None), xlabel="anomaly score", ylabel="rows")
        _on_scale(ax, found, "x")
        ax.yaxis.set_major_formatter(EngFormatter(sep=""))
        return _drawn(figure, "Distribution of the scores")


def counts_over(found: Mapping[str, Any]) -> str:
    """Rows and alerts by bucket, each on a scale of its own: alerts are few beside rows."""
    edges = _instants(found)
    counts = {"rows": (found["rows"], CALM), "alerts": (lifted(found["alerts"]), ALARM)}
    if found["kind"] == "row":  # every bucket has as many rows then
        del counts["rows"]
    elif not any(found["alerts"]):
        del counts["alerts"]
    with _styled():
        figure = Figure(figsize=(WIDTH, 0.9 + len(counts)), layout="constrained")
        panels = figure.subplots(len(counts), 1, sharex=True, squeeze=False).ravel()
        for ax, (name, (heights, colour)) in zip(panels, counts.items(), strict=True):
            ax.stairs(heights, edges, fill=True, color=colour)
            ax.set(ylabel=name, xlim=(edges[0], edges[-1]), ylim=(0, None))
            ax.yaxis.set_major_formatter(EngFormatter(sep=""))
            ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        _moments(panels[-1], found)
        figure.align_ylabels()
        return _drawn(figure, "Rows and alerts in their order")


def lifted(counts: Sequence[int]) -> list[float]:
    """Heights of bars: one of few that stands among high ones can still be seen.

    >>> lifted([0, 1, 1000]), lifted([0, 1, 10])
    ([0, 50.0, 1000], [0, 1, 10])
    """
    least = LOWEST * max(counts)
    return [max(n, least) if n else 0 for n in counts]


def quantiles_over(found: Mapping[str, Any], threshold: float | None) -> str:
    """Quantiles of the scores by bucket."""
    edges = _instants(found)
    middles = edges[:-1] + np.diff(edges) / 2
    with _styled():
        figure, ax = _one(1.9)
        for (q, values), style in zip(found["quantiles"].items(), ("-", "--", ":"), strict=True):
            numbers = [math.nan if value is None else value for value in values]
            # A dot as wide as the line shows a bucket that has no neighbour to be joined with.
            ax.plot(
                middles,
                numbers,
                style,
                color=CALM,
                lw=1.4,
                marker=".",
                ms=1.4,
                label=f"{float(q):.0%}",
            )
        if threshold is not None:
            ax.axhline(threshold, color=INK, lw=1, ls="--")
        ax.set(ylabel="anomaly score", xlim=(edges[0], edges[-1]))
        _on_scale(ax, found, "y")
        if found["scale"] == "asinh":  # left to itself the axis is symmetrical
            ax.set_ylim(*found["span"])
        ax.legend(loc="lower left", bbox_to_anchor=(0, 0.97), ncols=3, fontsize=8)
        _moments(ax, found)
        return _drawn(figure, "Quantiles of the scores in their order")


def _moments(ax: Axes, found: Mapping[str, Any]) -> None:
    """Name times, numbers or places along the axis."""
    if found["kind"] == "time":
        dates: Any = matplotlib.dates
        locator = dates.AutoDateLocator(minticks=3, maxticks=7)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
    else:
        ax.xaxis.set_major_locator(MaxNLocator(5))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.6g}"))


def _instants(found: Mapping[str, Any]) -> Any:
    """Edges as matplotlib has them: days since 1970 for instants."""
    edges = np.asarray(found["edges"], np.float64)
    return edges / 86_400 if found["kind"] == "time" else edges


def losses(history: Mapping[str, Any]) -> str:
    """The loss of each player over the epochs."""
    players = history["losses"]
    with _styled():
        figure = Figure(figsize=(WIDTH, 0.3 + 1.5 * len(players)), layout="constrained")
        axes = np.atleast_1d(figure.subplots(len(players), 1, sharex=True))
        for ax, (player, rows) in zip(axes, players.items(), strict=True):
            values = [row[0] for row in rows]
            ax.plot(range(1, len(values) + 1), values, "o-", ms=3, color=CALM, lw=1.4)
            ax.set(ylabel=f"loss of {player}")
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes[-1].set(xlabel="epoch")
        return _drawn(figure, "Losses over the epochs")


def calibration_scores(ascending: Sequence[float], threshold: float) -> str:
    """The share of the calibration rows that lies above each score."""
    above = 1 - np.arange(len(ascending)) / len(ascending)
    with _styled():
        figure, ax = _one(2.0)
        ax.step(ascending, above, color=CALM, lw=1.6, where="post")
        ax.axvline(threshold, color=INK, lw=1.2, ls="--")
        ax.set(yscale="log", xlabel="anomaly score", ylabel="share of rows above")
        if ascending[0] > 0:
            ax.set_xscale("log")
        _few_ticks(ax.xaxis)
        return _drawn(figure, "Scores of the calibration rows")


def _one(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots()


def _on_scale(ax: Axes, found: Mapping[str, Any], axis: str) -> None:
    """Draw scores as they were binned."""
    lengthwise = ax.xaxis if axis == "x" else ax.yaxis
    options = {"linear_width": found["unit"]} if found["scale"] == "asinh" else {}
    (ax.set_xscale if axis == "x" else ax.set_yscale)(found["scale"], **options)
    if found["scale"] == "asinh":
        lengthwise.set_major_locator(SymmetricalLogLocator(base=10, linthresh=found["unit"]))
        lengthwise.set_minor_locator(NullLocator())
    _few_ticks(lengthwise)


def _few_ticks(axis: Any) -> None:
    """Label an axis whose limits are set; of a logarithmic one at powers of ten, if it has some."""
    low, high = axis.get_view_interval()
    if axis.get_scale() == "log" and high < FEW_POWERS * low:
        even = MaxNLocator(5, steps=(1, 2, 5, 10))
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)) if high > 6 * low else even)
        axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:.4g}".replace("-", "−")))
    axis.set_minor_formatter(NullFormatter())


def _styled() -> Any:
    return matplotlib.style.context([STYLE, TEXT])


def _drawn(figure: Figure, title: str) -> str:
    svg = as_svg(figure, title).replace(">", f"><title>{title}</title>", 1)
    for stand_in, name in PAGE.items():
        svg = svg.replace(stand_in, f"var({name})")
    return svg
