"""What was found out about some rows, and how it reads."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alad.errors import InputError
from alad.preprocessing.digits import DIGITS, as_needed, digits_beside, is_number, is_single
from alad.preprocessing.kinds.times import to_the_second
from alad.preprocessing.letters import LONGEST, tells_length, told_apart, with_length

ORDINARY = 0.1  # a value as rare as that says little by itself
SAME = "as a normal row in every column that counts"
NEVER = "never seen at fit"


@dataclass(frozen=True)
class Reasons:
    """Reasons for the scores of n rows of c columns, beside m reference normal rows.

    Attributes
    ----------
    columns : tuple of str
    contributions : ndarray of shape (n, c), float64
        How much each column adds to the score (:mod:`alad.reasons.contributions`); a row's add
        up to ``anomaly_score - expected_score``.
    seen, expected : polars.DataFrame of n rows and c columns
        The rows, and the normal row that each is compared with. Times are seen to the second, in
        UTC if they tell a zone: on the clock of those expected.
    rarity : ndarray of shape (n, c), float64
        The share of reference normal rows with a value at least as extreme or as rare: 1 is
        ordinary, 0 was never seen. NaN where there is no reference.
    nearest : ndarray of shape (n, k), int64
        The nearest normal rows, as places in ``normals``.
    normals : polars.DataFrame of m rows and c columns
    anomaly_score, expected_score : ndarray of shape (n,), float64
        A of the rows and of the expected ones.
    never_seen : ndarray of shape (n, c), bool, optional
        Where a value is known to be none of those of fit though its features are like those of
        others: text of many values, addresses, hosts.
    """

    columns: tuple[str, ...]
    contributions: NDArray[np.float64]
    seen: pl.DataFrame
    expected: pl.DataFrame
    rarity: NDArray[np.float64]
    nearest: NDArray[np.int64]
    normals: pl.DataFrame
    anomaly_score: NDArray[np.float64]
    expected_score: NDArray[np.float64]
    never_seen: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.contributions)

    def top(self, k: int = 3) -> NDArray[np.int64]:
        """Give the places of the k columns that contribute most, (n, at most k), in order.

        A value that no normal row has comes before all that are not unusual by themselves: where
        several are extreme at once, each alone may hardly lower the score.
        """
        if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
            raise InputError(f"Expected to be asked for at least 1 reason; got {k!r}.")
        return self._order[:, :k]

    def text(self, i: int, k: int = 0) -> str | None:
        """Say in a line what is strange of row i: its first reason, or the k-th after that.

        None if neither that column nor one after it adds anything to the score. Of a row that is as
        its normal row in every column that counts, the first says so.
        """
        if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 0:
            raise InputError(f"Expected the place of a reason, 0 for the first; got {k!r}.")
        if k >= len(self.columns):
            return None
        if k < self._reasons[i]:
            return self._said(i, int(self._order[i, k]))
        return SAME if k == 0 and not self.contributions[i].any() else None

    def to_frame(self, k: int = 3) -> pl.DataFrame:
        """Give the first k reasons of every row, as text in the columns reason_1 to reason_k."""
        self.top(k)  # refuses less than one
        said = {f"reason_{n + 1}": [self.text(i, n) for i in range(len(self))] for n in range(k)}
        return pl.DataFrame(said, schema=dict.fromkeys(said, pl.String))

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        """(n, c) all columns of each row, as :meth:`top` has them."""
        order = np.argsort(-self.contributions, axis=1, kind="stable")
        rarity = np.take_along_axis(self.rarity, order, axis=1)
        precedes = _from_the_end(rarity == 0)  # a value that no normal row has
        part = np.where(precedes, rarity > ORDINARY, 2)
        by_part = np.argsort(part, axis=1, kind="stable")
        ordered: NDArray[np.int64] = np.take_along_axis(order, by_part, axis=1)
        return ordered

    @cached_property
    def _reasons(self) -> NDArray[np.int64]:
        """(n,) how many reasons a row has: all up to the last that adds something."""
        adds = np.take_along_axis(self.contributions, self._order, axis=1) > 0
        found: NDArray[np.int64] = _from_the_end(adds).sum(axis=1)
        return found

    def _said(self, i: int, place: int) -> str:
        name = self.columns[place]
        seen, expected = self.seen[name][i], self.expected[name][i]
        what, instead = side_by_side(seen, expected)
        words = [f"expected {instead}", *self._how_rare(i, place)]
        return f"{name} {what} ({'; '.join(words)})"

    def _how_rare(self, i: int, place: int) -> list[str]:
        if self.never_seen is not None and self.never_seen[i, place]:
            return [NEVER]
        share, m = self.rarity[i, place], self.normals.height
        if not np.isfinite(share):
            return []
        if share > ORDINARY:
            return ["not unusual by itself"]
        name = self.columns[place]
        is_one = is_number(self.seen[name][i]) and self.expected[name].dtype.is_numeric()
        kind = "extreme" if is_one else "rare"  # a port is a number, and no more than a name
        return [f"{f'1 in {1 / share:,.0f}' if share else f'none of {m:,}'} normals is as {kind}"]


def _from_the_end(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(n, c) whether a flag stands here or further on in its line."""
    found: NDArray[np.bool_] = np.logical_or.accumulate(flags[:, ::-1], axis=1)[:, ::-1]
    return found


def side_by_side(seen: Any, *expected: Any) -> list[str]:
    """Give the value that was seen and those that it stands beside as text, so that they differ.

    Of long texts the middle is left out, but not where they begin to differ; where a length is
    expected, that of what was seen is told.

    >>> side_by_side(300.0052, 300.00128), side_by_side("GET /", "~58 characters, ~6 words")
    (['300.0052', '300.001'], ['GET / (5 characters)', '~58 characters, ~6 words'])
    """
    what = as_seen(seen, *expected[:1])
    texts = [what, *(what if value == seen else said_beside(value, seen) for value in expected)]
    if any(len(text) > LONGEST for text in texts):
        texts = [*map(told_apart(texts).__getitem__, texts)]
    what, *beside = texts
    is_of_length = isinstance(seen, str) and any(map(tells_length, expected))
    return [with_length(what, seen) if is_of_length else what, *beside]


def as_seen(value: Any, beside: Any = None) -> str:
    """Give a value as text, as it was written; a number of many digits to those that are needed.

    >>> as_seen(2400000055.4), as_seen(float(np.float32(0.1))), as_seen(54540.0), as_seen("http")
    ('2400000055.4', '0.1', '54540', 'http')
    >>> as_seen(7243.988416762104, 9.524)
    '7243.99'
    """
    value = as_needed(value, beside)
    is_short = not isinstance(value, float) or (value.is_integer() and abs(value) < 1e15)
    if is_short or not np.isfinite(value):
        return said(value)
    return str(np.float32(value) if is_single(value) else value)


def said_beside(value: Any, seen: Any) -> str:
    """Give a value as text, numbers to as many digits as tell them from the one that was seen.

    >>> said_beside(300.00128, 295.0), said_beside(300.00128, 300.0052)
    ('300', '300.001')
    """
    return said(value, digits_beside(value, seen))


def said(value: Any, digits: int = DIGITS) -> str:
    """Give a value as text, numbers to four digits unless they are whole.

    >>> said(54540.0), said(0.123456), said(None), said("http"), said(True)
    ('54540', '0.1235', 'missing', 'http', 'true')
    """
    if value is None or value != value:
        return "missing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.datetime | dt.time):
        return to_the_second(value)
    if not isinstance(value, float):
        return str(value)
    if value.is_integer() and abs(value) < 1e15:
        return f"{value:.0f}"
    if not 1e-4 <= abs(value) < 1e15:
        return f"{value:.{digits}g}"
    return np.format_float_positional(value, digits, fractional=False, trim="-")
