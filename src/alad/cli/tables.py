"""Tables in files: CSV and TSV, plain or gzipped or from standard input, Parquet, NumPy arrays.

A table is opened, which looks at no more than its column names, and then read whole
(:meth:`read`) or batch by batch (:meth:`batches`), in memory that does not grow with its length.

A CSV file does not say what its columns are. Read whole, each column is a number if every value
is one, else text. Read in batches, all columns are text and :func:`as_at_fit` gives them the
types that the model knows, so that no batch is read otherwise than the one before.
"""

from __future__ import annotations

import csv
import gzip
import sys
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, ClassVar

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from alad.errors import InputError
from alad.preprocessing.frames import quoted
from alad.preprocessing.table import Column

ROWS = 131_072  # of a batch of Parquet
BYTES = 1 << 24  # of a batch of CSV
MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "?")
SEPARATORS = {".csv": ",", ".tsv": "\t"}
MOSTLY = 0.9  # a text column with this share of numbers was perhaps meant to be one of numbers

UNREADABLE = (pa.ArrowException, csv.Error, OSError, EOFError, zlib.error, UnicodeDecodeError)


@contextmanager
def open_table(path: Path) -> Iterator[Table]:
    """Open a table by its file's name; ``-`` is CSV on standard input.

    Raises
    ------
    InputError
        No such file, no table, a name that says nothing, or columns without proper names.
    """
    place = "standard input" if path == Path("-") else str(path)
    if not (path.suffix or path == Path("-") or path.exists()):
        raise InputError(
            f"Expected a table, or a folder of pictures, at {path}; there is none. Check the path."
        )
    is_array = path.suffix.lower() == ".npy"
    separator = None if is_array else separator_of(path, also=", .npy")
    with _raw(path) as raw:
        table: Table
        if is_array:
            table = Npy(place, path)
        else:
            table = Parquet(place, raw) if separator is None else Csv(place, raw, separator)
        _check_names(table)
        yield table


def separator_of(path: Path, also: str = "") -> str | None:
    """What separates the columns of a file of this name; None for Parquet.

    ``also`` are further endings, for the message.

    Raises
    ------
    InputError
        The name does not tell the format.

    >>> separator_of(Path("flows.tsv.gz")), separator_of(Path("flows.parquet"))
    ('\\t', None)
    """
    ending = Path(path.name.lower().removesuffix(".gz")).suffix
    if path == Path("-") or ending in SEPARATORS:
        return SEPARATORS.get(ending, ",")
    if path.name.lower().endswith((".parquet", ".pq")):
        return None
    raise InputError(
        f"Expected a file named .csv, .tsv, .csv.gz, .tsv.gz{also} or .parquet; got {path}. "
        "Convert the table, or rename the file after its format."
    )


@contextmanager
def _raw(path: Path) -> Iterator[IO[bytes]]:
    """Give the bytes of a file, unzipped."""
    if path == Path("-"):
        if sys.stdin is None:  # closed by whoever started us
            raise _empty("standard input")
        yield sys.stdin.buffer
        return
    opened: Any = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        stream = opened(path, "rb")
    except OSError as error:
        raise InputError(
            f"Expected a table at {path}, but {(error.strerror or str(error)).lower()}. "
            "Check the path, and that you may read it."
        ) from error
    with stream:
        yield stream


class Csv:
    """Lines of values, the first of them names."""

    is_typed: ClassVar[bool] = False  # the file does not settle what a column is
    rows = None  # the file does not tell

    def __init__(self, place: str, stream: IO[bytes], separator: str) -> None:
        self.place, self.stream, self.separator = place, stream, separator
        with _explained(place):
            lines = (line.decode("utf-8-sig") for line in iter(stream.readline, b""))
            self.names = tuple(next(csv.reader(lines, delimiter=separator), []))
            if not self.names:
                raise _empty(place)
            if not stream.peek(1):  # type: ignore[attr-defined] # all our streams have it
                raise _no_rows(place)
        if all(map(_is_number, self.names)) and self.names != _counted(len(self.names)):
            raise _no_names(place, self.names)

    def read(self, columns: Sequence[str]) -> pl.DataFrame:
        """Give some columns of all rows, each a number if every value is one."""
        with _explained(self.place):
            frame = _frame(pyarrow.csv.read_csv(self.stream, **self._options(columns, {})))
        if not frame.height:
            raise _no_rows(self.place)
        for series in frame.select(pl.col(pl.Binary)).iter_columns():
            raise InputError(
                f"Expected text in UTF-8 in column {series.name!r} of {self.place}; got other "
                "bytes. Save the file as UTF-8."
            )
        return frame

    def batches(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Give some columns of all rows as text, some rows at a time."""
        as_text = dict.fromkeys(self.names, pa.string())
        options = self._options(columns, as_text)
        rows = 0
        with _explained(self.place), pyarrow.csv.open_csv(self.stream, **options) as reader:
            for batch in reader:
                rows += batch.num_rows
                if batch.num_rows:
                    yield _frame(batch)
        if not rows:
            raise _no_rows(self.place)

    def _options(self, columns: Sequence[str], types: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "read_options": pyarrow.csv.ReadOptions(column_names=self.names, block_size=BYTES),
            "parse_options": pyarrow.csv.ParseOptions(
                delimiter=self.separator,
                newlines_in_values=True,
                ignore_empty_lines=len(self.names) > 1,  # else such a line is a missing value
            ),
            "convert_options": pyarrow.csv.ConvertOptions(
                include_columns=list(columns),
                column_types=types,
                null_values=MISSING,
                strings_can_be_null=True,
            ),
        }


class Parquet:
    """Columns with types, in groups of rows."""

    is_typed: ClassVar[bool] = True

    def __init__(self, place: str, stream: IO[bytes]) -> None:
        self.place = place
        with _explained(place):
            self.file = pyarrow.parquet.ParquetFile(stream, buffer_size=1 << 20)
        names = self.file.schema_arrow.names
        self.names = tuple(n for n in names if not n.startswith("__index_level_"))  # pandas' own
        self.rows: int = self.file.metadata.num_rows
        if not self.rows:
            raise _no_rows(place)

    def read(self, columns: Sequence[str]) -> pl.DataFrame:
        """Give some columns of all rows."""
        with _explained(self.place):
            return _frame(self.file.read(list(columns)))

    def batches(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Give some columns of all rows, some rows at a time."""
        with _explained(self.place):
            batches = self.file.iter_batches(ROWS, columns=list(columns))
            yield from (_frame(batch) for batch in batches if batch.num_rows)


class Npy:
    """A matrix of numbers, one row each, as NumPy writes it; its columns are x0, x1, x2, ..."""

    is_typed: ClassVar[bool] = True

    def __init__(self, place: str, path: Path) -> None:
        self.place = place
        try:
            self.matrix = np.load(path, mmap_mode="r", allow_pickle=False)
            if not isinstance(self.matrix, np.ndarray):
                self.matrix.close()
                raise ValueError("it is an archive of arrays")
        except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
            raise InputError(
                f"Expected an array of numbers in {place}; it cannot be read: "
                f"{_first_line(error)}. Write it with numpy.save."
            ) from error
        if (
            self.matrix.ndim != 2
            or self.matrix.dtype.kind not in "fiub"
            or not self.matrix.shape[1]
        ):
            raise InputError(
                f"Expected a matrix of numbers in {place}, one row each; got shape "
                f"{self.matrix.shape}, {self.matrix.dtype}. Flatten it, or give pictures as a "
                "folder of files."
            )
        self.rows, width = self.matrix.shape
        self.names = tuple(f"x{i}" for i in range(width))
        if not self.rows:
            raise _no_rows(place)

    def read(self, columns: Sequence[str]) -> pl.DataFrame:
        """Give some columns of all rows."""
        return self._rows(slice(None), columns)

    def batches(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Give some columns of all rows, some rows at a time."""
        for start in range(0, self.rows, ROWS):
            yield self._rows(slice(start, start + ROWS), columns)

    def _rows(self, rows: slice, columns: Sequence[str]) -> pl.DataFrame:
        part = np.asarray(self.matrix[rows])
        return pl.DataFrame({name: part[:, int(name[1:])] for name in columns})


def _frame(data: Any) -> pl.DataFrame:
    frame = pl.from_arrow(data)
    assert isinstance(frame, pl.DataFrame)
    return frame


Table = Csv | Parquet | Npy


# ------------------------------------------------------------------------ text into numbers


def as_at_fit(frame: pl.DataFrame, schema: Collection[Column]) -> pl.DataFrame:
    """Give columns of text the types that fit saw.

    A column that holds something else stays text: the encoder refuses it by name.
    """
    return frame.with_columns(
        _numbers(frame[column.name], column.kind == "boolean")
        for column in schema
        if column.of_kind.is_number and column.name in frame.columns
    )


def _numbers(text: pl.Series, is_boolean: bool) -> pl.Series:
    if is_boolean:
        text = text.str.to_lowercase().replace({"true": "1", "false": "0"})
    numbers = text.cast(pl.Float64, strict=False)
    if numbers.null_count() > text.null_count():
        numbers = text.str.strip_chars().cast(pl.Float64, strict=False)
    return numbers if numbers.null_count() == text.null_count() else text


def as_numbers(frame: pl.DataFrame) -> np.ndarray[Any, Any]:
    """Give a frame as an array; text becomes numbers where all of a column can.

    Raises
    ------
    InputError
        A column holds something else.
    """
    frame = frame.with_columns(
        _numbers(series, False) for series in frame.iter_columns() if series.dtype == pl.String
    )
    for series in frame.iter_columns():
        if not (series.dtype.is_numeric() or series.dtype in (pl.Boolean, pl.Null)):
            raise InputError(
                f"Expected numbers in column {series.name!r}, as in the array at fit; got "
                f"{series.dtype}. Correct the values, or cast the column to numbers."
            )
    return frame.to_numpy()


def suspicions(frame: pl.DataFrame) -> list[str]:
    """Say which text columns are numbers for the most part: a stray word makes such a column."""
    found = []
    for text in frame.select(pl.col(pl.String)).iter_columns():
        present = text.drop_nulls()
        others = present.filter(present.str.strip_chars().cast(pl.Float64, strict=False).is_null())
        if len(present) and 0 < len(others) <= (1 - MOSTLY) * len(present):
            found.append(
                f"column {text.name!r} is read as text because of {others[0]!r}; "
                f"{len(present) - len(others)} of its {len(present)} values are numbers"
            )
    return found


# ----------------------------------------------------------------------------- what is wrong


@contextmanager
def _explained(place: str) -> Iterator[None]:
    """Turn what readers raise into one kind of error."""
    try:
        yield
    except InputError:
        raise
    except UNREADABLE as error:
        raise InputError(
            f"Expected a whole table in {place}; it cannot be read: {_first_line(error)}. "
            "Check that the file is complete and is what its name says."
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")[:300]


def _empty(place: str) -> InputError:
    return InputError(f"Expected a table in {place}; it is empty. Give a file with rows.")


def _no_rows(place: str) -> InputError:
    return InputError(
        f"Expected at least one row in {place}; got column names only. Give a file with rows."
    )


def _no_names(place: str, names: tuple[str, ...]) -> InputError:
    return InputError(
        f"Expected column names in the first line of {place}; got numbers "
        f"({quoted(names, 3)}). Add a line of names."
    )


def _check_names(table: Table) -> None:
    names = table.names
    if "" in names:
        raise InputError(
            f"Expected a name for every column of {table.place}; column {names.index('') + 1} has "
            "none. Name it; if it is a row index, write the table without it."
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(
            f"Expected every column of {table.place} to have a name of its own; got "
            f"{quoted(twice)} more than once. Rename one, or add a line of names if there is none."
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _counted(n: int) -> tuple[str, ...]:
    """The names 0, 1, 2, ... that pandas gives to columns without names."""
    return tuple(str(i) for i in range(n))
