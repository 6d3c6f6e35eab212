r"""How much each column adds to a row's score, beside a row that is expected in its place.

With :math:`x^{(j)}` the row x whose column j is that of the expected row e, all features of the
column together, :math:`e^{(j)}` the row e whose column j is that of x, and K columns in which x and
e differ,

.. math::

    \Delta_j = \frac12 \left( A(x) - A(x^{(j)}) + A(e^{(j)}) - A(e) \right), \qquad
    c_j = \Delta_j + \frac1K \left( A(x) - A(e) - \sum_k \Delta_k \right)

for those K columns and 0 for the others. :math:`\Delta_j` is how far the score falls if this one
column of x is as expected, and how far it rises if this one column of e is as in x, the mean of
both: of two columns that say the same, such as a net and a gross amount, neither alone makes x
normal, and each alone makes e strange. What columns do only together is shared equally. So
:math:`\sum_j c_j = A(x) - A(e)`, for every detector, whatever its score is made of.

A Shapley value is the mean rise of the score with a column over all orders in which columns may
come; here these are the first place and the last. The equal share is that of the egalitarian
non-separable contribution value. Source: Driessen, Funaki. Coincidence of and Collinearity between
Game Theoretic Solutions. OR Spektrum 13, 1991.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 23  # numbers judged at a time
NONE = -1  # instead of a column

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
    row, place = changed(x, expected, column, columns)
    first, last = one_by_one(judge, x, expected, column, row, place)
    score, expected_score = last[:n], first[:n]
    found = np.zeros((n, columns))
    found[row, place] = (score[row] - last[n:] + first[n:] - expected_score[row]) / 2
    rest = score - expected_score - found.sum(axis=1)
    found[row, place] += (rest / np.maximum(np.bincount(row, minlength=n), 1))[row]
    return found, score, expected_score


def one_by_one(
    judge: Judge, x: NDArray[Any], expected: NDArray[Any], column: Ints, row: Ints, place: Ints
) -> tuple[Float64s, Float64s]:
    """Give A of all rows expected, then of those with one column of x; and the other way round.

    The i-th of these has the column ``place[i]`` of the other row ``row[i]``.
    """
    n = len(x)
    rows = np.concatenate([np.arange(n), row])
    places = np.concatenate([np.full(n, NONE), place])
    both, others = np.concatenate([expected, x]), np.concatenate([x, expected])
    found = _replaced(
        judge, both, others, column, np.concatenate([rows, rows + n]), np.tile(places, 2)
    )
    return found[: len(rows)], found[len(rows) :]


def changed(
    x: NDArray[Any], expected: NDArray[Any], column: Ints, columns: int
) -> tuple[Ints, Ints]:
    """Give row and column of everything in which the two differ."""
    row, feature = np.nonzero(x != expected)
    row, place = np.divmod(np.unique(row * columns + column[feature]), columns)
    return row, place


def _replaced(
    judge: Judge,
    x: NDArray[Any],
    others: NDArray[Any],
    column: Ints,
    row: Ints,
    place: Ints,
) -> Float64s:
    """A of these rows with this column of the others, or with none of theirs."""
    size = max(1, BLOCK // x.shape[1])
    found = [np.empty(0)]
    for start in range(0, len(row), size):
        i, j = row[start : start + size], place[start : start + size]
        found.append(judge(np.where(column == j[:, None], others[i], x[i])))
    return np.concatenate(found)
