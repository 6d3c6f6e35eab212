"""Lines of values, the first of them names; and logs of Zeek, whose names are in a line of many.

#separator \\x09
#fields     ts  uid  id.orig_h
#types      time  string  addr
1795694400.25  CHhAvVGS1DHFjwGM9  10.0.0.1
#close      2026-11-26-17-02-11
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any, ClassVar

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from alad.cli.tables import table
from alad.cli.tables.bad_lines import KEPT, BadLines
from alad.cli.tables.casts import read_in_batches
from alad.cli.tables.faults import (
    GOES_ON,
    check_no_json,
    check_separator,
    empty,
    explained,
    no_names,
    no_rows,
    none_readable,
)
from alad.cli.tables.quotes import Quotes
from alad.cli.tables.table import HEXADECIMAL, frame_of
from alad.errors import InputError

# A quotation mark that is not closed swallows lines. Values of many lines are fine where they are
# common; where they are few, one that is long, or whose lines are lines of the table, is refused.
FEW = 0.01  # of the rows
MANY_NAMES = 3  # of columns, that all are values of a row by no chance
MARK_OF_UTF8 = "\ufeff"  # at the beginning of a file
LONGEST = 1 << 16  # characters
LOOKED_AT = 80  # characters of a line that is told
SWALLOWED = 0.9  # of a value's lines
ENOUGH = 4  # separators in them

RAGGED = re.compile(r"Expected (\d+) columns, got (\d+): (.*)", re.DOTALL)  # Arrow's words ...
CUT = " ..."  # ... and the end of a row that it shows the beginning of

MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "?")


class Csv:
    """Lines of values, the first of them names.

    With ``bad`` a line that is no row is noted there and left out, rather than refused. Not so a
    quotation mark that is not closed and swallows lines: which of them are rows is not known.
    """

    is_typed: ClassVar[bool] = False  # the file does not settle what a column is
    rows = None  # the file does not tell

    def __init__(
        self,
        place: str,
        stream: IO[bytes],
        separator: str,
        size: int = 0,
        as_text: Collection[str] = (),
        bad: BadLines | None = None,
    ) -> None:
        self.place, self.stream, self.separator, self.size = place, stream, separator, size
        self.bad = bad
        with explained(place):
            watched, self.begin = Quotes(stream, separator), 1
            lines = (line.decode("utf-8-sig") for line in iter(watched.readline, b""))
            reader = csv.reader(lines, delimiter=separator)
            self.names = tuple(next(reader, []))
            self._check_end(watched)
            self.begin = self.line = reader.line_num + 1  # where rows begin, and the next ones
            self.is_zeek = bool(self.names) and self.names[0].startswith("#separator")
            if self.is_zeek:
                self.names = self._names_of_zeek(lines)
                self.begin = self.line
            if not self.names:
                raise empty(place)
            check_no_json(place, self.names)
            check_separator(place, self.names, separator)
            if not stream.peek(1):  # type: ignore[attr-defined] # all our streams have it
                raise no_rows(place, self.names)
        if all(map(_is_number, self.names)) and self.names != _counted(len(self.names)):
            raise no_names(place, self.names)
        self.infers = tuple(name for name in self.names if name not in as_text)

    def _names_of_zeek(self, lines: Iterator[str]) -> tuple[str, ...]:
        """Read the lines before the rows, and give the names that are among them."""
        names: tuple[str, ...] = ()
        for self.line, line in enumerate(lines, 3):
            what, *values = line.rstrip("\r\n").split("\t")
            names = tuple(values) if what == "#fields" else names
            if what == "#types":
                break
        return names

    def read(self, columns: Sequence[str]) -> pl.DataFrame:
        """Give some columns of all rows, each a number if every value is one."""
        if self.bad is not None:  # what is left out says nothing of what the columns are
            return read_in_batches(self, columns)
        with self._explained():
            text = (*self._hexadecimal(), *(x for x in self.names if x not in self.infers))
            options = self._options(columns, text)
            watched = self._watched()
            frame = frame_of(pyarrow.csv.read_csv(watched or self.stream, **options))
        frame = self._checked(frame)
        if not frame.height:
            raise self._no_rows()
        self._check_end(watched)
        for series in frame.select(pl.col(pl.Binary)).iter_columns():
            raise InputError(
                f"Expected text in UTF-8 in column {series.name!r} of {self.place}; got other "
                "bytes. Save the file as UTF-8."
            )
        return frame

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Say where a row is that has too many values, or too few."""
        with explained(self.place):
            try:
                yield
            except pa.ArrowInvalid as error:
                found = RAGGED.search(str(error))
                if found is None:
                    raise
                raise self._of_other_length(*found.groups()) from error

    def _no_rows(self) -> InputError:
        return none_readable(self.place, self.bad) or no_rows(self.place, self.names)

    def _of_other_length(self, expected: str, got: str, row: str) -> InputError:
        line = self._line_of(row)
        where = "" if line is None else f" in line {line}"
        advice = (
            "" if self.is_zeek else ": a value that holds a separator stands in quotation marks"
        )
        return InputError(
            f"Expected {expected} values in every row of {self.place}, one for each "
            f"name of a column; got {got}{where}, {row[:LOOKED_AT]!r}. Mend that row"
            f"{advice}. {GOES_ON}"
        )

    def _line_of(self, row: str) -> int | None:
        """The number of the first line with which a row may begin, if they can be read again."""
        if not self.stream.seekable():
            return None
        begin = re.split(r"[\r\n]", row.removesuffix(CUT), maxsplit=1)[0].encode()
        is_whole = begin.decode() == row
        self.stream.seek(0)
        for number, line in enumerate(self.stream, 1):
            if line.startswith(begin) and (not is_whole or line.rstrip(b"\r\n") == begin):
                return number
        return None

    def _hexadecimal(self) -> set[str]:
        """The columns that have such a number among their values, which are text.

        Of what cannot be read again only the first values are looked at.
        """
        if not self.stream.seekable():
            return self._hexadecimal_in(self.stream.peek(1))  # type: ignore[attr-defined]
        place, found = self.stream.tell(), set[str]()
        while block := self.stream.read(table.BYTES):
            block += self.stream.readline()
            for line in () if not _may_hold(block) else block.splitlines():
                found |= self._hexadecimal_in(line) if _may_hold(line) else set()
        self.stream.seek(place)
        return found

    def _hexadecimal_in(self, lines: bytes) -> set[str]:
        text = lines.decode("utf-8", "replace")
        read = io.StringIO(text.replace('"', "") if self.is_zeek else text, newline="")
        found = set[str]()
        with suppress(csv.Error):
            for row in csv.reader(read, delimiter=self.separator):
                both = zip(self.names, row, strict=False)
                found |= {name for name, value in both if re.match(HEXADECIMAL, value)}
        return found

    def batches(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Give some columns of all rows as text, some rows at a time."""
        # What is left out must not depend on who reads, or rows would have other numbers.
        seen = columns if self.bad is None else self.names
        options = self._options(seen, self.names)
        rows, watched = 0, self._watched()
        source = watched or self.stream
        with self._explained(), pyarrow.csv.open_csv(source, **options) as reader:
            for batch in reader:
                if batch.num_rows and (frame := self._checked(frame_of(batch))).height:
                    rows += frame.height
                    yield frame.select(columns)
        self._check_end(watched)
        if not rows:
            raise self._no_rows()

    def _checked(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The rows that are rows; those of the names themselves are none."""
        none = [self._names_again(frame), self._quoted_lines(frame)]
        is_row = np.ones(frame.height, np.bool_)
        is_row[np.concatenate(none)] = False
        return frame if is_row.all() else frame.filter(is_row)

    def _names_again(self, frame: pl.DataFrame) -> NDArray[Any]:
        """Where the names stand once more, as where files were put one after the other."""
        first, *others = frame.columns
        are_few = len(frame.columns) < min(len(self.names), MANY_NAMES)
        if not others or are_few or any(dtype != pl.String for dtype in frame.dtypes):
            return np.empty(0, np.int64)
        places = (frame[first].str.strip_prefix(MARK_OF_UTF8) == first).arg_true()
        again = [frame[name].gather(places) == name for name in others]
        alike = places.filter(pl.Series(np.all([x.fill_null(False) for x in again], axis=0)))
        if alike.is_empty():
            return np.empty(0, np.int64)
        counts = frame.select(pl.sum_horizontal(pl.all().str.count_matches("\n").fill_null(0)))
        breaks = counts.to_series().cum_sum()
        for place in alike.head(KEPT):
            where = f"near line {self.line + place + breaks[place]}"
            if self.bad is None:
                raise InputError(
                    f"Expected the names of the columns of {self.place} once, in its first line; "
                    f"they stand again {where}. Leave that out: files that were put one after the "
                    "other each have their own."
                )
            self.bad.add(where, "the names of the columns again")
        if self.bad is not None:
            self.bad.count += len(alike[KEPT:])
        return alike.to_numpy()

    def _quoted_lines(self, frame: pl.DataFrame) -> NDArray[Any]:
        """Where a value holds lines of the table, as after a quotation mark left open."""
        breaks, found = 0, list[int]()
        for text in frame.select(pl.col(pl.String)).iter_columns():
            broken = np.flatnonzero(text.str.contains("\n", literal=True).fill_null(False))
            if self.bad is not None or len(broken) <= max(1, FEW * frame.height):
                for row in broken.tolist():
                    line = self.line + breaks + row
                    if self._is_of_lines(text[row], text.name, line):
                        found.append(row)
            breaks += int(text.gather(broken).str.count_matches("\n").sum())
        self.line += frame.height + breaks
        return np.array(found, np.int64)

    def _is_of_lines(self, value: str, name: str, line: int) -> bool:
        """Refuse a value that is of lines of the table, or note it where it may be left out."""
        marks, place = len(self.names) - 1, self.names.index(name)
        whole = value.split("\n")[:-1]  # the last line may go on after the quotation mark
        expected = [marks - place, *[marks] * (len(whole) - 1)]
        alike = sum(x.count(self.separator) == n for x, n in zip(whole, expected, strict=True))
        are_lines = sum(expected) >= ENOUGH and alike >= SWALLOWED * len(whole)
        if self.bad is not None and marks > 1:  # who opens a mark may add other lines
            are_lines |= any(line.count(self.separator) == marks for line in whole[1:])
        if not are_lines and len(value) <= LONGEST:
            return False
        if self.bad is None:
            raise InputError(
                f"Expected values of one line in column {name!r} of {self.place}, as nearly all "
                f"are; near line {line} one holds {len(whole)} line breaks, and begins with "
                f"{value[:40]!r}. Close the quotation mark before it; one that is meant is "
                'written twice, as "".'
            )
        why = f"{len(whole)} line breaks in one value of {name!r}, which begins {value[:40]!r}"
        self.bad.add(f"near line {line}", why, lines=1 + len(whole))
        return True

    def _watched(self) -> Quotes | None:
        """The stream with its quotation marks watched; None where they mean nothing."""
        return None if self.is_zeek else Quotes(self.stream, self.separator)

    def _check_end(self, watched: Quotes | None) -> None:
        """Refuse a table that ends within a quoted value: lines since its mark were no rows."""
        if watched is None:
            return
        line = watched.left_open()
        if watched.spoiled is not None:
            raise self._unclosed(
                f"after each quoted value of {self.place} its end; text follows one of lines that",
                self.begin + watched.spoiled,
            )
        if line is not None and not (self.bad is not None and watched.ends_in(line)):
            raise self._unclosed(
                f"{self.place} to end after a row; it ends within a value that", self.begin + line
            )

    def _unclosed(self, what: str, line: int) -> InputError:
        return InputError(
            f"Expected {what} begins in line {line}: the quotation mark before it is not closed, "
            "and the lines after it were taken for a part of the value. Close it; one that is "
            'meant is written twice, as "".'
        )

    def _skipped(self, row: Any) -> str:
        """Leave out a remark of Zeek, such as the last line, and what is no row where that may."""
        if self.is_zeek and row.text.startswith("#"):
            return "skip"
        if self.bad is None:
            return "error"
        got = f"{row.actual_columns} values, not {row.expected_columns}: {row.text[:LOOKED_AT]!r}"
        lines = 1 + row.text.count("\n")
        self.bad.add(f"near line {self.begin - 1 + row.number}", got, lines)
        self.line += lines
        return "skip"

    def _options(self, columns: Sequence[str], as_text: Collection[str]) -> dict[str, Any]:
        return {
            "read_options": pyarrow.csv.ReadOptions(
                column_names=self.names,
                block_size=table.BYTES,
                use_threads=self.bad is None,  # with which rows have no numbers
            ),
            "parse_options": pyarrow.csv.ParseOptions(
                delimiter=self.separator,
                newlines_in_values=not self.is_zeek,
                quote_char=False if self.is_zeek else '"',
                invalid_row_handler=self._skipped if self.is_zeek or self.bad is not None else None,
                ignore_empty_lines=len(self.names) > 1,  # else such a line is a missing value
            ),
            "convert_options": pyarrow.csv.ConvertOptions(
                include_columns=list(columns),
                column_types=dict.fromkeys(as_text, pa.string()),
                null_values=MISSING,
                strings_can_be_null=True,
            ),
        }


def _may_hold(lines: bytes) -> bool:
    return b"0x" in lines or b"0X" in lines


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _counted(n: int) -> tuple[str, ...]:
    """The names 0, 1, 2, ... that pandas gives to columns without names."""
    return tuple(str(i) for i in range(n))
