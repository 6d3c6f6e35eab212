"""Where scores go, batch by batch: a CSV or Parquet file, or standard output."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet

from alad._files import written_aside
from alad.cli.show import standard_output
from alad.cli.tables import separator_of
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
    separator = separator_of(path)
    if path == Path("-"):
        yield _csv(_Stdout(), ",")
        return
    with written_aside(path) as aside:
        if separator is None:
            with _parquet(aside, facts) as write:
                yield write
        else:
            opened: Any = gzip.open if aside.name.lower().endswith(".gz") else open
            with opened(aside, "wb") as stream:
                yield _csv(stream, separator)


def _csv(stream: IO[bytes] | _Stdout, separator: str) -> Write:
    """Write values with as many digits as bring them back exactly."""
    started = False

    def write(rows: pl.DataFrame) -> None:
        nonlocal started
        try:
            text = rows.write_csv(include_header=not started, separator=separator)
        except pl.exceptions.PolarsError as error:
            raise InputError(
                f"Expected columns to copy that CSV can hold; {str(error).splitlines()[0]}. Write "
                ".parquet, or leave that column out."
            ) from error
        started = True
        stream.write(text.encode())

    return write


@contextmanager
def _parquet(path: Path, facts: Facts | None) -> Iterator[Write]:
    writer: Any = None

    def write(rows: pl.DataFrame) -> None:
        nonlocal writer
        data = rows.to_arrow()
        writer = writer or pyarrow.parquet.ParquetWriter(stream, data.schema)
        writer.write_table(_alike(data, writer.schema))

    with path.open("wb") as stream:  # by itself pyarrow opens no name whose bytes are no text
        try:
            yield write
            if writer is not None and facts is not None:
                told = json.dumps(plain(facts()), allow_nan=False, ensure_ascii=False)
                writer.add_key_value_metadata({KEY: told})
        finally:
            if writer is not None:
                writer.close()


def _alike(data: pa.Table, schema: pa.Schema) -> pa.Table:
    """Give a batch the types of the first: lines of JSON, say, can change theirs."""
    if data.schema.equals(schema):
        return data
    try:
        return data.cast(schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        changed = next(f for f in schema if f.type != data.schema.field(f.name).type)
        raise InputError(
            f"Expected {changed.type} in column {changed.name!r}, as in the rows before; got "
            f"{data.schema.field(changed.name).type}. Write .csv, or leave that column out."
        ) from error


def parts_of(path: Path) -> Iterator[pl.DataFrame]:
    """Read back, some rows at a time, a Parquet file that was written here."""
    with path.open("rb") as stream, pyarrow.parquet.ParquetFile(stream) as file:
        for batch in file.iter_batches(ROWS):
            rows = pl.from_arrow(batch)
            assert isinstance(rows, pl.DataFrame)
            yield rows


class _Stdout:
    """Standard output as a stream of bytes."""

    def write(self, text: bytes) -> None:
        """Write now, so that an error is known now."""
        with standard_output() as out:
            out.buffer.write(text)
