"""Shapley values of a row's columns, estimated by permutations, as SHAP's permutation explainer.

Columns go over one after the other from a background row to the row itself, in a drawn order and
in its reverse; a column's value is the mean rise of the score as it goes. Source: Strumbelj,
Kononenko. Explaining Prediction Models and Individual Predictions with Feature Contributions. 2014;
antithetic pairs as in Lundberg's shap.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Judge = Callable[[NDArray[Any]], NDArray[np.float64]]


def shapley(
    judge: Judge,
    x: NDArray[Any],
    background: NDArray[Any],
    column: NDArray[np.int64],
    *,
    pairs: int,
    seed: int,
) -> NDArray[np.float64]:
    """Estimate of rows x (n, f), beside background rows (b, f); returns (n, columns)."""
    columns = int(column.max()) + 1
    rng = np.random.default_rng(seed)
    total = np.zeros((len(x), columns))
    for i, row in enumerate(x):
        for _ in range(pairs):
            order = rng.permutation(columns)
            for one in (order, order[::-1]):
                total[i] += _rises(judge, row, background, column, one)
    return total / (2 * pairs)


def _rises(
    judge: Judge,
    row: NDArray[Any],
    background: NDArray[Any],
    column: NDArray[np.int64],
    order: NDArray[np.int64],
) -> NDArray[np.float64]:
    """The mean rise with each column, in one call for all steps and all background rows."""
    when = np.argsort(order)[column]
    has_come = when < np.arange(len(order) + 1)[:, None]
    steps = np.where(has_come[:, None], row, background)
    scores = judge(steps.reshape(-1, len(row))).reshape(len(order) + 1, -1).mean(axis=1)
    rises = np.empty(len(order))
    rises[order] = np.diff(scores)
    return rises
