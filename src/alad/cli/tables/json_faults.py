"""What is wrong with lines of JSON: which of them are no objects, or hold what no column can."""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from alad.cli.tables.faults import first_line

# Objects within objects cost the reader more than twice as much for each level, and lists that are
# hundreds deep end it: whoever can write one line of a log could stop who reads it.
DEEPEST = 16
# A text without an end goes to the end of the line, so that no mark is looked at twice.
TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[{}\[\]]', re.DOTALL)
Path = tuple[str, ...]  # keys of objects within each other
KINDS = {
    dict: "an object",
    list: "a list",
    str: "text",
    int: "a number",
    float: "a number",
    bool: "true or false",
}


def faults_of(block: bytes, marked: bytes) -> dict[int, str]:
    """The places of lines without which the reader may take a block, and what is wrong with each.

    First those that are no objects; then those that hold what no column can with what others hold;
    then those that the reader does not take, lists ``marked`` as it gets them.
    """
    return no_objects(block) or of_few(block) or _not_read(marked)


def too_deep(block: bytes) -> dict[int, str]:
    """The places of lines of more levels than the reader is to be given, and what is wrong."""
    lines = block.split(b"\n")
    return {
        i: f"it has {depth} levels of objects and lists, more than {DEEPEST}"
        for i, line in enumerate(lines)
        if line.count(b"{") + line.count(b"[") > DEEPEST and (depth := _depth(line)) > DEEPEST
    }


def no_objects(block: bytes) -> dict[int, str]:
    """The places of lines that are no objects, and why."""
    lines = enumerate(block.split(b"\n"))
    return {i: why for i, line in lines if line.strip() and (why := _reason(line))}


def of_few(block: bytes, among: Collection[str] | None = None) -> dict[int, str]:
    """The places of lines in which a key holds what no column can with what others hold there.

    Of an object and something else, and of a number and true or false, that which fewer lines hold;
    where as many do, what comes later.

    >>> of_few(b'{"a": "x"}\\n{"a": {"b": 1}}\\n{"a": "y"}\\n')
    {1: "'a' is an object, and elsewhere not"}
    """
    held: dict[str, dict[str, list[int]]] = {}
    for i, line in enumerate(block.split(b"\n")):
        for name, kind in _kinds(json.loads(line)) if line.strip() else ():
            if among is None or name in among:
                held.setdefault(name, {}).setdefault(kind, []).append(i)
    found: dict[int, str] = {}
    for name, places in held.items():
        while few := _in_few(places):
            for kind in few:
                found |= dict.fromkeys(places.pop(kind), f"{name!r} is {kind}, and elsewhere not")
    return dict(sorted(found.items()))


def of_odd_names(block: bytes) -> dict[int, str]:
    """The places of lines with a key without a name, or one that is another with dots between.

    Of ``a.b`` and of ``b`` within ``a`` that is odd which fewer lines have.

    >>> of_odd_names(b'{"a": {"b": 1}}\\n{"a": {"b": 1}}\\n{"a.b": 1}\\n{"": 1}\\n')
    {2: "'a.b' is a key of another object elsewhere", 3: 'a key has no name'}
    """
    held: dict[str, dict[Path, list[int]]] = {}
    for i, line in enumerate(block.split(b"\n")):
        for path in _paths(json.loads(line)) if line.strip() else ():
            held.setdefault(".".join(path), {}).setdefault(path, []).append(i)
    found = {i: "a key has no name" for lines in held.pop("", {}).values() for i in lines}
    for name, ways in held.items():
        for lines in sorted(ways.values(), key=len)[:-1]:
            found |= dict.fromkeys(lines, f"{name!r} is a key of another object elsewhere")
    return dict(sorted(found.items()))


def _paths(found: Mapping[str, Any], above: Path = ()) -> Iterator[Path]:
    """The keys that lead to each value that is no object."""
    for key, value in found.items():
        if isinstance(value, dict):
            yield from _paths(value, (*above, key))
        else:
            yield (*above, key)


def _in_few(places: Mapping[str, Sequence[int]]) -> list[str]:
    """What a key holds in few lines, where no column can hold it with what others hold."""
    no_objects = [kind for kind in places if kind != "an object"]
    for one, other in ((["an object"], no_objects), (["a number"], ["true or false"])):
        lines = [sum(len(places.get(kind, ())) for kind in kinds) for kinds in (one, other)]
        if all(lines):
            return one if lines[0] < lines[1] else [kind for kind in other if kind in places]
    return []


def _not_read(block: bytes) -> dict[int, str]:
    """The places of lines that the reader does not take, though they are objects, and why."""
    lines = block.split(b"\n")
    found, parts = dict[int, str](), [(0, len(lines))]
    while parts:
        start, end = parts.pop()
        try:
            pl.read_ndjson(io.BytesIO(b"\n".join(lines[start:end])), infer_schema_length=None)
        except pl.exceptions.PolarsError as error:
            middle = (start + end) // 2
            if end - start > 1:
                parts += [(start, middle), (middle, end)]
            elif lines[start].strip():
                found[start] = first_line(error)
    return found


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


def mixed(block: bytes, before: int, among: Collection[str] | None = None) -> str | None:
    """Say where a key is an object in one line and not in another, or now a number, now true.

    ``among`` are the keys that are looked at, by default all.

    >>> mixed(b'{"a": {"b": 1}}\\n{"a": null}\\n{"a": "x"}\\n', 10)
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
            line, parse_constant=no_constant, parse_float=_finite, parse_int=_of_128_bits
        )
    except ValueError as error:  # also of UTF-8
        return str(error)
    return "" if isinstance(found, dict) else f"it is a {type(found).__name__}"


def no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON; a missing number is null")


def _finite(text: str) -> float:
    if math.isinf(number := float(text)):
        raise ValueError(f"{text[:40]} is larger than any number that a column can hold")
    return number


def _of_128_bits(text: str) -> int:
    if not -(1 << 127) <= (number := int(text)) < 1 << 127:
        raise ValueError(f"{text[:40]} is larger than any whole number that a column can hold")
    return number
