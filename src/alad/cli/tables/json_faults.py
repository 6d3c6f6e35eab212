"""What is wrong with lines of JSON: which of them are no objects, or hold what no column can."""

from __future__ import annotations

import io
import json
import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from alad.cli.tables.faults import first_line
from alad.preprocessing.frames import repeated

# Objects within objects cost the reader more than twice as much for each level, and lists that are
# hundreds deep end it: whoever can write one line of a log could stop who reads it.
DEEPEST = 16
# A text without an end goes to the end of the line, so that no mark is looked at twice.
TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[{}\[\]]', re.DOTALL)
Path = tuple[str, ...]  # keys of objects within each other
DIGITS = 40  # and a sign, of a number of 128 bits
NO_NAME = re.compile("[\0\ud800-\udfff]")  # in a name of a column
MOST_TRIES = 1000  # at finding the lines that the reader does not take
MOST_KEYS = 1000  # in a block: each is a column, as long as the block
LONG = 200  # keys of a line: of more, those within objects are told apart as well
KEY = re.compile(rb'"((?:[^"\\]|\\.)*+)"\s*:', re.DOTALL)
HARDLY_ANY = 0.01  # of the lines with a key
OBJECT, A_LIST = "an object", "a list"


class _Pairs(list[tuple[str, Any]]):
    """An object's keys and values: one may stand there twice."""


KINDS: dict[type, str] = {
    _Pairs: OBJECT,
    list: A_LIST,
    str: "text",
    int: "a number",
    float: "a number",
    bool: "true or false",
}


def faults_of(block: bytes) -> dict[int, str]:
    """The places of lines without which the reader may take a block, and what is wrong with each.

    First those that are no objects; then those that hold what no column can with what others hold;
    then those that the reader does not take.
    """
    return no_objects(block) or of_few(block) or _not_read(block)


def is_blank(line: bytes) -> bool:
    """Whether a line, or a block of them, holds nothing but what JSON takes for spaces."""
    return not line.strip(b" \t\r\n")


def too_deep(block: bytes) -> dict[int, str]:
    """The places of lines of more levels than the reader is to be given, and what is wrong."""
    lines = block.split(b"\n")
    return {
        i: f"it has {depth} levels of objects and lists, more than {DEEPEST}"
        for i, line in enumerate(lines)
        if line.count(b"{") + line.count(b"[") > DEEPEST and (depth := _depth(line)) > DEEPEST
    }


def of_rare_keys(block: bytes) -> dict[int, str]:
    """The places of lines with keys of which there are too many, but for those most lines have."""
    lines = block.split(b"\n")
    paths = {i: _keys_within(line) for i, line in enumerate(lines) if line.count(b":") > LONG}
    if len(set(KEY.findall(block)).union(*paths.values())) <= MOST_KEYS:
        return {}
    own = [paths.get(i) or set(KEY.findall(line)) for i, line in enumerate(lines)]
    counts = Counter(key for keys in own for key in keys)
    usual = {key for key, _ in counts.most_common(MOST_KEYS)}
    why = f"it has keys that few lines have, where there are more than {MOST_KEYS:,}"
    return {i: why for i, keys in enumerate(own) if not usual.issuperset(keys)}


def _keys_within(line: bytes) -> set[Any]:
    """The keys that a line has, each with those above it; none of what is no object."""
    try:
        return set(_paths(_loaded(line)))
    except ValueError:
        return set()


def no_objects(block: bytes) -> dict[int, str]:
    """The places of lines that are no objects, and why."""
    lines = enumerate(block.split(b"\n"))
    return {i: why for i, line in lines if not is_blank(line) and (why := _reason(line))}


def of_few(
    block: bytes, among: Collection[str] | None = None, spared: Collection[str] = ()
) -> dict[int, str]:
    """The places of lines in which a key holds what no column can with what others hold there.

    Of an object and something else, and of a number and true or false, that which fewer lines hold;
    where as many do, what comes later. ``among`` are the keys that are looked at, by default all;
    what is ``spared`` is not odd, however few hold it.

    >>> of_few(b'{"a": "x"}\\n{"a": {"b": 1}}\\n{"a": "y"}\\n')
    {1: "'a' is an object, and elsewhere not"}
    """
    found: dict[int, str] = {}
    for name, places in _held(block, among).items():
        while few := _in_few(places, spared):
            for kind in few:
                found |= dict.fromkeys(places.pop(kind), f"{name!r} is {kind}, and elsewhere not")
    return dict(sorted(found.items()))


def lists_in_few(block: bytes, among: Collection[str]) -> dict[int, str]:
    """The places of lines with a list in a key that hardly any holds one in.

    >>> lists_in_few(b'{"a": 1}\\n' * 99 + b'{"a": [2]}\\n', ["a"])
    {99: "'a' is a list, and elsewhere not"}
    """
    found: dict[int, str] = {}
    for name, places in _held(block, among).items():
        lists = places.get(A_LIST, [])
        if len(lists) <= HARDLY_ANY * sum(map(len, places.values())):
            found |= dict.fromkeys(lists, f"{name!r} is {A_LIST}, and elsewhere not")
    return found


def of_odd_names(block: bytes) -> dict[int, str]:
    """The places of lines with a key without a name, or one that is another with dots between.

    Of ``a.b`` and of ``b`` within ``a`` that is odd which fewer lines have.

    >>> of_odd_names(b'{"a": {"b": 1}}\\n{"a": {"b": 1}}\\n{"a.b": 1}\\n{"": 1}\\n')
    {2: "'a.b' is a key of another object elsewhere", 3: 'a key has no name'}
    """
    held: dict[str, dict[Path, list[int]]] = {}
    for i, line in _objects(block):
        for path in _paths(line):
            held.setdefault(".".join(path), {}).setdefault(path, []).append(i)
    found = {i: "a key has no name" for lines in held.pop("", {}).values() for i in lines}
    for name in [name for name in held if NO_NAME.search(name)]:
        lines = [i for lines in held.pop(name).values() for i in lines]
        found |= dict.fromkeys(lines, "a key has a character that stands for nothing")
    for name, ways in held.items():
        kept = max(ways.values(), key=len)  # of as many, the first
        for lines in (lines for lines in ways.values() if lines is not kept):
            found |= dict.fromkeys(lines, f"{name!r} is a key of another object elsewhere")
    return dict(sorted(found.items()))


def _paths(found: _Pairs, above: Path = ()) -> Iterator[Path]:
    """The keys that lead to each value that is no object."""
    for key, value in found:
        if isinstance(value, _Pairs):
            yield from _paths(value, (*above, key))
        else:
            yield (*above, key)


def _held(block: bytes, among: Collection[str] | None) -> dict[str, dict[str, list[int]]]:
    """The places of lines in which each key holds each kind of thing."""
    held: dict[str, dict[str, list[int]]] = {}
    for i, line in _objects(block):
        for name, kind in _kinds(line):
            if among is None or name in among:
                held.setdefault(name, {}).setdefault(kind, []).append(i)
    return held


def _objects(block: bytes, first: int = 0) -> Iterator[tuple[int, _Pairs]]:
    """The objects of a block, each with its place, counted from the first."""
    lines = enumerate(block.split(b"\n"), first)
    return ((i, _loaded(line)) for i, line in lines if not is_blank(line))


def _in_few(places: Mapping[str, Sequence[int]], spared: Collection[str]) -> list[str]:
    """What a key holds in few lines, where no column can hold it with what others hold."""
    no_objects = [kind for kind in places if kind != OBJECT]
    for one, other in (([OBJECT], no_objects), (["a number"], ["true or false"])):
        here = [[kind for kind in kinds if kind in places] for kinds in (one, other)]
        if all(here):
            few = min(here, key=lambda kinds: _weight([places[kind] for kind in kinds]))
            if not {*few} <= {*spared}:
                return few
    return []


def _weight(lines: Sequence[Sequence[int]]) -> tuple[int, int]:
    """How many they are; of as many, those that begin earlier weigh more."""
    return sum(map(len, lines)), -min(map(min, lines))


def _not_read(block: bytes) -> dict[int, str]:
    """The places of lines that the reader does not take, though they are objects, and why.

    It halves what is not taken again and again. Where that has led to too many, the lines that it
    has come down to go with them.
    """
    lines = block.split(b"\n")
    found, parts, tries = dict[int, str](), [(0, len(lines))], 0
    while parts:
        start, end = parts.pop(0)
        why = _why_not_read(b"\n".join(lines[start:end]))
        tries += 1
        if why is None:
            continue
        if end - start > 1 and tries < MOST_TRIES:
            middle = (start + end) // 2
            parts += [(start, middle), (middle, end)]
        else:
            found |= {i: why for i in range(start, end) if not is_blank(lines[i])}
    return found


def _why_not_read(part: bytes) -> str | None:
    if is_blank(part):
        return None
    try:
        pl.read_ndjson(io.BytesIO(part), infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        return first_line(error)
    return None


def _loaded(line: bytes) -> _Pairs:
    """An object of which only the keys and the kinds of values are of interest: numbers are 0."""
    found = json.loads(
        line,
        parse_int=_nought,
        parse_float=_nought,
        parse_constant=_nought,
        object_pairs_hook=_Pairs,
    )
    return found if isinstance(found, _Pairs) else _Pairs()


def _nought(_: str) -> int:
    return 0


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
    for i, line in _objects(block, before + 1):
        for name, kind in _kinds(line):
            if among is not None and name not in among:
                continue
            lines = seen.setdefault(name, {})
            lines.setdefault(kind, i)
            if len(lines) > 1 and (OBJECT in lines or {"a number", "true or false"} <= {*lines}):
                (one, first), (other, second), *_ = lines.items()
                return f"{name!r} is {one} in line {first}, and {other} in line {second}"
    return None


def _kinds(found: _Pairs, above: str = "") -> Iterator[tuple[str, str]]:
    """What each key of an object holds, in words, and those of the objects within; null is none."""
    for key, value in found:
        if value is not None:
            yield above + key, KINDS[type(value)]
        if isinstance(value, _Pairs):
            yield from _kinds(value, f"{above}{key}.")


def _reason(line: bytes) -> str:
    try:
        found = json.loads(
            line,
            parse_constant=no_constant,
            parse_float=_finite,
            parse_int=_of_128_bits,
            object_pairs_hook=_with_twice,
        )
    except ValueError as error:  # also of UTF-8
        return str(error)
    if not isinstance(found, dict):
        return f"it is a {type(found).__name__}"
    twice = next((value.name for value in found.values() if isinstance(value, _Twice)), None)
    return "" if twice is None else f"the key {twice!r} stands twice in an object within it"


class _Twice(dict[str, Any]):
    """An object in which, or within which, a key stands twice."""

    name = ""


def _with_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    names = [name for name, _ in pairs]
    if any(NO_NAME.search(name) for name in names):
        raise ValueError("a key has a character that stands for nothing")
    within = next((value.name for value in found.values() if isinstance(value, _Twice)), None)
    if within is None and len(found) == len(pairs):
        return found
    twice = _Twice(found)
    twice.name = repeated(names)[0] if within is None else within
    return twice


def no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON; a missing number is null")


def _finite(text: str) -> float:
    if math.isinf(number := float(text)):
        raise ValueError(f"{text[:40]} is larger than any number that a column can hold")
    return number


def _of_128_bits(text: str) -> int:
    if len(text) > DIGITS or not -(1 << 127) <= (number := int(text)) < 1 << 127:
        raise ValueError(f"{text[:40]} is larger than any whole number that a column can hold")
    return number
