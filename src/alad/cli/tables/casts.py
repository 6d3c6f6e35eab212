"""What a column is: settled by all of its values, or as the model knows it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute

from alad.cli.tables.table import HEXADECIMAL, LISTS, Table, as_lists
from alad.errors import InputError
from alad.preprocessing.columns import Column
from alad.preprocessing.frames import as_text
from alad.preprocessing.kinds._base import (
    LARGEST,
    LARGEST_WHOLE,
    without_absent,
    written_numbers,
)
from alad.preprocessing.kinds._instants import no_times
from alad.preprocessing.kinds.numbers import EXACT, NUMBERS, origin_of
from alad.preprocessing.kinds.times import form_of

# What a column of text may be, in the order in which Arrow's reader of CSV tries.
CANDIDATES = (
    pa.int64(),
    pa.bool_(),
    pa.date32(),
    pa.time32("s"),
    pa.timestamp("s"),
    pa.timestamp("s", "UTC"),
    pa.timestamp("ns"),
    pa.timestamp("ns", "UTC"),
    pa.float64(),
)

SOME = 64  # values that are tried before all
WHOLE = r"^[+-]?[0-9]+$"

Types = Mapping[str, Any]  # of Arrow where text was tried, else of polars


class Settling:
    """Looks at batch after batch, and says which types hold the values of all.

    Parameters
    ----------
    place : what to call the table in a message.
    infers : the columns whose text may be anything, as in CSV, rather than text.
    skips : whether true and false among numbers are 1 and 0, rather than refused.

    >>> settling = Settling("a.csv", infers=("n", "s"))
    >>> settling.update(pl.DataFrame({"n": ["1", None], "s": ["1", "2"]}))
    >>> settling.update(pl.DataFrame({"n": ["2.5", "3"], "s": ["x", None]}))
    >>> {name: str(dtype) for name, dtype in settling.types().items()}
    {'n': 'double', 's': 'String'}
    """

    def __init__(self, place: str, *, infers: Collection[str], skips: bool = False) -> None:
        self.place, self.infers, self.skips = place, infers, skips
        self._possible: dict[str, list[pa.DataType]] = {}
        self._found: dict[str, pl.DataType] = {}

    @classmethod
    def of(cls, table: Table) -> Settling:
        """Begin with a table."""
        return cls(table.place, infers=table.infers, skips=table.bad is not None)

    def update(self, frame: pl.DataFrame) -> None:
        """Look at one more batch."""
        for series in frame.iter_columns():
            name, dtype = series.name, series.dtype
            if name in self.infers and dtype == pl.String and series.null_count() < len(series):
                possible = self._possible.get(name, list(CANDIDATES))
                self._possible[name] = _possible(series, possible)
            self._found[name] = self._joined(name, self._found.get(name, pl.Null()), dtype)

    def types(self) -> Types:
        """The type of every column so far."""
        return {name: self._type(name, dtype) for name, dtype in self._found.items()}

    def _type(self, name: str, found: pl.DataType) -> Any:
        if not (name in self.infers and found == pl.String):
            return found
        return (
            next(iter(self._possible.get(name, [])), found) if name in self._possible else pl.Null()
        )

    def _joined(self, name: str, one: pl.DataType, other: pl.DataType) -> pl.DataType:
        if one == other or other == pl.Null:
            return one
        if one == pl.Null:
            return other
        if LISTS in (one, other):
            return LISTS
        if pl.String in (one, other):
            return pl.String()
        if one.is_numeric() and other.is_numeric():
            return pl.Float64() if one.is_float() or other.is_float() else pl.Int128()
        if self.skips:
            return pl.Float64()
        raise InputError(
            f"Expected one type in column {name!r} of {self.place}; got {one} and {other}. Make "
            "it all numbers, all text or all true and false."
        )


def settled(frame: pl.DataFrame, types: Types) -> pl.DataFrame:
    """Give the columns of a batch the types that hold the values of all batches."""
    return frame.with_columns(_as(series, types[series.name]) for series in frame.iter_columns())


def read_in_batches(table: Table, columns: Sequence[str]) -> pl.DataFrame:
    """Give all rows of a table, with the types that hold them all."""
    settling, frames = Settling.of(table), []
    for frame in table.batches(columns):
        settling.update(frame)
        frames.append(frame)
    return pl.concat(settled(frame, settling.types()) for frame in frames)


def _possible(text: pl.Series, candidates: list[pa.DataType]) -> list[pa.DataType]:
    """Which types can hold these values too."""
    some = text.drop_nulls().head(SOME)  # to find out that a type cannot hold all takes long
    found: list[pa.DataType] = []
    for dtype in candidates:
        if pa.int64() in found and dtype not in (pa.bool_(), pa.float64()):
            continue  # whole numbers are no dates
        is_wider = dtype == pa.float64() and pa.int64() in found
        if is_wider or all(_cast(part, dtype) is not None for part in (some, text)):
            found.append(dtype)
    return found


def _cast(text: pl.Series, dtype: pa.DataType) -> pl.Series | None:
    """Text as another type, spaces around it left aside; None where a value is no such thing."""
    if dtype == pa.time32("s"):  # which Arrow does not cast text to
        times = text.str.strip_chars().str.to_time("%H:%M:%S", strict=False)
        return times if times.null_count() == text.null_count() else None
    if dtype == pa.int64() and text.str.contains(HEXADECIMAL).any():
        return None
    values = text.to_arrow(compat_level=pl.CompatLevel.oldest())
    try:
        found = pa.compute.cast(pa.compute.utf8_trim_whitespace(values), dtype)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    series = pl.from_arrow(found)
    assert isinstance(series, pl.Series)
    return series.rename(text.name)


def _as(series: pl.Series, dtype: Any) -> pl.Series:
    if isinstance(dtype, pa.DataType):
        found = series if series.dtype != pl.String else _cast(series, dtype)
        if found is None:
            raise InputError(
                f"Expected {dtype} in column {series.name!r}, as in the first reading; got "
                "something else. Fit a copy of the table that nobody writes to."
            )
        return found
    if dtype == LISTS and series.dtype not in (LISTS, pl.Null):
        return as_lists(_as(series, pl.String()))
    if dtype == pl.String and series.dtype.is_float():  # 1.0 beside text reads as 1
        return as_text(series)
    return series.cast(dtype)


def as_at_fit(frame: pl.DataFrame, schema: Collection[Column]) -> pl.DataFrame:
    """Give columns the types that fit saw: text that is a number in every row becomes numbers.

    ``-`` among numbers is missing, as at fit. A column that holds something else stays text: the
    encoder refuses it by name.
    """
    return frame.with_columns(
        _numbers(without_absent(frame[column.name]), column)
        for column in schema
        if column.of_kind.is_number
        and column.name in frame.columns
        and frame[column.name].dtype == pl.String
    )


def without_odd_values(
    frame: pl.DataFrame, schema: Collection[Column]
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Take for missing what is no number that float32 holds, or no time, where fit saw such.

    Of other kinds every value is judged. Beside the columns stands in how many rows of each that
    was so.

    >>> without_odd_values(pl.DataFrame({"n": ["1", "x"]}), [Column("n", "numeric")])[1]
    {'n': 1}
    """
    given = [column for column in schema if column.name in frame.columns]
    odd = {x.name: _no_numbers(frame[x.name], x) for x in given if x.of_kind.is_number}
    odd |= {x.name: no_times(frame[x.name], form_of(x.learned)) for x in given if x.kind == "time"}
    counts = {name: n for name, is_odd in odd.items() if (n := int(is_odd.sum()))}
    frame = frame.with_columns(frame[name].set(odd[name], None) for name in counts)
    words = [x.name for x in given if not (x.of_kind.is_number or x.kind == "time")]
    return frame.with_columns(_fractions_as_text(frame[name]) for name in words), counts


def _fractions_as_text(series: pl.Series) -> pl.Series:
    """Whole numbers among which one is none, as text; anything else as it is."""
    if not series.dtype.is_float():
        return series
    is_whole = (series.floor() == series) & (series.abs() < LARGEST_WHOLE)
    if (series.is_nan() | is_whole).all():
        return series
    whole = series.set(~is_whole.fill_null(False), None).cast(pl.Int64)
    return whole.cast(pl.String).zip_with(is_whole.fill_null(True), series.cast(pl.String))


def _no_numbers(series: pl.Series, column: Column) -> pl.Series:
    """Where a value is there and is no number, or none that float32 holds."""
    numbers = series
    if series.dtype == pl.String:
        text = without_absent(series).str.strip_chars()
        series = text
        if column.kind == "boolean":
            text = text.str.to_lowercase().replace({"true": "1", "false": "0"})
        numbers = text.cast(pl.Float64, strict=False)
    if not numbers.dtype.is_float():
        return pl.repeat(False, len(series), eager=True)
    is_held = (numbers.abs() <= LARGEST) | numbers.is_nan()
    return series.is_not_null() & ~is_held.fill_null(False)


def _numbers(text: pl.Series, column: Column) -> pl.Series:
    """Numbers or truths of text; the text itself if any value is neither."""
    if column.kind != "boolean":
        origin = origin_of(column.learned)
        if origin and isinstance(origin, int):  # of whole numbers, to the last digit
            whole = text.str.strip_chars().cast(pl.Int128, strict=False)
            if whole.null_count() == text.null_count():
                return whole
        return written_numbers(text)
    numbers = written_numbers(
        text.str.strip_chars().str.to_lowercase().replace({"true": "1", "false": "0"})
    )
    if numbers.dtype != pl.Float64 or column.learned.get(NUMBERS):
        return numbers
    return numbers.cast(pl.Boolean) if numbers.is_in([0.0, 1.0]).all() else numbers


def as_copied(frame: pl.DataFrame, schema: Collection[Column]) -> pl.DataFrame:
    """Give columns of numbers, to be copied, types that leave every number what it is.

    Truths stay truths. What is no number in every row stays text.
    """
    known = {column.name: column for column in schema if column.of_kind.is_number}
    return frame.with_columns(
        _copied(series, known.get(series.name))
        for series in frame.iter_columns()
        if series.name in known or series.dtype == pl.Int128  # which Parquet has not
    )


def as_copied_from_odd(frame: pl.DataFrame, schema: Collection[Column]) -> pl.DataFrame:
    """As :func:`as_copied`, of one type in every batch: what is no number becomes missing.

    All columns that are not of numbers are text.
    """
    numbers = [c for c in schema if c.of_kind.is_number and c.name in frame.columns]
    found, _ = without_odd_values(frame.select([c.name for c in numbers]), numbers)
    found = as_copied(found, numbers).with_columns(pl.col(pl.String).cast(pl.Float64, strict=False))
    return frame.with_columns(pl.all().cast(pl.String)).with_columns(found.get_columns())


def _copied(series: pl.Series, column: Column | None) -> pl.Series:
    if column is None or column.kind != "boolean":
        return _exact(series)
    found = _numbers(without_absent(series), column) if series.dtype == pl.String else series
    return found if found.dtype == pl.String else found.cast(pl.Boolean)


def _exact(series: pl.Series) -> pl.Series:
    """Whole numbers as Int64, others as Float64; text where neither holds all digits.

    >>> _exact(pl.Series(["76561198000000001", "-"])).to_list()
    [76561198000000001, None]
    >>> _exact(pl.Series(["18446744073709551615", "1.5"])).to_list()
    ['18446744073709551615', '1.5']
    """
    if series.dtype.is_float():
        return series
    text = without_absent(series.cast(pl.String))
    trimmed = text.str.strip_chars()
    whole = trimmed.cast(pl.Int64, strict=False)
    if whole.null_count() == text.null_count():
        return whole
    numbers = written_numbers(text)
    if numbers.dtype != pl.Float64:
        return series
    is_rounded = trimmed.str.contains(WHOLE) & (numbers.abs() > EXACT)
    return text if is_rounded.any() else numbers


def as_numbers(frame: pl.DataFrame) -> np.ndarray[Any, Any]:
    """Give a frame as an array; text becomes numbers where all of a column can.

    Raises
    ------
    InputError
        A column holds something else.
    """
    frame = frame.with_columns(
        written_numbers(series) for series in frame.iter_columns() if series.dtype == pl.String
    )
    for series in frame.iter_columns():
        if not (series.dtype.is_numeric() or series.dtype in (pl.Boolean, pl.Null)):
            raise InputError(
                f"Expected numbers in column {series.name!r}, as in the array at fit; got "
                f"{series.dtype}. Correct the values, or cast the column to numbers."
            )
    return frame.to_numpy()
