"""Rows as the simple detectors take them: in blocks of one size."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from alad.estimators._given import Matrix, Vector

# Rows of one matrix product. With fewer, BLAS's threads wait for each other for most of the time;
# with more, a row that is judged alone would take longer.
BLOCK = 1024


def in_blocks(function: Callable[[Matrix], Vector], x: Matrix, size: int = BLOCK) -> Vector:
    """Map rows in blocks, the last one filled up with zeros.

    A matrix product rounds by its shape. So blocks of one shape make a row's result free of the
    rows that come with it.
    """
    results = np.empty(len(x))
    for start in range(0, len(x), size):
        block = x[start : start + size]
        n = len(block)
        if n < size:
            block = np.concatenate([block, np.zeros((size - n, x.shape[1]), np.float32)])
        results[start : start + n] = function(block)[:n]
    return results
