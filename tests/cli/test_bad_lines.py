"""``--on-bad skip``: who writes a line of a log must not stop, or blind, who reads it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from alad import Mahalanobis
from alad.cli.tables import left_aside, open_table
from alad.cli.tables import table as sizes
from alad.cli.tables.bad_lines import BadLines, mended
from alad.errors import InputError

GOOD = [
    {"bytes": i / 7 - 0.5, "count": i % 9, "proto": "tcp" if i % 2 else "udp"} for i in range(9)
]


def give(content: bytes | str, name: str) -> str:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return name


def lines_of(*odd: str | bytes) -> bytes:
    """Lines of JSON with odd ones after the third."""
    good = [json.dumps(row).encode() for row in GOOD]
    odd = tuple(line if isinstance(line, bytes) else line.encode() for line in odd)
    return b"\n".join([*good[:3], *odd, *good[3:]]) + b"\n"


def read(path: str, *, whole: bool) -> tuple[pl.DataFrame, dict]:
    """All rows, and which lines were left out."""
    with open_table(Path(path), strict=whole, skips=True) as table:
        found = table.read(table.names) if whole else pl.concat(table.batches(table.names))
        return found, left_aside(table)["bad_lines"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


# ------------------------------------------------------------------------------------ JSON

OBJECT = '{"proto": {"name": "tcp"}}'
ODD = {
    '{"bytes": 1, "cou': "Unterminated string",
    "GET / HTTP/1.1": "Expecting value",
    "\x0c": "Expecting value",
    '{"bytes": ' + "1" * 5000 + "}": "larger than any whole number",
    "[1, 2]": "it is a list",
    '{"bytes": NaN}': "NaN is no JSON",
    '{"bytes": 1e999}': "larger than any number",
    '{"x": ' * 20 + "1" + "}" * 20: "20 levels",
    OBJECT: "'proto' is an object, and elsewhere not",
    '{"count": true}': "'count' is true or false, and elsewhere not",
    '{"": 1}': "a key has no name",
    '{"more": {"a": 1, "a": 2}}': "the key 'a' stands twice in an object within it",
}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "batches"])
@pytest.mark.parametrize("odd", ODD)
def test_a_line_that_is_no_row_is_left_out_and_told(odd, whole):
    give(lines_of(odd), "t.jsonl")
    found, bad = read("t.jsonl", whole=whole)
    if odd == OBJECT and not whole:  # what the reader makes of it is its text
        assert found["proto"][3] == '{"name": "tcp"}'
        return
    assert found.select(list(GOOD[0])).rows(named=True) == GOOD
    assert (bad["count"], bad["first"][0]["where"]) == (1, "line 4")
    assert ODD[odd] in bad["first"][0]["why"]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("odd", ODD)
def test_without_being_told_so_nothing_is_left_out(odd):
    give(lines_of(odd), "t.jsonl")
    with pytest.raises(InputError), open_table(Path("t.jsonl"), strict=True) as table:
        table.read(table.names)


@pytest.mark.usefixtures("here")
def test_all_of_them_at_once_and_in_every_block(monkeypatch):
    monkeypatch.setattr(sizes, "BYTES", 200)
    give(lines_of(*ODD) * 3, "t.jsonl")
    found, bad = read("t.jsonl", whole=False)
    # Of a block in which an odd kind is not the rarer one the other lines may go.
    assert bad["count"] + found.height == 3 * (len(GOOD) + len(ODD))
    assert found.height >= 3 * len(GOOD) - 6


@pytest.mark.usefixtures("here")
def test_a_key_with_a_dot_does_not_take_the_place_of_one_within():
    give('{"a": {"b": 1}}\n{"a": {"b": 2}}\n{"a.b": 9, "a": {"b": 3}}\n', "t.jsonl")
    found, bad = read("t.jsonl", whole=False)
    assert found["a.b"].to_list() == [1, 2]
    assert "'a.b' is a key of another object" in bad["first"][0]["why"]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "batches"])
def test_an_odd_line_takes_no_sound_one_with_it(whole):
    sound = '{"bytes": 1, "tags": [1e999, %s]}' % ("1" * 5000)
    give(lines_of(sound, "GET /", '{"": 1}'), "t.jsonl")
    found, bad = read("t.jsonl", whole=whole)
    assert found.height == 10
    assert [line["where"] for line in bad["first"]] == ["line 5", "line 6"]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("odd", ["[1]", "[]", "[{}]", '"x"', "5"])
def test_what_is_no_object_takes_no_keys_from_others(odd):
    good = [json.dumps({"o": {"a": i, "b": "x"}}) for i in range(30)]
    give("\n".join([*good[:9], f'{{"o": {odd}}}', *good[9:]]) + "\n", "t.jsonl")
    with open_table(Path("t.jsonl"), skips=True) as table:
        assert pl.concat(table.batches(("o.a",)))["o.a"].to_list() == list(range(30))
        assert table.bad.first[0]["where"] == "line 10"


@pytest.mark.usefixtures("here")
def test_of_as_many_the_first_stays():
    give('{"a": "x"}\n{"a": {"b": 1}}\n', "t.jsonl")
    found, bad = read("t.jsonl", whole=True)
    assert found["a"].to_list() == ["x"]
    give('{"a": {"b": 1}}\n{"a.b": 2}\n', "t.jsonl")
    found, bad = read("t.jsonl", whole=True)
    assert found["a.b"].to_list() == [1]
    assert bad["first"][0]["where"] == "line 2"


@pytest.mark.usefixtures("here")
def test_lines_that_contradict_each_other_may_all_go():
    odd = {"x": 1}
    rows = [{"a": odd, "b": "t", "c": "t"}, {"a": "t", "b": odd, "c": "t"},
            {"a": "t", "b": "t", "c": odd}]  # fmt: skip
    give("\n".join(map(json.dumps, rows)), "t.jsonl")
    with pytest.raises(InputError, match="at least one row"):
        read("t.jsonl", whole=True)


@pytest.mark.usefixtures("here")
def test_keys_that_few_lines_have_do_not_become_a_thousand_columns():
    wide = {f"k{i}": i for i in range(3000)}
    within = {f"k{i}": {f"k{j}": 1 for j in range(60)} for i in range(60)}
    for many in (wide, within):
        give(lines_of(json.dumps(many)) + b"{}\n" * 20_000, "t.jsonl")
        found, bad = read("t.jsonl", whole=False)
        assert set(GOOD[0]) <= set(found.columns)
        assert found.width <= 1000
        assert (bad["count"], bad["first"][0]["where"]) == (1, "line 4")


@pytest.mark.usefixtures("here")
def test_a_list_in_hardly_any_line_does_not_cost_fit_the_column():
    rows = [json.dumps({"n": i}) for i in range(300)]
    give("\n".join([*rows, '{"n": [1]}']) + "\n", "t.jsonl")
    found, bad = read("t.jsonl", whole=True)
    assert (found["n"].dtype, found.height, bad["count"]) == (pl.Int64, 300, 1)


@pytest.mark.usefixtures("here")
def test_what_one_block_holds_alone_is_no_number(monkeypatch):
    monkeypatch.setattr(sizes, "BYTES", 5)
    give('{"n": 1}\n' * 20 + '{"n": true}\n', "t.jsonl")
    assert read("t.jsonl", whole=True)[0]["n"].to_list() == [1.0] * 21


@pytest.mark.usefixtures("here")
def test_what_is_wrong_is_told_in_short():
    give(lines_of(json.dumps({"k" * 10**5: 1, "": 2})) + b'{"' + b"x" * 10**5 + b'": {}', "t.jsonl")
    assert all(len(line["why"]) <= 200 for line in read("t.jsonl", whole=False)[1]["first"])


@pytest.mark.usefixtures("here")
def test_where_no_line_is_a_row_that_is_refused():
    give("GET /\nPOST /\n", "t.jsonl")
    with pytest.raises(InputError, match=r"at least one row in t\.jsonl.*all 2 .*line 1"):
        read("t.jsonl", whole=False)


@pytest.mark.usefixtures("here")
def test_keys_that_come_late_are_left_aside_at_fit_too(monkeypatch):
    monkeypatch.setattr(sizes, "BYTES", 50)
    give('{"a": 1}\n' * 20 + '{"a": 2, "b": 3}\n', "t.jsonl")
    found, bad = read("t.jsonl", whole=True)
    assert (found.columns, found.height, bad["count"]) == (["a"], 21, 0)


# ------------------------------------------------------------------------------------- CSV


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "batches"])
@pytest.mark.parametrize(
    ("odd", "why"),
    [
        ("1,2", "2 values, not 3: '1,2'"),
        ("1,2,x,y", "4 values, not 3"),
        ("bytes,count,proto", "the names of the columns again"),
    ],
)
def test_a_line_of_other_length_is_left_out(odd, why, whole):
    good = pl.DataFrame(GOOD).with_columns(count=pl.col("count").cast(pl.String) + "n")
    head, *rows = good.write_csv().splitlines()
    give("\n".join([head, *rows[:3], odd, *rows[3:]]) + "\n", "t.csv")
    if whole and "names" in why:  # text among numbers makes all of a column text
        good = good.with_columns(pl.col("bytes").cast(pl.String))
    found, bad = read("t.csv", whole=whole)
    assert found.select("count", "proto").equals(good.select("count", "proto"))
    assert bad["count"] == 1
    assert why in bad["first"][0]["why"]
    assert bad["first"][0]["where"] == "near line 5"


@pytest.mark.usefixtures("here")
def test_a_quoted_value_of_lines_of_the_table_is_left_out():
    rows = [f"{i},{i},{i}" for i in range(400)]
    value = '"x' + "\n1,2,3" * 20 + '\n",2,3'
    give("\n".join(["a,b,c", *rows, value, "1,2,3"]) + "\n", "t.csv")
    found, bad = read("t.csv", whole=False)
    assert (found.height, bad["count"], bad["first"][0]["where"]) == (401, 22, "near line 402")


@pytest.mark.usefixtures("here")
def test_two_lines_that_open_and_close_a_mark_do_not_swallow_others_unseen():
    good = [f"{i},1,tcp,x,1,h,1,t" for i in range(300)]
    junk = [","] * 6
    many = [f'{i},1,tcp,x,1,h,1,"a\nb"' for i in range(20)]
    attack = ['0,1,tcp,x,1,h,1,",', *junk, *good[50:60], '"']
    give("\n".join(["a,b,c,d,e,f,g,h", *good[:50], *attack, *many, *good[60:]]) + "\n", "t.csv")
    found, bad = read("t.csv", whole=False)
    assert found.height == 290 + 20
    assert bad["count"] >= 10
    assert bad["first"][0]["where"] == "near line 52"


@pytest.mark.usefixtures("here")
def test_lines_that_a_row_of_other_length_swallows_are_counted():
    good = [f"{i},1,2" for i in range(40)]
    give("\n".join(["a,b,c", *good[:9], '"', *good[9:30], '"', *good[30:], "1,2"]) + "\n", "t.csv")
    found, bad = read("t.csv", whole=False)
    assert (found.height, bad["count"]) == (19, 24)
    assert bad["first"][1]["where"] == "near line 22"
    give("\n".join(["a,b,c,d", "1,2,3,4", '1,2,3,"x', "j", "j", "5,6,7,8", '"', "9,9,9,9"]) + "\n",
         "t.csv")  # fmt: skip
    assert read("t.csv", whole=False)[0]["a"].to_list() == ["1", "9"]


@pytest.mark.usefixtures("here")
def test_an_open_mark_in_the_first_row_of_a_file_is_no_empty_file():
    for i in range(3):
        give("a,b\n" + ('"\n' if i == 1 else "") + "1,2\n" * 40, f"logs/{i}.csv")
    with pytest.raises(InputError, match=r"1\.csv .* ends within a value"):
        read("logs", whole=False)


@pytest.mark.usefixtures("here")
def test_names_that_stand_again_are_told_where_they_are():
    rows = ["1,2", *["1,2,3"] * 90, "a,b,c", *["1,2,3"] * 9, "a,b,c"]
    give("\n".join(["a,b,c", *rows]) + "\n", "t.csv")
    for whole in (True, False):
        found, bad = read("t.csv", whole=whole)
        told = [line["where"] for line in bad["first"]]
        assert told == ["near line 2", "near line 93", "near line 103"]
        assert found.height == 99
    assert read("t.csv", whole=True)[0]["a"].dtype == pl.Int64


@pytest.mark.usefixtures("here")
def test_which_rows_there_are_does_not_depend_on_the_columns_asked_for():
    give("\n".join(["a,b,c", "1,2,3", "a,b,c", "4,5,6"]) + "\n", "t.csv")
    for columns in (("a",), ("a", "b"), ("a", "b", "c")):
        with open_table(Path("t.csv"), skips=True) as table:
            assert pl.concat(table.batches(columns))["a"].to_list() == ["1", "4"]


@pytest.mark.usefixtures("here")
def test_a_last_line_that_is_cut_within_a_quoted_value_swallows_nothing():
    for end in ('"Mozi', '"Mozi\n'):
        give('a,ua\n1,"x"\n2,' + end, "t.csv")
        found, _ = read("t.csv", whole=False)
        assert found["a"].to_list() == ["1", "2"]
    give('a,ua\n1,"x"\n2,"Mozi\n3,"y"\n4,z\n', "t.csv")
    with pytest.raises(InputError, match="not closed"):
        read("t.csv", whole=False)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("name", ["t.csv", "t.jsonl"])
def test_bytes_that_are_no_text_stand_as_another(name):
    text = b'{"ua": "a\xffb", "n": 1}\n' if name == "t.jsonl" else b"ua,n\na\xffb,1\n"
    give(text, name)
    found, bad = read(name, whole=True)
    assert found["n"].to_list() == [1]
    assert found["ua"].to_list() == ["a?b" if name == "t.jsonl" else "a\x1ab"]
    assert bad == {"count": 0, "first": [], "bytes_mended": 1}


# ----------------------------------------------------------------------------------- bytes


def as_mended(content: bytes, size: int = -1) -> tuple[bytes, int]:
    bad = BadLines()
    stream = mended(io.BytesIO(content), bad, b"?")
    parts = [stream.read()] if size < 0 else list(iter(lambda: stream.read(size), b""))
    return b"".join(parts), bad.bytes_mended


@pytest.mark.parametrize("buffer", [4, 5, 7, 1 << 17])
def test_text_stays_and_every_other_byte_becomes_one(monkeypatch, buffer):
    from alad.cli.tables import bad_lines

    monkeypatch.setattr(bad_lines, "BUFFER", buffer)
    rng = np.random.default_rng(0)
    pieces = [b"a", b"\xc3\xa9", "€".encode(), "𝄞".encode(), b"\xff", b"\x80", b"\xe2\x82", b"\xf0"]
    for _ in range(300):
        content = b"".join(pieces[i] for i in rng.integers(0, len(pieces), rng.integers(0, 30)))
        found, n = as_mended(content, int(rng.integers(1, 9)) if rng.random() < 0.5 else -1)
        assert len(found) == len(content)
        assert found.decode().replace("?", "") == content.decode(errors="ignore")
        assert n == found.count(b"?")


def test_what_is_read_again_is_counted_once():
    bad = BadLines()
    stream = mended(io.BytesIO(b"ab\xffcd\xfe\n" * 3), bad, b"?")
    first = stream.readline()
    place = stream.tell()
    rest = stream.read()
    assert stream.seek(place) == place == len(first)
    assert stream.read() == rest
    assert bad.bytes_mended == 6


# --------------------------------------------------------------------------- the commands


def scored(alad, *more: str, out: str = "s.parquet", table: str = "t.jsonl") -> dict:
    done = alad.good("score", "model", table, "-o", out, "--on-bad", "skip", "--json", *more)
    return json.loads(done.out)


def test_scores_of_good_rows_are_those_without_the_bad_ones(alad, model):
    give(lines_of(), "good.jsonl")
    give(lines_of('{"bytes": 1, "cou', "GET /"), "t.jsonl")
    alad.good("score", model, "good.jsonl", "-o", "good.parquet")
    found = scored(alad)
    assert pl.read_parquet("s.parquet").equals(pl.read_parquet("good.parquet"))
    assert (found["rows"], found["bad_lines"]["count"]) == (9, 2)


@pytest.mark.parametrize("name", ["t.jsonl", "t.csv"])
def test_a_word_among_numbers_counts_as_missing_and_is_kept_as_it_was(alad, train, name):
    Mahalanobis().fit(train).calibrate(train).save("model")
    rows = [*GOOD, {"bytes": "many", "count": 3, "proto": "tcp"}]
    text = {
        "t.jsonl": "\n".join(map(json.dumps, rows)),
        "t.csv": "\n".join(["bytes,count,proto", *(",".join(map(str, r.values())) for r in rows)]),
    }
    give(text[name] + "\n", name)
    alad.refused("Expected numbers in column 'bytes'.*'many' in row 9.*", "score", "model", name,
                 "-o", "no.csv")  # fmt: skip
    found = scored(alad, "--keep", "bytes", table=name)
    result = pl.read_parquet("s.parquet")
    assert found["odd_values"] == {"bytes": 1}
    assert found["newly_missing"] == {"bytes": 1}
    # Fit saw every value, so that none is unlike all of them.
    assert result["anomaly_score"].arg_max() == 9
    assert result["bytes"].to_list() == [*(row["bytes"] for row in GOOD), None]
    for out in ("s.csv", "s.parquet"):
        scored(alad, "--all-columns", table=name, out=out)
        alad.good("report", "model", out, "-o", "r.html")
    assert pl.read_csv("s.csv")["bytes"][9] == "many"


@pytest.mark.parametrize("value", ['["tcp", "x"]', '{"name": "tcp"}'])
def test_a_list_or_an_object_where_text_was_is_text_that_fit_did_not_see(alad, model, value):
    give(lines_of(f'{{"bytes": 1, "count": 2, "proto": {value}}}'), "t.jsonl")
    found = scored(alad, "--keep", "proto")
    assert found["unseen_categories"] == {"proto": 1}
    assert pl.read_parquet("s.parquet")["proto"][3] == value


TWICE = ['{"id": "x", "id": {"p": 9}}', '{"id": "x", "id": null}', '{"id": {"p": 1}, "id": "x"}']


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("odd", TWICE)
def test_a_key_that_stands_twice_takes_nothing_from_others(odd):
    good = [json.dumps({"a": i, "id": {"p": i}}) for i in range(9)]
    give("\n".join([*good[:4], odd, *good[4:]]) + "\n", "t.jsonl")
    with open_table(Path("t.jsonl"), skips=True) as table:
        found = pl.concat(table.batches(("a", "id.p")))
        assert found["id.p"].to_list() == list(range(9))
        assert table.bad.first[0]["where"] == "line 5"


@pytest.mark.parametrize("odd", ["1.5", "1e300", '"x"', "-0.0"])
def test_no_whole_number_in_a_column_of_categories_is_a_new_one(alad, odd):
    frame = pl.DataFrame({"code": ["200", "404"] * 50, "n": [float(i % 7) for i in range(100)]})
    Mahalanobis().fit(frame).save("model")
    rows = [json.dumps({"code": 200 + 204 * (i % 2), "n": i % 7}) for i in range(20)]
    give("\n".join([*rows, f'{{"code": {odd}, "n": 1}}']) + "\n", "t.jsonl")
    assert scored(alad)["unseen_categories"] == {"code": 1}


def test_what_is_kept_has_one_type_in_every_batch(alad, train, monkeypatch):
    Mahalanobis().fit(train).calibrate(train).save("model")
    monkeypatch.setattr(sizes, "BYTES", 100)
    odd = ['{"bytes": "x", "count": 1.5, "proto": 3, "id": "a"}', "{}", '{"id": [1]}']
    rows = [json.dumps({**row, "id": i}) for i, row in enumerate(GOOD * 3)]
    give("\n".join([*rows[:9], *odd, *rows[9:], "{}"]) + "\n", "t.jsonl")
    for out in ("s.parquet", "s.jsonl", "s.csv"):
        assert scored(alad, "--all-columns", out=out)["rows"] == 31
        alad.good("report", "model", out, "-o", "r.html")
    found = pl.read_parquet("s.parquet")
    assert found["id"].to_list()[:12] == [*map(str, range(9)), "a", None, "[1]"]
    assert found["count"].dtype == pl.Float64


def test_keys_that_a_result_has_itself_are_not_copied(alad, model):
    give(lines_of('{"row": 1, "is_anomaly": 2, "bytes": 1, "count": 2, "proto": "tcp"}'), "t.jsonl")
    assert scored(alad, "--all-columns")["not_copied"] == ["row", "is_anomaly"]


def test_on_standard_input_a_torn_first_line_does_not_make_it_csv(alad, model):
    torn = b'nt": 3, "proto": "tcp"}\n' + lines_of()
    done = alad.good("score", "model", "-", "-o", "s.csv", "--on-bad", "skip", stdin=torn)
    assert "Scored 9 rows" in done.err
    csv = pl.DataFrame(GOOD).write_csv().encode() + b'{"x":1}\n'
    done = alad.good("score", "model", "-", "-o", "s.csv", "--on-bad", "skip", stdin=csv)
    assert "Scored 9 rows" in done.err


@pytest.mark.parametrize("odd", ["true ", "\ttrue", "\u3000False"])
def test_spaces_around_true_and_false_say_nothing(alad, odd):
    frame = pl.DataFrame({"ok": [True, False] * 50, "n": [float(i % 7) for i in range(100)]})
    Mahalanobis().fit(frame).save("model")
    give(f"ok,n\ntrue,1\n{odd},2\n", "t.csv")
    for more in ((), ("--on-bad", "skip")):
        assert "Scored 2 rows" in alad.good("score", "model", "t.csv", "-o", "s.csv", *more).err


def test_a_time_that_no_axis_goes_to_is_left_out_of_a_report(alad):
    rows = {"at": [f"2026-11-{1 + i // 8:02}T{i % 24:02}:30:00+00:00" for i in range(200)]}
    frame = pl.DataFrame({**rows, "n": [float(i % 7) for i in range(200)]})
    Mahalanobis().fit(frame).calibrate(frame).save("model")
    for far in ("0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"):
        give(frame.write_csv() + f"{far},3\n", "t.csv")
        scored(alad, "--all-columns", table="t.csv")
        alad.good("report", "model", "s.parquet", "-o", "r.html", "--time", "at")


@pytest.mark.usefixtures("here")
def test_a_name_that_no_file_can_hold_is_left_out():
    give(lines_of('{"a\\u0000b": 1}', '{"\\ud800": true}'), "t.jsonl")
    found, bad = read("t.jsonl", whole=False)
    assert found.columns == list(GOOD[0])
    assert bad["count"] == 2


@pytest.mark.usefixtures("here")
def test_lines_without_keys_are_rows_where_keys_are_known(monkeypatch):
    give("{}\n{}\n", "t.jsonl")
    with pytest.raises(InputError, match="at least one row"):
        read("t.jsonl", whole=False)
    monkeypatch.setattr(sizes, "BYTES", 5)
    give('{"a": 1}\n{}\n{}\n', "t.jsonl")
    for whole in (True, False):
        assert read("t.jsonl", whole=whole)[0]["a"].to_list() == [1, None, None]


def test_without_being_told_so_a_list_is_refused(alad, model):
    give(lines_of('{"bytes": 1, "count": 2, "proto": ["tcp", "x"]}'), "t.jsonl")
    alad.refused("Expected single values in column 'proto'.*", "score", model, "t.jsonl", "-o",
                 "no.csv")  # fmt: skip


def test_numbers_beyond_all_count_as_missing(alad, model):
    give(lines_of('{"bytes": 1e300, "count": 2, "proto": "tcp"}'), "t.jsonl")
    assert scored(alad)["odd_values"] == {"bytes": 1}
    assert pl.read_parquet("s.parquet")["anomaly_score"].arg_max() == 3


def test_rows_without_a_time_have_a_day_of_their_own(alad):
    days = ["2026-11-01", "2026-11-02"]
    rows = [{"at": days[i // 50], "n": float(i % 7)} for i in range(100)]
    pl.DataFrame(rows).write_csv("train.csv")
    Mahalanobis().fit(pl.DataFrame(rows)).save("model")
    rows[60]["at"], rows[70]["at"] = "yesterday", "20261126"
    pl.DataFrame(rows).write_csv("t.csv")
    rule = ("--alerts-per-day", "1", "--time", "at")
    alad.refused("Expected .*", "score", "model", "t.csv", "-o", "no.csv", *rule)
    assert scored(alad, *rule, table="t.csv")["anomalies"] == 3


TIMES = {
    "iso": [f"2026-11-{1 + i // 8:02}T{i % 24:02}:30:00" for i in range(200)],
    "spelt": [f"{1 + i // 8:02}.11.2026 {i % 24:02}:30" for i in range(200)],
    "epoch": [1795694400 + 11_111 * i for i in range(200)],
}


@pytest.mark.parametrize("odd", ['"yesterday"', "1e300", "[1]", '{"a": 1}', '""', "true"])
@pytest.mark.parametrize("name", TIMES)
def test_what_is_no_time_counts_as_missing(alad, name, odd):
    frame = pl.DataFrame({name: TIMES[name], "n": [float(i % 7) for i in range(200)]})
    fit = Mahalanobis().fit(frame).calibrate(frame)
    assert fit.encoder_.schema[0].kind == "time"
    fit.save("model")
    text = frame.write_ndjson() + f'{{"{name}": {odd}, "n": 3}}\n'
    give(text + frame[:9].write_ndjson(), "t.jsonl")
    found = scored(alad)
    if found["bad_lines"]["count"]:  # what the reader does not take among numbers
        assert (name, odd in ('{"a": 1}', "true"), found["rows"]) == ("epoch", True, 209)
        return
    assert found["odd_values"] | found["missing_values"] == {name: 1}
    scores = pl.read_parquet("s.parquet")["anomaly_score"]
    assert scores.arg_max() == 200
    assert scores[201:].to_list() == scores[:9].to_list()
    alad.good("drift", "model", "t.jsonl", "--on-bad", "skip", "--time", name)


def test_what_was_left_out_is_said(alad, model, train):
    Mahalanobis().fit(train).calibrate(train).save("model")
    give(lines_of("GET /", '{"bytes": "x", "count": 2, "proto": "t\\u00e9"}'), "t.jsonl")
    done = alad.good("score", model, "t.jsonl", "-o", "s.csv", "--on-bad", "skip")
    assert "note: lines that cannot be read, left out: line 4 (Expecting value" in done.err
    assert "note: no numbers or no times, taken for missing: bytes (1 row)" in done.err
    done = alad.good("explain", model, "t.jsonl", "--row", "3", "--on-bad", "skip")
    assert done.out.startswith("row 3: ")
    assert "left out: line 4" in done.err


def test_a_set_tells_of_every_line_once_and_of_which_file(alad, model):
    give(lines_of("GET /"), "logs/a.jsonl")
    give(lines_of(), "logs/b.jsonl")
    give(lines_of("POST /", '{"bytes": 1, "cou'), "logs/c.jsonl")
    bad = scored(alad, table="logs")["bad_lines"]
    assert [line["where"] for line in bad["first"]] == [
        "line 4 of logs/a.jsonl", "line 4 of logs/c.jsonl", "line 5 of logs/c.jsonl",
    ]  # fmt: skip
    assert bad["count"] == 3


@pytest.mark.usefixtures("here")
def test_a_file_of_bad_lines_alone_is_told_and_stops_no_set():
    for ending, text in (("jsonl", '{"a": 1, "b": 2}\n'), ("csv", "a,b\n1,2\n")):
        give(text, f"{ending}/0.{ending}")
        give("GET /\n" if ending == "jsonl" else "a,b\n1\n", f"{ending}/1.{ending}")
        for whole in (True, False):
            found, bad = read(ending, whole=whole)
            assert (found.rows(), bad["count"]) == ([(1, 2)] if whole or ending == "jsonl" else
                                                    [("1", "2")], 1)  # fmt: skip
        Path(f"{ending}/0.{ending}").unlink()
        with pytest.raises(InputError, match="can be read"):
            read(ending, whole=False)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("odd", ['{"p": {"x": 1}}', '{"p.x": 1}', '{"z": 1, "z.y": 1}'])
def test_a_key_of_one_file_does_not_stop_a_set(odd):
    give('{"p": "tcp", "n": 1}\n' * 3, "logs/0.jsonl")
    give(odd + "\n", "logs/1.jsonl")
    with open_table(Path("logs"), skips=True) as table:
        found = pl.concat(table.batches(("p", "n")), how="vertical_relaxed")
    assert found["p"].to_list() == ["tcp"] * 3 + [None]


def test_keys_that_were_not_learned_are_named(alad, monkeypatch):
    monkeypatch.setattr(sizes, "BYTES", 500)
    give("".join(f'{{"a": {i}}}\n' for i in range(200)) + '{"a": 2, "new": 3}\n', "t.jsonl")
    done = alad.good("fit", "t.jsonl", "-o", "m", "--detector", "mahalanobis", "--on-bad", "skip")
    assert "note: keys that come late, not learned: new" in done.err


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_a_fit_that_streams_learns_what_one_that_does_not_learns(alad, train, monkeypatch, kind):
    text = train.write_ndjson() if kind == "jsonl" else train.write_csv()
    head, *rows = text.splitlines()
    odd = ["GET /", head if kind == "csv" else "[1]"]
    give("\n".join([head, *rows[:50], *odd, *rows[50:]]) + "\n", f"t.{kind}")
    fit = ("fit", f"t.{kind}", "--detector", "mahalanobis", "--on-bad", "skip", "--json", "-o")
    held = json.loads(alad.good(*fit, "held").out)
    monkeypatch.setattr("alad.cli.streaming.WHOLE", 0)
    streamed = json.loads(alad.good(*fit, "streamed").out)
    assert held["bad_lines"]["count"] == 2
    assert held["bad_lines"] == streamed["bad_lines"]
    assert (held["rows"], held["features"]) == (streamed["rows"], streamed["features"])
    alad.good("score", "held", "train.csv", "-o", "held.parquet")
    alad.good("score", "streamed", "train.csv", "-o", "streamed.parquet")
    scores = [pl.read_parquet(f"{name}.parquet")["anomaly_score"] for name in ("held", "streamed")]
    np.testing.assert_allclose(*scores, rtol=1e-5)


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_fit_takes_what_a_schema_states_for_missing_where_it_is_not(alad, monkeypatch, kind):
    rows = [{"amount": 10.0 + i % 7, "n": i % 5} for i in range(300)]
    rows[100] = {"amount": "CHF 12.50", "n": 1}
    text = "\n".join(map(json.dumps, rows))
    if kind == "csv":
        text = "\n".join(["amount,n", *(f"{row['amount']},{row['n']}" for row in rows)])
    give(text + "\n", f"t.{kind}")
    alad.good("schema", f"t.{kind}", "-o", "own.json")
    columns = [{"name": name, "kind": "numeric", "role": "feature"} for name in ("amount", "n")]
    schema = {**json.loads(Path("own.json").read_text()), "columns": columns}
    give(json.dumps(schema), "s.json")
    fit = ("fit", f"t.{kind}", "-o", "m", "--detector", "mahalanobis", "--schema", "s.json")
    alad.refused("Expected numbers in column 'amount'; got 'CHF 12.50'.*", *fit)
    for whole in (1 / 4, 0):
        monkeypatch.setattr("alad.cli.streaming.WHOLE", whole)
        done = json.loads(alad.good(*fit, "--on-bad", "skip", "--json").out)
        left_out = done["bad_lines"]["count"]
        assert (done["odd_values"], done["rows"] + left_out) in (({"amount": 1}, 270), ({}, 271))


def test_fit_and_schema_and_drift_and_recalibrate_go_on_as_well(alad, train):
    rows = train.write_ndjson().splitlines()
    give("\n".join([*rows[:9], "GET /", *rows[9:]]) + "\n", "log.jsonl")
    give(Path("log.jsonl").read_bytes() * 2, "others.jsonl")
    alad.refused("Expected one JSON object a line in log.jsonl.*line 10.*", "fit", "log.jsonl",
                 "-o", "m", "--detector", "mahalanobis")  # fmt: skip
    done = alad.good("fit", "log.jsonl", "-o", "m", "--detector", "mahalanobis", "--calibration",
                     "others.jsonl", "--on-bad", "skip")  # fmt: skip
    assert "Fitted Mahalanobis on 200 rows" in done.out
    assert "note: lines that cannot be read, left out: line 10" in done.err
    assert "note: of --calibration, lines that cannot be read, left out: line 10" in done.err
    for command in (("schema", "log.jsonl"), ("drift", "m", "log.jsonl"),
                    ("recalibrate", "m", "others.jsonl", "-o", "m2")):  # fmt: skip
        done = alad.good(*command, "--on-bad", "skip")
        assert "left out: line 10 (Expecting value" in done.err
