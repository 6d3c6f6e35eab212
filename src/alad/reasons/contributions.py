r"""How much each column adds to a row's score, beside a row that is expected in its place.

With :math:`x^{(j)}` the row x whose column j is that of the expected row e, all features of the
column together, and K columns in which x and e differ,

.. math::

    \Delta_j = A(x) - A(x^{(j)}), \qquad
    c_j = \Delta_j + \frac1K \left( A(x) - A(e) - \sum_k \Delta_k \right)

for those K columns and 0 for the others. :math:`\Delta_j` is how far the score falls if this one
column is as expected; what columns do only together is shared equally. So :math:`\sum_j c_j =
A(x) - A(e)`, for every detector, whatever its score is made of. In the theory of cooperative games
this is the egalitarian non-separable contribution value. Source: Driessen, Funaki. Coincidence of
and Collinearity between Game Theoretic Solutions. OR Spektrum 13, 1991.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 23  # numbers judged at a time
NONE, ALL = -1, -2  # instead of a column

Judge = Callable[[NDArray[Any]], NDArray[np.float64]]
Float64s = NDArray[np.float64]
Ints = NDArray[np.int64]


def contributions(
    judge: Judge, x: NDArray[Any], expected: NDArray[Any], column: Ints, columns: int
) -> tuple[Float64s, Float64s, Float64s]:
    """Share A(x) - A(e) out among the columns.

    Parameters
    ----------
    judge : A, of rows (n, f) that are not scaled yet.
    x, expected : (n, f)
    column : (f,) the column that each feature was made from.
    columns : how many columns there are.

    Returns
    -------
    contributions (n, columns), A(x) and A(e), each (n,)
    """
    n = len(x)
    row, place = _changed(x, expected, column, columns)
    whole = np.arange(n)
    judged = _replaced(
        judge,
        x,
        expected,
        column,
        np.concatenate([whole, whole, row]),
        np.concatenate([np.full(n, NONE), np.full(n, ALL), place]),
    )
    score, expected_score, replaced = np.split(judged, [n, 2 * n])
    falls = np.zeros((n, columns))
    falls[row, place] = score[row] - replaced
    rest = score - expected_score - falls.sum(axis=1)
    falls[row, place] += (rest / np.maximum(np.bincount(row, minlength=n), 1))[row]
    return falls, score, expected_score


def _changed(
    x: NDArray[Any], expected: NDArray[Any], column: Ints, columns: int
) -> tuple[Ints, Ints]:
    """Give row and column of everything in which the two differ."""
    row, feature = np.nonzero(x != expected)
    row, place = np.divmod(np.unique(row * columns + column[feature]), columns)
    return row, place


def _replaced(
    judge: Judge,
    x: NDArray[Any],
    expected: NDArray[Any],
    column: Ints,
    row: Ints,
    place: Ints,
) -> Float64s:
    """A of these rows with these columns as expected, or with none or all of them."""
    size = max(1, BLOCK // x.shape[1])
    found = [np.empty(0)]
    for start in range(0, len(row), size):
        i, j = row[start : start + size], place[start : start + size]
        is_expected = (column == j[:, None]) | (j == ALL)[:, None]
        found.append(judge(np.where(is_expected, expected[i], x[i])))
    return np.concatenate(found)
