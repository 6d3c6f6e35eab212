"""``alad schema``, and what ``alad fit --schema`` and ``alad score`` make of it."""

from __future__ import annotations

import json
import re
import shutil
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from alad import load
from alad.cli import show, streaming
from alad.preprocessing.learning.tables import fit_encoder
from alad.preprocessing.schema import Schema

SHALLOW = ("--detector", "mahalanobis")
TO_NEW = ("-o", "new", *SHALLOW, "--calibration-share", 0)


@pytest.fixture
def flows() -> pl.DataFrame:
    """Rows with every kind of column, in flows.csv and flows.parquet."""
    rng = np.random.default_rng(2)
    n = 240
    minute = rng.integers(0, 60, n)
    frame = pl.DataFrame(
        {
            "flow": [f"f-{i:04d}" for i in range(n)],
            "at": [f"2026-11-{1 + i % 20:02d}T10:{m:02d}:00" for i, m in enumerate(minute)],
            "src": [f"10.0.0.{i}" for i in rng.integers(0, 9, n)],
            "dst_port": rng.choice([80, 443, 50_000], n),
            "bytes": rng.normal(size=n),
            "user": [f"u{i}" for i in range(n - 1)] + ["u0"],
            "page": [f"https://a{i % 5}.org/{i}" for i in minute],
            "what": [f"user {i} looked at a page for long" for i in range(n)],
            "ok": rng.random(n) < 0.8,
            "nothing": pl.Series([None] * n, dtype=pl.String),
            "label": rng.choice(["normal", "attack"], n),
        }
    )
    frame.write_csv("flows.csv")
    frame.write_parquet("flows.parquet")
    return frame


KINDS = {
    "flow": ("ignored", "identifier"),
    "at": ("time", "time"),
    "src": ("ip", "feature"),
    "dst_port": ("port", "feature"),
    "bytes": ("numeric", "feature"),
    "user": ("frequency", "feature"),
    "page": ("url", "feature"),
    "what": ("text", "feature"),
    "ok": ("boolean", "feature"),
    "nothing": ("ignored", "feature"),
    "label": ("categorical", "feature"),
}


def edit(path: str = "s.json", **changes: dict[str, str] | None) -> None:
    """Change columns of a schema as a person would; None deletes one."""
    content = json.loads(Path(path).read_text())
    columns = [c | (changes.get(c["name"], {}) or {}) for c in content["columns"]]
    gone = [name for name, change in changes.items() if change is None]
    content["columns"] = [c for c in columns if c["name"] not in gone]
    Path(path).write_text(json.dumps(content))


# --------------------------------------------------------------------------- what it does


@pytest.mark.parametrize("table", ["flows.csv", "flows.parquet"])
def test_schema_is_printed_and_written(alad, flows, table):
    done = alad.good("schema", table, "-o", "s.json")
    lines = done.out.splitlines()
    assert lines[0].split() == ["column", "kind", "role", "features", "note"]
    assert {words[0]: (words[1], words[2]) for words in map(str.split, lines[2:])} == KINDS
    assert "all values are different (240 rows)" in lines[2]
    assert "named like a label" in lines[-1]
    assert done.err == "Written: s.json\n"
    assert {c.name: (c.kind, c.role) for c in Schema.read("s.json")} == KINDS


def test_notes_go_on_below_themselves_in_a_narrow_terminal(alad, flows, monkeypatch):
    whole = alad.good("schema", "flows.csv").out
    monkeypatch.setattr(show, "width_of_terminal", lambda: 70)
    lines = alad.good("schema", "flows.csv").out.splitlines()
    assert max(map(len, lines)) <= 70 < max(map(len, whole.splitlines()))
    assert "".join(lines[2:]).split() == "".join(whole.splitlines()[2:]).split()


def test_schema_is_not_written_over_the_table(alad, flows):
    before = Path("flows.csv").read_bytes()
    message = r"Expected another place to write to than flows\.csv, which is read\. .*"
    alad.refused(message, "schema", "flows.csv", "-o", "flows.csv")
    assert Path("flows.csv").read_bytes() == before


def test_schema_as_json_is_what_is_written(alad, flows):
    done = alad.good("schema", "flows.csv", "-o", "s.json", "--json")
    assert json.loads(done.out) == json.loads(Path("s.json").read_text())


def test_nothing_is_written_unasked_and_dropped_columns_are_left_out(alad, flows):
    done = alad.good("schema", "-", "--drop", "label", stdin=Path("flows.csv").read_bytes())
    assert "label" not in done.out
    assert done.err == ""
    assert not Path("s.json").exists()


def test_fit_infers_the_same_and_says_so(alad, flows):
    done = alad.good("fit", "flows.csv", *TO_NEW)
    assert "note: not given to the model: flow (all values are different (240 rows)), " in done.err
    assert {c.name: (c.kind, c.role) for c in load("new").encoder_.stated} == KINDS
    told = alad.good("info", "new").out
    assert "flow      ignored, identifier: not given to the model (all values are dif" in told
    assert "at        time, 4 features, role time" in told
    said = json.loads(alad.good("info", "new", "--json").out)["columns"]
    assert {c["name"]: (c["kind"], c["role"]) for c in said} == KINDS
    assert [f for c in said for f in c["features"]] == list(load("new").encoder_.feature_names)


def test_edited_schema_is_used_and_scoring_needs_no_more_than_the_model_reads(alad, flows):
    alad.good("schema", "flows.csv", "-o", "s.json")
    edit(src={"role": "entity"}, label={"role": "label"}, bytes={"kind": "log-numeric"})
    said = json.loads(alad.good("fit", "flows.csv", *TO_NEW, "--schema", "s.json", "--json").out)
    assert list(said["left_out_columns"]) == ["flow", "src", "nothing", "label"]
    why = said["left_out_columns"]["label"]
    assert why == "its role is label, not feature"  # and not its note on how it is named
    encoder = load("new").encoder_
    assert (encoder.time_column, encoder.entity_column) == ("at", "src")
    assert "log bytes" in encoder.feature_names
    read = [column.name for column in encoder.schema]
    flows.select(read).write_csv("new.csv")
    for name in ("new.csv", "flows.csv", "flows.parquet"):
        done = alad.good("score", "new", name, "-o", f"{name}.s.parquet")
        assert "left aside" not in done.err
    scores = [pl.read_parquet(f"{n}.s.parquet") for n in ("new.csv", "flows.csv", "flows.parquet")]
    assert scores[0].equals(scores[1])
    assert scores[0].equals(scores[2])
    expected = load("new").score_samples(flows)
    np.testing.assert_allclose(-scores[0]["anomaly_score"].to_numpy(), expected)


def test_dropped_column_may_stand_in_the_schema(alad, flows):
    alad.good("schema", "flows.csv", "-o", "s.json")
    alad.good("fit", "flows.csv", *TO_NEW, "--schema", "s.json", "--drop", "label")
    assert "label" not in load("new").feature_names_in_


def test_unseen_values_are_counted(alad, flows):
    alad.good("fit", "flows.csv", *TO_NEW)
    new = flows.with_columns(src=pl.lit("192.168.7.7"), dst_port=pl.lit(22), user=pl.lit("x"))
    new.write_csv("new.csv")
    said = json.loads(alad.good("score", "new", "new.csv", "-o", "s.csv", "--json").out)
    assert said["unseen_categories"] == {"src": 240, "dst_port": 240, "user": 240}


def test_columns_that_may_be_something_else_are_named(alad):
    rows = [
        f"11/{i % 9 + 1}/2026,{1_795_694_400 + i % 7},10.0.0.1:{i % 3},{i % 5}\n" for i in range(60)
    ]
    Path("t.csv").write_text("day,n,nat,more\n" + "".join(rows))
    done = alad.good("fit", "t.csv", *TO_NEW)
    assert (
        "note: perhaps not what they are taken for: day (day and month of '11/1/2026' may"
        in done.err
    )
    assert "n (names rows, and measures nothing: whole numbers up to " in done.err
    assert "looks like seconds since 1970: if so, kind time with the format seconds)" in done.err
    assert "nat (all look like addresses with a port: split them into two columns" in done.err
    alad.good("schema", "t.csv", "-o", "s.json")
    edit(
        day={"kind": "time", "format": "%m/%d/%Y"},
        n={"kind": "time", "role": "feature"},
        more={"kind": "frequency"},
    )
    done = alad.good("fit", "t.csv", *TO_NEW, "--schema", "s.json")
    assert "perhaps" not in done.err
    formats = {c.name: c.format for c in load("new").encoder_.stated}
    assert formats == {"day": "%m/%d/%Y", "n": "seconds", "nat": "", "more": ""}


@pytest.mark.parametrize("share", [1 / 4, 0], ids=["held", "streamed"])
def test_a_stated_format_counts_where_times_look_like_others(alad, monkeypatch, share):
    monkeypatch.setattr(streaming, "WHOLE", share)
    learned = []
    for form in ("%Y-%d-%m", "%Y-%m-%d"):
        days = (datetime(2026, 3 + i // 30, i % 12 + 1).strftime(form) for i in range(60))
        Path("t.csv").write_text("day,n\n" + "".join(f"{d},{i}\n" for i, d in enumerate(days)))
        alad.good("schema", "t.csv", "-o", "s.json")
        edit(day={"kind": "time", "format": form})
        alad.good("fit", "t.csv", *TO_NEW, "--schema", "s.json")
        learned.append(load("new").encoder_.schema[0].learned["fill"])
        shutil.rmtree("new")
    assert learned[0] == learned[1]


def test_constant_kinds_are_named(alad):
    Path("t.csv").write_text("n,at,src\n1,2026-01-01T10:00,::1\n2,2026-01-01T10:00,::1\n")
    done = alad.good("fit", "t.csv", *TO_NEW)
    assert done.err == (
        "note: constant columns, of which any other value may count as strange: src\n"
        "note: not given to the model: at (rows of one time: neither hour nor weekday is learned)\n"
    )


def test_what_short_times_do_not_teach_is_said_by_every_command(alad, flows):
    days = pl.Series("at", [datetime(2026, 11, 2 + i % 5, i % 24) for i in range(240)])
    flows.with_columns(days, born=pl.date(1950 + pl.int_range(240) % 50, 3, 7)).write_csv("t.csv")
    told = r"rows of 5 days: the weekday is not learned"
    said = " ".join(alad.good("schema", "t.csv").out.split())
    assert f"at time time 2 {told}; also times: born" in said
    done = alad.good("fit", "t.csv", *TO_NEW)
    assert re.search(rf"note: not learned of times: at \({told}\)", done.err)
    assert "perhaps not what they are taken for: at (also times: born)" in done.err
    said = alad.good("info", "new").out
    assert re.search(rf"at +time, 2 features, role time \({told}; also times: born\)", said)


def test_times_without_features_order_rows_and_count_days(alad, flows):
    """A model of six hours: its time is read where it says when, and by nothing else."""
    hours = pl.Series("at", [datetime(2026, 11, 2, 9 + i // 40, i % 40) for i in range(240)])
    flows.with_columns(hours).write_csv("t.csv")
    why = r"rows of 5\.\d hours: neither hour nor weekday is learned"
    alad.good("schema", "t.csv", "-o", "s.json")
    stated = Path("s.json").read_text()
    assert re.search(f'"kind": "time", "role": "time", "note": "{why}"', stated)
    done = alad.good("fit", "t.csv", "-o", "new", "--detector", "knn", "--schema", "s.json")
    assert re.search(rf"not given to the model: .*at \({why}\)", done.err)
    info = alad.good("info", "new").out
    assert re.search(rf"at +time, time: not given to the model \({why}\)", info)
    options = ("--all-columns", "--reasons", 2, "--alerts-per-day", 3)
    alad.good("score", "new", "t.csv", "-o", "s.csv", *options)
    assert pl.read_csv("s.csv")["is_anomaly"].sum() == 3
    alad.good("report", "new", "s.csv", "-o", "page.html")
    assert "2026-11-02" in Path("page.html").read_text("utf-8")
    assert json.loads(alad.good("drift", "new", "t.csv", "--json").out)["time"] == "at"
    flows.drop("at").write_csv("without.csv")
    alad.good("score", "new", "without.csv", "-o", "w.csv")


# ------------------------------------------------------------------------ what it refuses

STATED = {
    "an unknown column": (
        {"flow": {"name": "other"}},
        r"Expected the schema to state columns of the table; it also states 'other'\. .*",
    ),
    "a missing column": (
        {"flow": None},
        r"Expected the schema to state every column of the table; it lacks 'flow'\. Add .*",
    ),
    "an unknown kind": (
        {"src": {"kind": "address"}},
        r"Expected the kind of column 'src' in the schema to be one of .*; got 'address'\.",
    ),
    "an unknown role": (
        {"src": {"role": "key"}},
        r"Expected the role of column 'src' in the schema to be one of .*; got 'key'\.",
    ),
    "an unknown key": ({"src": {"type": "ip"}}, r".* for column 'src' .*; got 'type'\. Correct .*"),
    "two times": (
        {"page": {"kind": "time", "role": "time"}},
        r"Expected at most one column with the role 'time'; got 'at', 'page'\. Give .*",
    ),
    "two entities": (
        {"src": {"role": "entity"}, "user": {"role": "entity"}},
        r"Expected at most one column with the role 'entity'; got 'src', 'user'\. Give .*",
    ),
    "a time that is none": (
        {"at": {"role": "feature"}, "src": {"role": "time"}},
        r"Expected the kind 'time' for column 'src', whose role is 'time' .*; got 'ip'\. .*",
    ),
    "numbers": ({"user": {"kind": "numeric"}}, r".* numbers in column 'user'; got 'u0'\. .*"),
    "logarithms": ({"user": {"kind": "log-numeric"}}, r".* numbers in column 'user'; got 'u0'.*"),
    "booleans": ({"dst_port": {"kind": "boolean"}}, r".*true and false.* 'dst_port'; got \d+\.0.*"),
    "categories": ({"bytes": {"kind": "categorical"}}, r".* whole numbers in column 'bytes'; .*"),
    "frequencies": ({"bytes": {"kind": "frequency"}}, r".* whole numbers in column 'bytes'; .*"),
    "text": ({"bytes": {"kind": "text"}}, r".* whole numbers in column 'bytes'; got -?\d.*"),
    "times": ({"user": {"kind": "time"}}, r".* times .* in column 'user'; got 'u0'\. Correct .*"),
    "addresses": ({"user": {"kind": "ip"}}, r".* addresses in column 'user'; got 'u0'\. Correct.*"),
    "ports": ({"user": {"kind": "port"}}, r".* ports .* in column 'user'; got 'u0'\. Correct .*"),
    "URLs": ({"user": {"kind": "url"}}, r".* URLs .* in column 'user'; got 'u0'\. Correct .*"),
    "nothing": (
        {"nothing": {"kind": "numeric"}},
        r"Expected at least one value in column 'nothing', whose kind is 'numeric'; .*'ignored'.*",
    ),
}


@pytest.mark.parametrize(("changes", "message"), STATED.values(), ids=STATED.keys())
def test_schema_that_will_not_do(alad, flows, changes, message):
    fit_encoder(flows).stated.write("s.json")
    edit(**changes)
    alad.refused(message, "fit", "flows.csv", *TO_NEW, "--schema", "s.json")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"Expected JSON in s\.json; it cannot be read: .*\. Correct it there, or .*"),
        ("[]", r"Expected a schema, .*; got other JSON\. Write one with: alad schema .*"),
        ('{"columns": [3]}', r'Expected \{"name": .* as column 1 of the schema; got 3\. .*'),
    ],
)
def test_file_that_is_no_schema(alad, content, message):
    Path("s.json").write_text(content)
    alad.refused(message, "fit", "train.csv", *TO_NEW, "--schema", "s.json")


def test_absent_files(alad):
    absent = r"Expected a schema at absent\.json, but no such file or directory\. .*"
    alad.refused(absent, "fit", "train.csv", *TO_NEW, "--schema", "absent.json")
    alad.refused(r"Expected a table at absent\.csv, but no such .*", "schema", "absent.csv")


def test_pictures_have_no_schema(alad):
    Path("pictures").mkdir()
    Path("pictures/a.png").touch()
    alad.refused(
        r"Expected no --schema with pictures\. Leave it out\.",
        *("fit", "pictures", "-o", "new", "--schema", "s.json"),
    )


def test_tables_that_have_no_schema(alad):
    Path("inf.csv").write_text("a\n1\ninf\n")
    alad.refused(r"Expected finite numbers in column 'a'; got inf in row 1.*", "schema", "inf.csv")
    message = r"Expected columns of train\.csv after --drop; it has no 'x', .*"
    alad.refused(message, "schema", "train.csv", "--drop", "x")


@pytest.mark.parametrize(
    ("values", "what"),
    [([[1], [2]], "List(Int64)"), ([{"k": 1}, {"k": 2}], "Struct({'k'"), ([b"x", b"y"], "Binary")],
)
def test_what_is_of_no_kind_is_stated_as_ignored(alad, values, what):
    frame = pl.DataFrame({"a": [1.5, 2.5], "l": values})
    frame.write_parquet("l.parquet")
    alad.good("schema", "l.parquet", "-o", "s.json")
    kinds = {column.name: (column.kind, column.note) for column in Schema.read("s.json")}
    assert kinds["a"] == ("numeric", "")
    assert kinds["l"][0] == "ignored"
    assert f"neither numbers nor text, but {what}" in kinds["l"][1]
    shallow = ("--detector", "mahalanobis", "--calibration-share", 0)
    for options in ((), ("--schema", "s.json")):
        told = alad.good("fit", "l.parquet", *TO_NEW, *shallow, *options)
        assert f"note: not given to the model: l ({kinds['l'][1]})" in told.err


def test_place_that_cannot_be_written(alad):
    Path("folder.json").mkdir()
    done = alad("schema", "train.csv", "-o", "folder.json")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: Expected to write folder.json, but something else is there")


def test_a_column_that_somebody_ignored_is_told_as_such(alad, flows):
    alad.good("schema", "flows.csv", "-o", "schema.json")
    stated = json.loads(Path("schema.json").read_text("utf-8"))
    by_name = {column["name"]: column for column in stated["columns"]}
    by_name["bytes"] |= {"kind": "ignored", "note": "skewness 9"}
    by_name["src"]["kind"] = "ignored"
    assert "note" not in by_name["src"]
    Path("schema.json").write_text(json.dumps(stated | {"columns": list(by_name.values())}))
    done = alad.good("fit", "flows.csv", *TO_NEW, "--schema", "schema.json")
    assert "bytes (ignored in the schema, which notes: skewness 9)" in done.err
    assert "src (ignored in the schema)" in done.err
    told = alad.good("info", "new").out
    assert "bytes     ignored, feature: not given to the model (ignored in the schema, wh" in told
    assert "src       ignored, feature: not given to the model (ignored in the schema)" in told
