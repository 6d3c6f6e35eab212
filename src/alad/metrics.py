"""How well scores separate anomalies from the rest: numbers only, nothing is drawn.

``score`` means the paper's A(x) throughout: the higher, the stranger. ``y_true`` is True for
an anomaly.

Ties. A row is flagged when its score is at least the threshold, as in the authors' code
(``score >= percentile``): rows that tie with the last flagged row are flagged with it. So more
rows than asked for may be flagged when scores tie; ``n_flagged`` says how many were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from alad.errors import InputError

Float64s = NDArray[np.float64]
Bools = NDArray[np.bool_]


def flag_top(score: ArrayLike, share: float) -> Bools:
    """Flag the rows whose score is at least the 100 (1 - share) percentile of the scores.

    Parameters
    ----------
    score : (n,) finite, higher = stranger.
    share : the share of rows to flag, between 0 and 1.

    Returns
    -------
    (n,) bool, True for the flagged rows.

    >>> flag_top([0.1, 0.2, 0.3, 0.9, 0.5], 0.2).tolist()
    [False, False, False, True, False]
    """
    values = _finite(score)
    return values >= _percentile_threshold(values, share)


def detection_metrics(
    y_true: ArrayLike, score: ArrayLike, flagged: float | None = None
) -> dict[str, float]:
    """Precision, recall and F1 of the anomaly class at a cut; AUROC and AP without one.

        precision = TP / (TP + FP),  recall = TP / (TP + FN),  F1 = 2 TP / (2 TP + FP + FN)

    Parameters
    ----------
    y_true : (n,) bool or 0/1, True for an anomaly; both classes must occur.
    score : (n,) finite, higher = stranger.
    flagged : the share of rows to flag (see :func:`flag_top`); None flags as many rows as
        there are anomalies, whereby precision, recall and F1 coincide unless scores tie.

    Returns
    -------
    dict of ``precision, recall, f1, auroc, average_precision, threshold, n_flagged,
    n_anomalies, n``.

    Raises
    ------
    InputError
        Lengths differ, a score is not finite, one class is absent, or a bad share.

    >>> detection_metrics([0, 0, 1, 0, 1], [0.1, 0.2, 0.9, 0.4, 0.3])["auroc"]
    0.8333333333333334
    """
    y, values = _pair(y_true, score)
    if flagged is None:
        threshold = float(np.sort(values)[len(y) - int(y.sum())])
    else:
        threshold = _percentile_threshold(values, flagged)
    flags = values >= threshold
    hits, n_flagged, n_anomalies = int((flags & y).sum()), int(flags.sum()), int(y.sum())
    return {
        "precision": hits / n_flagged,
        "recall": hits / n_anomalies,
        "f1": 2 * hits / (n_flagged + n_anomalies),
        "auroc": float(roc_auc_score(y, values)),
        "average_precision": float(average_precision_score(y, values)),
        "threshold": threshold,
        "n_flagged": n_flagged,
        "n_anomalies": n_anomalies,
        "n": len(y),
    }


def auroc_by_kind(
    y_true: ArrayLike, score: ArrayLike, kind: ArrayLike, least: int = 10
) -> dict[str, float]:
    """AUROC of each kind of anomaly against all normal rows, for kinds of ``least`` rows or more.

    Where one kind is most of the anomalies, the AUROC of all is that kind's. The mean of these
    counts every kind alike.

    Raises
    ------
    InputError
        As :func:`detection_metrics`; or ``kind`` has another length.

    >>> auroc_by_kind([0, 0, 1, 1, 1], [0.1, 0.2, 0.9, 0.8, 0.1], ["", "", "a", "a", "b"], least=1)
    {'a': 1.0, 'b': 0.25}
    """
    y, values = _pair(y_true, score)
    kinds: NDArray[Any] = np.asarray(kind)
    if kinds.shape != y.shape:
        raise InputError(f"Expected a kind for each of {len(y)} rows; got shape {kinds.shape}.")
    names, counts = np.unique(kinds[y], return_counts=True)
    found = {}
    for name in names[counts >= least]:
        judged = ~y | (kinds == name)
        found[str(name)] = float(roc_auc_score(y[judged], values[judged]))
    return found


def roc_curve_points(
    y_true: ArrayLike, score: ArrayLike, limit: int = 500
) -> tuple[Float64s, Float64s]:
    """False and true positive rates, from (0, 0) to (1, 1), in at most ``limit`` points.

    Raises
    ------
    InputError
        As :func:`detection_metrics`; or ``limit`` is below 2.

    >>> roc_curve_points([0, 1], [0.2, 0.7])[1].tolist()
    [0.0, 1.0, 1.0]
    """
    fpr, tpr, _ = roc_curve(*_pair(y_true, score))
    return _thin(fpr, tpr, limit)


def pr_curve_points(
    y_true: ArrayLike, score: ArrayLike, limit: int = 500
) -> tuple[Float64s, Float64s]:
    """Recall and precision, by rising recall, in at most ``limit`` points.

    Raises
    ------
    InputError
        As :func:`detection_metrics`; or ``limit`` is below 2.

    >>> pr_curve_points([0, 1], [0.2, 0.7])[0].tolist()
    [0.0, 1.0, 1.0]
    """
    precision, recall, _ = precision_recall_curve(*_pair(y_true, score))
    return _thin(recall[::-1], precision[::-1], limit)


def mean_and_sd(runs: Iterable[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Mean and sample standard deviation (ddof = 1) over runs, for each metric they share.

    The deviation of a single run is not a number, and is given as ``nan``.

    Raises
    ------
    InputError
        There is no run.

    >>> mean_and_sd([{"f1": 0.9}, {"f1": 0.8}])["f1"]["mean"]
    0.8500000000000001
    """
    rows = list(runs)
    if not rows:
        raise InputError("Expected the metrics of at least one run; got none.")
    shared = [name for name in rows[0] if all(name in run for run in rows)]
    return {name: _mean_and_sd([run[name] for run in rows]) for name in shared}


def mean_and_sd_as_text(value: Mapping[str, float | None], sign: str = "±") -> str:
    """Give a mean with its standard deviation, where there is one, to four digits.

    >>> mean_and_sd_as_text({"mean": 0.91234, "sd": 0.00561})
    '0.9123 ± 0.0056'
    >>> mean_and_sd_as_text({"mean": 1.0, "sd": None})
    '1.0000'
    """
    sd = value["sd"]
    return f"{value['mean']:.4f}" if sd is None else f"{value['mean']:.4f} {sign} {sd:.4f}"


def _mean_and_sd(values: Sequence[float]) -> dict[str, float]:
    sd = float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
    return {"mean": float(np.mean(values)), "sd": sd}


def _percentile_threshold(score: Float64s, share: float) -> float:
    if not 0 < share < 1:
        raise InputError(
            f"Expected the flagged share to lie between 0 and 1; got {share!r}. "
            "Give 0.2 for 20 %, or None to flag as many rows as there are anomalies."
        )
    return float(np.percentile(score, 100 * (1 - share)))


def _thin(x: Float64s, y: Float64s, limit: int) -> tuple[Float64s, Float64s]:
    """Keep the ends and points evenly spaced along the curve, so that no bend is lost."""
    if not isinstance(limit, int | np.integer) or limit < 2:
        raise InputError(
            f"Expected a limit as a whole number of at least 2 points, the ends; got {limit!r}."
        )
    if len(x) <= limit:
        return x, y
    along = np.cumsum(np.abs(np.diff(x, prepend=x[0])) + np.abs(np.diff(y, prepend=y[0])))
    keep = np.unique(np.searchsorted(along, np.linspace(0, along[-1], limit)))
    keep[-1] = len(x) - 1
    return x[keep], y[keep]


def _pair(y_true: ArrayLike, score: ArrayLike) -> tuple[Bools, Float64s]:
    labels: NDArray[Any] = np.asarray(y_true)
    values = _finite(score)
    if labels.shape != values.shape:
        raise InputError(
            f"Expected one label per score; got labels of shape {labels.shape} and scores of "
            f"shape {values.shape}."
        )
    if set(np.unique(labels).tolist()) != {0, 1}:
        raise InputError(
            "Expected labels of both classes, 1 or True for an anomaly and 0 or False for the "
            f"rest; got only {np.unique(labels).tolist()[:5]}."
        )
    return labels.astype(np.bool_), values


def _finite(score: ArrayLike) -> Float64s:
    try:
        values = np.asarray(np.ma.filled(score, np.nan), np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"Expected a number for each score: {error}.") from error
    if values.ndim != 1 or len(values) == 0:
        raise InputError(f"Expected one score per row, shape (n,); got shape {values.shape}.")
    bad = int((~np.isfinite(values)).sum())
    if bad:
        raise InputError(
            f"Expected finite scores; got {bad} of {len(values)} that are NaN or infinite. "
            "The model that gave them has diverged, or its input has."
        )
    return values
