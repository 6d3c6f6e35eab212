"""Several files that are one table: of one kind, with the same columns, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import polars as pl
import pyarrow as pa

from alad.cli.tables.casts import read_in_batches
from alad.cli.tables.table import Table
from alad.errors import InputError
from alad.preprocessing.frames import quoted

Opener = Callable[[Path], AbstractContextManager[Table]]


class Several:
    """Files in the order of their names; every one is opened first, to compare the columns."""

    def __init__(self, place: str, paths: Sequence[Path], opener: Opener) -> None:
        self.place, self.paths, self.opener = place, paths, opener
        counts: list[int | None] = []
        self.size = 0
        for path in paths:
            with opener(path) as table:
                if not counts:
                    self.names, first = table.names, table
                    self.is_typed, self.infers = table.is_typed, table.infers
                _check_alike(table, first)
                counts.append(table.rows)
                self.size += table.size
        known = [count for count in counts if count is not None]
        self.rows: int | None = sum(known) if len(known) == len(counts) else None

    def read(self, columns: Sequence[str]) -> pl.DataFrame:
        """Give some columns of all rows of all files, with the types that hold them all."""
        if self.is_typed:
            return pl.concat(self.batches(columns), how="vertical_relaxed")
        return read_in_batches(self, columns)

    def batches(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Give some columns of all rows of all files, some rows at a time."""
        for path in self.paths:
            with self.opener(path) as table:
                yield from table.batches(columns)


def _check_alike(table: Table, first: Table) -> None:
    """Hold the columns of a file against those of the first one."""
    parts = []
    if absent := [name for name in first.names if name not in table.names]:
        parts.append(f"missing: {quoted(absent)}")
    if more := [name for name in table.names if name not in first.names]:
        parts.append(f"not in the first one: {quoted(more)}")
    if parts:
        raise InputError(
            f"Expected the columns of {first.place} in {table.place}; {'; '.join(parts)}. Give "
            "files with the same columns."
        )
    ours, theirs = _kinds(table), _kinds(first)
    for name, kind in ours.items():
        if kind != theirs[name]:
            raise InputError(
                f"Expected {theirs[name]} in column {name!r} of {table.place}, as in "
                f"{first.place}; got {kind}. Write the column in one type."
            )


def _kinds(table: Table) -> dict[str, str]:
    """What the columns of a file with types hold, in words."""
    schema: pa.Schema | None = getattr(table, "schema", None)
    return {} if schema is None else {name: _kind(schema.field(name).type) for name in table.names}


def _kind(dtype: pa.DataType) -> str:
    types = pa.types
    if types.is_dictionary(dtype):
        return _kind(dtype.value_type)
    if types.is_integer(dtype) or types.is_floating(dtype) or types.is_decimal(dtype):
        return "numbers"
    if types.is_string(dtype) or types.is_large_string(dtype) or types.is_string_view(dtype):
        return "text"
    return str(dtype)
