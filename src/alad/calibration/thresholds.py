"""Where to put the line, and what that promises.

In :func:`offset_at_contamination` as in scikit-learn a score is *lower* for an anomaly, and a row
is flagged when ``score_samples(x) - offset`` is negative. The other functions take A(x), larger for
an anomaly, and a row is flagged when A(x) is above the threshold.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import mannwhitneyu
from sklearn.metrics import precision_recall_curve

from alad.calibration import _checks
from alad.calibration.conformal import Calibration, fewest_discoveries
from alad.errors import InputError

EXCHANGEABLE = (
    "Normal rows are exchangeable with the calibration rows: nothing moved since, and none of the "
    "calibration rows was seen by the fit."
)

CHANCE = 0.05  # the level of the test whether scores tell labels apart


@dataclass(frozen=True)
class Decision:
    """A rule that flags rows above a threshold, what it promises, and on which assumption."""

    rule: str
    threshold: float | None
    """Rows with A(x) above it are flagged; infinite: none is; None: it is another in each group, or
    from row to row."""
    promise: str
    assumption: str
    used_labels: bool = False
    note: str | None = None
    """What the caller should know of its power: calibration rows that are too few, say."""
    level: float | None = None
    """The rate that the rule is of, where it is of one."""

    def to_json(self) -> dict[str, Any]:
        """The decision as a dictionary of text and numbers."""
        return asdict(self)


def offset_at_contamination(score_samples: ArrayLike, contamination: float) -> float:
    """The offset below which the share ``contamination`` of the training scores lies.

        offset = the 100 * contamination percentile of score_samples

    linearly interpolated between two scores, as in scikit-learn's ``IsolationForest``.

    Parameters
    ----------
    score_samples : (n,) finite training scores, lower = more anomalous.
    contamination : the share of training rows to flag, in (0, 0.5].

    Raises
    ------
    InputError
        The contamination is out of range, there is no score, or one is not finite.

    >>> offset_at_contamination([-4.0, -1.0, -2.0, -3.0, 0.0], 0.25)
    -3.0
    """
    if not 0 < contamination <= 0.5:
        raise InputError(
            f"Expected contamination in (0, 0.5]; got {contamination!r}. It is the share of "
            "training rows to flag, such as 0.05."
        )
    scores = _checks.finite("scores", score_samples)
    return float(np.percentile(scores, 100 * contamination))


def share_below_offset(contamination: float, n: int) -> float:
    """The share of n training scores, no two of them equal, that lies below their offset.

    No rows are flagged in part, so of few rows it is more than ``contamination``.

    >>> share_below_offset(0.01, 40), share_below_offset(0.01, 10_000)
    (0.025, 0.01)
    """
    return math.ceil(round(contamination * (n - 1), 9)) / n


def at_false_positive_rate(calibration: Calibration, rate: float) -> Decision:
    """Flag rows whose p-value is at most ``rate``.

    The threshold is the k-th largest of the m calibration scores, k = floor(rate (m + 1)); with
    k = 0 there is none, and no row is flagged: ``note`` says how many rows it takes.

    Raises
    ------
    InputError
        The rate is not between 0 and 1.

    >>> decision = at_false_positive_rate(Calibration.of(range(99)), 0.02)
    >>> decision.threshold, at_false_positive_rate(Calibration.of([1.0]), 0.02).note
    (97.0, '1 calibration rows are too few for a rate of 0.02: it takes 49. No row is flagged.')
    """
    _checks.share("a false-positive rate", rate, 0.001)
    m = len(calibration.scores)
    k = math.floor(rate * (m + 1) * (1 + 1e-12))
    note = None
    if k == 0:
        note = (
            f"{m:,} calibration rows are too few for a rate of {rate:g}: it takes "
            f"{_rows_for(rate):,}. No row is flagged."
        )
    return Decision(
        f"false-positive rate {rate:g}",
        calibration.largest(k),
        f"A normal row is flagged with a probability of at most {rate:g}, on average over "
        "calibrations.",
        EXCHANGEABLE,
        note=note,
        level=float(rate),
    )


def at_false_discovery_rate(calibration: Calibration, above: ArrayLike, level: float) -> Decision:
    """Flag what Benjamini and Hochberg discover among n rows, from counts alone.

    ``above`` (m + 1,) counts the rows by how many calibration scores are at least as large as
    theirs, 0 to m: all that their p-values depend on. So n may be any number of rows.

    Raises
    ------
    InputError
        The level is not between 0 and 1, or the counts are not m + 1.

    >>> calibration = Calibration.of(range(99))
    >>> counts = np.bincount(calibration.above([500, 600, 3, 4]), minlength=100)
    >>> at_false_discovery_rate(calibration, counts, 0.05).threshold
    97.0
    """
    _checks.share("a false discovery rate", level, 0.05)
    counts, m = np.asarray(above), len(calibration.scores)
    if counts.shape != (m + 1,):
        raise InputError(f"Expected {m + 1} counts; got shape {counts.shape}.")
    n = int(counts.sum())
    p = np.arange(1, m + 2) / (m + 1)
    holds = np.flatnonzero(p * n <= level * np.cumsum(counts) * (1 + 1e-12))
    k = int(holds[-1]) + 1 if n and len(holds) else 0
    return Decision(
        f"false discovery rate {level:g}",
        calibration.largest(k),
        f"Of the flagged rows a share of at most {level:g} is normal, on average over "
        "calibrations and tables.",
        f"{EXCHANGEABLE} Rows are judged independently of each other.",
        note=_power(m, n, level),
        level=float(level),
    )


def _power(m: int, n: int, level: float) -> str | None:
    fewest = fewest_discoveries(m, max(n, 1), level)
    if fewest is None:
        return (
            f"{m:,} calibration rows are too few for a false discovery rate of {level:g}: it "
            f"takes {_rows_for(level):,}. No row is flagged."
        )
    if fewest > 1:
        return (
            f"With {m:,} calibration rows and {n:,} rows to judge, none is flagged unless "
            f"{fewest:,} lie beyond all calibration rows; to flag a lone one it takes "
            f"{_rows_for(level / n):,} calibration rows."
        )
    return None


def _rows_for(level: float) -> int:
    """The fewest calibration rows with which a p-value can be as small as ``level``."""
    return math.ceil(1 / level * (1 - 1e-12)) - 1


def at_labels(
    scores: ArrayLike,
    labels: ArrayLike,
    *,
    precision: float | None = None,
    recall: float | None = None,
) -> Decision:
    """Take the threshold from a sample with labels: the best F1, or what is wanted of one of two.

    With ``precision`` it is the lowest threshold that has it, with ``recall`` the highest, on the
    sample. Nothing is promised for other rows.

    Parameters
    ----------
    scores : (n,) anomaly scores A(x), larger = more anomalous.
    labels : (n,) true or 1 for an anomaly; at least one of each kind.
    precision, recall : in (0, 1], at most one of them.

    Raises
    ------
    InputError
        Labels that will not do, both wishes at once, or one that no threshold fulfils.

    >>> decision = at_labels([1.0, 2.0, 3.0, 4.0], [0, 0, 1, 1])
    >>> decision.threshold, decision.used_labels
    (2.0, True)
    """
    a, y = _labelled(scores, labels)
    wishes = {"precision": precision, "recall": recall}
    wanted = {name: wish for name, wish in wishes.items() if wish is not None}
    are_shares = all(isinstance(wish, Real) and 0 < wish <= 1 for wish in wanted.values())
    if len(wanted) > 1 or not are_shares:
        raise InputError(
            "Expected a precision or a recall in (0, 1], or neither for the best F1; got "
            f"{' and '.join(f'{name} {wish!r}' for name, wish in wanted.items())}. Give one, such "
            "as 0.9, or leave both out."
        )
    of_precision, of_recall, at_least = precision_recall_curve(y, a)
    p, r = of_precision[:-1], of_recall[:-1]  # of flagging rows with A(x) >= at_least
    if precision is not None:
        fits = np.flatnonzero(p >= precision)
        goal = f"a precision of {precision:g}"
        place = fits[0] if len(fits) else None
    elif recall is not None:
        goal, place = f"a recall of {recall:g}", np.flatnonzero(r >= recall)[-1]
    else:
        goal, place = "the best F1", np.argmax(2 * p * r / np.maximum(p + r, 1e-300))
    if place is None:
        raise InputError(
            f"Expected {goal} to be reached at some threshold; the highest is {p.max():g}. Ask "
            "for less."
        )
    return Decision(
        f"labels: {goal}",
        _just_below(a, float(at_least[place])),
        f"On the {len(y):,} labelled rows: precision {p[place]:.4g}, recall {r[place]:.4g}. No "
        "promise for other rows.",
        "The labelled rows are a random sample of those to come, and their labels are right.",
        used_labels=True,
        note=_chance(a, y),
    )


def _chance(scores: Any, is_anomaly: Any) -> str | None:
    """Say so where the scores are not shown to be higher for anomalies.

    By the one-sided test of Mann and Whitney, whose statistic is the AUROC times both numbers.

    >>> _chance(np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, False, False, True]))
    'That scores tell these labels apart is not shown: AUROC 0.5 on the labelled rows, p 0.67.'
    """
    found = mannwhitneyu(scores[is_anomaly], scores[~is_anomaly], alternative="greater")
    if found.pvalue <= CHANCE:
        return None
    auroc = found.statistic / (is_anomaly.sum() * (~is_anomaly).sum())
    if found.pvalue >= 1 - CHANCE:
        return (
            f"Normal rows have the higher scores: AUROC {auroc:.2g} on the labelled rows. Is it "
            "the other label that means an anomaly?"
        )
    return (
        f"That scores tell these labels apart is not shown: AUROC {auroc:.2g} on the labelled "
        f"rows, p {found.pvalue:.2g}."
    )


def _labelled(scores: ArrayLike, labels: ArrayLike) -> tuple[Any, Any]:
    a, y = _checks.finite("scores", scores), np.asarray(labels)
    if y.shape != a.shape or not np.isin(y, (0, 1)).all() or len(np.unique(y)) < 2:
        kinds = [*map(str, dict.fromkeys(y.ravel().tolist()))]
        said = ", ".join(kinds[:5]) + (f" and {len(kinds) - 5} more" if len(kinds) > 5 else "")
        got = f"shape {y.shape}" if y.shape != a.shape else said
        raise InputError(
            f"Expected a label of 0 or 1 for each of {len(a)} scores, and both among them; got "
            f"{got}. Label some rows of each kind; 1 is an anomaly."
        )
    return a, y.astype(bool)


def _just_below(a: Any, least: float) -> float:
    """The largest score below the least that is to be flagged."""
    below = a[a < least]
    return float(below.max()) if len(below) else float(np.nextafter(least, -np.inf))
