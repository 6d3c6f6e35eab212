"""What is wrong with a table, in one kind of error."""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import polars as pl
import pyarrow as pa

from alad.cli.tables.bad_lines import BadLines
from alad.errors import InputError
from alad.preprocessing.frames import quoted, repeated

GOES_ON = "Where there is --on-bad skip, that goes on without it."
UNREADABLE = (
    pa.ArrowException,
    pl.exceptions.PolarsError,
    csv.Error,
    OSError,
    EOFError,
    zlib.error,
    UnicodeDecodeError,
)


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Turn what readers raise into one kind of error."""
    try:
        yield
    except InputError:
        raise
    except UNREADABLE as error:
        if isinstance(error, UnicodeDecodeError) or "invalid UTF8" in str(error):  # by Arrow
            raise InputError(
                f"Expected text in UTF-8 in {place}; got other bytes. Save the file as UTF-8, or "
                "name it after its format."
            ) from error
        raise InputError(
            f"Expected a whole table in {place}; it cannot be read: {first_line(error)}. "
            "Check that the file is complete and is what its name says."
        ) from error


def first_line(error: Exception) -> str:
    """What an error says, in short."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")[:300]


class NoRows(InputError):
    """A file holds no row, which is no fault where others of a set hold some.

    ``names`` are its columns, as far as it names some, and ``bad`` the lines that were left out.
    """

    names: Sequence[str] = ()
    bad: BadLines | None = None


def empty(place: str) -> NoRows:
    """There is not even a line of names."""
    return NoRows(f"Expected a table in {place}; it is empty. Give a file with rows.")


def no_rows(place: str, names: Sequence[str] = ()) -> NoRows:
    """There are names, and nothing else."""
    found = NoRows(
        f"Expected at least one row in {place}; got column names only. Give a file with rows."
    )
    found.names = names
    return found


def none_readable(place: str, bad: BadLines | None) -> NoRows | None:
    """There are lines, and each of them was left out; None where none was."""
    if bad is None or not bad.count:
        return None
    first = bad.first[0]
    found = NoRows(
        f"Expected at least one row in {place} that can be read; all {bad.count:,} were left out. "
        f"The first: {first['where']}, {first['why']}. Check that the file is what its name says."
    )
    found.bad = bad
    return found


def none_has_rows(place: str) -> NoRows:
    """Every file of a set is empty."""
    return NoRows(f"Expected at least one row in {place}; none has any. Give a file with rows.")


def no_names(place: str, names: tuple[str, ...]) -> InputError:
    """The first line holds numbers."""
    return InputError(
        f"Expected column names in the first line of {place}; got numbers "
        f"({quoted(names, 3)}). Add a line of names."
    )


def check_no_json(place: str, names: Sequence[str]) -> None:
    """Refuse names that are scraps of a line of JSON.

    Raises
    ------
    InputError
        Says where such lines may be.
    """
    if names and re.match(r"\s*\{\s*[\"}]", names[0]):
        raise InputError(
            f"Expected CSV in {place}; its first line is of JSON. Give lines of JSON in a file "
            "named .jsonl, or on standard input."
        )


def check_separator(place: str, names: Sequence[str], separator: str) -> None:
    """Refuse one name that is plainly several, with another mark between them.

    Raises
    ------
    InputError
        Says which mark it is.
    """
    for mark, said in {";": "semicolons", "\t": "tabs", "|": "bars", ",": "commas"}.items():
        if len(names) == 1 and mark != separator and mark in names[0]:
            by = "tabs" if separator == "\t" else "commas"
            raise InputError(
                f"Expected columns separated by {by} in {place}; its first line has {said} "
                "instead. Write it with commas, or with tabs as .tsv."
            )


def check_names(place: str, names: Sequence[str]) -> None:
    """Refuse columns without a name, and two of one name.

    Raises
    ------
    InputError
        Names the column.
    """
    if "" in names:
        raise InputError(
            f"Expected a name for every column of {place}; column {names.index('') + 1} has "
            "none. Name it; if it is a row index, write the table without it."
        )
    if odd := [name for name in names if "\0" in name]:
        raise InputError(
            f"Expected names of columns that are text in {place}; got {quoted(odd)}, which no file "
            "can hold. Rename it."
        )
    if twice := repeated(names):
        raise InputError(
            f"Expected every column of {place} to have a name of its own; got "
            f"{quoted(twice)} more than once. Rename one, or add a line of names if there is none."
        )
