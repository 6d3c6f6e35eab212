"""The features of columns in a matrix: how they are written there, and what they say of a value."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alad.preprocessing.columns import Column
from alad.preprocessing.kinds._base import Bools, Float32s

BLOCK = 4096  # rows written at a time: their part of the matrix stays in the cache


def decoded(part: NDArray[Any], column: Column) -> pl.Series:
    """The values that a column's features say, null where they are those of a missing one."""
    is_missing = part[:, -1] >= 0.5 if column.flags_missing else are_gaps(part, column)
    told = column.of_kind.decode(part[:, :-1] if column.flags_missing else part, column)
    if not is_missing.any():
        return told
    present = pl.Series(~is_missing)
    return told.to_frame().select(pl.when(present).then(pl.col(column.name)))[column.name]


def are_gaps(part: NDArray[Any], column: Column) -> Bools:
    """Where features (n, f) are those of a missing value, if fit saw none."""
    if not column.gap:
        return np.zeros(len(part), np.bool_)
    is_gap: Bools = (part.astype(np.float32) == np.array(column.gap, np.float32)).all(axis=1)
    return is_gap


def legal(part: NDArray[Any], column: Column) -> NDArray[Any]:
    """The nearest features that the column may have; those of a gap where its flag says so."""
    if not column.flags_missing:
        return column.of_kind.legal(part, column)
    encoded = column.of_kind.encode(pl.Series(column.name, [None]), column).features
    of_gap = np.array([feature[0] for feature in encoded], np.float32)
    gap = part[:, -1:] >= 0.5
    values = column.of_kind.legal(part[:, :-1], column)
    return np.hstack([np.where(gap, of_gap, values), gap])


def written(
    n: int,
    f: int,
    dense: list[tuple[int, NDArray[Any]]],
    coded: list[tuple[int, NDArray[np.int64], tuple[int, ...]]],
) -> Float32s:
    """Fill the matrix block by block of rows, so that writing down columns stays in the cache.

    Each column has the position of its features; of categories with their codes, and the places
    that are -1 for none of them (:class:`alad.preprocessing.kinds._base.Encoded`).
    """
    x = np.zeros((n, f), np.float32)
    for start in range(0, n, BLOCK):
        rows = slice(start, start + BLOCK)
        block = x[rows]
        for position, values in dense:
            block[:, position] = values[rows]
        for position, codes, against in coded:
            _mark(block[:, position:], codes[rows], against)
    return x


def _mark(block: Float32s, codes: NDArray[np.int64], against: tuple[int, ...]) -> None:
    """Put a 1 in the place of each row's category, and -1 in those that are against all of them."""
    seen = codes >= 0
    rows, others = np.flatnonzero(seen), np.flatnonzero(~seen)
    block[rows, codes[rows]] = 1
    for place in against:
        block[others, place] = -1
