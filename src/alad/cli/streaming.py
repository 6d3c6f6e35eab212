"""What a fit learns from: a table read whole, or a stream of one that is too large for that."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alad.errors import InputError

if TYPE_CHECKING:
    import polars as pl

    from alad.cli.tables import Table
    from alad.estimators import Stream
    from alad.preprocessing.columns import Column

MEMORY = "2GiB"  # where nothing else is said
WHOLE = 1 / 4  # of the memory, that a table may take to be read whole
DrawnMemory = Annotated[
    str,
    typer.Option(
        metavar="SIZE",
        help="About how much memory to take: of wide rows and of large pictures fewer are drawn.",
    ),
]
UNITS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}


def memory_size(text: str) -> int:
    """Read a number of bytes.

    Raises
    ------
    InputError
        It is none, or below 64 MiB.

    >>> memory_size("2GiB"), memory_size("512 M") == 2**29
    (2147483648, True)
    """
    found = re.fullmatch(r"\s*([0-9.]+)\s*([kmgt]?)(?:i?b)?\s*", text.lower())
    try:
        size = int(float(found[1]) * (1 << UNITS[found[2]])) if found else 0
    except (ValueError, OverflowError):
        size = 0
    if size < 1 << 26:
        raise InputError(
            f"Expected --memory to be a size of at least 64MiB, such as 2GiB; got {text!r}."
        )
    return size


def rows_of(
    path: Path,
    drop: Sequence[str],
    memory: int,
    folder: Path,
    as_text: Collection[str] = (),
    *,
    skips: bool = False,
    stated: Collection[Column] = (),
) -> tuple[pl.DataFrame | Stream, Mapping[str, Any]]:
    """Read a table without the columns to leave out, or give a stream if it is too large.

    Beside it stands what of it is not read.

    Parameters
    ----------
    memory : about how many bytes the fit may take in all.
    folder : where a stream's temporary file may be; of those above it, one that exists is taken.
    as_text : columns that are text, whatever it looks like.
    skips : whether lines that cannot be read are left out rather than refused.
    stated : columns whose kind is known, in which what is not of it counts as missing.

    Raises
    ------
    InputError
        The table cannot be read, or has other columns.
    """
    from alad.cli.tables import left_aside, open_table

    with open_table(path, strict=True, as_text=as_text, skips=skips) as table:
        columns, mending = _left(table, drop), _Mending(stated)
        if table.size > memory * WHOLE:
            rows: pl.DataFrame | Stream = _stream(
                path, table, columns, memory, folder, mending, skips=skips
            )
        else:
            rows = mending.mended(table.read(columns))
        late = list(getattr(table, "late", ()))
        return rows, {**left_aside(table), "late_keys": late, "odd_values": mending.odd}


class _Mending:
    """Takes what is not of its column's kind for missing, where that is known, and counts it."""

    def __init__(self, stated: Collection[Column]) -> None:
        self.stated = stated
        self.odd: dict[str, int] = {}

    def mended(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The columns with the types of their kinds."""
        from alad.cli.tables import as_at_fit, without_odd_values

        if not self.stated:
            return frame
        frame, odd = without_odd_values(frame, self.stated)
        self.odd.update({name: self.odd.get(name, 0) + n for name, n in odd.items()})
        return as_at_fit(frame, self.stated)


def _left(table: Table, drop: Sequence[str]) -> list[str]:
    from alad.preprocessing.frames import quoted

    if absent := [name for name in drop if name not in table.names]:
        raise InputError(
            f"Expected columns of {table.place} after --drop; it has no {quoted(absent)}, but "
            f"{quoted(table.names)}."
        )
    columns = [name for name in table.names if name not in drop]
    if not columns:
        raise InputError("Expected at least one column to be left; got --drop for all of them.")
    return columns


def _stream(
    path: Path,
    table: Table,
    columns: Sequence[str],
    memory: int,
    folder: Path,
    mending: _Mending,
    *,
    skips: bool,
) -> Stream:
    """Settle how many rows there are, and of which types, by a reading of its own if need be."""
    from alad.cli.progress import rows_progress
    from alad.cli.tables import open_table, settled
    from alad.estimators import Stream

    rows, types = _settled(table, columns)

    def batches() -> Iterator[pl.DataFrame]:
        opened = open_table(path, strict=True, skips=skips)
        mending.odd.clear()  # of the reading before
        with opened as table, rows_progress("reading", rows) as advance:
            for frame in table.batches(columns):
                yield mending.mended(frame if types is None else settled(frame, types))
                advance(frame.height)

    place = next(place for place in (folder, *folder.parents) if place.is_dir())
    return Stream(batches, rows, folder=place, memory=memory)


def _settled(table: Table, columns: Sequence[str]) -> tuple[int, Any]:
    """The rows of a table and the types that hold all of them, None where the file has types."""
    from alad.cli.progress import rows_progress
    from alad.cli.tables import Settling

    if table.is_typed and table.rows is not None:
        return table.rows, None
    settling, rows = Settling.of(table), 0
    with rows_progress("looking", table.rows) as advance:
        for frame in table.batches(columns[:1] if table.is_typed else columns):
            settling.update(frame)
            rows += frame.height
            advance(frame.height)
    return rows, None if table.is_typed else settling.types()
