"""Tables in files of every kind: what is read, and what is said about a file that will not do."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import os
import re
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pytest

from alad import load
from alad.cli.tables import as_at_fit, left_aside, open_table
from alad.cli.tables import table as sizes
from alad.cli.tables.casts import Settling, read_in_batches
from alad.cli.tables.csv import Csv
from alad.cli.tables.quotes import Quotes
from alad.errors import InputError
from alad.preprocessing.learning.tables import TableLearner, fit_encoder
from alad.preprocessing.schema import Schema, Stated

FRAME = pl.DataFrame(
    {
        "n": [1, 2, None, 4, 5],
        "x": [0.5, -1.0, 2.5, 1e300, None],
        "s": ["a", "b", None, "ä", "a b"],
        "flag": [True, False, None, True, False],
    }
)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def give(content: bytes | str, name: str) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(path: Path | str, columns: tuple[str, ...] = ()) -> pl.DataFrame:
    with open_table(Path(path), strict=True) as table:
        return table.read(columns or table.names)


def batches(path: Path | str, columns: tuple[str, ...] = ()) -> list[pl.DataFrame]:
    with open_table(Path(path)) as table:
        return list(table.batches(columns or table.names))


def packed(frame: pl.DataFrame) -> bytes:
    return gzip.compress(frame.write_ndjson().encode())


WRITERS = {
    "t.csv": lambda path: FRAME.write_csv(path),
    "t.tsv": lambda path: FRAME.write_csv(path, separator="\t"),
    "t.jsonl": lambda path: FRAME.write_ndjson(path),
    "t.ndjson": lambda path: FRAME.write_ndjson(path),
    "t.jsonl.gz": lambda path: Path(path).write_bytes(packed(FRAME)),
    "t.parquet": lambda path: FRAME.write_parquet(path),
    "t.arrow": lambda path: FRAME.write_ipc(path),
    "t.feather": lambda path: FRAME.write_ipc(path, compression="lz4"),
    "stream.arrow": lambda path: FRAME.write_ipc_stream(path),
}


@pytest.mark.parametrize("name", WRITERS)
def test_what_was_written_is_read(name):
    WRITERS[name](name)
    assert read(name).equals(FRAME)
    assert read(name, ("s", "n")).equals(FRAME.select("s", "n"))


@pytest.mark.parametrize("name", WRITERS)
def test_batches_hold_the_same_rows(name, monkeypatch):
    WRITERS[name](name)
    monkeypatch.setattr(sizes, "ROWS", 2)
    monkeypatch.setattr(sizes, "BYTES", 40)
    parts = batches(name, ("s",))
    assert len(parts) > 1
    assert pl.concat(parts, how="vertical_relaxed")["s"].to_list() == FRAME["s"].to_list()


COLUMNS = {
    "whole": ["1"] * 300,
    "wholly": [" 1"] * 300,
    "half": ["1"] * 299 + ["1.5"],
    "text": ["1"] * 299 + ["x"],
    "flag": ["true", "false"] * 150,
    "late flag": ["0", "1"] * 149 + ["true", "FALSE"],
    "bits": ["0", "1"] * 150,
    "day": ["2020-01-01"] * 300,
    "moment": ["2020-01-01"] * 299 + ["2020-01-01 10:00:00"],
    "fraction": ["2020-01-01 10:00:00.5"] * 300,
    "zone": ["2020-01-01T10:00:00Z"] * 300,
    "clock": ["10:00:00"] * 300,
    "huge": ["99999999999999999999999"] * 300,
    "nothing": [""] * 300,
    "gaps": ["NA", "?", "7"] * 100,
}


@pytest.mark.parametrize("values", COLUMNS.values(), ids=COLUMNS.keys())
def test_types_settled_batch_by_batch_are_those_of_the_whole(values, monkeypatch):
    path = give("a,b\n" + "".join(f"{value},1\n" for value in values), "t.csv")
    whole = read(path)
    monkeypatch.setattr(sizes, "BYTES", 100)
    with open_table(path) as table:
        parts = read_in_batches(table, table.names)
    assert parts.schema == whole.schema
    assert parts.equals(whole)


# ------------------------------------------------------------------------------ JSON lines


def test_a_key_that_is_absent_is_missing():
    path = give('{"a": 1, "b": "x"}\n\n{"b": "y"}\n{}\n{"a": 2.5, "b": null}', "t.jsonl")
    assert read(path).to_dict(as_series=False) == {
        "a": [1.0, None, None, 2.5],
        "b": ["x", "y", None, None],
    }


def test_text_that_looks_like_numbers_is_text():
    assert read(give('{"a": "1"}\n{"a": "2"}\n', "t.jsonl"))["a"].to_list() == ["1", "2"]


@pytest.mark.parametrize("size", [10, 1 << 24])
def test_numbers_and_text_in_one_key_are_text(size, monkeypatch):
    path = give('{"a": 1}\n{"a": 2.5}\n{"a": "x"}\n{"a": 3.0}\n', "t.jsonl")
    monkeypatch.setattr(sizes, "BYTES", size)
    assert read(path)["a"].to_list() == ["1", "2.5", "x", "3"]


def test_huge_whole_numbers_are_numbers():
    found = read(give('{"a": 99999999999999999999999}\n{"a": 1}\n', "t.jsonl"))["a"]
    assert found.cast(pl.Float64).to_list() == [1e23, 1.0]


def lines(at: int, broken: str) -> str:
    every = [json.dumps({"a": i}) for i in range(40)]
    every[at - 1] = broken
    return "\n".join(every)


BROKEN = {
    "half an object": ('{"a": 1', r"line 33 is none \(.*\)\. Correct or remove the line\."),
    "a list": ("[1, 2]", r"line 33 is none \(it is a list\)"),
    "a list of objects": ('[{"a": [1]}]', r"line 33 is none \(it is a list\)"),
    "half a list": ('{"a": [1, }', r"line 33 is none \(.*\)"),
    "not a number in a list": ('{"a": [NaN]}', r"line 33 is none \(NaN is no JSON; .*\)"),
    "a list that ends twice": ('{"a": [1]]}', r"line 33 is none \(.*\)"),
    "not a number": ('{"a": NaN}', r"line 33 is none \(NaN is no JSON; a missing number is null\)"),
    "a number beyond all": ('{"a": 1e999}', r"line 33 is none \(1e999 is larger than any number"),
    "digits beyond all": (f'{{"a": {10**50}}}', r"line 33 is none \(10+ is larger than any whole"),
    "two objects": ('{"a": 1} {"a": 2}', r"line 33 is none \(Extra data.*\)"),
}


@pytest.mark.parametrize("size", [64, 1 << 24])
@pytest.mark.parametrize(("line", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_line_is_named(line, message, size, monkeypatch):
    monkeypatch.setattr(sizes, "BYTES", size)
    with pytest.raises(InputError, match=rf"one JSON object a line in t\.jsonl; {message}"):
        read(give(lines(33, line), "t.jsonl"))


LISTED = [
    ("[1]", "b", "[1]"),
    ('{"k": [1.50, "]"]}', "b.k", '[1.50, "]"]'),
    ('[{"k": 1}, []]', "b", '[{"k": 1}, []]'),
]


@pytest.mark.parametrize(("value", "key", "text"), LISTED)
def test_a_list_is_a_column_of_lists_as_they_were_written(value, key, text):
    found = read(give(f'{{"a": 1, "b": {value}}}\n{{"a": 2}}\n', "t.jsonl"))
    assert found.columns == ["a", key]
    assert found[key].dtype == sizes.LISTS
    assert sizes.lists_as_text(found)[key].to_list() == [text, None]


OTHERS = {'"x"': "x", "1": "1", "2.5": "2.5", "true": "true", "null": None, '"[2]"': "[2]"}


@pytest.mark.parametrize(("other", "text"), OTHERS.items(), ids=OTHERS)
@pytest.mark.parametrize("size", [20, 1 << 24])
def test_one_list_makes_a_column_of_lists_whatever_other_lines_hold(other, text, size, monkeypatch):
    monkeypatch.setattr(sizes, "BYTES", size)
    found = read(give(f'{{"a": {other}}}\n' * 3 + '\n{"a": [1, 2]}\n{"a": [[3]]}\n', "t.jsonl"))
    assert found["a"].dtype == sizes.LISTS
    assert sizes.lists_as_text(found)["a"].to_list() == [text] * 3 + ["[1, 2]", "[[3]]"]


def test_text_that_looks_like_a_list_is_text():
    """Also beside lists, and where it looks like the key of one."""
    give('{"a": "[1, 2]"}\n{"a": "\\"k\\": [1]"}\n{"a": "x", "b": [1]}\n', "t.jsonl")
    found = read("t.jsonl")
    assert found["a"].to_list() == ["[1, 2]", '"k": [1]', "x"]
    assert found["b"].dtype == sizes.LISTS


def test_a_key_of_lists_beside_objects_is_read():
    found = read(give('{"a": {"b": 1}}\n{"a": [1, 2]}\n', "t.jsonl"))
    assert found["a"].dtype == sizes.LISTS


@pytest.mark.parametrize("size", [10, 1 << 24])
def test_objects_within_become_columns_named_with_dots(size, monkeypatch):
    monkeypatch.setattr(sizes, "BYTES", size)
    first = '{"id": {"orig_h": "::1", "x": {"y": 1}}, "n": 1}\n'
    path = give(
        f'{first}{{"id": null, "n": 2}}\n{{"n": 3, "id": {{"orig_h": "::2"}}}}\n', "t.jsonl"
    )
    expected = {"id.orig_h": ["::1", None, "::2"], "id.x.y": [1, None, None], "n": [1, 2, 3]}
    assert read(path).to_dict(as_series=False) == expected
    assert pl.concat(batches(path), how="vertical_relaxed").height == 3


def test_object_where_a_value_was_is_refused(monkeypatch):
    monkeypatch.setattr(sizes, "BYTES", 8)
    for lines_of in ('{"a": {"b": 1}}\n{"a": 5}\n', '{"a": 5}\n{"a": {"b": 1}}\n'):
        with pytest.raises(InputError, match=r"got 'a(\.b)?' for the first time after that"):
            read(give(lines_of, "t.jsonl"))
    with pytest.raises(InputError, match=r"a name of its own; got 'a\.b' more than once"):
        read(give('{"a.b": 1, "a": {"b": 1}}\n', "t.jsonl"))


@pytest.mark.parametrize("size", [10, 1 << 24])
def test_true_and_numbers_in_one_key_are_refused(size, monkeypatch):
    monkeypatch.setattr(sizes, "BYTES", size)
    with pytest.raises(InputError, match="all numbers, all text or all true and false"):
        read(give('{"a": true}\n{"a": 1}\n', "t.jsonl"))


MIXED = {
    "true": ("1", "true", "'a' is a number in line 2, and true or false in line 35"),
    "a number": ('{"p": 1}', "5", "'a' is an object in line 2, and a number in line 35"),
    "text": ('{"p": 1}', '"x"', "'a' is an object in line 2, and text in line 35"),
    "a list": ('{"p": 1}', "[1]", "'a' is an object in line 2, and a list in line 35"),
    "text, within": ('{"p": {"q": 1}}', '{"p": "x"}', r"'a\.p' is an object in line 2, and text"),
}


@pytest.mark.parametrize(("usual", "odd", "message"), MIXED.values(), ids=MIXED.keys())
def test_a_line_of_another_type_is_named_where_the_key_is_read(usual, odd, message):
    """Not taken for text with the other lines, whose values would all be missing then."""
    give("\n" + f'{{"n": 1, "a": {usual}}}\n' * 33 + f'{{"n": 2, "a": {odd}}}\n', "t.jsonl")
    with (
        pytest.raises(InputError, match=rf"one type a key; {message}"),
        open_table(Path("t.jsonl")) as table,
    ):
        list(table.batches(["n", "a.p.q" if "q" in usual else "a.p"]))


def test_objects_beside_text_are_refused_where_columns_are_settled():
    path = give('{"n": 1, "a": {"p": 1}}\n{"n": 2, "a": "x"}\n', "t.jsonl")
    message = r"'a' is an object in line 1, and text in line 2\. Make each key"
    with pytest.raises(InputError, match=message), open_table(path, strict=True) as table:
        table.read(table.names)
    path = give('{"n": 1, "a": "{}"}\n{"n": 2, "a": "{x"}\n', "t.jsonl")
    with open_table(path, strict=True) as table:
        assert table.read(table.names)["a"].to_list() == ["{}", "{x"]


def test_objects_beside_text_that_nobody_reads_are_no_matter():
    give('{"n": 1, "a": {"p": 1}}\n{"n": 2, "a": "x"}\n', "t.jsonl")
    with open_table(Path("t.jsonl")) as table:
        assert pl.concat(table.batches(["n"]))["n"].to_list() == [1, 2]
    give('{"n": 1, "a": "x"}\n{"n": 2, "a.p": 2, "a": "y"}\n{"n": 3, "a": "z"}\n', "t.jsonl")
    with open_table(Path("t.jsonl")) as table:
        assert pl.concat(table.batches(["a.p", "a.q"]))["a.p"].to_list() == [None, 2, None]
    give('{"a": "x", "m": {"p": 1}}\n{"a": "y", "m": "z"}\n', "t.jsonl")
    with open_table(Path("t.jsonl")) as table:
        assert pl.concat(table.batches(["a.p"]))["a.p"].to_list() == [None, None]
    path = give('{"t": "{", "a": {"b": 1}}\n{"t": "x", "a": [1, 2]}\n', "t.jsonl")
    assert read(path)["t"].to_list() == ["{", "x"]


def test_key_that_comes_up_late_is_refused_at_fit_and_left_aside_later(monkeypatch):
    monkeypatch.setattr(sizes, "BYTES", 10)
    path = give('{"a": 1}\n{"a": 2}\n{"a": 3, "late": 1}\n', "t.jsonl")
    with pytest.raises(InputError, match=r"got 'late' for the first time after that\. Give an"):
        read(path)
    assert pl.concat(batches(path))["a"].to_list() == [1, 2, 3]
    path = give('{"a": 1}\n{"a": 2}\n{"a": 3, "late": 1, "later": 1}\n', "t.jsonl")
    with pytest.raises(InputError, match=r"got 'late', 'later' .*\. Give an early line those keys"):
        read(path)


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_no_lines(content):
    with pytest.raises(InputError, match=r"Expected a table in t\.jsonl; it is empty"):
        read(give(content, "t.jsonl"))


# ------------------------------------------------------------------- what the page says of it

PAGE = Path(__file__).parents[2] / "docs/tables.md"
EXAMPLES = re.findall(r"^\| (`.*`) \| `(.*)` \| `(.*)` \| (.*)\| (.*)\|$", PAGE.read_text(), re.M)


@pytest.mark.parametrize(("values", "name", "kind", "form", "note"), EXAMPLES)
def test_what_is_taken_for_what_is_as_the_page_says(values, name, kind, form, note):
    rows = [f'{i},"{value}"\n' for i, value in enumerate(re.findall("`([^`]+)`", values))]
    learner = TableLearner().update(read(give(f"row,{name}\n" + "".join(rows), "t.csv")))
    column = learner.columns()[1]
    assert (column.kind, column.format) == (kind, form.strip(" `"))
    assert column.note.startswith(note.strip()) if note.strip() else not column.note


def test_there_are_examples():
    assert len(EXAMPLES) > 20


ZEEK = """#separator \\x09
#set_separator\t,
#unset_field\t-
#path\tconn
#fields\tts\tid.orig_h\tid.resp_p\tservice
#types\ttime\taddr\tport\tstring
1795694400.25\t10.0.0.1\t80\t-
1795694401.5\t10.0.0.2\t-\t"dns
1795694402.5\t10.0.0.2\t53\tdns
#close\t2026-11-26-17-02-11
"""


@pytest.mark.parametrize("size", [30, 1 << 24])
def test_names_that_stand_in_a_later_line_are_refused_with_it(size, monkeypatch):
    monkeypatch.setattr(sizes, "BYTES", size)
    rows = ['1,"x\ny"', "2,b", "3,z"] * 4  # a text may well be the name of its column
    path = give("\n".join(["a,b", *rows, "a,b", *rows, ""]), "t.csv")
    message = (
        r"Expected the names .* of t\.csv once, in its first line; they .* near line 18\. Leave"
    )
    for of in (read, batches):
        with pytest.raises(InputError, match=message):
            of(path)
    assert read(give("\n".join(["a,b", *rows]), "t.csv")).height == 12


def test_names_with_the_mark_of_a_files_beginning_are_names_too():
    path = give("\ufeffa,b\n1,x\n\ufeffa,b\n2,y\n", "t.csv")
    with pytest.raises(InputError, match="they stand again near line 3"):
        read(path)
    some = give("a,b,c\nx,y,1\na,b,2\n", "t.csv")  # two of three columns, by chance
    assert batches(some, ("a", "b"))[0].height == 2


def test_a_row_of_another_length_in_other_bytes_is_told_in_one_line(capfd):
    path = give(b"a,b\n1,2\n\xe9t\xe9,4,5\n", "t.csv")
    for of in (read, batches):
        with pytest.raises(InputError, match="Expected"):
            of(path)
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("row", ["5", "5,6,7", '5,"x,y",7', f"5,{'x' * 500},7"])
@pytest.mark.parametrize("size", [600, 1 << 24])
def test_a_row_of_another_length_is_refused_with_its_line(row, size, monkeypatch):
    monkeypatch.setattr(sizes, "BYTES", size)
    for name, packed in (("t.csv", bytes), ("t.csv.gz", gzip.compress)):
        path = give(packed("\n".join(["a,b", *["1,2"] * 20, row, "3,4\n"]).encode()), name)
        for of in (read, batches):
            with pytest.raises(InputError, match=r"2 values in .*; got [13] in line 22, '5"):
                of(path)


@pytest.mark.parametrize("size", [30, 1 << 24])
def test_log_of_zeek_is_read_with_its_own_names(size, monkeypatch):
    monkeypatch.setattr(sizes, "BYTES", size)
    path = give(ZEEK, "conn.tsv")
    frame = read(path)
    assert frame.columns == ["ts", "id.orig_h", "id.resp_p", "service"]
    assert frame["service"].to_list() == ["-", '"dns', "dns"]  # Zeek quotes nothing
    assert pl.concat(batches(path))["ts"].to_list() == [
        "1795694400.25",
        "1795694401.5",
        "1795694402.5",
    ]
    kinds = [column.kind for column in fit_encoder(frame).columns]
    assert kinds == ["time", "ip", "port", "categorical"]
    with pytest.raises(InputError, match=r"Expected 4 values in .*; got 2 in line"):
        read(give(ZEEK + "1\t2\n", "conn.tsv"))
    with pytest.raises(InputError, match="Expected a table in"):
        read(give("#separator \\x09\n#path\tconn\n", "conn.tsv"))


# -------------------------------------------------------------------------- quotation marks


def quoted_rows(n: int, **rows: str) -> str:
    """n rows of a, b and c, some of them otherwise."""
    return "a,b,c\n" + "".join(f"{rows.get(f'r{i}', f'{i},x{i},y')}\n" for i in range(n))


SWALLOWING = {
    "a later mark closes it": (quoted_rows(300, r7='7,"x,y', r30='30,x",y'), 9, "b", "x,y"),
    "a later mark opens": (quoted_rows(300, r7='7,"x,y', r30='30,"x",y'), 9, "b", "x,y"),
    "nothing closes it": (quoted_rows(300, r250='250,x,"y'), 252, "c", "y"),
}


@pytest.mark.parametrize("size", [600, 1 << 24])
@pytest.mark.parametrize(("content", "line", "name", "begin"), SWALLOWING.values(), ids=SWALLOWING)
def test_quotation_mark_left_open_is_pointed_at(content, line, name, begin, size, monkeypatch):
    monkeypatch.setattr(sizes, "BYTES", size)
    path = give(content, "t.csv")
    message = (
        rf"in column '{name}' of t\.csv, .* near line {line} one holds \d+ .* with '{begin}\\n"
    )
    for reading in (read, batches):
        with pytest.raises(InputError, match=message):
            reading(path)


LONG = "x" * 140_000
ENDING_OPEN = {
    "few lines are swallowed": (quoted_rows(300, r297='297,x,"y'), 299),
    "the last line": (quoted_rows(3, r2='2,x,"y'), 4),
    "without its end": (quoted_rows(3, r2='2,x,"y').rstrip(), 4),
    "of one column": ('a\n1\n"2\n3\n', 3),
    "beside a mark within text": (quoted_rows(9, r3='3,5" disk,y', r8='8,x,"y'), 10),
    "beside two of them": (quoted_rows(9, r3='3,5" disk,7" disk', r8='8,x,"y'), 10),
    "after a value of two lines": (quoted_rows(9, r3='3,"x\nx",y', r8='8,x,"y'), 11),
    "names of two lines": ('"a\nz",b\n1,2\n3,"x\n', 4),
    "beside a long value": (quoted_rows(9, r3=f"3,{LONG},y", r8='8,x,"y'), 10),
    "beside another end of lines": (quoted_rows(9, r3="3,x,y\r4,x,y", r8='8,x,"y'), 10),
    "a mark alone": ('a,b\n1,"', 2),
}


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
@pytest.mark.parametrize(("content", "line"), ENDING_OPEN.values(), ids=ENDING_OPEN)
def test_a_file_that_ends_within_quotes_is_refused(content, line, name):
    content = content.encode()
    path = give(gzip.compress(content) if name.endswith(".gz") else content, name)
    message = rf"Expected {name} to end after a row; it ends within .* begins in line {line}: the"
    with open_table(path) as table:
        columns = table.names[:1]  # whatever is read of it
    for reading in (read, batches):
        with pytest.raises(InputError, match=message):
            reading(path, columns)


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_a_mark_within_text_is_text(end):
    path = give(quoted_rows(9, r3='3,5" disk,y', r8='8,x,"y"').rstrip() + end, "t.csv")
    assert read(path)["b"][3] == '5" disk'
    assert sum(part.height for part in batches(path)) == 9


@pytest.mark.parametrize(
    ("last", "is_open"), [('8,x,"y', True), ('8,5",y', False), ('8,5" x,"y\ny"', False)]
)
def test_what_cannot_be_read_again_is_watched_as_well(last, is_open):
    reading, writing = os.pipe()
    os.write(writing, quoted_rows(9, r8=last).encode())
    os.close(writing)
    with open(reading, "rb") as stream:
        table = Csv("a pipe", stream, ",")
        if is_open:
            with pytest.raises(InputError, match="a pipe to end after a row"):
                table.read(("a",))
        else:
            assert table.read(("a",)).height == 9


UNCLOSED = {
    "one of 300": (
        "a,b\n" + "".join(f'{i},"x"\n' for i in range(300)).replace('7,"x"', '7,"x', 1),
        9,
    ),
    "every one": ("a,b\n" + "".join(f'{i},"x\n' for i in range(300)), 2),
    "of one column": ("a\n" + 'x\n"x\nx\n"x\n' * 3, 3),
    "in the names": ('a,"b\n1,"x"\n2,"y"\n', 1),
}


@pytest.mark.parametrize("size", [7, 1 << 24])
@pytest.mark.parametrize(("content", "line"), UNCLOSED.values(), ids=UNCLOSED)
def test_a_value_of_lines_that_text_follows_was_not_closed(content, line, size, monkeypatch):
    monkeypatch.setattr(sizes, "BYTES", max(size, 40))
    path = give(content, "t.csv")
    message = (
        rf"Expected after each quoted value of t\.csv its end; .* begins in line {line}: the q"
    )
    for reading in (read, batches):
        with pytest.raises(InputError, match=message):
            reading(path, ("a",))  # whatever is read of it


def watched(text: str, separator: str = ",") -> tuple[int | None, int | None]:
    """Marks one after the other: the lines before the one that is open at the end, and before the
    first value of lines that text follows."""
    state, line, opened, spoiled = "begin", 0, 0, None
    for char, after in zip(text, [*text[1:], ""], strict=True):
        if state == "skip":
            state = "within"
        elif state == "within":
            if char == '"' and after == '"':
                state = "skip"
            elif char == '"':
                state = "text"
                if line > opened and after not in ("", separator, "\r", "\n") and spoiled is None:
                    spoiled = opened
        elif char == '"' and state == "begin":
            state, opened = "within", line
        else:
            state = "begin" if char in (separator, "\r", "\n") else "text"
        line += char == "\n"
    return (opened if state in ("within", "skip") else None), spoiled


def test_marks_are_watched_in_blocks_of_any_size():
    rng, found = np.random.default_rng(0), []
    for _ in range(3000):
        text = "".join(rng.choice(list('"",\n\rx'), rng.integers(1, 40)))
        stream = Quotes(io.BytesIO(text.encode()), ",")
        while stream.read(int(rng.integers(1, 9))):
            pass
        found.append((stream.left_open(), stream.spoiled))
        assert found[-1] == watched(text), text
    opened, spoiled = zip(*found, strict=True)
    assert 600 < opened.count(None) < 2400
    assert 300 < spoiled.count(None) < 2700


def test_a_long_value_of_many_lines_is_refused_where_others_have_one():
    content = quoted_rows(300, r7='7,"' + "word\n" * 20_000 + '",y')
    with pytest.raises(InputError, match="near line 9 one holds 20000 line breaks"):
        read(give(content, "t.csv"))


def test_values_of_some_lines_are_read():
    trace = 'at f(a, b)\n  at g(a)\n  at ""h""\nend'
    given = read(give(quoted_rows(300, r7=f'7,"{trace}",y'), "t.csv"))
    assert given["b"][7] == trace.replace('""', '"')
    lines_of = {f"r{i}": f'{i},"x,y\n7,8,9\n7,8,9\n1,y",z' for i in range(99)}
    assert read(give(quoted_rows(99, **lines_of), "t.csv")).height == 99  # all rows have them


# --------------------------------------------------------------------------- damaged files


HALVES = {
    "t.jsonl.gz": lambda: packed(pl.concat([FRAME] * 999))[:-9],
    "t.csv.gz": lambda: gzip.compress(b"a,b\n" + b"1,2\n" * 9999)[:-9],
    "t.arrow": lambda: _half(lambda path: FRAME.write_ipc(path)),
    "t.feather": lambda: b"a,b\n1,2\n",
    "u.arrow": lambda: b"",
    "t.parquet": lambda: _half(lambda path: FRAME.write_parquet(path)),
}


def _half(write) -> bytes:
    write("whole")
    content = Path("whole").read_bytes()
    return content[: len(content) // 2]


@pytest.mark.parametrize("name", HALVES)
def test_damaged_file_is_refused_by_name(name):
    give(HALVES[name](), name)
    with pytest.raises(InputError, match=rf"Expected a whole table in {name}; it cannot be read: "):
        read(name)


@pytest.mark.parametrize("name", ["t.arrow", "t.parquet", "t.csv"])
def test_no_rows(name):
    WRITERS[name](name)
    {"t.arrow": pl.DataFrame.write_ipc, "t.parquet": pl.DataFrame.write_parquet}.get(
        name, pl.DataFrame.write_csv
    )(FRAME.clear(), name)
    for reader in (read, batches):
        with pytest.raises(InputError, match=rf"at least one row in {name}"):
            reader(name)


def test_numbers_to_the_base_of_16_are_text():
    give("n,flags\n1,0x10\n2,0x1F\n3,18\n", "t.csv")
    assert read("t.csv")["flags"].to_list() == ["0x10", "0x1F", "18"]
    settling = Settling("t.csv", infers=("flags",))
    settling.update(pl.DataFrame({"flags": ["18", " 0X1F"]}))
    assert settling.types() == {"flags": pl.String()}


def test_one_number_to_the_base_of_16_makes_text_wherever_it_stands():
    lines = [f"{i},{i}" for i in range(3000)]
    lines[2500] = "2500,0x1F"
    give("\n".join(["n,flags", *lines]), "t.csv")
    found = read("t.csv")
    assert (found["flags"].dtype, found["n"].dtype) == (pl.String, pl.Int64)
    assert (found.height, found["flags"][2500]) == (3000, "0x1F")


@pytest.mark.parametrize("end", [2**31 - 1, 4000, -5])
def test_arrow_that_points_outside_of_itself_is_refused(end):
    text = pa.array(["ab", "cd", "ef"])
    pa.feather.write_feather(pa.table({"s": text}), "t.arrow", compression="uncompressed")
    offsets = np.array([0, 2, 4, 6], np.int32).tobytes()
    content = Path("t.arrow").read_bytes()
    assert content.count(offsets) == 1
    damaged = np.array([0, 2, 4, end], np.int32).tobytes()
    Path("t.arrow").write_bytes(content.replace(offsets, damaged))
    for reader in (read, batches):
        with pytest.raises(InputError, match=r"Expected a whole table in t.arrow; it cannot be"):
            reader("t.arrow")


def test_text_that_looks_like_the_mark_of_a_list_is_text():
    give('{"ua": "\\u0000list:x", "tags": ["t"], "n": 3}\n', "t.jsonl")
    found = read("t.jsonl")
    assert found["ua"].to_list() == ["\0list:x"]
    assert found["n"].to_list() == [3]


@pytest.mark.parametrize(
    "deep",
    [
        '{"q":' * 1000 + "1" + "}" * 1000,
        '{"q":\r' * 1000 + "1" + "}" * 1000,  # which is no end of a line in JSON
        "[" * 10**5 + "]" * 10**5,
        "[" * 17 + '"' + '\\"' * 10**6,  # a text without an end
    ],
    ids=["objects", "carriage returns", "lists", "open text"],
)
def test_a_line_that_is_nested_too_deep_is_refused_at_once(deep):
    give(f'{{"a": 1}}\n{{"a": 1, "b": {deep}}}\n', "t.jsonl")
    for reader in (read, batches):
        with pytest.raises(InputError, match=r"line 2 is none \(it has \d+ levels"):
            reader("t.jsonl")


def test_marks_within_text_are_no_levels():
    text = "{[" * 50
    give(f'{{"a": {{"b": "{text}"}}}}\n', "t.jsonl")
    assert read("t.jsonl")["a.b"].to_list() == [text]


# ---------------------------------------------------------------------------- several files


def parts(ending: str, folder: str = "logs") -> list[Path]:
    """Three files whose names say their order, and whose order of writing is another."""
    Path(folder).mkdir(exist_ok=True)
    made = []
    for i in (2, 0, 1):
        path = Path(folder) / f"2026-{i}.{ending}"
        part = pl.DataFrame({"i": [10 * i, 10 * i + 1], "s": ["x", str(i)]})
        write = {"csv": part.write_csv, "parquet": part.write_parquet, "arrow": part.write_ipc}
        write.get(ending, part.write_ndjson)(path)
        made.append(path)
    return sorted(made)


@pytest.mark.parametrize("ending", ["csv", "parquet", "arrow", "jsonl"])
@pytest.mark.parametrize("path", ["logs", "logs/2026-*", "**/2026-?.*"])
def test_files_of_a_set_follow_each_other_by_name(ending, path):
    parts(ending)
    give(b"", "logs/_SUCCESS")
    give(b"", "logs/.hidden.csv")
    if path == "logs":
        for hides in (".ipynb_checkpoints", "_temporary/0", "a/.git/b"):
            give((Path("logs") / f"2026-0.{ending}").read_bytes(), f"logs/{hides}/x.{ending}")
    found = read(path)
    assert found["i"].to_list() == [0, 1, 10, 11, 20, 21]
    assert found["s"].to_list() == ["x", "0", "x", "1", "x", "2"]
    assert pl.concat(batches(path, ("i",)))["i"].cast(pl.Int64).to_list() == found["i"].to_list()


def test_a_set_knows_its_rows_where_its_files_do():
    parts("parquet")
    parts("csv", "other")
    with open_table(Path("logs")) as table:
        assert table.rows == 6
    with open_table(Path("other")) as table:
        assert table.rows is None
        assert table.place == "the 3 files of other"


def test_a_set_of_csv_is_read_as_one_file_would_be():
    give("a\n1\n2\n", "logs/1.csv")
    give("a\n1.5\n", "logs/2.csv")
    give("a\nx\n", "other/2.csv")
    assert read("logs")["a"].to_list() == [1.0, 2.0, 1.5]
    assert read("**/?.csv")["a"].to_list() == ["1", "2", "1.5", "x"]


def test_whole_and_broken_numbers_in_a_set_of_parquet_are_numbers():
    Path("logs").mkdir()
    pl.DataFrame({"a": [1]}).write_parquet("logs/1.parquet")
    pl.DataFrame({"a": [1.5]}).write_parquet("logs/2.parquet")
    assert read("logs")["a"].to_list() == [1.0, 1.5]


def test_a_column_without_any_value_in_a_file_of_a_set_is_missing_there():
    Path("logs").mkdir()
    for i, values in enumerate(([None], [1.5], [None, 2])):
        pl.DataFrame({"a": values}).write_parquet(f"logs/{i}.parquet")
    assert read("logs")["a"].to_list() == [None, 1.5, None, 2.0]
    pl.DataFrame({"a": ["x"]}).write_parquet("logs/3.parquet")
    with pytest.raises(InputError, match=r"numbers in column 'a' of logs.3\.parquet, as in the"):
        read("logs")


def arrow(column: pa.Array) -> None:
    pa.feather.write_feather(pa.table({"x": [1.5, 2.5], "z": column}), "t.arrow")


def test_types_that_polars_lacks_are_read_as_others():
    arrow(pa.array([Decimal("1.5"), Decimal(2)], pa.decimal256(40, 2)))
    assert read("t.arrow")["z"].to_list() == [1.5, 2.0]
    arrow(pa.array([0, 60_000_000], pa.timestamp("us", "+05:30")))
    assert read("t.arrow")["z"].dtype == pl.Datetime("us", "UTC")


def test_a_type_that_cannot_be_read_is_named_with_its_column():
    arrow(pa.array([(1, 15, 0), None], pa.month_day_nano_interval()))
    for reader in (read, batches):
        with pytest.raises(InputError, match="in column 'z'; got the type month_day_nano_interval"):
            reader("t.arrow")


OTHERS = {
    "a column too few": (
        pl.DataFrame({"s": ["x"]}),
        r"columns of logs.2026-0\.parquet in logs.2026-2\.parquet; missing: 'i'\. Give files",
    ),
    "another column": (
        pl.DataFrame({"i": [1], "s": ["x"], "j": [1]}),
        r"in logs.2026-2\.parquet; not in the first one: 'j'\. ",
    ),
    "another type": (
        pl.DataFrame({"i": ["1"], "s": ["x"]}),
        r"Expected numbers in column 'i' of logs.2026-2\.parquet, as in the files before it; got "
        r"text\.",
    ),
}


@pytest.mark.parametrize(("third", "message"), OTHERS.values(), ids=OTHERS.keys())
def test_file_of_a_set_that_is_not_like_the_first_is_named(third, message):
    third.write_parquet(parts("parquet")[2])
    with pytest.raises(InputError, match=message):
        read("logs")


NO_ROWS = pl.DataFrame(schema={"i": pl.Int64, "s": pl.String})
WITHOUT_ROWS = {
    "csv": (b"", b"i,s\n", b"i,s\n\n\n"),
    "jsonl": (b"", b"\n\n"),
    "arrow": (NO_ROWS,),
    "parquet": (NO_ROWS,),
}


def give_without_rows(ending: str) -> list[Path]:
    """Empty files of each kind among those of ``parts``, the first and the last among them."""
    made = []
    for i, content in enumerate((*WITHOUT_ROWS[ending], WITHOUT_ROWS[ending][0])):
        path = Path("logs") / f"{2025 + 2 * i}.{ending}"
        path.parent.mkdir(exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            {"arrow": content.write_ipc, "parquet": content.write_parquet}[ending](path)
        made.append(path)
    return made


@pytest.mark.parametrize("ending", WITHOUT_ROWS)
def test_files_of_a_set_without_rows_are_left_aside_and_known(ending, monkeypatch):
    parts(ending)
    empty = give_without_rows(ending)
    assert read("logs")["i"].to_list() == [0, 1, 10, 11, 20, 21]
    with open_table(Path("logs")) as table:
        for _ in range(2):
            found = pl.concat(table.batches(("i",)), how="vertical_relaxed")
            assert found["i"].cast(pl.Int64).to_list() == [0, 1, 10, 11, 20, 21]
            assert sorted(left_aside(table)["empty_files"]) == sorted(map(str, empty))


@pytest.mark.parametrize("ending", WITHOUT_ROWS)
def test_a_set_without_any_row_is_refused(ending):
    files = give_without_rows(ending)
    for reader in (read, batches):
        told = rf"at least one row in the {len(files)} files of logs; none has any\. Give a file"
        with pytest.raises(InputError, match=told):
            reader("logs")


KEYS = ('{"i": 1, "o": null}\n', '{"i": 2, "o": {"a": 1}}\n', '{"s": "x", "o": {"b": 2}}\n')


def test_files_of_json_lines_may_have_keys_of_their_own():
    for i, line in enumerate(KEYS):
        give(line, f"logs/{i}.jsonl")
    expected = {"i": [1, 2, None], "o.a": [None, 1, None], "s": [None, None, "x"]}
    assert read("logs").to_dict(as_series=False) == expected | {"o.b": [None, None, 2]}
    assert pl.concat(batches("logs"), how="vertical_relaxed").height == 3
    give(KEYS[0], "logs/1.jsonl")
    give(KEYS[0], "logs/2.jsonl")
    assert read("logs").columns == ["i", "o"]


def test_a_key_that_is_an_object_in_one_file_and_none_in_another_is_refused():
    give('{"o": {"b": 1}}\n', "logs/0.jsonl")
    give('{"o": "x"}\n', "logs/1.jsonl")
    with pytest.raises(InputError, match=r"in the 2 files of logs; 'o' is an object in one file"):
        read("logs")


def test_many_keys_of_many_files_are_read():
    for i in range(40):
        lines = [f'{{"i": {i}, "o": {{"k{i}-{j}": 1}}}}\n' for j in range(10)]
        give("".join(lines), f"logs/{i}.jsonl")
    assert read("logs").shape == (400, 401)


def test_a_key_of_a_file_that_is_known_from_another_is_not_late(monkeypatch):
    monkeypatch.setattr(sizes, "BYTES", 10)
    give('{"a": 1}\n{"a": 2}\n{"a": 3, "b": 1}\n', "logs/0.jsonl")
    give('{"b": 55555}\n{"c": 2}\n', "logs/1.jsonl")
    with (
        pytest.raises(InputError, match=r"logs.1\.jsonl; got 'c' for the first time"),
        open_table(Path("logs"), strict=True) as table,
    ):
        table.read(table.names)
    with open_table(Path("logs")) as table:
        found = pl.concat(table.batches(table.names), how="vertical_relaxed")
        assert found["b"].to_list() == [None, None, 1, 55555, None]
        assert list(table.late) == ["c"]


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_times_of_other_units_in_the_files_of_a_set_are_times(zone):
    Path("logs").mkdir()
    at = pl.Series("at", [dt.datetime(2026, 11, 1, i) for i in range(3)]).dt.replace_time_zone(zone)
    took = pl.Series("took", [dt.timedelta(seconds=i) for i in range(3)])
    for unit in ("ms", "us", "ns"):
        frame = pl.DataFrame([at.dt.cast_time_unit(unit), took.dt.cast_time_unit(unit)])
        frame.write_parquet(f"logs/{unit}.parquet")
    for found in (read("logs"), pl.concat(batches("logs"), how="vertical_relaxed")):
        assert found["at"].to_list() == at.to_list() * 3
        assert found["took"].to_list() == took.to_list() * 3


def test_times_with_and_without_a_zone_are_not_one_column():
    Path("logs").mkdir()
    at = pl.Series("at", [dt.datetime(2026, 11, 1)])
    at.to_frame().write_parquet("logs/0.parquet")
    at.dt.replace_time_zone("UTC").to_frame().write_parquet("logs/1.parquet")
    with pytest.raises(InputError, match=r"times without a zone in column 'at' .*got times of"):
        read("logs")


def test_times_of_two_zones_are_not_one_column():
    Path("logs").mkdir()
    at = pl.Series("at", [dt.datetime(2026, 11, 1)])
    for zone in ("UTC", "Europe/Berlin"):
        at.dt.replace_time_zone(zone).to_frame().write_parquet(f"logs/{zone[0]}.parquet")
    with pytest.raises(InputError, match=r"times of the zone Europe/Berlin in column 'at' .* UTC"):
        read("logs")


def test_json_that_is_not_of_lines_is_told_apart():
    with pytest.raises(
        InputError, match=r"one object a line, in a file named \.jsonl .* got t\.json\."
    ):
        read(give('{"Records": [{"a": 1}]}', "t.json"))


def test_damaged_file_of_a_set_is_named():
    parts("jsonl")
    give('{"i": 1, "s": "x"}\n{"i":\n', "logs/2026-1.jsonl")
    with pytest.raises(InputError, match=r"in logs.2026-1\.jsonl; line 2 is none"):
        read("logs")


def test_folder_of_several_kinds_is_refused():
    parts("csv")
    parts("parquet")
    with pytest.raises(InputError, match=r"one kind in logs; got '2026-0\.csv', '2026-0\.parquet'"):
        read("logs")
    assert read("logs/*.csv").height == 6


def test_nothing_to_read():
    Path("empty").mkdir()
    with pytest.raises(InputError, match=r"Expected tables in empty; found none"):
        read("empty")
    with pytest.raises(InputError, match=r"files that match logs/\*\.csv; there are none\. Check"):
        read("logs/*.csv")
    give("", "notes/a.txt")
    with pytest.raises(InputError, match=r"Expected a file named .*; got notes/a\.txt"):
        read("notes/*.txt")


def test_file_whose_name_has_a_star_is_itself():
    give("a\n1\n2\n", "a*.csv")
    give("a\n3\n4\n", "ab.csv")
    assert read("a*.csv")["a"].to_list() == [1, 2]


def test_categories_of_arrow_are_text_to_a_set():
    Path("logs").mkdir()
    text = pa.array(["x", "y"])
    for name, values in (("1", text), ("2", text.dictionary_encode())):
        with pa.ipc.new_file(f"logs/{name}.arrow", pa.schema([("s", values.type)])) as writer:
            writer.write_batch(pa.record_batch({"s": values}))
    found = read("logs")["s"]
    assert found.cast(pl.String).to_list() == ["x", "y", "x", "y"]


def test_sizes_are_about_what_rows_take_in_memory():
    rows = pl.DataFrame({"a": np.zeros(1000), "b": np.zeros(1000)})
    rows.write_parquet("t.parquet")
    rows.write_csv("t.csv")
    np.save("t.npy", rows.to_numpy())
    for name in ("t.parquet", "t.csv", "t.npy"):
        with open_table(Path(name)) as table:
            assert 4000 <= table.size <= 32_000


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", "a;b\n1;2\n", r"separated by commas in t\.csv; .* semicolons instead"),
        ("t.csv", '{"a": 1, "b": 2}\n', r"CSV in t\.csv; its first line is of JSON\. .*\.jsonl, o"),
        ("t.csv", "a\tb\n1\t2\n", r"separated by commas in t\.csv; .* tabs instead"),
        ("t.tsv", "a,b\n1,2\n", r"separated by tabs in t\.tsv; .* commas instead"),
    ],
)
def test_another_mark_between_columns_is_named(name, content, message):
    with pytest.raises(InputError, match=message):
        read(give(content, name))


# ------------------------------------------------------------------- values as fit took them


@pytest.mark.parametrize(("truths", "dtype"), [("true,FALSE", pl.Boolean), ("1,0", pl.Float64)])
def test_truths_are_seen_and_expected_in_one_form(truths, dtype):
    fitted = [True, False] if dtype == pl.Boolean else [1, 0]
    schema = Schema((Stated("up", "boolean"),))
    encoder = fit_encoder(pl.DataFrame({"up": fitted}), schema)
    seen = as_at_fit(pl.DataFrame({"up": truths.split(",")}), encoder.schema)
    assert seen["up"].dtype == dtype
    assert seen.equals(encoder.decode(encoder.transform(seen)[0]))
    half = as_at_fit(pl.DataFrame({"up": ["0.5", "1"]}), encoder.schema)
    assert half["up"].to_list() == [0.5, 1]


def test_dashes_are_missing_as_at_fit(alad):
    """A dash makes text of a column of numbers at fit; where it is scored, it may not be there."""
    rest = (f"10.0.0.{i % 5},11/26/2026 {i % 9 + 1}:05 PM\n" for i in range(60))
    rows = [f"{i % 7},{'-' if i % 3 else i},{values}" for i, values in enumerate(rest)]
    Path("t.csv").write_text("".join(["n,bytes,src,at\n", *rows, "3,7,-,-\n"]))
    done = alad.good("fit", "t.csv", "-o", "m", "--detector", "mahalanobis")
    assert "is read as text" not in done.err
    said = {c.name: c.kind for c in load("m").encoder_.columns}
    assert said == {"n": "numeric", "bytes": "numeric", "src": "ip", "at": "time"}
    Path("new.csv").write_text("n,bytes,src,at\n-,-,-,-\n3,4,10.0.0.1,11/26/2026 5:01 PM\n")
    said = json.loads(alad.good("score", "m", "new.csv", "-o", "s.csv", "--json").out)
    assert said["missing_values"] == {"n": 1, "bytes": 1, "src": 1, "at": 1}
    assert said["unseen_categories"] == {}


def test_whole_numbers_in_text_keep_their_last_digits_where_the_model_looks_at_them():
    ids = [76_561_198_000_000_001, 76_561_198_000_000_007]
    encoder = fit_encoder(pl.DataFrame({"id": ids}), Schema((Stated("id", "numeric"),)))
    seen = as_at_fit(pl.DataFrame({"id": [f" {ids[1]} ", "-", "7"]}), encoder.schema)
    assert seen["id"].to_list() == [ids[1], None, 7]
    others = as_at_fit(pl.DataFrame({"id": [str(ids[1]), "1.5"]}), encoder.schema)
    assert others["id"].to_list() == [float(ids[1]), 1.5]
