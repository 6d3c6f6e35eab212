r"""Do new rows still look like the calibration rows? Two tests of their scores.

A conformal test martingale goes through the rows in their order. Of each row it takes the
randomised p-value among *all rows before it*, the calibration rows included: under
exchangeability these p-values are independent and uniform, which those against a fixed
calibration are not. It bets against that by the mixture of power martingales,

.. math:: M_n = \int_0^1 \prod_{i \le n} \varepsilon p_i^{\varepsilon - 1} \, d\varepsilon

once on p (scores that rise) and once on 1 - p (scores that fall), and takes the mean. By Ville's
inequality the probability that M ever reaches 1/α is at most α, at whatever row one stops.

The Kolmogorov-Smirnov test compares the two samples of scores and knows no order; it sees what
neither bet does, such as scores that draw together.

Sources: Vovk, Nouretdinov, Gammerman. Testing Exchangeability On-Line. ICML 2003. Fedorova,
Gammerman, Nouretdinov, Vovk. Plug-in Martingales for Testing Exchangeability On-Line. ICML 2012.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammainc, gammaln, hyp1f1
from scipy.stats import ks_2samp

from alad.calibration import _checks
from alad.calibration._checks import Vector

FEW = 50  # rows, of which the test of two distributions is exact


@dataclass(frozen=True)
class Verdict:
    """Whether scores of new rows could come from where the calibration scores came from."""

    holds: bool
    """False where one of the two tests says no at half the level: together, at the level."""
    level: float
    statement: str
    rows: int
    calibration_rows: int
    martingale_maximum: float
    """log10 of the largest M_n."""
    martingale_row: int
    """The row at which it was reached; -1 where M never exceeded its start, 1."""
    martingale_p: float
    """1 / max M_n, at most 1: an anytime-valid p-value."""
    ks_statistic: float
    """The largest difference between the two distribution functions: the size of the shift."""
    ks_p: float
    ks_needed: float | None
    """About the smallest such difference at which that test says no, of as many rows; None where
    there are too few for it to say no at all."""
    martingale_stop: int | None = None
    """The first row by which the martingale says no: M reaches 2 / level there."""

    @property
    def holds_over_all_rows(self) -> bool:
        """Whether all new scores together look like those of calibration, in whatever order."""
        return self.ks_p > self.level / 2

    def to_json(self) -> dict[str, Any]:
        """The verdict as a dictionary of text and numbers."""
        return asdict(self)


def kolmogorov_smirnov(old: NDArray[Any], new: NDArray[Any]) -> tuple[float, float]:
    """The largest difference of two distribution functions, and its p-value: of few rows, exact.

    >>> statistic, p = kolmogorov_smirnov(np.arange(99), np.array([100]))
    >>> statistic, round(p, 9)
    (1.0, 0.02)
    """
    method = "exact" if min(len(old), len(new)) < FEW else "asymp"
    ks = ks_2samp(old, new, method=method)
    return float(ks.statistic), float(ks.pvalue)


def exchangeability(
    calibration_scores: ArrayLike, scores: ArrayLike, *, level: float = 0.01, seed: int = 0
) -> Verdict:
    """Test whether scores, in the order in which they came, still look like calibration scores.

    Parameters
    ----------
    calibration_scores : (m,)
    scores : (n,) of new rows in the order of time.
    level : the probability, at most, of saying no where nothing has moved.
    seed : of the lots that break ties.

    Raises
    ------
    InputError
        A score is not finite, or the level is not between 0 and 1.

    >>> rng = np.random.default_rng(0)
    >>> known = rng.normal(size=500)
    >>> exchangeability(known, rng.normal(size=300)).holds
    True
    >>> exchangeability(known, rng.normal(1, size=300)).holds
    False
    """
    _checks.share("a level", level, 0.01)
    known = _checks.finite("calibration scores", calibration_scores)
    new = _checks.finite("scores", scores)
    wealth = martingale(successive_p_values(known, new, seed))
    place = int(wealth.argmax())
    top = max(float(wealth[place]), 0.0)
    ks_statistic, ks_p = kolmogorov_smirnov(known, new)
    of_martingale = float(np.exp(-top))
    beyond = np.flatnonzero(wealth >= np.log(2 / level))
    holds = min(of_martingale, ks_p) > level / 2
    return Verdict(
        holds=holds,
        level=float(level),
        statement=_statement(holds, of_martingale <= level / 2, ks_p <= level / 2),
        rows=len(new),
        calibration_rows=len(known),
        martingale_maximum=top / np.log(10),
        martingale_row=place if top > 0 else -1,
        martingale_p=of_martingale,
        ks_statistic=ks_statistic,
        ks_p=ks_p,
        ks_needed=_needed(len(known), len(new), level),
        martingale_stop=int(beyond[0]) if len(beyond) else None,
    )


def _needed(m: int, n: int, level: float) -> float | None:
    """The smallest Kolmogorov-Smirnov statistic of m and n values that the test says no to.

    Of many by the first term of its asymptotic distribution, 2 exp(-2 D^2 m n / (m + n)); of few
    it is looked for. None where even the largest, 1, is not enough.

    >>> round(_needed(1000, 1000, 0.01), 3), _needed(1000, 1, 0.01), _needed(99, 1, 0.01)
    (0.077, 0.999, None)
    """
    if min(m, n) >= FEW:
        return float(min(np.sqrt(np.log(4 / level) / 2 * (m + n) / (m * n)), 1.0))
    known, spread = np.arange(m), (np.arange(n) + 0.5) / n

    def moved(by: float) -> tuple[float, float]:
        return kolmogorov_smirnov(known, np.minimum(m * (spread + by), m) - 0.5)

    low, high = 0.0, 1.0
    needed, p = moved(high)
    if p > level / 2:
        return None
    while high - low > 0.5 / m:
        middle = (low + high) / 2
        statistic, p = moved(middle)
        if p > level / 2:
            low = middle
        else:
            high, needed = middle, statistic
    return round(needed, 9)


def _statement(holds: bool, by_martingale: bool, by_ks: bool) -> str:
    if holds:
        return "The new scores could come from where the calibration scores came from."
    by = ["the martingale"] * by_martingale + ["the Kolmogorov-Smirnov test"] * by_ks
    return f"The new scores are not exchangeable with the calibration scores, by {_and(by)}."


def _and(names: list[str]) -> str:
    return " and ".join(names)


def successive_p_values(known: ArrayLike, scores: ArrayLike, seed: int) -> Vector:
    """Give each score's randomised p-value among the known ones and all scores before it."""
    before = np.sort(np.asarray(known, np.float64)).tolist()
    new = np.asarray(scores, np.float64).tolist()
    lots = np.random.default_rng(seed).random(len(new))
    p = np.empty(len(new))
    for i, score in enumerate(new):
        left, right = bisect_left(before, score), bisect_right(before, score)
        p[i] = (len(before) - right + lots[i] * (right - left + 1)) / (len(before) + 1)
        insort(before, score)
    return p


def martingale(p: ArrayLike) -> Vector:
    """Give log M_n, natural, after each of n p-values that should be independent and uniform.

    >>> float(np.exp(martingale([0.5, 0.5])[1]).round(3))  # nothing to win: it falls
    0.49
    """
    values = _checks.p_values(p)
    mean: Vector = np.logaddexp(_mixture(values), _mixture(1 - values)) - np.log(2)
    return mean


def _mixture(p: Vector) -> Vector:
    """log of the integral of prod(e p^(e-1)) over e in [0, 1]: e^a gamma(n+1, a) / a^(n+1)."""
    n = np.arange(1.0, len(p) + 1)
    a = np.cumsum(-np.log(np.clip(p, 1e-300, 1)))  # -sum of log p
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        closed = a + gammaln(n + 1) + np.log(gammainc(n + 1, a)) - (n + 1) * np.log(a)
        # Where the incomplete gamma function is too small for a float its series is not.
        series = np.log(hyp1f1(1.0, n + 2, a)) - np.log(n + 1)
    return np.where(np.isfinite(closed), closed, np.where(np.isfinite(series), series, -np.inf))
