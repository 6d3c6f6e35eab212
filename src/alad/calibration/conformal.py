r"""Split-conformal p-values: how a score stands among those of normal rows held out of the fit.

.. math:: p(x) = \frac{1 + \#\{i : A(x_i) \ge A(x)\}}{m + 1}

for the m calibration rows x_i. If x is normal and exchangeable with them, then P(p(x) <= t) <= t
for every t, whatever the detector is and however good: a poor detector has few small p-values
among anomalies, not more among normal rows.

Sources: Vovk, Gammerman, Shafer. Algorithmic Learning in a Random World. 2005. Bates, Candès, Lei,
Romano, Sesia. Testing for Outliers with Conformal p-values. Annals of Statistics, 2023: there it
is shown that the p-values of many rows, though they share their calibration, are such that
:func:`benjamini_hochberg` holds its level. Tibshirani, Barber, Candès, Ramdas. Conformal
Prediction Under Covariate Shift. NeurIPS 2019: the weighted form.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import false_discovery_control

from alad.calibration import _checks
from alad.calibration._checks import Vector
from alad.errors import InputError, ModelFormatError

LARGEST = float(np.finfo(np.float32).max)
MOST_ROWS, MOST_BYTES = 4096, 1 << 20  # of the rows that are kept beside the scores


@dataclass(frozen=True)
class Calibration:
    """What a model keeps of m normal rows that its fit did not see.

    >>> calibration = Calibration.of([0.3, 0.1, 0.2])
    >>> calibration.p_values([0.05, 0.25, 9.0]).tolist()
    [1.0, 0.5, 0.25]
    """

    scores: Vector
    """(m,) their anomaly scores A(x), larger = more anomalous, ascending."""
    rows: NDArray[Any]
    """(r, f) some of them before scaling, as a reference, float32 or float64; of pictures none."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Where they came from, as JSON."""

    @classmethod
    def of(
        cls,
        scores: ArrayLike,
        rows: ArrayLike | None = None,
        *,
        seed: int = 0,
        facts: Mapping[str, Any] | None = None,
    ) -> Self:
        """Sort scores (m,) and draw at most 4,096 rows, and at most 1 MiB, of rows (m, f).

        Raises
        ------
        InputError
            There is no score, one is not finite, or there are as many rows as scores not.
        """
        sorted_ = np.sort(_checks.finite("calibration scores", scores))
        kept = np.zeros((0, 0), np.float32) if rows is None else np.asarray(rows)
        if len(kept) and len(kept) != len(sorted_):
            raise InputError(f"Expected a score for each of {len(kept)} rows; got {len(sorted_)}.")
        return cls(sorted_, _drawn(kept, seed), dict(facts or {}))

    @property
    def smallest_p(self) -> float:
        """1 / (m + 1): no row has a smaller p-value, so at a lower level none is ever flagged."""
        return 1 / (len(self.scores) + 1)

    def p_values(self, scores: ArrayLike) -> Vector:
        """Give the p-values (n,) of scores (n,).

        Raises
        ------
        InputError
            A score is NaN, or no number.
        """
        return (1 + self.above(scores)) / (len(self.scores) + 1)

    def above(self, scores: ArrayLike) -> NDArray[np.int64]:
        """(n,) how many calibration scores are at least as large as each of these."""
        a = _checks.comparable("scores", scores)
        return len(self.scores) - np.searchsorted(self.scores, a, side="left")

    def largest(self, k: int) -> float:
        """Give the k-th largest score; infinity for k = 0.

        A score above it, and no other, has a p-value of at most k / (m + 1).
        """
        return math.inf if k == 0 else float(self.scores[-k])

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The part that is arrays; :attr:`facts` is the part that is JSON."""
        return {"scores": self.scores, "rows": self.rows}

    @classmethod
    def from_arrays(
        cls, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], f: int
    ) -> Self:
        """Give the calibration whose facts and arrays these are, with rows of f features.

        Raises
        ------
        KeyError
            An array is not there.
        ModelFormatError
            One is not what :meth:`to_arrays` gives.
        """
        scores, rows = arrays["scores"], arrays["rows"]
        sound = (
            isinstance(facts, Mapping)
            and isinstance(facts.get("parameters", {}), Mapping)
            and (scores.ndim, rows.ndim) == (1, 2)
            and scores.dtype == np.float64
            and rows.dtype in (np.float32, np.float64)
            and len(scores) > 0
            and bool(np.isfinite(scores).all() and (np.diff(scores) >= 0).all())
            and bool(np.isfinite(rows).all())
            and rows.shape[1] == f
        )
        if not sound:
            raise ModelFormatError(
                f"Expected calibration scores, float64, finite and ascending, and rows of {f} "
                f"features, floats and finite; got {scores.dtype} of shape {scores.shape} and "
                f"{rows.dtype} of shape {rows.shape}. The folder is damaged: save the model again."
            )
        return cls(np.array(scores), np.array(rows), dict(facts))


def _drawn(rows: NDArray[Any], seed: int) -> NDArray[Any]:
    """Draw as many rows as are kept, in their old order, within the range of float32."""
    dtype = np.float64 if rows.dtype == np.float64 else np.float32
    most = min(MOST_ROWS, MOST_BYTES // max(dtype().itemsize * rows.shape[1], 1))
    if len(rows) > most:
        drawn = np.random.default_rng(seed).choice(len(rows), most, replace=False, shuffle=False)
        rows = rows[np.sort(drawn)]
    kept: NDArray[Any] = np.clip(rows, -LARGEST, LARGEST).astype(dtype)
    return kept


def conformal_p_values(
    calibration_scores: ArrayLike,
    scores: ArrayLike,
    weights: ArrayLike | None = None,
    test_weights: ArrayLike | None = None,
) -> Vector:
    r"""Say of each score how rare one as large is among calibration scores.

    With weights w, for test rows that come from another distribution of x than the calibration
    rows (covariate shift), whose likelihood ratio w(x) is known up to a factor:

    .. math:: p(x) = \frac{\sum_i w(x_i) [A(x_i) \ge A(x)] + w(x)}{\sum_i w(x_i) + w(x)}

    Parameters
    ----------
    calibration_scores : (m,) A(x_i) of normal rows that the fit did not see.
    scores : (n,) A(x) of the rows to judge.
    weights : (m,) w(x_i) >= 0, optional.
    test_weights : (n,) w(x) > 0, given exactly where ``weights`` is.

    Raises
    ------
    InputError
        A score is not finite, a weight is negative, or one kind of weights is given alone.

    >>> conformal_p_values([1.0, 2.0, 3.0], [2.5, 2.0]).tolist()
    [0.5, 0.75]
    >>> conformal_p_values([1.0, 2.0, 3.0], [2.5], [1, 1, 2], [1]).tolist()  # (2 + 1) / (4 + 1)
    [0.6]
    """
    if (weights is None) != (test_weights is None):
        raise InputError(
            "Expected weights of calibration rows and of test rows together; got one of them. "
            "Give both or neither."
        )
    tested = _checks.finite("scores", scores)
    if weights is None:
        return Calibration.of(calibration_scores).p_values(tested)
    known = _checks.finite("calibration scores", calibration_scores)
    w = _weights("weights", weights, len(known))
    of_test = _weights("test_weights", test_weights, len(tested))
    if not (of_test > 0).all():
        raise InputError("Expected test_weights above 0; some are 0, and such a row cannot come.")
    order = np.argsort(known)
    from_here = np.append(np.cumsum(w[order][::-1])[::-1], 0.0)
    mass = from_here[np.searchsorted(known[order], tested, side="left")]
    p: Vector = (mass + of_test) / (from_here[0] + of_test)
    return p


def _weights(what: str, values: Any, n: int) -> Vector:
    weights = _checks.finite(what, values)
    if len(weights) != n or weights.min() < 0:
        raise InputError(
            f"Expected {what} as {n} numbers of at least 0, one for each score; got "
            f"{len(weights)}, the least of them {weights.min():g}."
        )
    return weights


def randomised_p_values(calibration_scores: ArrayLike, scores: ArrayLike, seed: int) -> Vector:
    r"""Give p-values that are exactly uniform for normal rows, ties or not, by drawing lots.

    .. math:: p(x) = \frac{\#\{A(x_i) > A(x)\} + U (1 + \#\{A(x_i) = A(x)\})}{m + 1}

    with U uniform on [0, 1), drawn for each row. For tests of uniformity; alerts are not to
    depend on lots.

    >>> p = randomised_p_values([1.0, 1.0, 2.0], [1.0], seed=0)
    >>> bool(0.25 <= p[0] < 1)
    True
    """
    known = np.sort(_checks.finite("calibration scores", calibration_scores))
    tested = _checks.finite("scores", scores)
    left, right = (np.searchsorted(known, tested, side) for side in ("left", "right"))
    u = np.random.default_rng(seed).random(len(tested))
    p: Vector = (len(known) - right + u * (1 + right - left)) / (len(known) + 1)
    return p


def benjamini_hochberg(p: ArrayLike, level: float) -> NDArray[np.bool_]:
    """Say which of n p-values are discoveries at a false discovery rate of ``level``.

    The k smallest, for the largest k such that the k-th is at most ``level * k / n``. Of the
    discoveries the share of normal rows is at most ``level`` *on average* (over calibrations and
    tables), if the p-values are independent or positively dependent, as conformal ones are.

    Source: Benjamini, Hochberg. Controlling the False Discovery Rate. JRSS B, 1995.

    Raises
    ------
    InputError
        A p-value is not in [0, 1], or the level is not between 0 and 1.

    >>> benjamini_hochberg([0.01, 0.6, 0.03, 0.02], level=0.05).tolist()
    [True, False, True, True]
    """
    values = _checks.p_values(p)
    _checks.share("a false discovery rate", level, 0.05)
    adjusted = false_discovery_control(values, method="bh")
    # The adjusted value is p * n / k, rounded: a tie with the level is one.
    found: NDArray[np.bool_] = adjusted <= level * (1 + 1e-12)
    return found


def fewest_discoveries(m: int, n: int, level: float) -> int | None:
    """How many of n rows must lie beyond all m calibration rows before any is a discovery.

    None where that is more than n: at this level nothing can be discovered. 1 means that a lone
    anomaly can be.

    >>> fewest_discoveries(m=999, n=100, level=0.05), fewest_discoveries(m=10, n=100, level=0.05)
    (2, None)
    """
    _checks.share("a false discovery rate", level, 0.05)
    fewest = max(1, math.ceil(n / (level * (m + 1)) * (1 - 1e-12)))
    return fewest if fewest <= n else None
