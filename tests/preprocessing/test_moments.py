"""Moments joined block by block, against those of NumPy and SciPy taken at once."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from alad.preprocessing.moments import Moments

N = 20_000
RNG = np.random.default_rng(0)
COLUMNS = {
    "normal": RNG.normal(size=N),
    "skewed": RNG.exponential(size=N),
    "far from 0": 1e9 + RNG.exponential(size=N),
    "in order": np.sort(RNG.exponential(size=N)),
    "two values": np.arange(N) % 7 == 0,
}
X = np.stack(list(COLUMNS.values()), axis=1).astype(np.float64)


@pytest.mark.parametrize("sizes", [(1, 1, 1), (37,), (8192,), (N,), (5, 12_000, 3)])
def test_they_are_those_of_all_rows_at_once(sizes):
    moments, start, turn = Moments(), 0, 0
    before = X.copy()
    while start < N:
        size = sizes[turn % len(sizes)]
        moments.update(X[start : start + size])
        start, turn = start + size, turn + 1
    mean, sd, skewness = moments.of(np.zeros(X.shape[1], bool), X[0])
    exact = X - X[0]  # of what is far from 0, NumPy's own would lose digits
    np.testing.assert_allclose(mean, X[0] + exact.mean(axis=0), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(sd, exact.std(axis=0), rtol=1e-10)
    np.testing.assert_allclose(skewness, stats.skew(exact), rtol=1e-8, atol=1e-10)
    np.testing.assert_array_equal(X, before)


def test_a_constant_column_has_its_value_and_no_spread():
    moments = Moments()
    for _ in range(3):
        moments.update(np.full((100, 1), 0.1))
    mean, sd, skewness = moments.of(np.array([True]), np.array([0.1]))
    assert (mean[0], sd[0], skewness[0]) == (0.1, 1, 0)
