"""Mean, standard deviation and skewness of columns, joined from the moments of blocks of rows.

Of two blocks of a and b rows, n = a + b, whose means lie d apart, with sums of squares M2 and of
cubes M3 of what lies about each block's own mean (Pébay, Formulas for robust, one-pass parallel
computation of covariances and arbitrary-order statistical moments, 2008, for two blocks):

    M2 = M2_a + M2_b + d^2 a b / n
    M3 = M3_a + M3_b + d^3 a b (a - b) / n^2 + 3 d (a M2_b - b M2_a) / n
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Float64s = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Moments:
    """The first three moments of each column of the blocks of rows so far.

    >>> moments = Moments()
    >>> moments.update(np.array([[1.0], [2.0]]))
    >>> moments.update(np.array([[6.0]]))
    >>> mean, sd, skewness = moments.of(np.array([False]), np.array([1.0]))
    >>> mean.tolist(), sd.round(4).tolist(), skewness.round(4).tolist()
    ([3.0], [2.1602], [0.5952])
    """

    def __init__(self) -> None:
        self.n = 0
        self.origin: Any = 0.0  # the first row: sums of what is far from 0 would lose digits
        self.mean: Any = 0.0
        self.second: Any = 0.0
        self.third: Any = 0.0

    def update(self, x: Float64s) -> None:
        """Take in a block of b >= 1 rows (b, f)."""
        a, b = self.n, len(x)
        n = a + b
        if not a:
            self.origin = x[0].copy()
        x = x - self.origin
        mean = x.mean(axis=0)
        x -= mean
        square = x * x
        second, third = square.sum(axis=0), (square * x).sum(axis=0)
        d = mean - self.mean
        self.third = (
            self.third
            + third
            + d**3 * (a * b * (a - b) / n**2)
            + 3 * d * (a * second - b * self.second) / n
        )
        self.second = self.second + second + d**2 * (a * b / n)
        self.mean = self.mean + d * (b / n)
        self.n = n

    def of(self, constant: Bools, value: Float64s) -> tuple[Float64s, Float64s, Float64s]:
        """Give mean, standard deviation (1 if constant) and skewness (0 if constant), each (f,).

        Which columns are constant, and at which value, is for the caller to say: sums do not show
        it exactly.
        """
        sd = or_one(np.where(constant, 0.0, np.sqrt(self.second / self.n)))
        skewness = np.where(constant, 0.0, self.third / self.n / sd**3)
        return np.where(constant, value, self.origin + self.mean), sd, skewness


def or_one(scale: Float64s) -> Float64s:
    """Give 1 for what is not above 0, so that one can divide by it."""
    return np.where(scale > 0, scale, 1.0)
