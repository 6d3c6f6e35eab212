"""Mean ranks of detectors over tables, with the difference that counts, as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.style
from matplotlib.figure import Figure

from alad.errors import InputError
from alad.report.plots import ANOMALY, CONTROL, NORMAL, STYLE


def ranks(panel: Mapping[str, Any]) -> Figure:
    """Draw mean ranks from the best down, each with half the critical difference to either side.

    Two detectors whose bars do not overlap differ at 5 % (Nemenyi's test).

    Raises
    ------
    InputError
        Fewer than two detectors or tables have been ranked.
    """
    rows = sorted((r for r in panel["rows"] if r["rank"] is not None), key=lambda r: -r["rank"])
    if not rows:
        raise InputError(
            "Expected at least two detectors over at least two tables to rank; there are none. "
            "Choose the panel adbench, and run more methods."
        )
    with matplotlib.style.context(STYLE):
        figure = Figure(figsize=(8, 0.9 + 0.3 * len(rows)), layout="constrained")
        axes = figure.subplots()
        half = panel["critical_difference"] / 2
        for place, row in enumerate(rows):
            colour = ANOMALY if row["name"] == "alad" else CONTROL if row["control"] else NORMAL
            axes.plot([row["rank"] - half, row["rank"] + half], [place] * 2, color=colour, lw=1.5)
            axes.plot(row["rank"], place, "o", color=colour)
        axes.set_yticks(range(len(rows)), [row["label"] for row in rows])
        axes.set_xlabel("mean rank by AUROC, 1 the best; bars: the critical difference")
        axes.set_title(panel["title"])
        axes.grid(axis="y", visible=False)
    return figure
