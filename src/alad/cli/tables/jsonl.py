"""One JSON object a line: every key is a column, and a key that is absent is missing.

The keys of an object within are columns too, named with dots: ``{"id": {"resp_p": 80}}`` is 80 in
the column ``id.resp_p``. A key that holds a list in some line is a column of lists, which no model
takes: see :data:`alad.cli.tables.table.LISTS`.
"""

from __future__ import annotations

import io
import json
import math
import re
import secrets
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import IO, Any, ClassVar

import polars as pl

from alad.cli.tables import table
from alad.cli.tables.casts import read_in_batches
from alad.cli.tables.faults import check_names, empty, explained, first_line
from alad.cli.tables.table import as_lists
from alad.errors import InputError
from alad.preprocessing.frames import quoted

# Objects within objects cost the reader more than twice as much for each level, and lists that are
# hundreds deep end it: whoever can write one line of a log could stop who reads it.
DEEPEST = 16
MOST_LATE = 1000  # keys that come late are named
# A text without an end goes to the end of the line, so that no mark is looked at twice.
TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[{}\[\]]', re.DOTALL)
# A list is the value of a key, or within another. The reader gets its text with a mark: of lists it
# makes now lists, now text, and beside numbers nothing, by what the other lines hold.
LIST = re.compile(rb'"\s*:\s*\[')
MARK = f"\0list:{secrets.token_hex(8)}:"  # nobody who writes a log knows it


class JsonLines:
    """Objects, one a line. Its columns are the keys of the first batch of lines.

    ``strict`` says whether a key that is not among them is refused later on, or left aside; those
    that were are ``late``.
    """

    is_typed: ClassVar[bool] = False  # what is whole numbers in one line may be text in the next
    infers: ClassVar[Sequence[str]] = ()  # text is text
    lacks: ClassVar[bool] = True  # a key that no line has is missing in every one
    rows = None

    def __init__(
        self, place: str, stream: IO[bytes], size: int = 0, *, strict: bool = False
    ) -> None:
        self.place, self.stream, self.size, self.strict = place, stream, size, strict
        self.lines = 0  # before the batch at hand
        self.block, self.before = b"", 0  # the lines of the last frame, and those before them
        with explained(place):
            self.first = self._next()
        if self.first is None:
            raise empty(place)
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
            if strange and self.strict:
                raise InputError(
                    f"Expected the keys of the first {table.BYTES >> 20} MiB of {self.place}; got "
                    f"{quoted(strange)} for the first time after that. Give an early line "
                    f"{'that key' if len(strange) == 1 else 'those keys'}, with null."
                )
            self.late |= dict.fromkeys(strange[: MOST_LATE - len(self.late)])
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
        if odd and (mixed := _mixed(self.block, self.before, odd)):
            raise self._one_type(mixed)

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
            frame = self._frame(block)
            self.block, self.before = block, self.lines
            self.lines += block.count(b"\n")
            if frame is not None:
                return frame
        return None

    def _frame(self, block: bytes) -> pl.DataFrame | None:
        if not block.strip():
            return None
        self._check_depth(block)
        marked = _with_marked_lists(block)
        try:
            frame = pl.read_ndjson(io.BytesIO(marked), infer_schema_length=None)
        except pl.exceptions.PolarsError as error:
            raise self._fault(block, error) from error
        columns = [column for series in frame.iter_columns() for column in _spread(series)]
        check_names(self.place, [column.name for column in columns])
        return pl.DataFrame(columns if marked is block else map(_as_marked, columns))

    def _check_depth(self, block: bytes) -> None:
        """Refuse a line of more levels than the reader is to be given."""
        for i, line in enumerate(block.split(b"\n"), self.lines + 1):
            if line.count(b"{") + line.count(b"[") > DEEPEST and (depth := _depth(line)) > DEEPEST:
                raise InputError(
                    f"Expected at most {DEEPEST} levels of objects and lists in {self.place}; line "
                    f"{i} has {depth}. Remove the line, or leave out what is nested so deep."
                )

    def _fault(self, block: bytes, error: Exception) -> InputError:
        """Find the line that is no object; if every line is one, say what the reader said."""
        if not self.lines and block.lstrip().startswith(b"["):
            return InputError(
                f"Expected one JSON object a line in {self.place}; it begins with a list. Write "
                "each object of it in a line of its own: jq -c '.[]' does."
            )
        for i, line in enumerate(block.split(b"\n"), self.lines + 1):
            if line.strip() and (reason := _reason(line)):
                return InputError(
                    f"Expected one JSON object a line in {self.place}; line {i} is none "
                    f"({reason}). Correct or remove the line."
                )
        mixed = _mixed(block, self.lines)
        return self._one_type(mixed or f"after line {self.lines}: {first_line(error)}")


def above(names: Iterable[str]) -> set[str]:
    """What these would be keys of, if each dot stands between an object and its key.

    >>> sorted(above(["id.orig.h", "id.x", "n"]))
    ['id', 'id.orig']
    """
    split = (name.split(".") for name in names)
    return {".".join(parts[:i]) for parts in split for i in range(1, len(parts))}


def _depth(line: bytes) -> int:
    """How many objects and lists stand in each other, at most; marks within text are none.

    >>> _depth(b'{"a": {"b": "[[[", "c": []}, "d": {}}')
    3
    """
    depth = deepest = 0
    for token in TOKEN.findall(line):
        depth += (token in (b"{", b"[")) - (token in (b"}", b"]"))
        deepest = max(deepest, depth)
    return deepest


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


def _mixed(block: bytes, before: int, among: Collection[str] | None = None) -> str | None:
    """Say where a key is an object in one line and not in another, or now a number, now true.

    ``among`` are the keys that are looked at, by default all.

    >>> _mixed(b'{"a": {"b": 1}}\\n{"a": null}\\n{"a": "x"}\\n', 10)
    "'a' is an object in line 11, and text in line 13"
    """
    seen: dict[str, dict[str, int]] = {}
    for i, line in enumerate(block.split(b"\n"), before + 1):
        for name, kind in _kinds(json.loads(line)) if line.strip() else ():
            if among is not None and name not in among:
                continue
            lines = seen.setdefault(name, {})
            lines.setdefault(kind, i)
            if len(lines) > 1 and (
                "an object" in lines or {"a number", "true or false"} <= {*lines}
            ):
                (one, first), (other, second), *_ = lines.items()
                return f"{name!r} is {one} in line {first}, and {other} in line {second}"
    return None


def _kinds(found: dict[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """What each key of an object holds, in words, and those of the objects within; null is none."""
    for key, value in found.items():
        if value is not None:
            yield above + key, KINDS[type(value)]
        if isinstance(value, dict):
            yield from _kinds(value, f"{above}{key}.")


def _reason(line: bytes) -> str:
    try:
        found = json.loads(
            line, parse_constant=_no_constant, parse_float=_finite, parse_int=_of_128_bits
        )
    except ValueError as error:  # also of UTF-8
        return str(error)
    return "" if isinstance(found, dict) else f"it is a {type(found).__name__}"


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON; a missing number is null")


def _finite(text: str) -> float:
    if math.isinf(number := float(text)):
        raise ValueError(f"{text[:40]} is larger than any number that a column can hold")
    return number


def _of_128_bits(text: str) -> int:
    if not -(1 << 127) <= (number := int(text)) < 1 << 127:
        raise ValueError(f"{text[:40]} is larger than any whole number that a column can hold")
    return number


KINDS = {
    dict: "an object",
    list: "a list",
    str: "text",
    int: "a number",
    float: "a number",
    bool: "true or false",
}
DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_no_constant)
