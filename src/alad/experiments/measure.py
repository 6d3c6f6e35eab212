"""What is said of scores once labels are looked at: metrics at two cuts, and what plots need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alad.metrics import detection_metrics, pr_curve_points, roc_curve_points

BINS = 80
KINDS = 8  # kinds of rows that have a histogram of their own; the rest share one
POINTS = 250  # of a curve
OTHERS = "others"
ROUNDING = 1e-9  # scores whose logarithms differ by less are drawn as one


def measured(y: NDArray[np.bool_], score: NDArray[Any], flagged: float | None) -> dict[str, Any]:
    """Metrics at the protocol's cut and at the true share of anomalies."""
    return {
        "at_cut": detection_metrics(y, score, flagged),
        "at_true_rate": detection_metrics(y, score, None),
    }


def pictured(
    y: NDArray[np.bool_], kinds: NDArray[np.str_], score: NDArray[Any], flagged: float | None
) -> Mapping[str, Any]:
    """Curves, and a histogram of log10 A(x) for the commonest kinds of rows, of either class."""
    shown, offset = _shown(score)
    edges = _edges(shown)
    fpr, tpr = roc_curve_points(y, score, POINTS)
    recall, precision = pr_curve_points(y, score, POINTS)
    threshold = detection_metrics(y, score, flagged)["threshold"]
    return {
        "edges": edges,  # with all digits: the bins may be narrow
        "kinds": [
            {
                "kind": kind,
                "anomaly": is_anomaly,
                "rows": int(rows.sum()),
                "counts": np.histogram(shown[rows], edges)[0],
                "flagged": float((score[rows] >= threshold).mean()),
            }
            for kind, is_anomaly, rows in _by_kind(y, kinds)
        ],
        "shift": offset,
        "threshold": float(np.log10(max(threshold + offset, 1e-12))),
        "roc": [_short(fpr), _short(tpr)],
        "pr": [_short(recall), _short(precision)],
    }


def _shown(score: NDArray[Any]) -> tuple[NDArray[Any], float]:
    """Give log10 of scores, lifted above zero where some are not positive (energies)."""
    lowest = float(score.min())
    offset = 0.0 if lowest > 0 else 1.0 - lowest
    return np.log10(np.maximum(score + offset, 1e-12)), offset


def _edges(shown: NDArray[Any]) -> NDArray[np.float64]:
    low, high = float(shown.min()), float(shown.max())
    if high - low < ROUNDING:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, BINS + 1)


def _by_kind(
    y: NDArray[np.bool_], kinds: NDArray[np.str_]
) -> Sequence[tuple[str, bool, NDArray[np.bool_]]]:
    names, counts = np.unique(kinds, return_counts=True)
    common = names[np.argsort(-counts, kind="stable")][:KINDS]
    found = []
    for is_anomaly in (False, True):
        for name in common:
            found.append((str(name), is_anomaly, (kinds == name) & (y == is_anomaly)))
        found.append((OTHERS, is_anomaly, ~np.isin(kinds, common) & (y == is_anomaly)))
    return [entry for entry in found if entry[2].any()]


def _short(values: NDArray[Any]) -> list[float]:
    return [float(f"{v:.5g}") for v in values]
