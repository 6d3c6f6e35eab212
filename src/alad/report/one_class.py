"""AUROC by class as bars, ours beside the published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.figure import Figure

from alad.report.plots import ANOMALY, CONTROL, NORMAL, STYLE

MEAN = "mean"
WIDTH = 0.8  # of all bars of a class
THEIRS = (ANOMALY, "#e8a87c")  # the paper's, a reproduction's


def bars(table: Mapping[str, Any]) -> Figure:
    """One panel a method: a bar a class and one for the mean, ours beside the published.

    What was published class by class stands as further bars, a mean alone as a diamond. The mean
    of some classes stands alone: the published one is of all.
    """
    rows = [row for row in table["rows"] if row["mean"] is not None]
    names = [*table["classes"], MEAN]
    with matplotlib.style.context(STYLE):
        figure = Figure(figsize=(9.5, 0.5 + 1.35 * len(rows)), layout="constrained")
        axes = figure.subplots(len(rows), 1, sharex=True, squeeze=False)[:, 0]
        for ax, row in zip(axes, rows, strict=True):
            _bars(ax, row, table["classes"], _beside(table, row))
            ax.set_title(_title(row), fontsize=9)
        axes[-1].set_xticks(range(len(names)), names, rotation=30, ha="right")
        short = "" if all(row["is_whole"] for row in rows) else " (short run)"
        figure.suptitle(f"{table['title']}: AUROC{short}", x=0.01, ha="left")
        return figure


def _title(row: Mapping[str, Any]) -> str:
    return f"{row['label']}, {row['epochs']} epochs" if row["epochs"] else str(row["label"])


def _beside(table: Mapping[str, Any], row: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """What was published class by class of a row's method."""
    published = row["published"]
    return table["by_class"] if published and published["classes"] else ()


def _bars(
    ax: Any, row: Mapping[str, Any], classes: list[str], beside: Sequence[Mapping[str, Any]]
) -> None:
    width = WIDTH / (1 + len(beside))
    first = (width - WIDTH) / 2  # of several bars the middle is at the class
    _ours(ax, row, classes, first, width)
    is_of_all = row["classes"] == len(classes)
    for k, one in enumerate(beside):
        places = np.arange(len(classes) + 1) + first + (k + 1) * width
        values = [*one["classes"], one["mean"] if is_of_all else np.nan]
        ax.bar(places, values, width, color=THEIRS[k], label=one["method"])
    if beside:
        ax.legend(ncols=1 + len(beside), fontsize=7, loc="upper left")
    elif is_of_all and (published := row["published"]):
        ax.plot(len(classes), published["mean"], "D", color=ANOMALY, ms=5, mec="white", mew=0.6)
    ax.axhline(0.5, color="black", lw=0.7, ls=":")
    ax.set_ylim(0, 1.2 if beside else 1)
    ax.set_yticks([0, 0.5, 1])


def _ours(ax: Any, row: Mapping[str, Any], classes: list[str], shift: float, width: float) -> None:
    colour = CONTROL if row["control"] else NORMAL
    for i, name in enumerate(classes):
        if cell := row["cells"][name]:
            mean, sd = cell["auroc"]["mean"], cell["auroc"]["sd"]
            ax.bar(i + shift, mean, width, color=colour, alpha=0.85)
            if sd is not None:
                ax.errorbar(i + shift, mean, yerr=sd, color="black", lw=1)
    ax.bar(len(classes) + shift, row["mean"], width, color=colour, label=f"{row['label']}, ours")
