"""What every kind of table can do, whatever its file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import polars as pl
import pyarrow as pa

from alad.cli.tables.bad_lines import BadLines
from alad.errors import InputError

ROWS = 131_072  # of a batch of a file that tells where its rows are
BYTES = 1 << 24  # of a batch of lines
OFFSET = r"[+-]\d{2}:(?!00)"  # from UTC, that polars knows no zone for
HEXADECIMAL = r"^\s*[+-]?0[xX]"  # Arrow takes 0x1F for a number, and nobody who reads on does
# A column of JSON some of whose values are lists: every value is one list, of its text alone. So
# that no model takes it for text, and it can be copied as it was written.
LISTS = pl.List(pl.String)


class Table(Protocol):
    """A table that is open: its names are known, its rows are not read yet."""

    @property
    def is_typed(self) -> bool:
        """Whether the file itself settles what is a number and what is text."""

    @property
    def infers(self) -> Sequence[str]:
        """The columns whose text may turn out to be something else, as in CSV."""

    @property
    def place(self) -> str:
        """What to call it in a message."""

    @property
    def names(self) -> tuple[str, ...]:
        """Its columns."""

    @property
    def bad(self) -> BadLines | None:
        """The lines that were left out so far; None where none may be."""

    @property
    def rows(self) -> int | None:
        """How many there are, where the file tells."""

    @property
    def size(self) -> int:
        """About how many bytes its rows take in memory."""

    def read(self, columns: Sequence[str]) -> pl.DataFrame:
        """Give some columns of all rows, with the types that all rows together have."""

    def batches(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Give some columns of all rows, some rows at a time, with the types of those alone."""


def as_lists(text: pl.Series) -> pl.Series:
    """Text as a column of :data:`LISTS`.

    >>> as_lists(pl.Series("tags", ['["a"]', None])).to_list()
    [['["a"]'], None]
    """
    listed = pl.when(pl.col(text.name).is_not_null()).then(pl.concat_list(text.name))
    return text.to_frame().select(listed.alias(text.name)).to_series()


def lists_as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Columns of :data:`LISTS` as the text that they were written as."""
    return frame.with_columns(pl.col(LISTS).list.first())


def frame_of(data: Any) -> pl.DataFrame:
    """Arrow's table or batch as a frame, without what is told beside it: it may be any bytes.

    Raises
    ------
    InputError
        A column is of a type that polars does not know.
    """
    columns = [
        _known(column, name) for name, column in zip(data.schema.names, data.columns, strict=True)
    ]
    return pl.DataFrame(columns)


def _known(column: Any, name: str) -> pl.Series:
    """A column of Arrow's, in another type where polars has not its own."""
    dtype = column.type
    if pa.types.is_decimal256(dtype):
        column = column.cast(pa.float64())
    elif pa.types.is_timestamp(dtype) and re.match(OFFSET, dtype.tz or ""):
        column = column.cast(pa.timestamp(dtype.unit, "UTC"))
    try:
        series = pl.from_arrow(column)
    except (pl.exceptions.PolarsError, pa.ArrowException, ValueError, TypeError) as error:
        raise InputError(
            f"Expected numbers, text, true and false, or times in column {name!r}; got the type "
            f"{dtype}, which cannot be read. Leave the column out, or write it in another type."
        ) from error
    assert isinstance(series, pl.Series)
    return series.rename(name)
