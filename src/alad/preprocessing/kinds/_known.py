"""From features back to the values of fit that have them, or nearly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

FAR = 1000  # rarities are logarithms, below 50

Say = Callable[[Sequence[Any]], str]


def one_or_others(values: Sequence[Any]) -> str:
    """A value; of several that features cannot tell apart, the first and how many more.

    >>> one_or_others(["u1"]), one_or_others(["u1", "u2", "u3"])
    ('u1', 'u1 or 2 others as frequent')
    """
    others = len(values) - 1
    more = f" or {others:,} other{'s' * (others > 1)} as frequent" if others else ""
    return f"{values[0]}{more}"


@dataclass(frozen=True)
class Known:
    """The values that a model names, and the features (m, f) of each, flags first."""

    values: Sequence[Any]
    features: NDArray[np.float32]
    flags: int = 0
    """How many are 0 or 1; one that differs is further than any rarity."""

    @cached_property
    def _points(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The different features, and which of them every value has."""
        points, place = np.unique(self.features, axis=0, return_inverse=True)
        return points, place.ravel()

    def _nearest(self, part: NDArray[Any]) -> NDArray[np.int64]:
        weight = np.where(np.arange(part.shape[1]) < self.flags, FAR, 1)
        found: NDArray[np.int64] = cKDTree(self._points[0] * weight).query(part * weight)[1]
        return found

    def nearest(self, part: NDArray[Any]) -> NDArray[np.float32]:
        """The features of a value that are nearest to each row of features (n, f)."""
        return self._points[0][self._nearest(part)]

    def said(self, part: NDArray[Any], say: Say = one_or_others) -> list[str]:
        """What ``say`` makes of the values, the most frequent first, whose features are nearest.

        >>> known = Known(["a", "b", "c"], np.float32([[0], [2], [2]]))
        >>> known.said(np.array([[0.4], [1.9]]))
        ['a', 'b or 1 other as frequent']
        """
        chosen, row = np.unique(self._nearest(part), return_inverse=True)
        groups = [np.flatnonzero(self._points[1] == place) for place in chosen]
        told = [say([self.values[i] for i in group.tolist()]) for group in groups]
        return [told[i] for i in row.tolist()]
