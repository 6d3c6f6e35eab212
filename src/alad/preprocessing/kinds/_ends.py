"""The lowest and the highest number of a column, and numbers that stand for a missing one.

Beside a few -999, values from 0.1 to 0.9 would be one number to a model: scaled together, the
former are all that the column tells.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field

import numpy as np
import polars as pl

CLOSE = 2.0**-10  # of the largest, by how much numbers differ at most that hardly differ
SAME = 2.0**-42  # likewise of numbers that differ by rounding alone, as sums of many do
WELL = 2**16  # up to this the steps of float32 are less than a hundredth

APART = 3  # widths of the others, how far outside of them a mark is at least
FAR = 10  # likewise of a number that is pointed at
NINES = {
    *(-float("9" * n) for n in range(2, 8)),
    *(float("9" * n) for n in range(3, 8)),  # 99 and 99.9 may be per cent
    *(-99.9, -99.99),
    *(sign * nines for sign in (-1, 1) for nines in (999.9, 999.99, 9999.9, 9999.99)),
}
OF_WHOLE = {-(2.0**15), -(2.0**31), 2.0**31 - 1, -(2.0**63)}  # where whole numbers of a width end
MARKS = NINES | OF_WHOLE
PERHAPS = {0.0, -1.0}  # only a person can tell
OFTEN = 2  # times that a positive mark comes at least: a single 999 may be the highest of all


def plain(series: pl.Series) -> pl.Series:
    """Whole numbers as they are, others as Float64 with null where one is missing."""
    number = seconds(series)
    return number.fill_nan(None) if number.dtype.is_float() else number


def seconds(series: pl.Series) -> pl.Series:
    """Whole numbers as they are, others as Float64, durations as seconds; missing ones stay so."""
    if series.dtype.is_integer():
        return series
    if series.dtype == pl.Duration:
        series = series.dt.total_microseconds().cast(pl.Float64) / 1e6
    return series.cast(pl.Float64)


class Ends:
    """The lowest and the highest number of a stream, to the digit.

    >>> ends = Ends()
    >>> ends.update(pl.Series([76561198000000001, None, 76561198000000400]))
    >>> ends.high - ends.low, ends.step, ends.merged(400)
    (399, 8589934592.0, True)
    """

    def __init__(self) -> None:
        self.low: float = np.inf
        self.high: float = -np.inf
        self.are_whole = True

    def update(self, numbers: pl.Series) -> None:
        """Take in plain numbers, one of which at least is there."""
        self.low, self.high = min(self.low, numbers.min()), max(self.high, numbers.max())  # type: ignore[type-var, assignment]
        if self.are_whole and numbers.dtype.is_float():
            self.are_whole = bool((numbers == numbers.floor()).all())

    @property
    def width(self) -> float:
        """From the lowest to the highest; below 0 if there are none."""
        return self.high - self.low

    @property
    def size(self) -> float:
        """How far from 0 the farthest is."""
        return max(abs(self.low), abs(self.high))

    @property
    def are_one(self) -> bool:
        """Whether all are one number, or differ by rounding alone where they are no whole ones."""
        return self.width <= (0 if self.are_whole else SAME * self.size)

    @property
    def are_one_in_float32(self) -> bool:
        """Whether all are one number that float32 holds, and tells well from others."""
        return self.are_one and self.size < WELL and float(np.float32(self.low)) == self.low

    @property
    def are_close(self) -> bool:
        """Whether all hardly differ for their size."""
        return self.width <= CLOSE * self.size

    @property
    def step(self) -> float:
        """From the number that is furthest from 0 to the next one of float32."""
        return float(np.spacing(np.float32(self.size)))

    def merged(self, rows: int) -> bool:
        """Whether float32 leaves no more than half as many numbers as there may be whole ones."""
        return self.are_whole and 2 * (self.width / self.step + 1) <= min(rows, self.width + 1)

    def distance(self, number: float) -> float:
        """How far outside a number lies; below 0 within."""
        return max(self.low - number, number - self.high)

    def have_outside(self, number: float, widths: float) -> bool:
        """Whether a number lies so many widths outside."""
        return 0 <= widths * self.width <= self.distance(number)


def forms(mark: float) -> set[float]:
    """A number as float64 has it, and a fraction as float32 has it.

    >>> len(forms(-99.9)), forms(2.0**31 - 1)
    (2, {2147483647.0})
    """
    return {mark} if float(mark).is_integer() else {mark, float(np.float32(mark))}


FORMS: Mapping[float, float] = {form: mark for mark in MARKS | PERHAPS for form in forms(mark)}


@dataclass
class Found:
    """What the numbers of a stream turned out to be."""

    ends: Ends
    """Of all but the marks."""
    marks: dict[float, int] = field(default_factory=dict)
    """The numbers that stand for a missing one, and how often each came."""
    perhaps: dict[float, int] = field(default_factory=dict)
    """Numbers that may, but are taken for numbers."""


class Numbers:
    """The ends of a stream of numbers, with those held apart that may be marks.

    A mark is written as one (-999, 9999.9, the lowest of int32), and is far outside of all others.

    >>> numbers = Numbers()
    >>> numbers.update(pl.Series([0.1, -999, 0.9, -999]))
    >>> numbers.found.marks, numbers.found.ends.low
    ({-999.0: 2}, 0.1)
    >>> numbers.update(pl.Series([-300.0]))
    >>> numbers.found.marks, numbers.found.ends.low
    ({}, -999.0)
    """

    def __init__(self) -> None:
        self._others = Ends()
        self._held: dict[float, int] = {}
        self._are_ints = True

    def update(self, numbers: pl.Series, look: bool = True) -> None:
        """Take in plain numbers; ``look`` for marks."""
        numbers = numbers.drop_nulls()
        self._are_ints &= numbers.dtype.is_integer()
        while look and len(numbers) and (mark := self._at_an_end(numbers)) is not None:
            others = without_marks(numbers, [mark]).drop_nulls()
            self._held[mark] = self._held.get(mark, 0) + len(numbers) - len(others)
            numbers = others
        if len(numbers):
            self._others.update(numbers)

    def _at_an_end(self, numbers: pl.Series) -> float | None:
        """The lowest number or the highest, if it may be a mark beside all that came so far."""
        known = (FORMS.get(end) for end in (numbers.min(), numbers.max()))  # type: ignore[arg-type]
        return next((mark for mark in known if mark is not None and self._may_be(mark)), None)

    def _may_be(self, mark: float) -> bool:
        return self._others.width < 0 or self._others.have_outside(mark, APART)

    @property
    def found(self) -> Found:
        """What they turned out to be."""
        found = self.found_so_far
        is_one = found.ends.width <= 0  # beside a single number nothing is far
        for mark, count in list(found.marks.items()):
            is_rare = mark > 0 and count < OFTEN
            if is_rare and not is_one:
                found.perhaps[mark] = count
            if is_rare or is_one:
                del found.marks[mark]
                found.ends.update(self._alike(mark))
        return found

    @property
    def found_so_far(self) -> Found:
        """The same before all are known: then what may be a mark is one.

        More numbers make fewer of these, never others.
        """
        ends = copy(self._others)
        found = Found(ends)
        perhaps, marks = ([n for n in sorted(self._held) if n in some] for some in (PERHAPS, MARKS))
        if ends.width > 0:
            found.perhaps |= {n: self._held[n] for n in perhaps if ends.have_outside(n, FAR)}
        for number in perhaps:  # a number all the same, before others are held against it
            ends.update(self._alike(number))
        for number in sorted(marks, key=ends.distance):
            if ends.have_outside(number, APART):
                found.marks[number] = self._held[number]
            else:
                ends.update(self._alike(number))
        return found

    def _alike(self, number: float) -> pl.Series:
        """The number in the type of the others."""
        return pl.Series([int(number) if self._are_ints else number])


def without_marks(series: pl.Series, marks: Collection[float]) -> pl.Series:
    """The column with missing values for those numbers, to the digit.

    Fractions count as float32 has them, too: a table may come in it.

    >>> without_marks(pl.Series([0.5, -999, 0.25]), [-999.0]).to_list()
    [0.5, None, 0.25]
    """
    if not marks or not series.dtype.is_numeric():
        return series
    is_whole = series.dtype.is_integer()
    numbers = series if is_whole else series.cast(pl.Float64)
    for form in (form for mark in marks for form in forms(mark)):
        is_mark = _equal(numbers, as_written(form) if is_whole else float(form))
        if is_mark is not None and is_mark.any():
            series = series.set(is_mark.fill_null(False), None)
    return series


def _equal(numbers: pl.Series, number: float) -> pl.Series | None:
    """Where numbers are that one; None if their type has it not."""
    try:
        return numbers == number
    except OverflowError:
        return None


def told(marks: Mapping[float, int] | Iterable[float]) -> str:
    """The numbers in words, whole ones without a point.

    >>> told([-999.0, 9999.9])
    '-999, 9999.9'
    """
    return ", ".join(str(as_written(mark)) for mark in marks)


def as_written(mark: float) -> float:
    """A whole number as such."""
    return int(mark) if float(mark).is_integer() else mark
