"""What commands say: JSON and results on standard output, notes on standard error."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from alad.errors import InputError, OutputError
from alad.report.visible import STEERS, in_one_line, visible

LEAST = 20  # characters in a line of the last column
SHOWN = 5  # files or columns that are told by name, where there are many
LARGEST, SMALLEST = 7, 2  # counts by column that are said, where there are many

METRICS = {  # of a result, with the names that tables have for them
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "auroc": "AUROC",
    "average_precision": "av. precision",
}

TABLES = (  # what may be given as one
    ".csv, .tsv, .jsonl (also .gz), .parquet, .arrow, .feather, .npy, - for CSV or lines of JSON "
    "on standard input; a folder of such files, or a pattern in quotes"
)


def print_json(content: Mapping[str, Any]) -> None:
    """Print one JSON object; a number that is not finite becomes null, a time text."""
    from alad.experiments.record import plain

    text = json.dumps(plain(content), allow_nan=False, ensure_ascii=False, default=str)
    print_text(STEERS.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def print_text(text: str) -> None:
    """Print text as a result."""
    with standard_output() as out:
        print(_sayable(text, out), file=out)


@contextmanager
def standard_output() -> Iterator[TextIO]:
    """Give standard output, and flush it after: it can be full as well, and that is known now.

    Raises
    ------
    OutputError
        It cannot be written to.
    """
    if sys.stdout is None:
        raise OutputError("Expected to write to standard output; it is closed. Write elsewhere.")
    try:
        yield sys.stdout
        sys.stdout.flush()
    except BrokenPipeError:
        raise  # whoever reads has enough
    except OSError as error:
        _let_go(sys.stdout)
        raise OutputError(
            f"Expected to write to standard output, but {(error.strerror or '').lower()}. "
            "Free some space, or write elsewhere."
        ) from error


def _let_go(stream: TextIO) -> None:
    """Drop what could not be written: Python would try again at the end, and exit with 120."""
    with suppress(OSError):  # not a file
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def say(text: str) -> None:
    """Write a line to standard error; where it is full, or nobody reads it, the work goes on."""
    try:
        print(_sayable(text, sys.stderr), file=sys.stderr, flush=True)
    except OSError:
        _let_go(sys.stderr)


def _sayable(text: str, stream: TextIO) -> str:
    """The text as the stream can hold it: file names may have bytes that are none.

    What would steer the terminal is shown and not sent.
    """
    encoding = stream.encoding or "utf-8"
    return visible(text).encode(encoding, "backslashreplace").decode(encoding)


def note(what: str, items: Collection[str]) -> None:
    """Write a line of notes, if there are any."""
    if items:
        say(f"note: {what}: {', '.join(map(in_one_line, items))}")


def some(items: Sequence[str], of: int | None = None) -> list[str]:
    """The first of many, and how many more there are; ``of`` where these are not all."""
    left = (len(items) if of is None else of) - SHOWN
    return [*items[:SHOWN], *([f"{left:,} more"] if left > 0 else [])]


def note_left_aside(done: Mapping[str, Any], which: str = "") -> None:
    """Say what was not read of a table, or of a folder of pictures; where that is much, some."""
    unreadable = [f"{bad['file']} ({bad['reason']})" for bad in done.get("unreadable", ())]
    folders = done.get("keys_of_folders", ())
    bad = done.get("bad_lines") or {"count": 0, "first": [], "bytes_mended": 0}
    lines = [f"{line['where']} ({line['why']})" for line in bad["first"]]
    mended = [f"{n:,} byte{'s' * (n != 1)}"] if (n := bad["bytes_mended"]) else []
    note(f"{which}files that are no sound pictures, left out", some(unreadable))
    note(f"{which}files without rows, left aside", some(done.get("empty_files", ())))
    note(f"{which}not read, for only the names of folders say it", folders)
    note(f"{which}lines that cannot be read, left out", some(lines, bad["count"]))
    note(f"{which}no numbers or no times, taken for missing", by_column(done.get("odd_values", {})))
    note(f"{which}keys that come late, not learned", some(done.get("late_keys", ())))
    note(f"{which}not in UTF-8, so that another stands for each", mended)


def called(row: Mapping[str, Any]) -> str:
    """Name a row of a table by its number, a picture by its file.

    >>> called({"row": 1200}), called({"file": "a.png"})
    ('row 1,200', 'a.png')
    """
    return str(row["file"]) if "file" in row else f"row {row['row']:,}"


def by_column(counts: Mapping[str, int]) -> list[str]:
    """Give counts of rows as text, the largest first; of many columns also the smallest.

    >>> by_column({"flag": 1, "service": 1200})
    ['service (1,200 rows)', 'flag (1 row)']
    >>> by_column({f"c{i}": 100 - i for i in range(40)})[6:]
    ['c6 (94 rows)', '31 other columns (63 to 93 rows each)', 'c38 (62 rows)', 'c39 (61 rows)']
    """
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    told = [f"{name} ({n:,} row{'s' * (n != 1)})" for name, n in ordered]
    if len(told) <= LARGEST + SMALLEST + 1:
        return told
    others = [n for _, n in ordered[LARGEST:-SMALLEST]]
    between = f"{len(others):,} other columns ({others[-1]:,} to {others[0]:,} rows each)"
    return [*told[:LARGEST], between, *told[-SMALLEST:]]


def check_choice(what: str, value: str, choices: Collection[str]) -> None:
    """Refuse a word that is none of the choices.

    Raises
    ------
    InputError
        Names the choices.
    """
    if value not in choices:
        raise InputError(f"Expected {what} to be one of {', '.join(choices)}; got {value!r}.")


def in_columns(
    head: Sequence[str], body: Sequence[Sequence[str]], width: int | None = None
) -> list[str]:
    """Give the lines of a table, every column as wide as its widest cell, a rule below the head.

    With a ``width`` the last column goes on below itself where a line would be longer.

    >>> print(*in_columns(["method", "F1"], [["ALAD", "0.95"]]), sep=chr(10))
    method  F1
    ------------
    ALAD    0.95
    >>> long = "all of them look like paths, and are some"
    >>> print(*in_columns(["column", "note"], [["path", long]], 32), sep=chr(10))
    column  note
    --------------------------------
    path    all of them look like
            paths, and are some
    """
    body = [[in_one_line(cell) for cell in line] for line in body]
    widths = [max(len(line[i]) for line in [head, *body]) for i in range(len(head))]
    before = sum(widths[:-1]) + 2 * len(widths[:-1])
    room = widths[-1] if width is None else min(widths[-1], max(width - before, LEAST))
    lines = []
    for *cells, last in [head, *body]:
        first, *more = textwrap.wrap(last, room) or [""] if width else [last]
        padded = (cell.ljust(width) for cell, width in zip(cells, widths[:-1], strict=True))
        lines += ["  ".join([*padded, first]).rstrip(), *(" " * before + part for part in more)]
    return [lines[0], "-" * (before + room), *lines[1:]]


def width_of_terminal() -> int | None:
    """How wide standard output is, if it is a terminal; what is piped has lines of any length."""
    return shutil.get_terminal_size().columns if sys.stdout and sys.stdout.isatty() else None


def aligned(pairs: Mapping[str, Any]) -> str:
    """Give names and values in two columns.

    >>> print(aligned({"rows": 5, "offset": -1.5}))
    rows    5
    offset  -1.5
    """
    names = [in_one_line(name) for name in pairs]
    width = max(map(len, names), default=0)
    told = zip(names, pairs.values(), strict=True)
    return "\n".join(f"{name:{width}}  {value}" for name, value in told)
