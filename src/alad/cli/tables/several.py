"""Several files that are one table: of one kind, with the same columns, one after the other.

Files of JSON lines may have keys of their own: what one lacks is missing in all of its lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from alad.cli.tables.bad_lines import BadLines
from alad.cli.tables.casts import read_in_batches
from alad.cli.tables.faults import NoRows, none_has_rows, none_readable
from alad.cli.tables.jsonl import JsonLines, above
from alad.cli.tables.table import Table
from alad.errors import InputError
from alad.preprocessing.frames import quoted

Opener = Callable[[Path], AbstractContextManager[Table]]


class Several:
    """Files in the order of their names; every one is opened first, to compare the columns.

    Files without rows are left aside. ``empty`` are those that were found so far: of some kinds of
    files one has to read them to know.
    """

    def __init__(self, place: str, paths: Sequence[Path], opener: Opener) -> None:
        self.place, self.opener, self.size = place, opener, 0
        self.paths: list[Path] = []
        self.empty: list[Path] = []
        self.kinds: dict[str, str] = {}
        self.names: tuple[str, ...] = ()
        self.late: dict[str, None] = {}  # keys of JSON that are no columns
        self.bad: BadLines | None = None  # of the files that were read
        self._with_values: set[str] = set()  # keys
        counts = [count for path in paths for count in self._counted(path)]
        if not counts:
            raise none_readable(place, self.bad) or none_has_rows(place)
        if self.lacks:
            self.names = self._without_objects()
        known = [count for count in counts if count is not None]
        self.rows: int | None = sum(known) if len(known) == len(counts) else None

    def _counted(self, path: Path) -> list[int | None]:
        """Take in a file: the number of its rows, if it has any."""
        try:
            with self.opener(path) as table:
                if not self.paths:
                    self.names, self.first = table.names, table
                    self.is_typed, self.infers = table.is_typed, table.infers
                    self.lacks = isinstance(table, JsonLines)
                    self.bad = self.bad or (table.bad and BadLines())
                if isinstance(table, JsonLines):
                    self._take_keys(table)
                else:
                    _check_names(table, self.first)
                self._check_kinds(table)
                self.paths.append(path)
                self.size += table.size
                return [table.rows]
        except NoRows as error:
            self._note(error.bad, path)
            self.empty.append(path)
            return []

    def _take_keys(self, table: JsonLines) -> None:
        """Add the keys of a file to those of the files before it."""
        self._with_values |= {*table.names} - table.without_value
        self.names = tuple(dict.fromkeys((*self.names, *table.names)))

    def _without_objects(self) -> tuple[str, ...]:
        """The keys but those of objects, which are null in some files.

        Where lines may be left out, a key that is an object in some files and a value in others is
        both: what a file has not is missing there.

        Raises
        ------
        InputError
            One is an object in one file, and text or a number in another.
        """
        objects = above(self.names)
        if self.bad is not None:
            objects -= self._with_values
        if mixed := sorted(self._with_values & objects):
            raise InputError(
                f"Expected one type a key in {self.place}; {quoted(mixed)} is an object in one "
                "file and none in another. Make each key all numbers, all text or all true and "
                "false, or an object in every line."
            )
        return tuple(name for name in self.names if name not in objects)

    def _check_kinds(self, table: Table) -> None:
        """Hold what the columns of a file hold against those of the files before it."""
        for name, kind in _kinds(table).items():
            before = self.kinds.setdefault(name, kind)
            if kind != before:
                raise InputError(
                    f"Expected {before} in column {name!r} of {table.place}, as in the files "
                    f"before it; got {kind}. Write the column in one type."
                )

    def read(self, columns: Sequence[str]) -> pl.DataFrame:
        """Give some columns of all rows of all files, with the types that hold them all."""
        if self.is_typed:
            return pl.concat(self.batches(columns), how="vertical_relaxed")
        return read_in_batches(self, columns)

    def batches(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Give some columns of all rows of all files, some rows at a time."""
        found = False
        for path in self.paths:
            for frame in self._batches(path, columns):
                found = True
                yield frame
        if not found:
            raise none_readable(self.place, self.bad) or none_has_rows(self.place)

    def _batches(self, path: Path, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        try:
            with self.opener(path) as table:
                if isinstance(table, JsonLines):
                    table.names, table.late = self.names, self.late
                yield from table.batches(columns)
                self._note(table.bad, path)
        except NoRows as error:
            self._note(error.bad, path)
            if path not in self.empty:
                self.empty.append(path)

    def _note(self, bad: BadLines | None, path: Path) -> None:
        """Add the lines of a file that were left out, once all of it was read."""
        if bad is not None:
            self.bad = self.bad or BadLines()
            self.bad.extend(bad, str(path))


def left_aside(table: Table) -> dict[str, Any]:
    """What of a table is not read.

    Files without rows, what only the names of folders say, and lines, where some were left out.
    """
    paths, empty = (table.paths, table.empty) if isinstance(table, Several) else ([], [])
    return {
        "empty_files": [str(path) for path in empty],
        "keys_of_folders": _keys_of_folders(paths, table.names),
        "bad_lines": None if table.bad is None else table.bad.to_json(),
    }


def _keys_of_folders(paths: Sequence[Path], names: Sequence[str]) -> list[str]:
    """The keys of folders such as ``day=2026-11-26``, of more than one value and no column.

    >>> paths = [Path("flows/site=a/day=1/0.csv"), Path("flows/site=a/day=2/0.csv")]
    >>> _keys_of_folders(paths, ["bytes"]), _keys_of_folders(paths, ["bytes", "day"])
    (['day'], [])
    """
    pairs = {tuple(part.split("=", 1)) for path in paths for part in path.parts[:-1] if "=" in part}
    counts = Counter(key for key, _ in pairs)
    return sorted(key for key, n in counts.items() if n > 1 and key not in names)


def _check_names(table: Table, first: Table) -> None:
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


def _kinds(table: Table) -> dict[str, str]:
    """What the columns of a file with types hold, in words; not those that hold nothing."""
    schema: pa.Schema | None = getattr(table, "schema", None)
    types = {} if schema is None else {name: schema.field(name).type for name in table.names}
    return {name: _kind(dtype) for name, dtype in types.items() if not pa.types.is_null(dtype)}


def _kind(dtype: pa.DataType) -> str:
    types = pa.types
    if types.is_dictionary(dtype):
        return _kind(dtype.value_type)
    if types.is_integer(dtype) or types.is_floating(dtype) or types.is_decimal(dtype):
        return "numbers"
    if types.is_string(dtype) or types.is_large_string(dtype) or types.is_string_view(dtype):
        return "text"
    if types.is_timestamp(dtype):
        return f"times of the zone {dtype.tz}" if dtype.tz else "times without a zone"
    return "durations" if types.is_duration(dtype) else str(dtype)
