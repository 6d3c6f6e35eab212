"""Columns with types: Parquet, and Arrow's own files, which are also called Feather."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, ClassVar

import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

from alad.cli.tables import table
from alad.cli.tables.faults import explained, no_rows
from alad.cli.tables.table import frame_of


class Parquet:
    """Columns with types, in groups of rows."""

    is_typed: ClassVar[bool] = True
    infers: ClassVar[Sequence[str]] = ()
    bad: ClassVar[None] = None  # a file is whole, or is refused

    def __init__(self, place: str, stream: IO[bytes]) -> None:
        self.place = place
        with explained(place):
            self.file = pyarrow.parquet.ParquetFile(stream, buffer_size=1 << 20)
        self.schema: pa.Schema = self.file.schema_arrow
        self.names = _names(self.schema)
        self.rows: int = self.file.metadata.num_rows
        self.size = self.rows * _bytes_of_a_row(self.schema)
        if not self.rows:
            raise no_rows(place)

    def read(self, columns: Sequence[str]) -> pl.DataFrame:
        """Give some columns of all rows."""
        with explained(self.place):
            return frame_of(self.file.read(list(columns)))

    def batches(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Give some columns of all rows, some rows at a time."""
        with explained(self.place):
            batches = self.file.iter_batches(table.ROWS, columns=list(columns))
            yield from (frame_of(batch) for batch in batches if batch.num_rows)


class Arrow:
    """Arrow's file or stream of batches; batches that are not compressed are mapped, not read."""

    is_typed: ClassVar[bool] = True
    infers: ClassVar[Sequence[str]] = ()
    bad: ClassVar[None] = None  # a file is whole, or is refused
    rows = None  # that would take a reading of every batch

    def __init__(self, place: str, path: Path) -> None:
        self.place = place
        with explained(place):
            self.source = pa.memory_map(os.fsencode(path))
            self.size = self.source.size()
            self.reader = _reader(self.source)
        self.schema: pa.Schema = self.reader.schema
        self.names = _names(self.schema)

    def read(self, columns: Sequence[str]) -> pl.DataFrame:
        """Give some columns of all rows."""
        with explained(self.place):
            parts = list(self._parts(columns))
            if not parts:
                raise no_rows(self.place)
            return frame_of(pa.Table.from_batches(parts))

    def batches(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Give some columns of all rows, some rows at a time."""
        rows = 0
        with explained(self.place):
            for batch in self._parts(columns):
                rows += batch.num_rows
                for start in range(0, batch.num_rows, table.ROWS):
                    yield frame_of(batch.slice(start, table.ROWS))
        if not rows:
            raise no_rows(self.place)

    def _parts(self, columns: Sequence[str]) -> Iterator[Any]:
        if isinstance(self.reader, pa.ipc.RecordBatchFileReader):
            every = map(self.reader.get_batch, range(self.reader.num_record_batches))
        else:
            every = iter(self.reader)
        return (_checked(batch.select(list(columns))) for batch in every if batch.num_rows)


def _checked(batch: Any) -> Any:
    """The batch, once it is known that nothing in it points outside of it.

    Raises
    ------
    pyarrow.ArrowInvalid
        Something does: a reader would go there, and end, or read what is not the file's.
    """
    batch.validate(full=True)
    return batch


def _reader(source: Any) -> Any:
    """Feather's second version is Arrow's file; what is no file may be Arrow's stream."""
    try:
        return pa.ipc.open_file(source)
    except pa.ArrowInvalid:
        source.seek(0)
        return pa.ipc.open_stream(source)


def _names(schema: pa.Schema) -> tuple[str, ...]:
    return tuple(n for n in schema.names if not n.startswith("__index_level_"))  # pandas' own


def _bytes_of_a_row(schema: pa.Schema) -> int:
    """As a frame holds it; text, which is mostly repeated, at a guess."""
    widths = [t.bit_width // 8 if pa.types.is_primitive(t) else 24 for t in schema.types]
    return sum(max(width, 1) for width in widths)
