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
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alad.preprocessing.scaling import Scaler, fit_scaler

MISMATCH = 0.5  # of a category: as much as one standard deviation of a number
BLOCK = 1 << 20  # differences in memory at a time

Float32s = NDArray[np.float32]
Float64s = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Reference:
    """Normal rows, as the encoder gives them.

    Attributes
    ----------
    rows : (m, f) float32
    column : (f,) the column that each feature was made from.
    binary : (f,) whether a feature is 0 or 1: part of a category, or a flag.
    columns : how many columns there are.
    """

    rows: Float32s
    column: Ints
    binary: Bools
    columns: int

    def nearest(self, x: Float32s, k: int) -> Ints:
        """Give the places of the k nearest rows, (n, at most k), the nearest first."""
        return np.concatenate([_lowest(d, min(k, len(self.rows))) for d in self._distances(x)])

    def rarity(self, x: Float32s) -> Float64s:
        """Give the share of the rows whose value is at least as extreme or as rare, (n, columns).

        A number is as extreme as the share of rows on its far side is small; a category as rare as
        the rows that have it are few. Of a column that became several features the rarest counts.
        """
        rarest = np.ones((len(x), self.columns))
        for feature in np.flatnonzero(~self.binary):
            found = _as_extreme(x[:, feature], self.rows[:, feature])
            _lower(rarest, self.column[feature], found)
        for place, codes, known in zip(*self._codes(x), strict=True):
            _lower(rarest, place, _as_rare(codes, known))
        return rarest

    @cached_property
    def _scaler(self) -> Scaler:
        return fit_scaler("log-standard", self.rows, self.binary)

    def _distances(self, x: Float32s) -> Iterator[Float64s]:
        """D of some rows after the other to every normal row, (some, m)."""
        numbers, normal = (self._scaler.transform(y)[:, ~self.binary] for y in (x, self.rows))
        _, codes, known = self._codes(x)
        size = max(1, BLOCK // max(1, normal.size))
        for start in range(0, len(x), size):
            rows = slice(start, start + size)
            squares = np.square(numbers[rows, None] - normal)
            distance = (squares / (1 + squares)).sum(axis=2, dtype=np.float64)
            for one, other in zip(codes, known, strict=True):
                distance += MISMATCH * (one[rows, None] != other)
            yield distance

    def _codes(self, x: Float32s) -> tuple[list[int], list[Ints], list[Ints]]:
        """Number what the columns' binary features say: the columns, x's and the rows' codes."""
        places = sorted(set(self.column[self.binary].tolist()))
        blocks = [self.binary & (self.column == place) for place in places]
        both = [_numbered(np.concatenate([self.rows[:, b], x[:, b]])) for b in blocks]
        m = len(self.rows)
        return places, [codes[m:] for codes in both], [codes[:m] for codes in both]


def _numbered(flags: NDArray[Any]) -> Ints:
    """Give equal rows of flags equal numbers."""
    packed = np.ascontiguousarray(np.packbits(flags > 0.5, axis=1))
    as_bytes = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    return np.unique(as_bytes, return_inverse=True)[1]


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


def _as_extreme(values: Float32s, normal: Float32s) -> Float64s:
    """Share of normal values of which no more lie beyond than beyond this one."""
    ordered = np.sort(normal)

    def beyond(v: Float32s) -> Ints:
        below = np.searchsorted(ordered, v, side="right")
        return np.minimum(below, len(ordered) - np.searchsorted(ordered, v, side="left"))

    return np.searchsorted(np.sort(beyond(ordered)), beyond(values), side="right") / len(ordered)


def _as_rare(codes: Ints, normal: Ints) -> Float64s:
    """Share of normal values that no more rows have than have this one."""
    counts = np.bincount(normal, minlength=max(codes.max(), normal.max()) + 1)
    having = np.sort(counts[normal])
    return np.searchsorted(having, counts[codes], side="right") / len(normal)
