"""Tables in files: CSV and TSV, JSON lines, Parquet, Arrow and Feather, NumPy arrays, and sets.

A table is opened, which looks at no more than its column names, and then read whole
(``read``) or batch by batch (``batches``), in memory that does not grow with its length.

A CSV file does not say what its columns are. Read whole, each column is a number if every value
is one, else text. Read in batches, all columns are text and :func:`as_at_fit` gives them the
types that the model knows, so that no batch is read otherwise than the one before; or
:class:`Settling` looks at all batches first. A line of JSON says what its values are, but not what
those of the next line will be: it is treated in the same way.

A folder or a pattern such as ``logs/2026-*.parquet`` is several files that are one table. Those
without rows are left aside; a table without any row is refused.
"""

from __future__ import annotations

import gzip
import re
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

from alad.cli.tables.arrow import Arrow, Parquet
from alad.cli.tables.bad_lines import BadLines, mended
from alad.cli.tables.casts import (
    Settling,
    as_at_fit,
    as_copied,
    as_copied_from_odd,
    as_numbers,
    settled,
    without_odd_values,
)
from alad.cli.tables.csv import Csv
from alad.cli.tables.faults import check_names, empty
from alad.cli.tables.files import (
    OF_LINES,
    SEPARATORS,
    STANDARD_INPUT,
    files_of,
    format_of,
    holds_pictures,
    no_format,
    written_as,
)
from alad.cli.tables.jsonl import JsonLines
from alad.cli.tables.npy import Npy
from alad.cli.tables.several import Several, left_aside
from alad.cli.tables.table import Table, lists_as_text
from alad.errors import InputError

__all__ = [
    "Settling",
    "Table",
    "as_at_fit",
    "as_copied",
    "as_copied_from_odd",
    "as_numbers",
    "holds_pictures",
    "left_aside",
    "lists_as_text",
    "open_table",
    "settled",
    "without_odd_values",
    "written_as",
]

SUBSTITUTE = b"\x1a"  # as ASCII calls it; JSON has a question mark, which CSV means a gap by
PACKED = 12  # times as large as a gzipped table is what is in it, at a guess


@contextmanager
def open_table(
    path: Path, *, strict: bool = False, as_text: Collection[str] = (), skips: bool = False
) -> Iterator[Table]:
    """Open a table by its file's name; ``-`` is CSV, or lines of JSON, on standard input.

    Parameters
    ----------
    path : a file, a folder of files of one kind, or a pattern that such files match.
    strict : whether a column that comes up late, as a key of JSON lines may, is refused.
    as_text : columns that are text, whatever it looks like.
    skips : whether lines that cannot be read are left out rather than refused.

    Raises
    ------
    InputError
        No such file, no table, a name that says nothing, columns without proper names, or files
        of a set that differ in their columns.
    """
    files = files_of(path)
    if len(files) > 1:
        opener = partial(_open_file, strict=strict, as_text=as_text, skips=skips)
        yield Several(f"the {len(files)} files of {path}", files, opener)
        return
    with _open_file(files[0], strict=strict, as_text=as_text, skips=skips) as table:
        yield table


@contextmanager
def _open_file(
    path: Path, *, strict: bool, as_text: Collection[str], skips: bool
) -> Iterator[Table]:
    place = "standard input" if path == STANDARD_INPUT else str(path)
    if not (path.suffix or path == STANDARD_INPUT or path.exists()):
        raise InputError(
            f"Expected a table, or a folder of pictures, at {path}; there is none. Check the path."
        )
    kind = format_of(path)
    if kind is None:
        raise no_format(path)
    with _raw(path) as raw:
        bad = BadLines() if skips and kind in OF_LINES else None
        table = _table(kind, place, path, raw, strict, as_text, bad)
        check_names(place, table.names)
        yield table


def _table(
    kind: str,
    place: str,
    path: Path,
    raw: IO[bytes],
    strict: bool,
    as_text: Collection[str],
    bad: BadLines | None,
) -> Table:
    if kind == "npy":
        return Npy(place, path)
    if kind == "arrow":
        return Arrow(place, path)
    if kind == "parquet":
        return Parquet(place, raw)
    is_json = kind == "jsonl" or (path == STANDARD_INPUT and _is_json(raw, bad is not None))
    lines = raw if bad is None else mended(raw, bad, b"?" if is_json else SUBSTITUTE)
    if is_json:
        return JsonLines(place, lines, _size(path), strict=strict, bad=bad)
    return Csv(place, lines, SEPARATORS[f".{kind}"], _size(path), as_text, bad)


def _is_json(raw: IO[bytes], skips: bool) -> bool:
    """Whether some bytes begin with an object, or a list of them, as no name of a column does.

    Where lines may be left out, whether most of the lines after the first do.
    """
    begin: bytes = raw.peek(1)  # type: ignore[attr-defined] # all our streams have it
    if skips and len(lines := begin.split(b"\n")[1:-1]):
        return sum(line.startswith(b"{") for line in lines) > len(lines) / 2
    return re.match(rb"(\xef\xbb\xbf)?\s*(\[\s*)?\{", begin) is not None


def _size(path: Path) -> int:
    if path == STANDARD_INPUT:
        return 0
    return path.stat().st_size * (PACKED if path.name.lower().endswith(".gz") else 1)


@contextmanager
def _raw(path: Path) -> Iterator[IO[bytes]]:
    """Give the bytes of a file, unzipped."""
    if path == STANDARD_INPUT:
        if sys.stdin is None:  # closed by whoever started us
            raise empty("standard input")
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
