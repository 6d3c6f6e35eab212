"""So many alerts for each day, or for each of whatever else: the highest scores of every group."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from alad.calibration import _checks
from alad.errors import InputError


class Budget:
    """The ``most`` highest scores of every group, of rows that come in batches.

    Of equal scores the earlier row goes first, so that there are never more than ``most``; a
    group of fewer rows has them all. What is kept grows with the groups, not with the rows.

    A budget says how many alerts there are and nothing of how many of them are false.

    >>> budget = Budget(2)
    >>> budget.add(["a", "a", "b", "a"], [1.0, 3.0, 0.5, 3.0])
    >>> budget.add(["a", "b"], [2.0, 0.1])
    >>> budget.rows().tolist()
    [1, 2, 3, 5]
    """

    def __init__(self, most: int) -> None:
        if isinstance(most, bool) or not isinstance(most, int | np.integer) or most < 1:
            raise InputError(f"Expected a budget of at least 1 alert; got {most!r}.")
        self.most = int(most)
        self.seen = 0
        self._kept: pl.DataFrame | None = None

    def add(self, groups: pl.Series | list[str | None], scores: ArrayLike) -> None:
        """Take the next n rows: the group of each and its anomaly score, larger = worse.

        Raises
        ------
        InputError
            There are more scores than groups or the reverse, or one is NaN.
        """
        a = _checks.comparable("scores", scores)
        if len(groups) != len(a):
            raise InputError(f"Expected a group for each of {len(a)} scores; got {len(groups)}.")
        new = pl.DataFrame(
            {
                "group": _as_text(pl.Series(groups)),
                "score": a,
                "row": np.arange(self.seen, self.seen + len(a)),
            }
        )
        self.seen += len(a)
        both = new if self._kept is None else pl.concat([self._kept, new])
        ordered = both.sort("score", "row", descending=[True, False])
        self._kept = ordered.group_by("group", maintain_order=True).head(self.most)

    def rows(self) -> NDArray[np.int64]:
        """The rows within the budget, counted from 0 over all batches, ascending."""
        if self._kept is None:
            return np.zeros(0, np.int64)
        return np.sort(self._kept["row"].to_numpy())

    @property
    def groups(self) -> int:
        """How many groups there were."""
        return 0 if self._kept is None else self._kept["group"].n_unique()

    @property
    def ends(self) -> tuple[str, str] | None:
        """The first and the last group in the order of their names: of days, the span."""
        groups = None if self._kept is None else self._kept["group"].drop_nulls()
        return None if groups is None or groups.is_empty() else (groups.min(), groups.max())  # type: ignore[return-value]

    def lowest(self) -> float | None:
        """The lowest score within the budget."""
        if self._kept is None or not self._kept.height:
            return None
        return float(self._kept["score"].to_numpy().min())


def _as_text(groups: pl.Series) -> pl.Series:
    """Groups as text, 1.0 as 1: whole numbers are floats in a batch that has gaps."""
    text = groups.cast(pl.String)
    if not groups.dtype.is_float():
        return text
    whole = groups.cast(pl.Int64, strict=False)
    return text.zip_with((whole != groups).fill_null(True), whole.cast(pl.String))
