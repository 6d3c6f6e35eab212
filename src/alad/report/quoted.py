"""Reasons as a scored table has them, for alerts that the model at hand cannot explain.

``alad score --reasons K`` writes them as text, the most important first. How much each brings is
not told.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

REASON = re.compile(r"reason_[1-9]\d*")
EXPECTED = " (expected "


@dataclass(frozen=True)
class QuotedReasons:
    """What the table says of n rows of c columns; a contribution is an order, not an amount."""

    columns: tuple[str, ...]
    contributions: NDArray[np.float64]
    seen: pl.DataFrame
    expected: pl.DataFrame
    rarity: NDArray[np.float64]
    nearest: NDArray[np.int64]
    """(n, 0): no row is told whole."""


def columns_of_reasons(names: Sequence[str]) -> tuple[str, ...]:
    """The columns that hold reasons, the first reason first.

    >>> columns_of_reasons(["reason_10", "reason_2", "reasons", "reason_1"])
    ('reason_1', 'reason_2', 'reason_10')
    """
    found = [name for name in names if REASON.fullmatch(name)]
    return tuple(sorted(found, key=lambda name: int(name.removeprefix("reason_"))))


def read(rows: pl.DataFrame, columns: Sequence[str]) -> QuotedReasons | None:
    """Give the reasons that rows have; None where they have none, or of other columns."""
    names = [name for name in columns_of_reasons(rows.columns) if rows[name].dtype == pl.String]
    if not names:
        return None
    by_length = sorted(columns, key=len, reverse=True)  # a name may begin with another
    contributions = np.zeros((rows.height, len(columns)))
    expected: dict[str, list[str | None]] = {name: [None] * rows.height for name in columns}
    for k, name in enumerate(names):
        for i, text in enumerate(rows[name]):
            column = next((c for c in by_length if (text or "").startswith(f"{c} ")), None)
            if column is None or text is None:
                continue
            contributions[i, columns.index(column)] = len(names) - k
            expected[column][i] = _expected(text)
    if not contributions.any():
        return None
    seen = rows.select(columns)
    as_seen = [_like(pl.Series(c, expected[c], pl.String), seen[c]) for c in columns]
    unknown, none = np.full(contributions.shape, np.nan), np.empty((rows.height, 0), np.int64)
    return QuotedReasons(tuple(columns), contributions, seen, pl.DataFrame(as_seen), unknown, none)


def _expected(text: str) -> str | None:
    """The expected value of a reason: the last one, for what was seen may read like another.

    >>> _expected("path /a (expected /b; 1 in 200 normals is as rare)")
    '/b'
    """
    _, start, told = text.rpartition(EXPECTED)
    if not (start and told.endswith(")")):
        return None
    value, semicolon, _ = told.removesuffix(")").rpartition("; ")
    return value if semicolon else told.removesuffix(")")


def _like(expected: pl.Series, seen: pl.Series) -> pl.Series:
    """As numbers, if all are and numbers were seen."""
    if not seen.dtype.is_numeric():
        return expected
    numbers = expected.cast(pl.Float64, strict=False)
    return numbers if numbers.null_count() == expected.null_count() else expected
