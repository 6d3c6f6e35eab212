"""Which columns moved: each one's new values against the reference rows of the calibration.

Every feature of a column is tested: a number by Kolmogorov and Smirnov, the features of 0 and 1
together, as one category each, by chi-square, whose distribution is drawn where rows are few. Of
several tests of a column the smallest p-value counts, times their number (Bonferroni); over the
columns Benjamini and Hochberg decide.

With many rows the smallest shift is significant. How large it is says the effect: the largest
difference of the two distribution functions for a number, half the sum of absolute differences
of shares (the total variation) for categories; both lie between 0 and 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import MonteCarloMethod, chi2_contingency, false_discovery_control
from scipy.stats.contingency import expected_freq

from alad.calibration import _checks
from alad.calibration.exchangeability import kolmogorov_smirnov
from alad.errors import InputError

DRAWS = 9_999  # where categories are expected in too few rows for the distribution of many
LEAST = 5  # rows that a category has in the mean of both tables, or it counts among the others


@dataclass(frozen=True)
class Moved:
    """How a column's new values differ from those of the reference."""

    column: str
    test: str
    effect: float
    p: float
    """Adjusted over the tests of the column."""
    p_adjusted: float
    """Adjusted over all columns, by Benjamini and Hochberg."""
    moved: bool

    def to_json(self) -> dict[str, Any]:
        """The finding as a dictionary of text and numbers."""
        return asdict(self)


def moved(
    reference: NDArray[Any],
    new: NDArray[Any],
    columns: Sequence[str],
    column_of_feature: NDArray[Any],
    binary: NDArray[np.bool_],
    *,
    level: float = 0.01,
) -> list[Moved]:
    """Compare the columns of two tables, encoded alike; the largest effect first.

    Parameters
    ----------
    reference, new : (r, f) and (n, f) encoded rows, not scaled.
    columns : (c,) the columns' names.
    column_of_feature : (f,) the place in ``columns`` of the column that each feature is of.
    binary : (f,) the features that are 0 or 1.
    level : the false discovery rate over the columns.

    Raises
    ------
    InputError
        The widths differ, one table has no row, or a number is not finite.

    >>> rng = np.random.default_rng(0)
    >>> old, now = rng.normal(size=(200, 2)), rng.normal([0, 1], size=(200, 2))
    >>> found = moved(old, now, ["a", "b"], np.arange(2), np.zeros(2, bool))
    >>> [(column.column, column.moved) for column in found]
    [('b', True), ('a', False)]
    """
    _checks.share("a level", level, 0.01)
    f = len(column_of_feature)
    if not (len(reference) and len(new) and reference.shape[1:] == new.shape[1:] == (f,)):
        raise InputError(
            f"Expected rows of {f} features in both tables; got shapes {reference.shape} and "
            f"{new.shape}."
        )
    if not (np.isfinite(reference).all() and np.isfinite(new).all()):
        raise InputError(
            "Expected finite numbers in both tables; got some that are NaN or infinite. "
            "`encoder_.transform` gives missing values numbers."
        )
    found = []
    for place, name in enumerate(columns):
        own = np.asarray(column_of_feature) == place
        found.append((name, *_tested(reference[:, own], new[:, own], binary[own])))
    adjusted = false_discovery_control([p for *_, p in found]) if found else ()
    rows = [
        Moved(name, test, effect, p, float(q), bool(q <= level))
        for (name, test, effect, p), q in zip(found, adjusted, strict=True)
    ]
    return sorted(rows, key=lambda row: (not row.moved, -row.effect, row.column))


def _tested(old: NDArray[Any], new: NDArray[Any], binary: NDArray[Any]) -> tuple[str, float, float]:
    """The test of largest effect, that effect, and the column's p-value."""
    tests = [_numbers(old[:, j], new[:, j]) for j in np.flatnonzero(~binary)]
    if binary.any():
        tests.append(_categories(old[:, binary], new[:, binary]))
    name, effect, _ = max(tests, key=lambda test: test[1])
    return name, effect, min(1.0, len(tests) * min(p for *_, p in tests))


def _numbers(old: NDArray[Any], new: NDArray[Any]) -> tuple[str, float, float]:
    return "Kolmogorov-Smirnov", *kolmogorov_smirnov(old, new)


def _categories(old: NDArray[Any], new: NDArray[Any]) -> tuple[str, float, float]:
    """Chi-square over the patterns of zeros, ones and what a gap is, rare ones together."""
    both, which = np.unique(np.rint(np.concatenate([old, new])), axis=0, return_inverse=True)
    which = which.ravel()
    counts = np.stack(
        [np.bincount(part, minlength=len(both)) for part in np.split(which, [len(old)])]
    )
    shares = counts / counts.sum(axis=1, keepdims=True)
    effect = float(np.abs(shares[0] - shares[1]).sum() / 2)
    rare = counts.sum(axis=0) < 2 * LEAST
    table = np.column_stack([counts[:, ~rare], counts[:, rare].sum(axis=1)])
    table = table[:, table.sum(axis=0) > 0]
    return "chi-square", effect, 1.0 if table.shape[1] < 2 else _chi_square(table)


def _chi_square(table: NDArray[Any]) -> float:
    """The p-value; of few rows by drawing tables with the same sums, always the same ones."""
    method = None
    if expected_freq(table).min() < LEAST:
        method = MonteCarloMethod(n_resamples=DRAWS, rng=np.random.default_rng(0))
    return float(chi2_contingency(table, correction=False, method=method).pvalue)
