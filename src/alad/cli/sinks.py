"""Where scores go, batch by batch: a file of CSV, JSON lines or Parquet, or standard output."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import polars as pl
import polars.selectors as cs
import pyarrow as pa
import pyarrow.parquet

from alad._files import written_aside
from alad.cli.show import standard_output
from alad.cli.tables import written_as
from alad.cli.tables.files import SEPARATORS
from alad.cli.tables.table import ROWS
from alad.errors import InputError
from alad.experiments.record import plain
from alad.report.origin import KEY

Write = Callable[[pl.DataFrame], None]
Facts = Callable[[], Mapping[str, Any]]


@contextmanager
def open_sink(path: Path, facts: Facts | None = None) -> Iterator[Write]:
    """Give a function that appends rows; the file appears when all is written. ``-`` is CSV.

    Parameters
    ----------
    facts : gives, after the last row, what a Parquet file is to say of itself, as JSON.

    Raises
    ------
    InputError
        The name does not tell the format, or the format cannot hold a column.
    OutputError
        The file cannot be written.
    """
    kind = written_as(path)
    if path == Path("-"):
        yield _csv(_Stdout(), ",")
        return
    with written_aside(path) as aside:
        if kind == "parquet":
            with parquet(aside, facts) as write:
                yield write
        else:
            opened: Any = gzip.open if aside.name.lower().endswith(".gz") else open
            with opened(aside, "wb") as stream:
                yield _jsonl(stream) if kind == "jsonl" else _csv(stream, SEPARATORS[f".{kind}"])


def _csv(stream: IO[bytes] | _Stdout, separator: str) -> Write:
    """Write values with as many digits as bring them back exactly."""
    started = False

    def write(rows: pl.DataFrame) -> None:
        nonlocal started
        rows = _in_seconds(rows)
        try:
            text = rows.write_csv(include_header=not started, separator=separator)
        except pl.exceptions.PolarsError as error:
            odd = [f"{x.name!r} is of {x.dtype}" for x in rows.iter_columns() if not _fits_csv(x)]
            raise InputError(
                f"Expected columns to copy that CSV can hold; {[*odd, str(error)][0]}. Write "
                ".parquet or .jsonl, or leave that column out."
            ) from error
        started = True
        stream.write(text.encode())

    return write


def _in_seconds(rows: pl.DataFrame) -> pl.DataFrame:
    """Durations as the numbers that a model reads them as: text of them it would not."""
    return rows.with_columns(cs.duration().dt.total_microseconds() / 1e6)


def _fits_csv(column: pl.Series) -> bool:
    try:
        column.to_frame().write_csv()
    except pl.exceptions.PolarsError:
        return False
    return True


def _jsonl(stream: IO[bytes]) -> Write:
    """Write an object a line; what is missing, or no finite number, is null."""

    def write(rows: pl.DataFrame) -> None:
        for name, dtype in rows.schema.items():
            if "Binary" in str(dtype):  # within lists and objects too: polars would panic
                raise InputError(
                    f"Expected columns to copy that JSON can hold; {name!r} is of bytes. Write "
                    ".parquet, or leave that column out."
                )
        rows = _in_seconds(rows)
        times = rows.select(cs.datetime(time_zone=None)).columns  # polars puts a space for the T
        rows = rows.with_columns(pl.col(times).dt.to_string("iso:strict"))
        stream.write(rows.write_ndjson().encode())

    return write


@contextmanager
def parquet(path: Path, facts: Facts | None = None) -> Iterator[Write]:
    """Give a function that appends rows to a Parquet file, which is there from the first on."""
    file = _Parquet(path)
    try:
        yield file.write
        if facts is not None:
            file.tell(facts)
    finally:
        file.close()


class _Parquet:
    """One file, written batch by batch; what it holds is written anew where a type widens."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.writer: Any = None
        self.stream: Any = None

    def write(self, rows: pl.DataFrame) -> None:
        """Append rows."""
        data = rows.to_arrow()
        if self.writer is None:
            self._begin(data.schema)
        before, wider = self.writer.schema, _wider(self.writer.schema, data.schema)
        with _told(before, data.schema):
            if wider != before:
                self._widen(wider)
            self.writer.write_table(data if data.schema == wider else data.cast(wider))

    def tell(self, facts: Facts) -> None:
        """Say something of the rows, if there are any, beside them."""
        if self.writer is not None:
            told = json.dumps(plain(facts()), allow_nan=False, ensure_ascii=False)
            self.writer.add_key_value_metadata({KEY: told})

    def close(self) -> None:
        """Finish the file, if it was begun."""
        if self.stream is not None:
            try:
                self.writer.close()
            finally:
                self.stream.close()

    def _begin(self, schema: pa.Schema) -> None:
        self.stream = self.path.open(
            "wb"
        )  # by itself pyarrow opens no name whose bytes are no text
        # A dictionary of numbers, of which most differ, takes time and room, and is given up.
        listed = [field.name for field in schema if not _is_number(field.type)]
        self.writer = pyarrow.parquet.ParquetWriter(self.stream, schema, use_dictionary=listed)

    def _widen(self, schema: pa.Schema) -> None:
        """Begin anew with other types, and with the rows so far."""
        self.close()
        before = self.path.rename(self.path.with_name(f"{self.path.name}~"))
        self._begin(schema)
        for batch in _batches(before):
            self.writer.write_table(pa.Table.from_batches([batch]).cast(schema))
        before.unlink()


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _wider(schema: pa.Schema, other: pa.Schema) -> pa.Schema:
    """Types that hold more: floats where whole numbers were, anything where nothing was."""
    for i, field in enumerate(schema):
        new = other.field(field.name).type
        widens = pa.types.is_integer(field.type) and pa.types.is_floating(new)
        if widens or (pa.types.is_null(field.type) and new != field.type):
            schema = schema.set(i, field.with_type(new))
    return schema


@contextmanager
def _told(before: pa.Schema, now: pa.Schema) -> Iterator[None]:
    """Say which column changed its type, as of lines of JSON, say, such that no type holds both."""
    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        changed = next(field for field in before if field.type != now.field(field.name).type)
        raise InputError(
            f"Expected {changed.type} in column {changed.name!r}, as in the rows before; got "
            f"{now.field(changed.name).type}. Write .csv, or leave that column out."
        ) from error


def parts_of(path: Path) -> Iterator[pl.DataFrame]:
    """Read back, some rows at a time, a Parquet file that was written here."""
    for batch in _batches(path):
        rows = pl.from_arrow(batch)
        assert isinstance(rows, pl.DataFrame)
        yield rows


def _batches(path: Path) -> Iterator[Any]:
    with path.open("rb") as stream, pyarrow.parquet.ParquetFile(stream) as file:
        yield from file.iter_batches(ROWS)


class _Stdout:
    """Standard output as a stream of bytes."""

    def write(self, text: bytes) -> None:
        """Write now, so that an error is known now."""
        with standard_output() as out:
            out.buffer.write(text)
