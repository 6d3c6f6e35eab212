"""A table of mixed columns as a float32 matrix, by rules that are learned once and kept.

==============================  =========================================================
in the table                    in the matrix
==============================  =========================================================
number, boolean                 itself, as one feature
text, categorical, enum         one-hot: one feature per category seen at fit, sorted
category not seen at fit        zeros in its block; counted in the notes
missing category                its own category ``<missing>`` if fit saw one, else zeros
missing number (null, NaN)      the median of the training values
... in a column with gaps       and a second feature, 1 where the value is missing
whole numbers, text at fit      read as text: ``1`` is the category ``"1"``
==============================  =========================================================

Refused, with a message that names the column: infinity, dates and durations, nested values, a
column without any value, text where fit saw numbers, more categories than ``max_categories``,
columns that fit did not see, and the lack of ones that it did. Their order does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alad.errors import InputError, ModelFormatError
from alad.preprocessing.frames import quoted, to_polars

MISSING = "<missing>"
MAX_CATEGORIES = 200

_BLOCK = 4096  # rows written at a time: their part of the matrix stays in the cache
_TEXT = (pl.String, pl.Categorical, pl.Enum)

Float32s = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Column:
    """What fit learned of one column; all of it is JSON."""

    name: str
    kind: Literal["numeric", "boolean", "categorical"]
    categories: tuple[str, ...] = ()
    """The categories seen at fit, sorted; ``<missing>`` among them if values were missing."""
    fill: float = 0.0
    """The training median, which stands in for a missing number."""
    has_missing: bool = False
    """Whether values were missing at fit."""
    constant: bool = False
    """Whether fit saw a single value: allowed, though the column tells nothing then."""

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the features that the column becomes."""
        if self.kind == "categorical":
            return tuple(f"{self.name}={category}" for category in self.categories)
        return (self.name, f"{self.name} is missing") if self.has_missing else (self.name,)

    @property
    def binary(self) -> tuple[bool, ...]:
        """For each feature, whether it can only be 0 or 1."""
        if self.kind == "numeric":
            return (False, True)[: len(self.features)]
        return (True,) * len(self.features)


@dataclass(frozen=True)
class TableNotes:
    """What transform met that fit did not promise: rows by column, only where there are any."""

    rows: int
    unseen: dict[str, int] = field(default_factory=dict)
    """Rows with a category that fit did not see."""
    missing: dict[str, int] = field(default_factory=dict)
    """Rows without a value."""


@dataclass(frozen=True)
class TableEncoder:
    """The rules for the columns of one table; made by :meth:`fit`, never changed after.

    >>> train = pl.DataFrame({"bytes": [1.0, None, 3.0], "proto": ["tcp", "udp", "tcp"]})
    >>> encoder = TableEncoder.fit(train)
    >>> encoder.feature_names
    ('bytes', 'bytes is missing', 'proto=tcp', 'proto=udp')
    >>> x, notes = encoder.transform(pl.DataFrame({"proto": ["icmp"], "bytes": [9]}))
    >>> x.tolist(), notes.unseen
    ([[9.0, 0.0, 0.0, 0.0]], {'proto': 1})
    """

    schema: tuple[Column, ...]

    @classmethod
    def fit(cls, frame: Any, *, max_categories: int = MAX_CATEGORIES) -> TableEncoder:
        """Learn the columns of a pandas, polars or pyarrow frame (see the module's table).

        Parameters
        ----------
        frame : n >= 1 rows of at least one column.
        max_categories : the most distinct values that a text column may have.

        Raises
        ------
        InputError
            See the module; the message names the column and says what to do.
        """
        table = _rows(frame)
        return cls(tuple(_learn(series, max_categories) for series in table.iter_columns()))

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The f names of the matrix's columns."""
        return tuple(name for column in self.schema for name in column.features)

    @property
    def binary(self) -> Bools:
        """(f,) True for the features that can only be 0 or 1: one-hot, boolean, is-missing."""
        return np.array([flag for column in self.schema for flag in column.binary], np.bool_)

    @property
    def column_of_feature(self) -> NDArray[np.int64]:
        """(f,) the place in the schema of the column that each feature was made from."""
        return np.repeat(np.arange(len(self.schema)), [len(c.features) for c in self.schema])

    @property
    def needs_names(self) -> bool:
        """Whether some column is not a plain number, so that an array cannot stand for a frame."""
        return any(column.kind == "categorical" or column.has_missing for column in self.schema)

    @property
    def constant_columns(self) -> tuple[str, ...]:
        """The columns that had a single value at fit."""
        return tuple(column.name for column in self.schema if column.constant)

    def transform(self, frame: Any) -> tuple[Float32s, TableNotes]:
        """Encode n >= 1 rows as float32 (n, f), with notes on what fit had not seen.

        Raises
        ------
        InputError
            See the module; the message names the column and says what to do.
        """
        table = _aligned(_rows(frame), self.schema)
        dense: list[tuple[int, NDArray[Any]]] = []
        coded: list[tuple[int, NDArray[np.int64]]] = []
        unseen, missing = {}, {}
        position = 0
        for column in self.schema:
            series = table[column.name]
            if column.kind == "categorical":
                codes, gaps, unknown = _codes(series, column)
                coded.append((position, codes))
                unseen[column.name], missing[column.name] = unknown, gaps
            else:
                values, gap = _filled(series, column)
                dense.append((position, values))
                if column.has_missing:
                    dense.append((position + 1, gap))
                missing[column.name] = int(gap.sum())
            position += len(column.features)
        x = _write(table.height, position, dense, coded)
        return x, TableNotes(table.height, _nonzero(unseen), _nonzero(missing))

    def decode(self, x: NDArray[Any]) -> pl.DataFrame:
        """Give the table whose rows features (n, f) say, also ones that are no 0 and no 1.

        Of a category's features the largest decides, of a flag whether it passes a half; a number
        is null where its flag "is missing" does.

        >>> encoder = TableEncoder.fit(pl.DataFrame({"bytes": [1.0, 3.0], "proto": ["tcp", "udp"]}))
        >>> encoder.decode(np.array([[2.5, 0.3, 0.4]])).row(0)
        (2.5, 'udp')
        """
        start, series = 0, []
        for column in self.schema:
            part = x[:, start : start + len(column.features)]
            series.append(_decoded(part, column))
            start += len(column.features)
        return pl.DataFrame(series)

    def to_json(self) -> dict[str, Any]:
        """The rules as JSON: dicts, lists, text, numbers and booleans only."""
        columns = [asdict(column) for column in self.schema]
        return {"columns": [{**c, "categories": list(c["categories"])} for c in columns]}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> TableEncoder:
        """The encoder whose :meth:`to_json` this is.

        Raises
        ------
        ModelFormatError
            The content is not what :meth:`to_json` writes.
        """
        try:
            columns = [
                Column(**{**column, "categories": tuple(column["categories"])})
                for column in content["columns"]
            ]
        except (KeyError, TypeError) as error:
            raise ModelFormatError(
                "Expected a list of columns with name, kind, categories, fill, has_missing and "
                f"constant; got something else ({error!r}). Save the model again."
            ) from error
        return cls(tuple(columns))


# --------------------------------------------------------------------------------- fit


def _rows(frame: Any) -> pl.DataFrame:
    table = to_polars(frame)
    if table.height == 0 or table.width == 0:
        raise InputError(
            "Expected at least one row and one column; got "
            f"{table.height} rows and {table.width} columns."
        )
    return table


def _learn(series: pl.Series, max_categories: int) -> Column:
    dtype = series.dtype
    if dtype in _TEXT:
        return _learn_categories(series, max_categories)
    if dtype.is_temporal():
        raise InputError(
            f"Expected numbers or text in column {series.name!r}; got {dtype}. Replace it by "
            "numbers that matter, such as the hour or the seconds since the last event, or "
            "drop it."
        )
    if dtype == pl.Null:
        raise _no_value(series.name)
    if not (dtype.is_numeric() or dtype == pl.Boolean):
        raise InputError(
            f"Expected numbers or text in column {series.name!r}; got {dtype}. Spread it over "
            "several columns, or drop it."
        )
    values, gap = _numbers(series)
    present = values[~gap]
    if len(present) == 0:
        raise _no_value(series.name)
    median = float(np.median(present.astype(np.float64)))
    is_boolean = dtype == pl.Boolean
    return Column(
        name=series.name,
        kind="boolean" if is_boolean else "numeric",
        fill=float(median >= 0.5) if is_boolean else median,  # half and half counts as true
        has_missing=bool(gap.any()),
        constant=bool(present.min() == present.max()) and not gap.any(),
    )


def _learn_categories(series: pl.Series, max_categories: int) -> Column:
    gaps = series.null_count()
    if gaps == len(series):
        raise _no_value(series.name)
    categories = set(series.drop_nulls().unique().cast(pl.String))
    if len(categories) > max_categories:
        raise InputError(
            f"Expected at most {max_categories} distinct values in the text column "
            f"{series.name!r}; got {len(categories)}. Drop it if it is an identifier, or group "
            "its rare values; if it was meant to hold numbers, correct those that are none."
        )
    if gaps:
        categories.add(MISSING)
    return Column(
        name=series.name,
        kind="categorical",
        categories=tuple(sorted(categories)),
        has_missing=gaps > 0,
        constant=len(categories) == 1,
    )


def _no_value(name: str) -> InputError:
    return InputError(
        f"Expected at least one value in column {name!r}; all are missing. Drop the column."
    )


# --------------------------------------------------------------------------- transform


def _aligned(table: pl.DataFrame, schema: tuple[Column, ...]) -> pl.DataFrame:
    expected, got = {column.name for column in schema}, set(table.columns)
    if expected == got:
        return table
    parts = []
    if expected - got:
        parts.append(f"missing: {quoted(c.name for c in schema if c.name not in got)}")
    if got - expected:
        parts.append(f"not seen at fit: {quoted(c for c in table.columns if c not in expected)}")
    raise InputError(
        f"Expected the columns at fit; {'; '.join(parts)}. Pass the same columns, or refit."
    )


def _filled(series: pl.Series, column: Column) -> tuple[Float32s, Bools]:
    if series.dtype == pl.Null:
        series = series.cast(pl.Float64)
    if not (series.dtype.is_numeric() or series.dtype == pl.Boolean):
        raise InputError(
            f"Expected numbers in column {column.name!r}, as at fit; got {series.dtype}, first "
            f"{_first_offender(series)!r}. Correct the value, or cast the column to numbers."
        )
    values, gap = _numbers(series)
    return (np.where(gap, np.float32(column.fill), values) if gap.any() else values), gap


def _first_offender(series: pl.Series) -> Any:
    """The first text that is no number; if every text is one, the first text."""
    present = series.drop_nulls()
    if series.dtype in _TEXT:
        present = present.cast(pl.String)
        wrong = present.filter(present.cast(pl.Float64, strict=False).is_null())
        present = wrong if len(wrong) else present
    return present[0] if len(present) else None


def _numbers(series: pl.Series) -> tuple[Float32s, Bools]:
    """The numbers in float32 with NaN where one is missing, and where that is."""
    with np.errstate(over="ignore"):  # a number too large becomes infinite, and is refused
        values = series.cast(pl.Float64).to_numpy().astype(np.float32)
    if np.isfinite(values).all():
        return values, np.zeros(len(values), np.bool_)
    infinite = np.isinf(values)
    if infinite.any():
        row = int(infinite.argmax())
        raise InputError(
            f"Expected finite numbers in column {series.name!r}; got {series[row]!r} in row "
            f"{row} (float32 ends at 3.4e38). Correct the value, or leave it out as missing."
        )
    return values, np.isnan(values)


def _codes(series: pl.Series, column: Column) -> tuple[NDArray[np.int64], int, int]:
    """The category of each row as its place in the block, or -1; rows missing; rows unseen."""
    text = _text(series, column.name)
    gaps = text.null_count()
    if gaps and MISSING in column.categories:
        text = text.fill_null(MISSING)
    found = text.cast(pl.Enum(column.categories), strict=False)
    unseen = found.null_count() - text.null_count()
    codes = found.to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
    return codes, gaps, unseen


def _text(series: pl.Series, name: str) -> pl.Series:
    if series.dtype in _TEXT or series.dtype.is_integer() or series.dtype == pl.Null:
        return series.cast(pl.String)
    if series.dtype.is_float() and series.fill_nan(None).null_count() == len(series):
        return series.fill_nan(None).cast(pl.String)
    raise InputError(
        f"Expected text in column {name!r}, as at fit; got {series.dtype}. Cast the column to "
        "text, or refit."
    )


def _decoded(part: NDArray[Any], column: Column) -> pl.Series:
    if column.kind == "categorical":
        names = np.array(column.categories, dtype=object)
        found = pl.Series(column.name, names[part.argmax(axis=1)], pl.String)
        return found.replace(MISSING, None) if column.has_missing else found
    values = pl.Series(column.name, part[:, 0].astype(np.float64))
    told = values >= 0.5 if column.kind == "boolean" else values
    if not column.has_missing:
        return told
    present = pl.Series(part[:, 1] < 0.5)
    return told.to_frame().select(pl.when(present).then(pl.col(column.name)))[column.name]


def _write(
    n: int,
    f: int,
    dense: list[tuple[int, NDArray[Any]]],
    coded: list[tuple[int, NDArray[np.int64]]],
) -> Float32s:
    """Fill the matrix block by block of rows, so that writing down columns stays in the cache."""
    x = np.zeros((n, f), np.float32)
    for start in range(0, n, _BLOCK):
        rows = slice(start, start + _BLOCK)
        block = x[rows]
        for position, values in dense:
            block[:, position] = values[rows]
        for position, codes in coded:
            seen = np.flatnonzero(codes[rows] >= 0)
            block[seen, position + codes[rows][seen]] = 1
    return x


def _nonzero(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}
