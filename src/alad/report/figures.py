"""Pictures for a page: each function takes a part of a summary and gives an SVG that scales."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from alad.report.one_class import bars as auroc_bars
from alad.report.plots import ANOMALY, CONTROL, NORMAL, STYLE

OURS, THEIRS = NORMAL, ANOMALY
METRICS = {"precision": "Precision", "recall": "Recall", "f1": "F1"}
TEXT = {"svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9}
# Distinct for the colour-blind too (Okabe and Ito).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MUTED = {"color": "#b9bec4", "lw": 0.8}
NAMED = 3  # curves beside the reference's
CORNER = 0.95  # an area under the ROC curve above which the curves share a corner


def bars(table: Mapping[str, Any]) -> str:
    """Precision, recall and F1 of every row with its deviation, the published numbers as marks."""
    rows = [row for row in table["rows"] if row["ours"]][::-1]
    with _styled():
        figure = Figure(figsize=(9.5, 1.0 + 0.27 * len(rows)), layout="constrained")
        axes = figure.subplots(1, len(METRICS), sharey=True)
        for ax, (metric, title) in zip(axes, METRICS.items(), strict=True):
            _bars(ax, rows, metric)
            ax.set(title=title, xlim=(0, _reach(rows)))
        axes[0].set_yticks(range(len(rows)), [row["label"] for row in rows])
        return as_svg(figure, f"Precision, recall and F1, {table['title']}")


def _reach(rows: Sequence[Mapping[str, Any]]) -> float:
    """To 1, or as far beyond as a deviation goes."""
    every = [row["ours"][metric] for row in rows for metric in METRICS]
    return float(max(1, *(one["mean"] + (one["sd"] or 0) for one in every))) + 0.02


def _bars(ax: Axes, rows: Sequence[Mapping[str, Any]], metric: str) -> None:
    for i, row in enumerate(rows):
        ours = row["ours"][metric]
        colour = CONTROL if row["control"] else OURS
        ax.barh(i, ours["mean"], color=colour, alpha=0.85, height=0.68)
        if ours["sd"] is not None:
            ax.errorbar(ours["mean"], i, xerr=ours["sd"], color="black", lw=1, capsize=2)
        if row["published"]:
            ax.plot(row["published"][metric], i, "D", color=THEIRS, ms=5, mec="white", mew=0.6)
    ax.grid(axis="y", visible=False)


def curves(panel: Mapping[str, Any]) -> str:
    """ROC and precision-recall curves: the reference's, the best few others' and, muted, the rest.

    Where they share a corner the axes show that: few false positives, and precision above 0.5.
    """
    with _styled():
        figure = Figure(figsize=(9.5, 4.8), layout="constrained")
        roc, pr = figure.subplots(1, 2)
        for method, line in _lines(panel["methods"]):
            roc.plot(*method["picture"]["roc"], **line)
            pr.plot(*method["picture"]["pr"], **line)
        handles, labels = roc.get_legend_handles_labels()
        chance = np.linspace(0, 1, 1001)
        roc.plot(chance, chance, color="black", lw=0.6, ls=":")
        roc.set(title="ROC", xlabel="false positive rate", ylabel="true positive rate")
        pr.set(title="Precision-recall", xlabel="recall", ylabel="precision")
        for ax in (roc, pr):
            ax.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02))
        if max(map(_area, panel["methods"])) > CORNER:
            roc.set(xscale="log", xlim=(1e-3, 1), xlabel="false positive rate, logarithmic")
            pr.set(ylim=(0.5, 1.01), ylabel="precision, above 0.5")
        figure.legend(handles[::-1], labels[::-1], loc="outside lower center", ncols=3, fontsize=8)
        return as_svg(figure, f"ROC and precision-recall curves, {panel['title']}")


def _lines(
    methods: Sequence[Mapping[str, Any]],
) -> Iterator[tuple[Mapping[str, Any], dict[str, Any]]]:
    """Each method with how its curve is drawn; the later lie on top."""
    others = sorted((one for one in methods if not one["is_reference"]), key=_area)
    for i, method in enumerate(others[:-NAMED]):
        yield method, MUTED | ({} if i else {"label": "the others"})
    for method, colour in zip(others[-NAMED:], COLOURS[2:], strict=False):
        yield method, {"color": colour, "lw": 1.3, "label": _with_area(method)}
    for method in methods:
        if method["is_reference"]:
            yield method, {"color": COLOURS[0], "lw": 2.4, "label": _with_area(method)}


def _area(method: Mapping[str, Any]) -> float:
    """The area under the ROC curve."""
    false, true = method["picture"]["roc"]
    return float(np.trapezoid(true, false))


def _with_area(method: Mapping[str, Any]) -> str:
    return f"{method['label']}, area {_area(method):.3f}"


def histogram(method: Mapping[str, Any]) -> str:
    """How the scores of each kind of row lie; anomalies in warm, other rows in cold colours."""
    picture = method["picture"]
    edges = np.asarray(picture["edges"])
    kinds = picture["kinds"]
    with _styled():
        figure = Figure(figsize=(9.5, 0.9 + 0.42 * len(kinds)), layout="constrained")
        axes = np.atleast_1d(figure.subplots(len(kinds), 1, sharex=True))
        for ax, kind in zip(axes, kinds, strict=True):
            colour = ANOMALY if kind["anomaly"] else NORMAL
            counts = np.log10(1 + np.asarray(kind["counts"]))
            ax.stairs(counts, edges, fill=True, color=colour, alpha=0.8)
            ax.axvline(picture["threshold"], color="black", lw=1, ls="--")
            ax.set(yticks=[], ylim=(0, None))
            ax.set_ylabel(_of_kind(kind), rotation=0, ha="right", va="center", fontsize=8)
            ax.grid(visible=False)
            ax.spines["left"].set_visible(False)
        lifted = f" + {picture['shift']:.3g}" if picture["shift"] else ""
        axes[-1].set_xlabel(f"log10 (A(x){lifted}); dashed: the cut; heights are logarithmic")
        return as_svg(figure, f"Scores by kind of row, {method['label']}")


def _of_kind(kind: Mapping[str, Any]) -> str:
    flagged = kind["flagged"]
    share = "all" if flagged == 1 else "none" if flagged == 0 else f"{flagged:.1%}"
    return f"{kind['kind']}, {kind['rows']:,} rows, {share} flagged"


def training(entry: Mapping[str, Any]) -> str:
    """Losses and the validation score over epochs, one line for each seed."""
    found = entry["curves"]
    first = next(iter(found.values()))
    panels = {f"loss of {player}": ("losses", player) for player in first["losses"]}
    if first["validation"]:
        panels["mean score of validation rows"] = ("validation", None)
    with _styled():
        figure = Figure(figsize=(9.5, 2.3), layout="constrained")
        axes = np.atleast_1d(figure.subplots(1, len(panels)))
        for ax, (title, (kind, player)) in zip(axes, panels.items(), strict=True):
            for colour, curve in enumerate(found.values()):
                y = curve[kind][player] if player else curve[kind]
                ax.plot(curve["epochs"], y, lw=1, color=COLOURS[colour % len(COLOURS)], alpha=0.8)
            ax.set(title=title, xlabel="epoch")
        return as_svg(figure, f"Training of {entry['label']}")


def one_class(table: Mapping[str, Any]) -> str:
    """AUROC by class, ours as bars and the published as marks."""
    with _styled():
        return as_svg(auroc_bars(table), f"AUROC by class, {table['title']}")


def _styled() -> Any:
    return matplotlib.style.context([STYLE, TEXT])


def as_svg(figure: Figure, title: str) -> str:
    """Give a figure as an SVG element without a size of its own, named for those who cannot see."""
    with io.StringIO() as out:
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
        svg = out.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r' width="[\d.]+pt"', "", svg, count=1)
    svg = re.sub(r' height="[\d.]+pt"', "", svg, count=1)
    return svg.replace("<svg", f'<svg role="img" aria-label="{html.escape(title)}"', 1)
