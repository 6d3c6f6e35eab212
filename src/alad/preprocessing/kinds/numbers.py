"""Columns of numbers: numeric, log-numeric, boolean."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alad.errors import RowError
from alad.preprocessing.kinds._base import (
    TEXT,
    Batch,
    Bools,
    Encoded,
    Float32s,
    Kind,
    Learned,
    Learner,
    Settings,
    beyond,
    wrong,
)
from alad.preprocessing.kinds._ends import SAME, Ends, Found, Numbers, plain, seconds, told
from alad.preprocessing.kinds._formats import unit_of

if TYPE_CHECKING:
    from alad.preprocessing.columns import Column

NUMBERS = "numbers"  # of truths, whether they came as 0 and 1
ORIGIN = "origin"  # of numbers that hardly differ for their size, what they are told from
HEAVY = 2.0  # skewness; the scaling log-standard draws the line there as well
SURE = 50  # rows from which on growing numbers are pointed at
EXACT = 2**53  # up to this float64 holds every whole number
NAMES = 1000  # rows from which on they are taken for numbers of the rows
FIRST_DAY, LAST_DAY = 19_700_101, 20_991_231  # dates of digits
LOOKED_AT = 100_000  # numbers that the skewness is taken from


class Numeric(Kind):
    """The number itself, or by how much it is above the lowest of fit where those hardly differ.

    Models compute in float32, whose steps at 2,400,000,000 are 256; of a difference they are fine.
    """

    is_number = True

    def learner(self, name: str, settings: Settings) -> Learner:
        """Start to learn a column."""
        return NumberLearner("numeric", name, settings)

    def features(self, column: Column) -> dict[str, bool]:
        """One, named like the column."""
        return {column.name: False}

    def encode(self, series: pl.Series, column: Column) -> Encoded:
        """Give the number, or the training median where it is missing.

        Where fit saw a single number all others are news, and a model may not look at them.
        """
        origin = origin_of(column.learned)
        fill = np.float32(float(column.fill) - origin)
        values, gap = numbers(as_at_fit(series, column), origin)
        if isinstance(origin, float):  # what rounding makes of one number is to be one
            values = np.where(np.abs(values) <= SAME * abs(origin), np.float32(0), values)
        if gap.any():
            values = np.where(gap, fill, values)
        others = int((values != fill).sum()) if column.constant else 0
        return Encoded((values,), gap, others)

    def decode(self, part: NDArray[Any], column: Column) -> pl.Series:
        """Give the number."""
        return pl.Series(column.name, part[:, 0].astype(np.float64) + origin_of(column.learned))


class LogNumeric(Numeric):
    """sign(x) log(1 + |x|): for heavy tails on both sides of 0."""

    def learner(self, name: str, settings: Settings) -> Learner:
        """Start to learn a column."""
        return NumberLearner("log-numeric", name, settings)

    def features(self, column: Column) -> dict[str, bool]:
        """One, named as what it is."""
        return {f"log {column.name}": False}

    def encode(self, series: pl.Series, column: Column) -> Encoded:
        """Give the logarithm, taken in float32."""
        plain = super().encode(series, column)
        (x,) = plain.features
        return replace(plain, features=(signed_log(x),))

    def decode(self, part: NDArray[Any], column: Column) -> pl.Series:
        """Give the number again."""
        y = part[:, 0].astype(np.float64)
        with np.errstate(over="ignore"):
            return pl.Series(column.name, np.copysign(np.expm1(np.abs(y)), y))


def signed_log(x: NDArray[Any]) -> NDArray[Any]:
    """sign(x) log(1 + |x|)."""
    y: NDArray[Any] = np.copysign(np.log1p(np.abs(x)), x)
    return y


class Boolean(Numeric):
    """0 or 1."""

    def learner(self, name: str, settings: Settings) -> Learner:
        """Start to learn a column."""
        return BooleanLearner("boolean", name, settings)

    def features(self, column: Column) -> dict[str, bool]:
        """One, named like the column."""
        return {column.name: True}

    def encode(self, series: pl.Series, column: Column) -> Encoded:
        """Give 0 or 1; another number as it is, and counted as not seen."""
        plain = super().encode(series, column)
        (x,) = plain.features
        odd = int(((x != 0) & (x != 1)).sum())
        return replace(plain, unseen=max(plain.unseen, odd))

    def decode(self, part: NDArray[Any], column: Column) -> pl.Series:
        """True from a half on; 1 where fit saw numbers."""
        found = pl.Series(column.name, part[:, 0] >= 0.5)
        return found.cast(pl.Float64) if column.learned.get(NUMBERS) else found

    def legal(self, part: NDArray[Any], column: Column) -> NDArray[Any]:
        """Give 0 or 1."""
        return (part >= 0.5).astype(part.dtype)


class NumberLearner(Learner):
    """The median, whether the values differ, and what is odd about them."""

    def __init__(self, kind: str, name: str, settings: Settings) -> None:
        self.kind = kind
        self.numbers = Numbers()
        self.looks_for_marks = kind == "numeric" and not settings.is_stated
        self.origin: float = 0
        """What the sample is told from, as long as its numbers hardly differ for their size."""
        self.sample = Sample(settings.sample, settings.seed)
        self.last: Any = None
        self.increases = True

    def update(self, batch: Batch) -> None:
        """Take in some numbers; of durations the seconds."""
        series = _known(batch.series)
        if not _is_number(series):
            raise wrong(series.name, "numbers", first_text(series))
        values, gap = numbers(series)
        self._look(series)
        if gap.all():
            return
        look = self.looks_for_marks and series.dtype.is_numeric()
        self.numbers.update(plain(series), look)
        self._settle_origin()
        if self.origin:
            values, _ = numbers(series, self.origin)
        self.sample.add(values[~gap] if gap.any() else values)

    @property
    def ends(self) -> Ends:
        """Of the numbers that stand for themselves."""
        return self.numbers.found.ends

    @property
    def marks(self) -> dict[float, int]:
        """The numbers that stand for a missing one."""
        return self.numbers.found.marks

    def _settle_origin(self) -> None:
        """Numbers that once differ by much for their size never differ by little again."""
        found = self.numbers.found_so_far
        if found.ends.are_close:
            if self.origin in found.marks:
                self.sample.shift(self.origin - found.ends.low)
            if self.origin in found.marks or not self.sample.seen:
                self.origin = found.ends.low
        elif self.origin:
            self.sample.shift(self.origin)
            self.origin = 0

    def _look(self, series: pl.Series) -> None:
        """Find out whether whole numbers count the rows."""
        if not self.increases:
            return
        self.increases = series.dtype.is_integer() and series.null_count() == 0
        if self.increases and len(series):
            grows = bool((series[1:] > series[:-1]).all())  # differences may overflow
            self.increases = grows and (self.last is None or series[0] > self.last)
            self.last = series[-1]

    @property
    def names_rows(self) -> str:
        """Why the numbers name rows or things, and so measure nothing; empty if they may."""
        if self.kind != "numeric":
            return ""
        if self.ends.merged(self.sample.seen):
            return f"whole numbers up to {self.ends.high:,.0f}, which hardly differ for their size"
        if self.increases and self.sample.seen >= NAMES:
            return "whole numbers that grow from row to row"
        return ""

    @property
    def doubt(self) -> str:
        """What the numbers look like, if like times or names."""
        if self.kind != "numeric":
            return ""
        found = self.numbers.found
        if times := _looks_like_times(found.ends.low, found.ends.high):
            return times
        if self.increases and self.sample.seen >= SURE:
            return "grows from row to row: a number of the row, or a time?"
        return _may_be_marks(found) if self.looks_for_marks else ""

    def finish(self, has_missing: bool) -> Learned:
        """Say what was learned."""
        ends = self.ends
        is_close = self.origin and ends.are_close and not ends.are_one_in_float32
        is_told_from = is_close and self.kind == "numeric"
        return Learned(
            self.kind,
            fill=ends.low if ends.are_one else self._median(),
            constant=ends.are_one and not has_missing,
            learned={ORIGIN: ends.low} if is_told_from else {},
            note=self._note(),
        )

    def _drawn(self) -> Sample:
        """Those that were drawn, but for the marks."""
        if not self.marks:
            return self.sample
        low, high = self.ends.low - self.origin, self.ends.high - self.origin
        return self.sample.between(low - self.ends.width, high + self.ends.width)

    def _median(self) -> float:
        median = self.origin + self._drawn().median()
        return min(max(median, self.ends.low), self.ends.high) if self.marks else median

    @property
    def fingerprint(self) -> tuple[Any, ...]:
        """Equal where the same numbers came in the same order; of long streams, those drawn."""
        return self.ends.low, self.ends.high, self.sample.seen, self.sample.digest()

    def gap(self, learned: Learned) -> list[float]:
        """A number far above all others."""
        origin = origin_of(learned.learned)
        ends = self.ends.low - origin, self.ends.high - origin
        edges = np.array(ends, np.float32)  # as the features are
        if self.kind == "log-numeric":
            edges = signed_log(edges)
        return [beyond(*edges.tolist())]

    def _note(self) -> str:
        skewness = self._drawn().skewness() if self.kind == "numeric" else 0.0
        if abs(skewness) > HEAVY:
            return f"skewness {skewness:.1f}: log-numeric suits scalings other than log-standard"
        return ""


def is_date(x: float) -> bool:
    """Whether a number looks like a date of digits, as 20261126 does."""
    return FIRST_DAY <= x <= LAST_DAY and 1 <= x // 100 % 100 <= 12 and 1 <= x % 100 <= 31


def _may_be_marks(found: Found) -> str:
    """The numbers that only a person can tell from others."""
    if not found.perhaps:
        return ""
    are = "is far from the others" if len(found.perhaps) == 1 else "are far from the others"
    times = sum(found.perhaps.values())
    return (
        f"{told(found.perhaps)} ({times:,} value{'s' * (times != 1)}) {are}: if nothing was "
        f'measured there, "missing": [{told(found.perhaps)}]'
    )


def _looks_like_times(low: float, high: float) -> str:
    if unit := unit_of(low, high):
        return f"looks like {unit} since 1970: if so, kind time with the format {unit}"
    if is_date(low) and is_date(high):
        return "looks like dates, as in 20261126: if so, kind time with the format %Y%m%d"
    return ""


class BooleanLearner(NumberLearner):
    """The more frequent value; half and half counts as true."""

    are_numbers = False

    def update(self, batch: Batch) -> None:
        """Take in some values."""
        if _is_number(batch.series) and batch.series.dtype != pl.Boolean:
            odd = _odd(batch.series.cast(pl.Float64))
            if len(odd):
                raise wrong(batch.name, "only true and false, or 0 and 1,", odd[0])
        self.are_numbers |= batch.series.dtype != pl.Boolean
        super().update(batch)

    def finish(self, has_missing: bool) -> Learned:
        """Say what was learned."""
        learned = super().finish(has_missing)
        numbers = {NUMBERS: True} if self.are_numbers else {}
        fill = float(learned.fill >= 0.5)
        return Learned("boolean", fill=fill, constant=learned.constant, learned=numbers)

    def gap(self, learned: Learned) -> list[float]:
        """As far from true as that is from false, also where fit saw one of them only."""
        return [beyond(0.0, 1.0)]


def _odd(series: pl.Series) -> pl.Series:
    """The numbers that are neither 0 nor 1."""
    return series.filter((series != 0) & (series != 1)).fill_nan(None).drop_nulls()


class Sample:
    """A uniform draw of at most ``most`` numbers from a stream; all of them if ``most`` is None.

    Vitter's algorithm R. What is drawn does not depend on how the stream is cut into batches.

    >>> sample = Sample(3, seed=0)
    >>> sample.add(np.float32([1, 2])), sample.add(np.float32([9])), sample.median()
    (None, None, 2.0)
    """

    def __init__(self, most: int | None, seed: int) -> None:
        self.most, self.seen = most, 0
        self._drawn: list[Float32s] = []
        self._random = np.random.default_rng(seed)

    def add(self, values: Float32s) -> None:
        """Take in the next numbers."""
        room = len(values) if self.most is None else max(self.most - self.seen, 0)
        if room:
            self._drawn.append(values[:room])
        if len(values) > room:
            self._replace(values[room:], max(self.seen, self.most or 0))
        self.seen += len(values)

    def shift(self, by: float) -> None:
        """Add a number to all that were drawn."""
        self._drawn = [(self._whole.astype(np.float64) + by).astype(np.float32)]

    def _replace(self, values: Float32s, before: int) -> None:
        """The i-th number of the stream replaces a drawn one with the chance most / i."""
        if before == self.most:
            self._drawn = [np.concatenate(self._drawn)]  # a copy, to be written to
        position = before + 1 + np.arange(len(values))
        place = (self._random.random(len(values)) * position).astype(np.int64)
        taken = place < len(self._drawn[0])
        self._drawn[0][place[taken]] = values[taken]

    @property
    def _whole(self) -> Float32s:
        if len(self._drawn) > 1:
            self._drawn = [np.concatenate(self._drawn)]
        return self._drawn[0]

    def between(self, low: float, high: float) -> Sample:
        """Those of the drawn numbers that lie there; 0 if none does."""
        sample, drawn = Sample(None, 0), self._whole
        kept = drawn[(low <= drawn) & (drawn <= high)]
        sample.add(kept if len(kept) else np.zeros(1, np.float32))
        return sample

    def digest(self) -> bytes:
        """Of the drawn numbers; they come from the same places of every stream of one length."""
        return hashlib.blake2b(np.ascontiguousarray(self._whole).data).digest()

    def median(self) -> float:
        """Of the drawn numbers."""
        return float(np.median(self._whole.astype(np.float64)))

    def skewness(self) -> float:
        """Of the first drawn numbers; 0 if they are equal."""
        x = self._whole[:LOOKED_AT].astype(np.float64)
        x -= x.mean()
        square = x * x
        sd = float(np.sqrt(square.mean()))
        return float((square * x).mean() / sd**3) if sd > 0 else 0.0


def _known(series: pl.Series) -> pl.Series:
    """The column; one of which every value is missing, of whatever type, as missing numbers."""
    is_gone = series.dtype == pl.Null or (
        not _is_number(series) and series.null_count() == len(series)
    )
    return pl.Series(series.name, [None] * len(series), pl.Float64) if is_gone else series


def _is_number(series: pl.Series) -> bool:
    return series.dtype.is_numeric() or series.dtype in (pl.Boolean, pl.Duration)


def as_at_fit(series: pl.Series, column: Column) -> pl.Series:
    """Numbers as they are.

    Raises
    ------
    RowError
        It is something else; the message gives the first that is no number.
    """
    series = _known(series)
    if not _is_number(series):
        place = _first_odd(series)
        raise RowError(
            f"Expected numbers in column {column.name!r}, as at fit; got {series.dtype}, first "
            f"{series[place]!r} in row",
            place,
            ". Correct the value, or cast the column to numbers.",
        )
    return series


def first_text(series: pl.Series) -> Any:
    """The first text that is no number; if every text is one, the first text."""
    return series[_first_odd(series)]


def _first_odd(series: pl.Series) -> int:
    """The place of the first text that is no number, else of the first value."""
    present = series.is_not_null()
    odd = present
    if series.dtype in TEXT:
        odd &= series.cast(pl.String).cast(pl.Float64, strict=False).is_null()
    return int((odd if odd.any() else present).arg_max() or 0)


def origin_of(learned: Mapping[str, Any]) -> float:
    """What the numbers of a column are told from."""
    origin: float = learned.get(ORIGIN, 0)
    return origin


def numbers(series: pl.Series, origin: float = 0) -> tuple[Float32s, Bools]:
    """The numbers less ``origin`` in float32, NaN where one is missing, and where that is."""
    with np.errstate(over="ignore"):  # a number too large becomes infinite, and is refused
        values = less(series, origin).to_numpy().astype(np.float32)
    if np.isfinite(values).all():
        return values, np.zeros(len(values), np.bool_)
    infinite = np.isinf(values)
    if infinite.any():
        row = int(infinite.argmax())
        raise RowError(
            f"Expected finite numbers in column {series.name!r}; got {series[row]!r} in row",
            row,
            " (float32 ends at 3.4e38). Correct the value, or leave it out as missing.",
        )
    return values, np.isnan(values)


def less(series: pl.Series, origin: float) -> pl.Series:
    """The numbers less ``origin`` as Float64, whole ones to the digit; missing ones stay so.

    >>> less(pl.Series([2**60 + 1, 2**60 + 3]), 2**60 + 1).to_list()
    [0.0, 2.0]
    """
    exact = seconds(series)
    if origin and exact.dtype.is_integer() and isinstance(origin, int):
        exact = exact.cast(pl.Int128) - pl.Series([origin], dtype=pl.Int128)
    elif origin:
        exact = exact.cast(pl.Float64) - origin
    return exact.cast(pl.Float64)
