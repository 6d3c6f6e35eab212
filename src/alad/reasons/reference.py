r"""Normal rows to compare with: which are nearest to a row, and how rare its values are.

A row's distance to a normal row r, with :math:`d_j` the difference of feature j in standard
deviations (after a logarithm where ``log-standard`` takes one), is

.. math:: D(x, r) = \sum_{j\ \text{number}} \frac{d_j^2}{1 + d_j^2}
          + \frac12 \sum_{j\ \text{category}} [x_j \ne r_j]

No column counts for more than 1, however far out it is, so one wild value does not decide which
normal rows are near: they are those that the row is like in its other columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alad.preprocessing.scaling import Scaler, fit_scaler

MISMATCH = 0.5  # of a category: as much as one standard deviation of a number
BLOCK = 1 << 16  # differences at a time: they stay in a core's cache

Floats = NDArray[Any]  # float32 or float64
Float32s = NDArray[np.float32]
Float64s = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Reference:
    """Normal rows, as the encoder gives them.

    Attributes
    ----------
    rows : (m, f) float32, or float64 where the rows of an array came so
    column : (f,) the column that each feature was made from.
    binary : (f,) whether a feature is 0 or 1: part of a category, or a flag.
    columns : how many columns there are.
    is_rounded : whether these are rows that a model holds for its score, which are rounded.
    """

    rows: Floats
    column: Ints
    binary: Bools
    columns: int
    is_rounded: bool = False

    def single(self) -> Reference:
        """The same in float32."""
        if self.rows.dtype == np.float32:
            return self
        return replace(self, rows=self.rows.astype(np.float32))

    def known(self, x: Floats, rounded: Floats) -> Floats:
        """Give x (n, f) with the rounded value in the place of each that only so is one of a row.

        Rows that a model holds are rounded, and a value that rounds to theirs is no other.
        """
        found = x.copy()
        for one, other, spread in zip(found.T, rounded.T, self._spreads, strict=True):
            is_theirs = ~spread.has(one) & spread.has(other)
            one[is_theirs] = other[is_theirs]
        return found

    def nearest(self, x: Floats, k: int) -> Ints:
        """Give the places of the k nearest rows, (n, at most k), the nearest first."""
        k = min(k, len(self.rows))
        return np.concatenate([_lowest(distances, k) for distances in self._distances(x)])

    def rarity(self, x: Floats) -> Float64s:
        """Give the share of the rows whose value is at least as extreme or as rare, (n, columns).

        A number is as extreme as the share of rows on its far side is small; a category as rare as
        the rows that have it are few. Of a column that became several features the rarest counts.
        """
        rarest = np.ones((len(x), self.columns))
        for feature in np.flatnonzero(~self.binary):
            found = self._spreads[feature].as_extreme(x[:, feature])
            _lower(rarest, self.column[feature], found)
        for category in self._categories:
            _lower(rarest, category.place, category.as_rare(x))
        return rarest

    @cached_property
    def _scaler(self) -> Scaler:
        return fit_scaler("log-standard", self.rows, self.binary)

    @cached_property
    def _spreads(self) -> list[Spread]:
        """Of each feature."""
        return [Spread(values) for values in self.rows.T]

    @cached_property
    def _numbers(self) -> tuple[Float32s, Bools]:
        """The scaled numbers (features that vary, m), and of all numbers which those are."""
        normal = self._scaled(self.rows)
        varies = (normal != normal[:, :1]).any(axis=1)
        return np.ascontiguousarray(normal[varies]), varies

    def _scaled(self, x: Floats) -> Float32s:
        """The numbers of rows, (features, n)."""
        scaled: Float32s = self._scaler.transform(x)[:, ~self.binary].T
        return scaled

    @cached_property
    def _categories(self) -> list[Category]:
        places = sorted(set(self.column[self.binary].tolist()))
        return [Category(p, self.binary & (self.column == p), self.rows) for p in places]

    def _distances(self, x: Floats) -> Iterator[Float64s]:
        """D of some rows after the other to every normal row, (some, m).

        What all normal rows have in common is left out: it is as far from one as from the other.
        """
        normal, varies = self._numbers
        numbers = self._scaled(x)[varies]
        categories = [(c.codes(x), c.known) for c in self._categories if c.known.any()]
        size = max(1, BLOCK // len(self.rows))
        for start in range(0, len(x), size):
            rows = slice(start, start + size)
            distance = np.zeros((len(x[rows]), len(self.rows)))
            for one, other in zip(numbers[:, rows], normal, strict=True):
                distance += _bounded(one[:, None] - other)
            for codes, known in categories:
                distance += MISMATCH * (codes[rows, None] != known)
            yield distance


class Category:
    """A column's features that are 0 or 1, as a number for each of their patterns.

    Attributes
    ----------
    place : the column.
    known : (m,) the patterns of the normal rows; all 0 where they have one.
    """

    def __init__(self, place: int, features: Bools, normal: Floats) -> None:
        self.place, self._features = place, features
        patterns = _patterns(normal[:, features])
        self._numbers = {pattern: i for i, pattern in enumerate(dict.fromkeys(patterns))}
        self.known = np.fromiter(map(self._numbers.__getitem__, patterns), np.int64, len(normal))

    def codes(self, x: Floats) -> Ints:
        """(n,) the patterns of rows; of those that no normal row has one more than the last."""
        other = len(self._numbers)
        found = [self._numbers.get(p, other) for p in _patterns(x[:, self._features])]
        return np.array(found, np.int64)

    def as_rare(self, x: Floats) -> Float64s:
        """Give the share of normal values that no more rows have than have this one, (n,).

        0 where a feature is above 1, as a number is where fit saw 0 and 1 alone.
        """
        counts = self._counts[self.codes(x)]
        share = np.searchsorted(self._having, counts, side="right") / len(self.known)
        return np.where(np.any(x[:, self._features] > 1, axis=1), 0, share)

    @cached_property
    def _counts(self) -> Ints:
        """How many normal rows have each pattern; the last is of all others."""
        counts: Ints = np.bincount(self.known, minlength=len(self._numbers) + 1)
        return counts

    @cached_property
    def _having(self) -> Ints:
        """How many normal rows have the pattern of each, in order."""
        return np.sort(self._counts[self.known])


class Spread:
    """The values of one feature of normal rows.

    >>> spread = Spread(np.float32([1, 2, 3, 3]))
    >>> spread.as_extreme(np.float32([0, 1, 2])).tolist(), spread.has(np.float32([2, 4])).tolist()
    ([0.0, 0.25, 1.0], [True, False])
    """

    def __init__(self, normal: Floats) -> None:
        self._values, self._times = np.unique(normal, return_counts=True)

    def has(self, x: Floats) -> Bools:
        """Tell which values are among them, (n,)."""
        place = np.minimum(np.searchsorted(self._values, x), len(self._values) - 1)
        among: Bools = self._values[place] == x
        return among

    def as_extreme(self, x: Floats) -> Float64s:
        """Share of normal values of which no more lie beyond than beyond each of these, (n,)."""
        up_to, beyond, share = self._ranked
        m = up_to[-1]
        left, right = (np.searchsorted(self._values, x, side) for side in ("left", "right"))
        of_values = np.minimum(up_to[right], m - up_to[left])
        extreme: Float64s = share[np.searchsorted(beyond, of_values, side="right")]
        return extreme

    @cached_property
    def _ranked(self) -> tuple[Ints, Ints, Float64s]:
        """How many lie below each and in all; how many beyond, in order; the share up to there."""
        up_to = np.concatenate([[0], np.cumsum(self._times)])
        m = up_to[-1]
        beyond = np.minimum(up_to[1:], m - up_to[:-1])
        order = np.argsort(beyond)
        return up_to, beyond[order], np.concatenate([[0], np.cumsum(self._times[order])]) / m


def _patterns(flags: NDArray[Any]) -> list[bytes]:
    packed = np.ascontiguousarray(np.packbits(flags > 0.5, axis=1))
    found: Any = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    return list(found.tolist())


def _bounded(difference: Float32s) -> Float32s:
    """d^2 / (1 + d^2), in the place of d."""
    squares = np.multiply(difference, difference, out=difference)
    bounded: Float32s = np.divide(squares, 1 + squares, out=squares)
    return bounded


def _lowest(distances: Float64s, k: int) -> Ints:
    """Give the places of the k lowest of each line, in order; of equal ones the first."""
    bound = np.partition(distances, k - 1, axis=1)[:, k - 1, None]
    found = np.empty((len(distances), k), np.int64)
    for i, near in enumerate(distances <= bound):
        places = np.flatnonzero(near)
        found[i] = places[np.argsort(distances[i, places], kind="stable")[:k]]
    return found


def _lower(rarest: Float64s, place: int, found: Float64s) -> None:
    np.minimum(rarest[:, place], found, out=rarest[:, place])
