"""One JSON object a line: every key is a column, and a key that is absent is missing.

The keys of an object within are columns too, named with dots: ``{"id": {"resp_p": 80}}`` is 80 in
the column ``id.resp_p``. A key that holds a list in some line is a column of lists, which no model
takes: see :data:`alad.cli.tables.table.LISTS`.
"""

from __future__ import annotations

import io
import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, ClassVar

import polars as pl

from alad.cli.tables import table
from alad.cli.tables.bad_lines import BadLines
from alad.cli.tables.casts import read_in_batches
from alad.cli.tables.faults import (
    GOES_ON,
    check_names,
    empty,
    explained,
    first_line,
    none_readable,
)
from alad.cli.tables.json_faults import (
    OBJECT,
    TOKEN,
    faults_of,
    is_blank,
    lists_in_few,
    mixed,
    no_constant,
    no_objects,
    of_few,
    of_odd_names,
    of_rare_keys,
    too_deep,
)
from alad.cli.tables.table import LISTS, as_lists
from alad.errors import InputError
from alad.preprocessing.frames import quoted

MOST_LATE = 1000  # keys that come late are named
# A list is the value of a key, or within another. The reader gets its text with a mark: of lists it
# makes now lists, now text, and beside numbers nothing, by what the other lines hold.
LIST = re.compile(rb'"\s*:\s*\[')
MARK = f"\0list:{secrets.token_hex(8)}:"  # nobody who writes a log knows it


class JsonLines:
    """Objects, one a line. Its columns are the keys of the first batch of lines.

    ``strict`` says whether a key that is not among them is refused later on, or left aside; those
    that were are ``late``. With ``bad`` they are left aside as well, and a line that is no object,
    or holds in a key what hardly any holds there (an object, where others hold text), is noted
    there and left out.
    """

    is_typed: ClassVar[bool] = False  # what is whole numbers in one line may be text in the next
    infers: ClassVar[Sequence[str]] = ()  # text is text
    lacks: ClassVar[bool] = True  # a key that no line has is missing in every one
    rows = None

    def __init__(
        self,
        place: str,
        stream: IO[bytes],
        size: int = 0,
        *,
        strict: bool = False,
        bad: BadLines | None = None,
    ) -> None:
        self.place, self.stream, self.size, self.strict = place, stream, size, strict
        self.bad = bad
        self.names: tuple[str, ...] = ()
        self.lines = 0  # before the batch at hand
        self.block, self.before = b"", 0  # the lines of the last frame, and those before them
        with explained(place):
            self.first = self._next()
        if self.first is None:
            raise none_readable(place, bad) or empty(place)
        self.names = tuple(self.first.columns)
        self.late: dict[str, None] = {}  # in order

    def read(self, columns: Sequence[str]) -> pl.DataFrame:
        """Give some columns of all rows, with the types that hold them all.

        Raises
        ------
        InputError
            A line is no object, or a key comes up late.
        """
        return read_in_batches(self, columns)

    def batches(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Give some columns of all rows, some lines at a time, with the types of those lines."""
        frame, names, objects = self.first, {*self.names}, above(self.names)
        while frame is not None:
            strange = [
                x.name
                for x in frame.iter_columns()  # an object may be null in all of these lines
                if x.name not in names and not (x.dtype == pl.Null and x.name in objects)
            ]
            if strange and self.strict and self.bad is None:
                raise InputError(
                    f"Expected the keys of the first {table.BYTES >> 20} MiB of {self.place}; got "
                    f"{quoted(strange)} for the first time after that. Give an early line "
                    f"{'that key' if len(strange) == 1 else 'those keys'}, with null."
                )
            self.late |= dict.fromkeys(strange[: MOST_LATE - len(self.late)])
            if self.bad is None:
                self._check_objects(frame, columns)
            absent = [pl.lit(None).alias(name) for name in columns if name not in frame.columns]
            yield frame.with_columns(absent).select(columns)
            with explained(self.place):
                frame = self._next()

    @property
    def without_value(self) -> set[str]:
        """The columns that are null in all of the first lines: of objects, perhaps."""
        assert self.first is not None
        return {x.name for x in self.first.iter_columns() if x.dtype == pl.Null}

    def _check_objects(self, frame: pl.DataFrame, columns: Sequence[str]) -> None:
        """Refuse objects beside text or lists, which are text then: their keys would be missing."""
        there = {*frame.columns}
        objects = above(name for name in columns if name not in there)
        odd = {x.name for x in frame.iter_columns() if x.dtype != pl.Null and x.name in objects}
        if self.strict:
            odd |= {x.name for x in frame.iter_columns() if _holds_object(x)}
        if odd and (found := mixed(self.block, self.before, odd)):
            raise self._one_type(found)

    def _one_type(self, got: str) -> InputError:
        return InputError(
            f"Expected one JSON object a line in {self.place}, and one type a key; {got}. Make "
            "each key all numbers, all text or all true and false, or an object in every line."
        )

    def _next(self) -> pl.DataFrame | None:
        """Read the next lines; None at the end, and blank lines are none."""
        while block := self.stream.read(table.BYTES):
            block += self.stream.readline()
            block = block.removeprefix(b"\xef\xbb\xbf")
            self.block, self.before = block, self.lines
            frame = self._frame(block)
            self.lines += block.count(b"\n")
            if frame is not None:
                return frame
        return None

    def _frame(self, block: bytes) -> pl.DataFrame | None:
        if deep := too_deep(block):
            block = self._without(block, deep)
        if self.bad is not None and (rare := of_rare_keys(block)):
            block = self._without(block, rare)
        if is_blank(block):
            return None
        marked = _with_marked_lists(block)
        try:
            frame = pl.read_ndjson(io.BytesIO(marked), infer_schema_length=None)
        except pl.exceptions.PolarsError as error:
            faults = {} if self.bad is None else faults_of(marked)
            if not faults:
                raise self._fault(block, error) from error
            return self._frame(self._without(block, faults))
        if not frame.width:
            return self._without_keys(block)
        columns = [column for series in frame.iter_columns() for column in _spread(series)]
        try:
            check_names(self.place, [column.name for column in columns])
        except InputError:
            if self.bad is None or not (faults := of_odd_names(block)):
                raise
            return self._frame(self._without(block, faults))
        columns = columns if marked is block else [_as_marked(column) for column in columns]
        if self.bad is not None and (faults := self._mixed(block, columns)):
            return self._frame(self._without(block, faults))
        return pl.DataFrame(columns)

    def _without_keys(self, block: bytes) -> pl.DataFrame | None:
        """Of lines that are all ``{}``: every key is missing there, if any is known."""
        lines = block.split(b"\n")
        places = [i for i, line in enumerate(lines) if not is_blank(line)]
        if self.names:
            return pl.DataFrame({self.names[0]: [None] * len(places)})
        self._without(block, dict.fromkeys(places, "it has no keys, nor have those near it"))
        return None

    def _mixed(self, block: bytes, columns: Sequence[pl.Series]) -> dict[int, str]:
        """The lines that hold something else where most hold an object, the keys of which it lacks.

        What holds an object or a list where most do not is judged as its text. At fit it is left
        out as well: of a list, all of the column would be.
        """
        texts = [x.list.first() if x.dtype == LISTS else x for x in columns]
        objects = [x.name for x in texts if _holds_object(x)]
        lists = [x.name for x in columns if self.strict and x.dtype == LISTS]
        faults = of_few(block, objects, spared=() if self.strict else (OBJECT,)) if objects else {}
        return faults | (lists_in_few(block, lists) if lists else {})

    def _without(self, block: bytes, faults: Mapping[int, str]) -> bytes:
        """Leave out lines, by their places in the block: each becomes blank, and is noted."""
        if self.bad is None:
            place, why = next(iter(faults.items()))
            raise self._not_an_object(place, why)
        lines = block.split(b"\n")
        for place, why in faults.items():
            self.bad.add(f"line {self.before + place + 1}", why)
            lines[place] = b""
        self.block = b"\n".join(lines)
        return self.block

    def _fault(self, block: bytes, error: Exception) -> InputError:
        """Find the line that is no object; if every line is one, say what the reader said."""
        if not self.before and block.lstrip().startswith(b"["):
            return InputError(
                f"Expected one JSON object a line in {self.place}; it begins with a list. Write "
                "each object of it in a line of its own: jq -c '.[]' does."
            )
        for place, why in no_objects(block).items():
            return self._not_an_object(place, why)
        found = mixed(block, self.before)
        return self._one_type(found or f"after line {self.before}: {first_line(error)}")

    def _not_an_object(self, place: int, why: str) -> InputError:
        return InputError(
            f"Expected one JSON object a line in {self.place}; line "
            f"{self.before + place + 1} is none ({why}). Correct or remove the line. "
            f"{GOES_ON}"
        )


def above(names: Iterable[str]) -> set[str]:
    """What these would be keys of, if each dot stands between an object and its key.

    >>> sorted(above(["id.orig.h", "id.x", "n"]))
    ['id', 'id.orig']
    """
    split = (name.split(".") for name in names)
    return {".".join(parts[:i]) for parts in split for i in range(1, len(parts))}


def _spread(series: pl.Series) -> list[pl.Series]:
    """The values of an object's keys, however deep, each under its names with dots between."""
    if series.dtype != pl.Struct:
        return [series]
    fields = (
        series.struct.field(name).alias(f"{series.name}.{name}") for name in series.struct.fields
    )
    return [column for field in fields for column in _spread(field)]


def _with_marked_lists(block: bytes) -> bytes:
    """Lines with the text of every list in its place; the block itself where there is none."""
    if b"[" not in block or not LIST.search(block):
        return block
    lines = block.split(b"\n")
    return b"\n".join(_marked(line) if LIST.search(line) else line for line in lines)


def _marked(line: bytes) -> bytes:
    """A line with text for its lists; of lists in each other for the outermost.

    >>> found = json.loads(_marked(b'{"a": [1, "[", [2]], "b": {"c": []}}'))
    >>> found["a"].removeprefix(MARK), found["b"]["c"].removeprefix(MARK)
    ('[1, "[", [2]]', '[]')
    """
    parts = []
    end = start = depth = 0
    for token in TOKEN.finditer(line):
        if token[0] == b"[":
            start = start if depth else token.start()
            depth += 1
        elif token[0] == b"]":
            depth -= 1
            if depth == 0:
                parts += [line[end:start], _marked_text(line[start : token.end()])]
                end = token.end()
    return b"".join([*parts, line[end:]])


def _marked_text(found: bytes) -> bytes:
    """A list as text; what is wrong with one is told by the reader, who gets it as it is."""
    try:
        text = found.decode()
        DECODER.decode(text)
    except ValueError:
        return found
    return json.dumps(MARK + text).encode()


def _as_marked(series: pl.Series) -> pl.Series:
    """A column as one of lists if one of its values was a list."""
    if series.dtype != pl.String or not series.str.contains(MARK, literal=True).any():
        return series
    return as_lists(series.str.replace_all(MARK, "", literal=True))


def _holds_object(series: pl.Series) -> bool:
    """Whether text may be that of an object, beside other text."""
    return series.dtype == pl.String and series.str.starts_with("{").any()


DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=no_constant)
