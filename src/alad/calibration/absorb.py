r"""What a new calibration would take in: rows that the old one finds strange, and how many may be.

Of n new rows that are exchangeable with m calibration rows, the number X_k that lie above the k-th
largest calibration score is beta-binomial, whatever the scores are like:

.. math:: X_k \sim \mathrm{BetaBinomial}(n, k, m + 1 - k)

(fewer where scores tie). More than its upper quantile is more than exchangeability allows: an
attack among the new rows, or a shift. That is for a person to decide.

Several k are looked at, at levels of each at which any of them is exceeded with the probability
that was asked for; the joint law of the X_k depends on n, m and k alone, so it is drawn from. The
highest score has five times the level of the others, as attacks mostly lie beyond all. One of fewer
rows than are allowed there, some three times n / (m + 1) at a level of 0.05, cannot be told from
chance by ranks.

Source: the distribution of exceedances, as in Gumbel, von Schelling. The Distribution of the Number
of Exceedances. Annals of Mathematical Statistics, 1950.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import betabinom

from alad.calibration import _checks
from alad.calibration.conformal import Calibration
from alad.calibration.thresholds import at_false_discovery_rate

SHARES = (0.0, 0.001, 0.01, 0.1)  # of calibration rows that lie higher; 0: none does
THIRD = 3  # the highest calibration score alone is the most uncertain of all, a few are much less
TOP = 5.0  # times the level of the other tiers, that of the highest score is
DRAWS = 10_000  # of the counts of all tiers together, where nothing moved


@dataclass(frozen=True)
class Tier:
    """New rows above one of the highest calibration scores."""

    above: float
    """The calibration score that they exceed."""
    share: float
    """The share of normal rows that should: k / (m + 1)."""
    rows: int
    expected: float
    allowed: int
    """More than this is improbable at the level, over all tiers together."""

    @property
    def too_many(self) -> bool:
        """Whether there are more than exchangeability allows."""
        return self.rows > self.allowed


@dataclass(frozen=True)
class Absorbed:
    """What is strange among new rows, by an old calibration."""

    rows: int
    level: float
    tiers: tuple[Tier, ...]
    discoveries: int
    """What Benjamini and Hochberg find at a false discovery rate of 0.05."""
    threshold: float
    """Rows above it are the suspicious ones, of a tier that has too many of them."""
    suspicious: int

    @property
    def allowed(self) -> bool:
        """Whether no tier has more rows than exchangeability allows."""
        return not any(tier.too_many for tier in self.tiers)

    @property
    def tier(self) -> Tier | None:
        """The one whose rows are suspicious, if one is."""
        return next((tier for tier in self.tiers if tier.above == self.threshold), None)

    @property
    def share_above(self) -> float:
        """The share of normal rows that should lie above ``threshold``."""
        return 0.0 if self.tier is None else self.tier.share

    def to_json(self) -> dict[str, Any]:
        """The finding as a dictionary of text and numbers."""
        return asdict(self)


def absorbed(calibration: Calibration, scores: ArrayLike, *, level: float = 0.05) -> Absorbed:
    """Count the strange among new rows (n,), and hold the counts against what may be.

    ``level`` is the probability, at most, of finding too many where nothing has moved.

    Raises
    ------
    InputError
        A score is not finite, or the level is not between 0 and 1.

    >>> rng = np.random.default_rng(0)
    >>> calibration = Calibration.of(rng.normal(size=999))
    >>> absorbed(calibration, rng.normal(size=500)).allowed
    True
    >>> with_attack = np.append(rng.normal(size=500), np.full(40, 9.0))
    >>> found = absorbed(calibration, with_attack)
    >>> found.allowed, found.suspicious, found.discoveries, found.share_above
    (False, 40, 42, 0.001)
    """
    _checks.share("a level", level, 0.05)
    new, m = _checks.finite("scores", scores), len(calibration.scores)
    n, ranks = len(new), _ranks(m)
    allowed = _allowed(n, m, ranks, level)
    tiers = tuple(_tier(calibration, new, *each) for each in zip(ranks, allowed, strict=True))
    counts = np.bincount(calibration.above(new), minlength=m + 1)
    found = at_false_discovery_rate(calibration, counts, 0.05).threshold
    assert found is not None
    threshold = _least_that_explains(tiers)
    return Absorbed(
        rows=n,
        level=float(level),
        tiers=tiers,
        discoveries=int((new > found).sum()),
        threshold=threshold,
        suspicious=int((new > threshold).sum()),
    )


def _least_that_explains(tiers: tuple[Tier, ...]) -> float:
    """The score of the highest tier of too many rows, without which no tier has too many.

    Where none of them explains all, of the widest. Never of a tier that has no more than it may:
    its rows are as many as normal ones are, and without them p-values would be too small.
    """
    crowded = [tier for tier in tiers if tier.too_many]
    explains = (
        tier.above
        for tier in crowded
        if all(other.rows - tier.rows <= other.allowed for other in tiers)
    )
    return next(explains, crowded[-1].above) if crowded else math.inf


def _ranks(m: int) -> list[int]:
    """Which of the highest of m calibration scores are looked at."""
    ranks = {max(1, round(share * (m + 1))) for share in SHARES}
    return sorted(ranks | ({THIRD} if max(ranks) > THIRD else set()))


def _tier(calibration: Calibration, new: Any, k: int, allowed: int) -> Tier:
    m, n = len(calibration.scores), len(new)
    above = calibration.largest(k)
    return Tier(
        above=above,
        share=k / (m + 1),
        rows=int((new > above).sum()),
        expected=n * k / (m + 1),
        allowed=allowed,
    )


def _allowed(n: int, m: int, ranks: Sequence[int], level: float) -> list[int]:
    """The most of n new rows above each rank such that more, above any, have this probability."""
    weights = [TOP, *(1.0 for _ in ranks[1:])]
    tails = [_tail(n, m, k) / weight for k, weight in zip(ranks, weights, strict=True)]
    drawn = _drawn(n, m, ranks)
    least = np.min([tail[x] for tail, x in zip(tails, drawn, strict=True)], axis=0)
    of_each = max(level / sum(weights), float(np.sort(least)[int(level * DRAWS)]))
    return [int(np.flatnonzero(tail >= of_each)[-1]) for tail in tails]


def _tail(n: int, m: int, k: int) -> NDArray[np.float64]:
    """(n + 1,) the probability of x rows or more above the k-th score, x from 0 to n."""
    density = betabinom.pmf(np.arange(n + 1), n, k, m + 1 - k)
    tail: NDArray[np.float64] = np.minimum(np.cumsum(density[::-1])[::-1], 1.0)
    return tail


def _drawn(n: int, m: int, ranks: Sequence[int], seed: int = 0) -> list[NDArray[np.int64]]:
    """Counts above each rank, as they come where nothing moved; the same draws every time.

    The share of all rows above the k-th of m scores is a sum of k exponentials, of m + 1 in all.
    """
    rng, counts = np.random.default_rng(seed), []
    steps = rng.standard_gamma(np.diff([0, *ranks, m + 1])[:, None], (len(ranks) + 1, DRAWS))
    rest, found = steps.sum(axis=0), np.zeros(DRAWS, np.int64)
    for step in steps[:-1]:
        found = found + rng.binomial(n - found, step / rest)
        rest = rest - step
        counts.append(found)
    return counts
