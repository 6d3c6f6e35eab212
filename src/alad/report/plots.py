"""Pictures of an experiment: training curves, scores by class, ROC and precision-recall curves.

Each function takes the dictionary that :func:`alad.experiments.kdd99.run` gives, as stored in
JSON, and returns a matplotlib figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from alad._files import written_aside
from alad.report.words import counted

Payload = Mapping[str, Any]

STYLE = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "font.size": 10,
    "svg.hashsalt": "alad",
}
NORMAL, ANOMALY, CONTROL = "#3b6ea5", "#c8502d", "#8a8a8a"
LINES = ("#c8502d", "#7a7a7a", "#3b6ea5", "#5b9e5b")


def draw(payload: Payload, folder: Path) -> list[Path]:
    """Write every picture as PNG into ``folder``; returns their paths."""
    pictures = {
        "training.png": training_curves,
        "scores.png": score_histograms,
        "curves.png": detection_curves,
    }
    paths = []
    for name, picture in pictures.items():
        with matplotlib.style.context(STYLE), written_aside(folder / name) as aside:
            picture(payload).savefig(aside, dpi=130)
        paths.append(folder / name)
    return paths


def training_curves(payload: Payload) -> Figure:
    """Losses of both players and the validation score over epochs, one line for each seed."""
    training = payload["training"]
    panels = {
        "Loss of D (discriminators)": training["losses"]["D"],
        "Loss of A (encoder and generator)": training["losses"]["A"],
    }
    if any(training["validation"]):
        panels["Mean A(x) of the validation rows"] = training["validation"]
    figure, axes = _figure(len(panels), f"Training, {_title(payload)}")
    for ax, (title, curves) in zip(axes, panels.items(), strict=True):
        for seed, curve in zip(payload["plan"]["seeds"], curves, strict=True):
            ax.plot(np.arange(1, len(curve) + 1), curve, lw=1, alpha=0.8, label=f"seed {seed}")
        ax.set(title=title, xlabel="epoch")
        if all(min(curve) > 0 for curve in curves if curve):
            ax.set_yscale("log")
    axes[-1].legend(fontsize=7, ncols=2)
    return figure


def score_histograms(payload: Payload) -> Figure:
    """How the scores of the two classes lie, for each method; the first seed's."""
    pictures, (ordinary, anomalous) = payload["pictures"], _classes(payload)
    figure, axes = _figure(len(pictures), f"Scores of the test rows, {_title(payload)}")
    for ax, (method, picture) in zip(axes, pictures.items(), strict=True):
        edges = np.asarray(picture["edges"])
        for of_class, colour, label in (
            ("normal", NORMAL, ordinary),
            ("anomaly", ANOMALY, anomalous),
        ):
            ax.stairs(picture[of_class], edges, fill=True, alpha=0.55, color=colour, label=label)
        ax.axvline(np.log10(picture["threshold"]), color="black", lw=1, ls="--", label="cut")
        ax.set(title=method, xlabel="log10 A(x)", yscale="log", ylim=(0.8, None))
    axes[0].set_ylabel("rows")
    axes[-1].legend(fontsize=8)
    return figure


def detection_curves(payload: Payload) -> Figure:
    """ROC and precision-recall curves of every method; the first seed's."""
    figure, (roc, pr) = _figure(2, f"Detection, {_title(payload)}")
    rows = {row["method"]: row["at_cut"] for row in payload["rows"]}
    for colour, (method, picture) in zip(LINES, payload["pictures"].items(), strict=False):
        row = rows[method]
        roc.plot(*picture["roc"], color=colour, label=f"{method} {row['auroc']['mean']:.3f}")
        label = f"{method} {row['average_precision']['mean']:.3f}"
        pr.plot(*picture["pr"], color=colour, label=label)
    roc.plot([0, 1], [0, 1], color="black", lw=0.7, ls=":")
    _unit_square(roc, "false positive rate", "true positive rate", "ROC, mean AUROC")
    _unit_square(pr, "recall", "precision", "Precision-recall, mean average precision")
    return figure


def _figure(panels: int, title: str) -> tuple[Figure, Sequence[Axes]]:
    figure = Figure(figsize=(4.6 * panels, 3.9), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    return figure, [figure.add_subplot(1, panels, i + 1) for i in range(panels)]


def _classes(payload: Payload) -> tuple[str, str]:
    """What the rows are that the protocol calls ordinary, and those that it calls anomalies."""
    if payload["data"]["protocol"]["anomaly"] == "normal":
        return "attacks, ordinary here", "normal traffic, the anomaly"
    return "normal traffic", "attacks, the anomaly"


def _unit_square(ax: Axes, x: str, y: str, title: str) -> None:
    ax.set(xlabel=x, ylabel=y, title=title, xlim=(0, 1.01), ylim=(0, 1.01))
    ax.legend(fontsize=8, loc="lower right" if title.startswith("ROC") else "lower left")


def _title(payload: Payload) -> str:
    plan = payload["plan"]
    return (
        f"KDDCup99, protocol {plan['protocol']}, scaling {plan['scaling']}, "
        f"{counted(plan['epochs'], 'epoch')}, {counted(len(plan['seeds']), 'seed')}"
    )
