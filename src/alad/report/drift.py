"""The picture of ``alad drift``: how far each column moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.figure import Figure

from alad.report.plots import ANOMALY, CONTROL, STYLE
from alad.report.words import not_compared

SHOWN = 30
LINE = 90  # letters, as wide as the picture


def drawn(found: Mapping[str, Any]) -> Figure:
    """Bars of the columns' effects, those that moved in colour, under the verdict on the scores."""
    columns = found["columns"][:SHOWN]
    with matplotlib.style.context(STYLE):
        figure = Figure(figsize=(7, 1.6 + 0.24 * max(len(columns), 2)), layout="constrained")
        axes = figure.subplots()
        places = np.arange(len(columns))
        colours = [ANOMALY if column["moved"] else CONTROL for column in columns]
        axes.barh(places, [column["effect"] for column in columns], color=colours)
        axes.set_yticks(places, [_short(column["column"]) for column in columns])
        axes.invert_yaxis()
        axes.set(xlim=(0, 1), xlabel=_under(found["not_compared"]))
        axes.set_title(fill(found["scores"]["statement"], LINE), fontsize=9)
    return figure


def _under(left_out: Sequence[str]) -> str:
    """What the bars are, and which columns have none."""
    bars = "largest difference of shares; in colour: moved"
    return bars + (f"\n{fill(not_compared([*map(_short, left_out)]), LINE)}" if left_out else "")


def _short(name: str) -> str:
    return (name if len(name) <= 30 else f"{name[:29]}…").replace("$", r"\$")
