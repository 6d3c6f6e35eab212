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
    rows = _ranked(panel)
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
        axes.set_xlabel("mean rank by AUROC; bars: critical difference")
        axes.set_title(panel["title"])
        axes.grid(axis="y", visible=False)
    return figure


def ranks_in_words(panel: Mapping[str, Any]) -> str:
    """What :func:`ranks` draws, the best last: text for the file, so that it can be checked."""
    return "; ".join(f"{row['label']} {row['rank']:.2f}" for row in _ranked(panel))


def _ranked(panel: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    rows = (row for row in panel["rows"] if row["rank"] is not None)
    return sorted(rows, key=lambda row: -row["rank"])
