"""AUROC by class as bars, ours beside the published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.figure import Figure

from alad.report.plots import ANOMALY, CONTROL, NORMAL, STYLE

MEAN = "mean"


def bars(table: Mapping[str, Any]) -> Figure:
    """One panel a method: a bar a class and one for the mean; diamonds are published numbers."""
    rows = [row for row in table["rows"] if row["mean"] is not None]
    names = [*table["classes"], MEAN]
    with matplotlib.style.context(STYLE):
        figure = Figure(figsize=(9.5, 0.5 + 1.35 * len(rows)), layout="constrained")
        axes = figure.subplots(len(rows), 1, sharex=True, squeeze=False)[:, 0]
        for ax, row in zip(axes, rows, strict=True):
            _bars(ax, row, table["classes"])
            ax.set_title(row["label"], fontsize=9)
        axes[-1].set_xticks(range(len(names)), names, rotation=30, ha="right")
        short = "" if all(row["is_whole"] for row in rows) else " (short run)"
        figure.suptitle(f"{table['title']}: AUROC{short}", x=0.01, ha="left")
        return figure


def _bars(ax: Any, row: Mapping[str, Any], classes: list[str]) -> None:
    colour = CONTROL if row["control"] else NORMAL
    for i, name in enumerate(classes):
        if cell := row["cells"][name]:
            ax.bar(i, cell["auroc"]["mean"], color=colour, alpha=0.85)
            if cell["auroc"]["sd"] is not None:
                ax.errorbar(i, cell["auroc"]["mean"], yerr=cell["auroc"]["sd"], color="black", lw=1)
    ax.bar(len(classes), row["mean"], color=colour)
    if published := row["published"]:
        ax.plot(len(classes), published["mean"], "D", color=ANOMALY, ms=5, mec="white", mew=0.6)
        if published["classes"]:
            places = np.arange(len(classes))
            ax.plot(places, published["classes"], "D", color=ANOMALY, ms=5, mec="white", mew=0.6)
    ax.axhline(0.5, color="black", lw=0.7, ls=":")
    ax.set_ylim(0, 1)
    ax.set_yticks([0, 0.5, 1])
