"""``alad score``: every row is judged as the library judges it, whatever the file."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from alad import Mahalanobis, load
from alad.cli.tables import table as tables
from alad.preprocessing.table import TableEncoder

COLUMNS = ["row", "anomaly_score", "is_anomaly"]


def give(content: str | bytes, name: str = "new.csv") -> str:
    """Write a table as it stands."""
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return name


READERS = {
    "s.parquet": pl.read_parquet,
    "s.csv": pl.read_csv,
    "s.tsv": lambda path: pl.read_csv(path, separator="\t"),
    "s.csv.gz": lambda path: pl.read_csv(gzip.decompress(Path(path).read_bytes())),
}


# --------------------------------------------------------------------------- what it does


@pytest.mark.parametrize("table", ["train.csv", "train.parquet"])
@pytest.mark.parametrize("out", READERS)
def test_scores_are_the_librarys_to_the_bit(alad, model, train, table, out):
    done = alad.good("score", model, table, "-o", out)
    scores, detector = READERS[out](out), load(model)
    assert scores.columns == COLUMNS
    assert scores["row"].to_list() == list(range(200))
    expected = detector.score_samples(train)
    np.testing.assert_array_equal(-scores["anomaly_score"].to_numpy(), expected)
    flagged = detector.predict(train) == -1
    np.testing.assert_array_equal(scores["is_anomaly"].to_numpy(), flagged)
    assert done.out == ""
    assert f"Scored 200 rows in {'0.'}" in done.err
    assert f"{flagged.sum()} anomalies (1.00%), above the threshold {-detector.offset_:.6g}." in (
        done.err
    )
    assert done.err.endswith(f"Written: {out}\n")


def models_own(model):
    """The decision where no rule was given."""
    return {
        "rule": "the model's threshold",
        "threshold": -load(model).offset_,
        "promise": "It flagged the share 0.01 of the training rows. Nothing about other rows.",
        "assumption": "None.",
        "used_labels": False,
        "note": None,
        "level": None,
    }


@pytest.mark.parametrize("table", ["train.csv", "train.parquet"])
def test_batches_change_nothing(alad, model, monkeypatch, table):
    alad.good("score", model, table, "-o", "whole.parquet", "--all-columns")
    monkeypatch.setattr(tables, "ROWS", 7)
    monkeypatch.setattr(tables, "BYTES", 300)
    for out in ("batches.parquet", "batches.csv"):
        alad.good("score", model, table, "-o", out, "--all-columns")
    assert pl.read_parquet("batches.parquet").equals(pl.read_parquet("whole.parquet"))
    assert pl.read_csv("batches.csv")["row"].to_list() == list(range(200))


def test_summary_as_json_is_one_object(alad, model, train):
    frame = train.with_columns(
        pl.Series("count", [None, *train["count"][1:]]),
        pl.Series("proto", ["icmp", "gre", None, *train["proto"][3:]]),
        label=pl.lit("normal"),
    )
    frame.write_csv("new.csv")
    done = alad.good("score", model, "new.csv", "-o", "s.csv", "--json")
    said, scores = json.loads(done.out), pl.read_csv("s.csv")
    assert done.err == ""
    assert said.pop("seconds") >= 0
    assert said == {
        "alerts_only": False,
        "rows": 200,
        "anomalies": scores["is_anomaly"].sum(),
        "share": scores["is_anomaly"].mean(),
        "threshold": -load(model).offset_,
        "decision": models_own(model),
        "calibration_rows": None,
        "low_p_values": None,
        "unseen_categories": {"proto": 2},
        "missing_values": {"count": 1, "proto": 1},
        "newly_missing": {"count": 1, "proto": 1},
        "newly_missing_uncounted": [],
        "empty_files": [],
        "otherwise": {},
        "keys_of_folders": [],
        "bad_lines": None,
        "odd_values": {},
        "ignored_columns": ["label"],
        "not_copied": [],
        "formulas": {},
        "formulas_quoted": False,
        "lost": {},
        "out": "s.csv",
    }


def test_what_fit_did_not_see_is_counted_over_all_batches(alad, model, monkeypatch):
    rows = ["1,2,tcp", ",3,gre", "2,,icmp", "3,4,"] * 3
    monkeypatch.setattr(tables, "BYTES", 30)
    table = give("\n".join(["bytes,count,proto,id", *(f"{row},7" for row in rows)]))
    notes = alad.good("score", model, table, "-o", "s.csv").err.splitlines()[1:-1]
    assert notes == [
        "note: values that fit did not see: proto (6 rows)",
        "note: missing where fit saw every value, so unlike all of them: bytes (3 rows), "
        "count (3 rows), proto (3 rows)",
        "note: columns that the model does not read, because fit did not see them: id",
    ]
    done = alad.good("score", model, table, "-o", "s.csv", "--all-columns")
    assert done.err.splitlines()[1:-1] == notes
    done = alad.good("score", model, table, "-o", "s.csv", "--keep", "id")
    assert done.err.splitlines()[1:-1] == notes[:-1]


def test_keys_that_come_up_late_are_named(alad, model, monkeypatch):
    monkeypatch.setattr(tables, "BYTES", 30)
    first = '{"bytes": 1, "count": 2, "proto": "tcp"}\n' * 3
    table = give(first + '{"bytes": 1, "count": 2, "proto": "tcp", "new": {"x": 1}}', "t.jsonl")
    done = alad.good("score", model, table, "-o", "s.csv")
    assert "does not read, because fit did not see them: new.x\n" in done.err


def test_what_is_otherwise_than_at_fit_is_told(alad):
    rows = [f"2026-11-{i % 9 + 1:02} {i % 24:02}:00,7,{i % 5}" for i in range(60)]
    alad.good("fit", give("\n".join(["at,level,n", *rows])), "-o", "m", "--detector", "knn")
    new = give("\n".join(["at,level,n", "2026-11-03 10:00+05:30,7,1", "2026-11-03 10:00,9,1"]))
    done = alad.good("score", "m", new, "-o", "s.csv")
    remark = "at (times with a zone, taken to UTC, where those of fit had none)"
    assert f"note: otherwise than at fit: {remark}\n" in done.err
    assert "note: values that fit did not see: level (1 row)\n" in done.err


def test_order_of_columns_does_not_matter(alad, model, train):
    train.select("proto", "bytes", "count").write_csv("new.csv")
    for table in ("train.csv", "new.csv"):
        alad.good("score", model, table, "-o", f"s-{table}")
    assert Path("s-train.csv").read_bytes() == Path("s-new.csv").read_bytes()


def test_kept_columns_follow_as_they_stand(alad, model, train):
    frame = train.with_columns(id=pl.format("{}", pl.int_range(pl.len()) + 100), at=pl.lit("x,y"))
    frame.write_csv("new.csv")
    alad.good("score", model, "new.csv", *("--keep", "id", "--keep", "bytes"), "-o", "s.parquet")
    scores = pl.read_parquet("s.parquet")
    assert scores.columns == [*COLUMNS, "id", "bytes"]
    assert scores["id"].to_list() == frame["id"].to_list()
    assert scores["bytes"].cast(pl.Float64).to_list() == train["bytes"].to_list()
    done = alad.good("score", model, "new.csv", "--all-columns", "-o", "s.csv")
    assert pl.read_csv("s.csv").columns == [*COLUMNS, *frame.columns]
    assert pl.read_csv("s.csv")["at"].unique().to_list() == ["x,y"]
    assert "left aside" not in done.err


def test_parquet_keeps_the_types_of_kept_columns(alad, model, train):
    train.with_columns(l=pl.Series([[1, 2]] * 200)).write_parquet("new.parquet")
    alad.good("score", model, "new.parquet", "--all-columns", "-o", "s.parquet")
    schema = pl.read_parquet("s.parquet").schema
    assert schema["count"] == pl.Int64
    assert schema["l"] == pl.List(pl.Int64)


@pytest.mark.parametrize("name", ["new.csv", "new.jsonl"])
def test_kept_columns_that_fit_knows_get_their_types(alad, train, monkeypatch, name):
    """Also where a batch alone would say otherwise; into CSV they go as they stand."""
    monkeypatch.setattr(tables, "BYTES", 300)
    frame = train.with_columns(
        up=pl.Series([True, False] * 100),
        count=pl.Series([None] * 50 + list(range(150))),
        id=pl.format("{}", pl.int_range(pl.len())),
    )
    frame.write_csv("train.csv")
    alad.good("fit", "train.csv", "-o", "m", "--detector", "mahalanobis", "--drop", "id")
    (frame.write_csv if name == "new.csv" else frame.write_ndjson)(name)
    alad.good("score", "m", name, "-o", "s.parquet", "--all-columns")
    copied = pl.read_parquet("s.parquet").select(frame.columns)
    number = {"bytes": pl.Float64, "count": pl.Int64}
    assert copied.schema == {**frame.schema, **number, "up": pl.Boolean, "id": pl.String}
    assert copied.equals(frame.cast(number))
    alad.good("score", "m", name, "-o", "s.csv", "--all-columns")
    assert pl.read_csv("s.csv")["count"].dtype == pl.Int64


IDS = [76561198000000001 + i for i in range(200)]


@pytest.mark.parametrize("name", ["new.csv", "new.jsonl"])
@pytest.mark.parametrize("detector", ["model", "array-model"])
def test_whole_numbers_are_copied_to_the_digit(alad, train, monkeypatch, name, detector):
    """A float holds no number of 17 digits exactly, and identifiers would become one."""
    monkeypatch.setattr(tables, "BYTES", 600)
    hashes = pl.Series([i * 128 for i in IDS], dtype=pl.Int128)
    frame = train.select("bytes", user_id=pl.Series(IDS), hash=hashes)
    (frame.write_csv if name == "new.csv" else frame.write_ndjson)(name)
    numbers = frame.with_columns(pl.col("hash", "user_id").cast(pl.Float64))
    numbers = numbers if detector == "model" else numbers.to_numpy()
    Mahalanobis().fit(numbers).save(detector)
    alad.good("score", detector, name, "-o", "s.parquet", "--all-columns")
    copied = pl.read_parquet("s.parquet")
    assert [int(i) for i in copied["user_id"]] == IDS  # of CSV text, where the model ignores it
    assert copied["hash"].to_list() == [str(i * 128) for i in IDS]
    Mahalanobis().fit(train.select("bytes")).save("less")
    alad.good("score", "less", name, "-o", "s.parquet", "--keep", "hash")
    assert pl.read_parquet("s.parquet")["hash"].to_list() == copied["hash"].to_list()


def test_numbers_that_are_whole_at_first_are_copied_as_floats(alad, model, train, monkeypatch):
    monkeypatch.setattr(tables, "BYTES", 30)
    values = [None, None, None, 1.0, 2.0, 3.0, 4.0, 5.0, 0.5]
    frame = train.head(9).with_columns(count=pl.Series(values))
    frame.with_columns(pl.col("count").cast(pl.String).str.strip_suffix(".0")).write_csv("n.csv")
    alad.good("score", model, "n.csv", "-o", "s.parquet", "--all-columns")
    assert pl.read_parquet("s.parquet")["count"].equals(frame["count"])
    assert json.loads(pl.read_parquet_metadata("s.parquet")["alad"])["table"] == "n.csv"


def test_digits_that_no_float_holds_are_not_rounded_unasked(alad, model, train, monkeypatch):
    monkeypatch.setattr(tables, "BYTES", 120)
    values = pl.Series([str(IDS[0])] * 8 + ["0.5"])
    train.head(9).with_columns(count=values).write_csv("n.csv")
    message = (
        r"Expected int64 in column 'count', as in the rows before; got double\. Write \.csv, .*"
    )
    alad.refused(message, "score", model, "n.csv", "-o", "s.parquet", "--all-columns")


def test_kept_columns_of_an_array_model_are_numbers(alad, array_model, train):
    train.select("bytes", "count").write_csv("new.csv")
    alad.good("score", array_model, "new.csv", "-o", "s.parquet", "--keep", "count")
    assert pl.read_parquet("s.parquet")["count"].to_list() == train["count"].to_list()


def test_standard_input_to_standard_output(alad, model):
    done = alad.good("score", model, "-", "-o", "-", stdin=Path("train.csv").read_bytes())
    alad.good("score", model, "train.csv", "-o", "s.csv")
    assert done.out == Path("s.csv").read_text()
    assert pl.read_csv(io.StringIO(done.out)).columns == COLUMNS
    assert done.err.startswith("Scored 200 rows")
    assert "Written" not in done.err


def test_numbers_are_read_as_at_fit_in_every_batch(alad, model, monkeypatch):
    """Whole numbers, spaces and exponents: in CSV a batch alone would say otherwise."""
    monkeypatch.setattr(tables, "BYTES", 30)
    give("bytes,count,proto\n1, 2,tcp\n1e0,2.0,udp\n 1.0,2,tcp\n")
    alad.good("score", model, "new.csv", "-o", "s.csv")
    frame = pl.DataFrame({"bytes": [1.0] * 3, "count": [2] * 3, "proto": ["tcp", "udp", "tcp"]})
    expected = -load(model).score_samples(frame)
    assert pl.read_csv("s.csv")["anomaly_score"].to_list() == expected.tolist()


def test_booleans_are_read_as_at_fit(alad):
    give("up,n\nTrue,1\nfalse,2\ntrue,4\nFalse,3\n")
    alad.good("fit", "new.csv", "-o", "m", "--detector", "mahalanobis")
    alad.good("score", "m", "new.csv", "-o", "s.csv")
    frame = pl.DataFrame({"up": [True, False, True, False], "n": [1, 2, 4, 3]})
    expected = -load("m").score_samples(frame)
    assert pl.read_csv("s.csv")["anomaly_score"].to_list() == expected.tolist()


def test_model_of_an_array_takes_the_columns_in_their_order(alad, array_model, train):
    frame = train.select("bytes", "count")
    for name in ("new.csv", "new.parquet"):
        getattr(frame, f"write_{name[4:]}")(name)
        alad.good("score", array_model, name, "-o", "s.parquet")
        expected = load(array_model).score_samples(frame.to_numpy())
        scores = pl.read_parquet("s.parquet")["anomaly_score"].to_numpy()
        np.testing.assert_array_equal(-scores, expected)


def test_older_result_is_replaced(alad, model):
    Path("s.csv").write_text("old")
    alad.good("score", model, "train.csv", "-o", "s.csv")
    assert pl.read_csv("s.csv").columns == COLUMNS


def test_parquet_says_where_it_came_from(alad, model):
    alad.good("score", f"{model}/", "train.csv", "-o", "s.parquet")
    said = json.loads(pl.read_parquet_metadata("s.parquet")["alad"])
    date = datetime.fromisoformat(said.pop("date"))
    assert abs((datetime.now(UTC) - date).total_seconds()) < 600
    assert said == {
        "format": 1,
        "model": "model",
        "detector": "Mahalanobis",
        "table": "train.csv",
        "rows": 200,
        "anomalies": 2,
        "alerts_only": False,
        "decision": models_own(model),
    }


@pytest.mark.parametrize(
    ("table", "name"), [("-", "standard input"), ("in/*.csv", "*.csv"), ("in", "in")]
)
def test_names_without_paths_are_written_down(alad, model, table, name):
    Path("in").mkdir()
    content = Path("train.csv").read_bytes()
    Path("in/a.csv").write_bytes(content)
    alad.good("score", model, table, "-o", "s.parquet", stdin=content)
    assert json.loads(pl.read_parquet_metadata("s.parquet")["alad"])["table"] == name


def test_lines_of_json_that_change_their_types(alad, model, monkeypatch):
    """The first batch settles what is copied; what fits it is brought to its type."""
    monkeypatch.setattr(tables, "BYTES", 30)
    line = '{"bytes": %s, "count": 2, "proto": "tcp", "id": %s}\n'
    give(line % ("1.5", "1.5") + line % ("2", "2"), "new.jsonl")
    alad.good("score", model, "new.jsonl", "-o", "s.parquet", "--keep", "id")
    assert pl.read_parquet("s.parquet")["id"].to_list() == [1.5, 2.0]
    give(line % ("1", "1") + line % ("2", '"x"'), "new.jsonl")
    message = (
        r"Expected int64 in column 'id', as in the rows before; got .*string.*\. Write \.csv, .*"
    )
    alad.refused(message, "score", model, "new.jsonl", "-o", "s.parquet", "--keep", "id")
    alad.good("score", model, "new.jsonl", "-o", "s.csv", "--keep", "id")


@pytest.mark.parametrize("out", ["s.jsonl", "s.ndjson.gz"])
def test_lines_of_json_hold_what_parquet_holds(alad, model, monkeypatch, out):
    monkeypatch.setattr(tables, "BYTES", 900)
    alad.good("score", model, "train.csv", "-o", out, "--all-columns")
    alad.good("score", model, "train.csv", "-o", "s.parquet", "--all-columns")
    opened = gzip.open if out.endswith(".gz") else open
    with opened(out, "rt", encoding="utf-8") as stream:
        lines = [json.loads(line) for line in stream]
    assert lines == pl.read_parquet("s.parquet").to_dicts()
    assert {type(lines[0][name]) for name in ("count", "bytes")} <= {int, float}


def test_times_in_lines_of_json_are_as_in_iso_8601(alad, model, train):
    at = pl.datetime_range(datetime(2026, 1, 1), datetime(2026, 1, 1, 0, 3, 19), "1s", eager=True)
    train.with_columns(at=at, utc=at.dt.replace_time_zone("UTC")).write_parquet("new.parquet")
    alad.good("score", model, "new.parquet", "-o", "s.jsonl", "--all-columns")
    line = json.loads(Path("s.jsonl").read_text().splitlines()[1])
    assert datetime.fromisoformat(line["at"]) == datetime(2026, 1, 1, 0, 0, 1)
    assert (line["at"][10], line["utc"][10]) == ("T", "T")
    assert datetime.fromisoformat(line["utc"]) == datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)


def test_bytes_are_not_put_into_json(alad, model, train):
    train.with_columns(raw=pl.lit(b"x")).write_parquet("new.parquet")
    message = (
        r"Expected columns to copy that JSON can hold; 'raw' is of bytes\. Write \.parquet, .*"
    )
    alad.refused(message, "score", model, "new.parquet", "-o", "s.jsonl", "--all-columns")


@pytest.mark.parametrize("rule", [(), ("--alerts-per-entity", 1, "--entity", "proto")])
@pytest.mark.parametrize("out", ["s.parquet", "s.csv", "s.jsonl", "-"])
def test_flagged_rows_alone(alad, model, monkeypatch, out, rule):
    monkeypatch.setattr(tables, "ROWS", 7)
    alad.good("score", model, "train.parquet", "-o", "all.parquet", *rule)
    flagged = pl.read_parquet("all.parquet").filter("is_anomaly")
    done = alad.good("score", model, "train.parquet", "-o", out, "--alerts-only", *rule)
    if out == "-":
        Path("s.csv").write_text(done.out)
    read = {"s.parquet": pl.read_parquet, "s.jsonl": pl.read_ndjson}.get(out, pl.read_csv)
    assert read("s.csv" if out == "-" else out)["row"].to_list() == flagged["row"].to_list()
    assert "Scored 200 rows" in done.err
    assert out == "-" or f"Written: {out} (the {flagged.height} flagged rows)" in done.err
    if out == "s.parquet":
        said = json.loads(pl.read_parquet_metadata(out)["alad"])
        assert (said["rows"], said["anomalies"], said["alerts_only"]) == (200, flagged.height, True)


def test_no_alerts_at_all_are_an_empty_table(alad, model):
    options = ("--alerts-only", "--keep", "proto")
    Path("train.csv").write_text("bytes,count,proto\n0,4,tcp\n")
    for out in ("s.parquet", "s.csv", "s.jsonl"):
        alad.good("score", model, "train.csv", "-o", out, *options)
    assert pl.read_parquet("s.parquet").columns == pl.read_csv("s.csv").columns
    assert Path("s.jsonl").read_text() == ""


@pytest.mark.parametrize("begin", ["", "\ufeff", "\n "])
def test_lines_of_json_on_standard_input(alad, model, train, begin):
    content = (begin + train.write_ndjson()).encode()
    alad.good("score", model, "-", "-o", "s.parquet", stdin=content)
    alad.good("score", model, "train.parquet", "-o", "t.parquet")
    assert pl.read_parquet("s.parquet").equals(pl.read_parquet("t.parquet"))


@pytest.mark.parametrize("content", ['[{"bytes": 1}, {"bytes": 2}]\n', '[\n  {"bytes": 1}\n]\n'])
def test_a_list_of_objects_is_no_lines(alad, model, content):
    message = r"Expected one JSON object a line in %s; it begins with a list\. .*: jq -c .*"
    arguments = ("score", model, "-", "-o", "s.csv")
    alad.refused(message % "standard input", *arguments, stdin=content.encode())
    give(content, "new.jsonl")
    alad.refused(message % r"new\.jsonl", "score", model, "new.jsonl", "-o", "s.csv")


# ------------------------------------------------------------------------ what it refuses

TABLES = {
    "empty": ("", r"Expected a table in new\.csv; it is empty\. Give a file with rows\."),
    "names only": ("bytes,count,proto\n", r"Expected at least one row in new\.csv; .*Give a .*"),
    "empty lines": ("bytes,count,proto\n\n\n", r"Expected at least one row in new\.csv; .*"),
    "a column too few": (
        "bytes,proto\n1,tcp\n",
        r"Expected the 3 columns at fit in new\.csv; missing: 'count'\. Give .*, or refit\.",
    ),
    "text among numbers": (
        "bytes,count,proto\n1,2,tcp\n1,many,tcp\n",
        r"Expected numbers in column 'count', as at fit; got String, .* 'many' in row 1\. .*",
    ),
    "infinity": (
        "bytes,count,proto\n1,2,tcp\ninf,2,tcp\n",
        r"Expected finite numbers in column 'bytes'; got inf in row 1 .*Correct the value, .*",
    ),
    "a cell too few": (
        "bytes,count,proto\n1,2\n",
        r"Expected 3 values in every row of new\.csv, .*; got 2 in line 2, '1,2'\. Mend .*",
    ),
    "latin-1": (
        "bytes,count,proto\n1,2,\xe9\n".encode("latin-1"),
        r"Expected text in UTF-8 in new\.csv; got other bytes\. Save the file as UTF-8, or .*",
    ),
}


@pytest.mark.parametrize(("content", "message"), TABLES.values(), ids=TABLES.keys())
def test_table_that_will_not_do_leaves_the_older_result(alad, model, content, message):
    Path("s.csv").write_text("old")
    for out in ("s.csv", "a/b/s.parquet", "-"):
        alad.refused(message, "score", model, give(content), "-o", out)


def test_fault_in_a_later_batch_is_placed_and_leaves_nothing(alad, model, train, monkeypatch):
    monkeypatch.setattr(tables, "ROWS", 50)
    train.with_columns(bytes=pl.Series([*train["bytes"][:120], np.inf, *[0.0] * 79])).write_parquet(
        "new.parquet"
    )
    Path("s.parquet").write_text("old")
    message = r".*'bytes'; got inf in row 120 \(float32 [^(]*"
    alad.refused(message, "score", model, "new.parquet", "-o", "s.parquet")


@pytest.mark.parametrize(
    ("table", "out"),
    [
        ("train.csv", "train.csv"),
        ("train.csv", "./train.csv"),
        ("train.csv", "link.csv"),
        ("in", "in/b.csv"),
        ("in/*.csv", "in/b.csv"),
        ("train.csv", "model/model.csv"),
    ],
)
def test_what_is_read_is_not_written_over(alad, model, table, out):
    Path("in").mkdir()
    for name in ("in/a.csv", "in/b.csv", "model/model.csv"):
        Path(name).write_bytes(Path("train.csv").read_bytes())
    Path("link.csv").symlink_to("train.csv")
    message = (
        rf"Expected another place to write to than {out.removeprefix('./')}, which is read\..*"
    )
    alad.refused(message, "score", model, table, "-o", out)


@pytest.mark.parametrize(
    ("table", "out", "is_part"),
    [
        ("in", "in/c.csv", True),
        ("in", "in/day/c.parquet", True),
        ("in", "in/.c.csv", False),
        ("in", "c.csv", False),
        ("in/*.csv", "in/c.csv", True),
        ("in/*.csv", "in/c.parquet", False),
        ("in/*.csv", "in/day/c.csv", False),
        ("in/**/*.csv", "in/day/c.csv", True),
        ("in/*.csv", "in/.c.csv", False),
        ("link/*.csv", "in/c.csv", True),
        ("link/*.csv", "link/c.csv", True),
    ],
)
def test_a_result_does_not_become_a_part_of_what_is_read(alad, model, table, out, is_part):
    Path("in").mkdir()
    Path("in/a.csv").write_bytes(Path("train.csv").read_bytes())
    Path("link").symlink_to("in")
    if is_part:
        message = rf"Expected another place to write to than {out}: .* is read, and the next .*"
        alad.refused(message, "score", model, table, "-o", out)
    else:
        alad.good("score", model, table, "-o", out)


def test_a_table_that_is_not_there_is_told_as_such(alad, model):
    alad.refused(
        r"Expected a table at no\.csv, but no such .*", "score", model, "no.csv", "-o", "no.csv"
    )


def test_values_that_a_format_has_no_place_for_are_told(alad, model, train):
    odd = train[:4].with_columns(
        unit=pl.Series(["NA", "", "kg", None]), x=pl.Series([np.inf, np.nan, None, 1.0])
    )
    odd.write_parquet("new.parquet")
    for out, told in (
        ("s.csv", "text that CSV readers take for a missing value (Parquet keeps it): unit (2"),
        ("s.jsonl", "written as null: x (2 rows)"),
        ("s.parquet", ""),
    ):
        done = alad.good("score", model, "new.parquet", "-o", out, "--keep", "unit", "--keep", "x")
        assert told in done.err
        assert ("Parquet keeps" in done.err, "null" in done.err) == (".csv" in out, "jsonl" in out)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("-o", "s.csv", "--all-columns", "--keep", "bytes"),
            r"Expected --all-columns or --keep; got both\. .*",
        ),
        (
            ("-o", "s.csv", "--keep", "label"),
            r"Expected columns of train\.csv after --keep; it has no 'label', but 'bytes', .*",
        ),
        (
            ("-o", "-", "--json"),
            r"Expected one thing on standard output; got --json and -o -\. Leave one out\.",
        ),
        (("-o", "s.xlsx"), r"Expected a file named \.csv, .*; got s\.xlsx\. Rename .*"),
    ],
)
def test_option_that_will_not_do(alad, model, options, message):
    alad.refused(message, "score", model, "train.csv", *options)


def test_copied_column_may_not_take_a_name_of_ours(alad, model, train):
    train.with_columns(row=1).write_csv("new.csv")
    message = r"Expected columns to copy with other names than row, .*; got 'row'\. Rename it, .*"
    alad.refused(message, "score", model, "new.csv", "-o", "s.csv", "--all-columns")
    alad.good("score", model, "new.csv", "-o", "s.csv")


@pytest.mark.parametrize(
    ("values", "what"),
    [([[1, 2]] * 200, "List"), ([b"x"] * 200, "Binary"), ([{"k": 1}] * 200, "Struct")],
)
def test_csv_cannot_hold_every_kept_column(alad, model, train, values, what):
    train.with_columns(l=pl.Series(values)).write_parquet("new.parquet")
    message = (
        rf"Expected columns to copy that CSV can hold; 'l' is of {what}.*\. Write \.parquet .*"
    )
    for out in ("s.csv", "-"):
        alad.refused(message, "score", model, "new.parquet", "-o", out, "--all-columns")


def test_model_of_an_array_refuses_other_columns(alad, array_model):
    three = (
        r"Expected 2 columns, as in the array at fit; train\.csv has 3\. Give the same columns\."
    )
    alad.refused(three, "score", array_model, "train.csv", "-o", "s.csv")
    text = r"Expected numbers in column 'b', as in the array at fit; got String\. Correct .*"
    alad.refused(text, "score", array_model, give("a,b\n1,x\n"), "-o", "s.csv")
    pl.DataFrame({"a": [1.0], "b": [0]}).with_columns(pl.col("b").cast(pl.Date)).write_parquet(
        "d.parquet"
    )
    date = r"Expected numbers in column 'b', .*; got Date\. .*"
    alad.refused(date, "score", array_model, "d.parquet", "-o", "s.csv")
    gap = r"Input X contains NaN.*Fill the gaps, .*"
    alad.refused(gap, "score", array_model, give("a,b\n1,\n"), "-o", "s.csv")
    infinity = r"Input X contains infinity.*Replace or drop .*"
    alad.refused(infinity, "score", array_model, give("a,b\n1,inf\n"), "-o", "s.csv")


def test_model_that_will_not_do(alad, model):
    absent = r"Expected a model folder at absent; there is none .*Give the folder that .*"
    alad.refused(absent, "score", "absent", "train.csv", "-o", "s.csv")
    alad.refused(r".*folder at train\.csv; .*", "score", "train.csv", "train.csv", "-o", "s.csv")
    facts = json.loads((model / "model.json").read_text())
    (model / "model.json").write_text(json.dumps(facts | {"class": "Oracle"}))
    unknown = r"Expected a model of one of ALAD, .*; got 'Oracle'\. Upgrade alad, .*"
    alad.refused(unknown, "score", model, "train.csv", "-o", "s.csv")
    weights = (model / "weights.safetensors").read_bytes()
    (model / "weights.safetensors").write_bytes(weights[: len(weights) // 2])
    half = r"Expected a whole model at model, but weights\.safetensors is not .*Copy .*"
    alad.refused(half, "score", model, "train.csv", "-o", "s.csv")


# ------------------------------------------------------------------- where it cannot write


@pytest.mark.parametrize("out", ["s.csv", "a/b/s.parquet"])
def test_no_permission(alad, model, no_permission, out):
    message = rf"Expected to write {out}, but permission denied\. .*"
    alad.refused(message, "score", model, "train.csv", "-o", out, code=1)


@pytest.mark.parametrize("out", ["s.csv", "s.csv.gz", "s.parquet", "a/b/s.csv"])
def test_full_disk_leaves_the_older_result(alad, model, out):
    if "/" not in out:
        Path(out).write_text("old")
    message = rf"Expected to write {out}, but .*file too large.*\. Nothing was left half-written.*"
    arguments = ("score", model, "train.csv", "-o", out)
    alad.refused(message, *arguments, code=1, disk_is_full=True)


def test_folder_in_the_place_of_the_result(alad, model):
    Path("s.csv").mkdir()
    message = r"Expected to write s\.csv, but something else is there .*Choose another place, .*"
    alad.refused(message, "score", model, "train.csv", "-o", "s.csv", code=1)


def test_a_model_from_before_says_that_newly_missing_values_count_for_nothing(alad, train):
    detector = Mahalanobis().fit(train)
    content = detector.encoder_.to_json()
    for column in content["columns"]:
        column.get("learned", {}).pop("gap", None)
    detector.encoder_ = TableEncoder.from_json(content)
    detector.save("old")
    train.with_columns(bytes=None, proto=None).write_parquet("gaps.parquet")
    done = alad.good("score", "old", "gaps.parquet", "-o", "s.csv")
    assert "note: missing where fit saw every value, so unlike all of them: proto (" in done.err
    assert (
        "note: missing where fit saw every value, but taken for the training median, which is "
        "nothing odd: this model is from before that counted, fit it again: bytes (200 rows)\n"
    ) in done.err
    said = json.loads(alad.good("score", "old", "gaps.parquet", "-o", "s.csv", "--json").out)
    assert said["newly_missing"] == {"bytes": 200, "proto": 200}
    assert said["newly_missing_uncounted"] == ["bytes"]


FORMULAS = ["=1+1", "+SUM(1)", "-2+3", "@A1", "\tx", " =1", "\r=1"]
TEXTS = ["-1.5", "+5", "-", " -- ", "a=b", "curl", "", None]


def with_agents(train, dtype=pl.String):
    agents = [*FORMULAS, *TEXTS]
    return train[: len(agents)].with_columns(pl.Series("=agent", agents).cast(dtype))


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical])
def test_a_csv_holds_what_the_table_holds_and_formulas_are_told(alad, model, train, dtype):
    new = with_agents(train, dtype)
    new.write_parquet("new.parquet")
    done = alad.good("score", model, "new.parquet", "-o", "s.csv", "--all-columns")
    assert pl.read_csv("s.csv")["=agent"].to_list()[:7] == FORMULAS
    assert (
        "note: text that a spreadsheet would run as a formula (--spreadsheet-safe quotes it): "
        "=agent (7 rows)\n"
    ) in done.err
    quiet = alad.good("score", model, "new.parquet", "-o", "s.parquet", "--all-columns")
    assert "formula" not in quiet.err


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical])
@pytest.mark.parametrize("rule", [(), ("--fdr", "0.1")])
def test_formulas_are_quoted_where_that_is_asked_for(alad, model, train, rule, dtype):
    if rule:
        load(model).calibrate(train).save(model)
    new = with_agents(train, dtype)
    new.write_parquet("new.parquet")
    options = ("-o", "s.csv", "--all-columns", "--spreadsheet-safe", *rule)
    done = alad.good("score", model, "new.parquet", *options)
    scored = list(csv.DictReader(io.StringIO(Path("s.csv").read_bytes().decode(), newline="")))
    wanted = [f"'{text}" for text in FORMULAS] + [text or "" for text in TEXTS]
    assert [row["'=agent"] for row in scored] == wanted
    assert [float(row["bytes"]) for row in scored] == new["bytes"].to_list()
    assert "put before it, which a spreadsheet would run as a formula: =agent (7 rows)" in done.err


def test_parquet_needs_no_quotes(alad, model):
    message = r"Expected --spreadsheet-safe with CSV only: other formats know what is text\. .*"
    options = ("-o", "s.parquet", "--spreadsheet-safe")
    alad.refused(message, "score", model, "train.csv", *options)


def with_lists(train: pl.DataFrame, name: str) -> str:
    """The training rows as lines of JSON, of which every third has tags and every fifth a list."""
    rows = train.to_dicts()
    for i, row in enumerate(rows):
        row["tags"] = [f"t{i}", 1] if i % 5 == 0 else f"t{i}" if i % 3 == 0 else None
    return give("".join(json.dumps(row) + "\n" for row in rows), name)


def test_lists_that_the_model_does_not_read_change_nothing(alad, model, train, monkeypatch):
    monkeypatch.setattr(tables, "BYTES", 200)
    table = with_lists(train, "new.jsonl")
    alad.good("score", model, table, "-o", "s.csv")
    alad.good("score", model, "train.csv", "-o", "t.csv")
    assert Path("s.csv").read_bytes() == Path("t.csv").read_bytes()


@pytest.mark.parametrize("out", ["s.csv", "s.parquet"])
@pytest.mark.parametrize("keep", [["--all-columns"], ["--keep", "tags"]])
def test_lists_of_json_are_copied_as_text(alad, model, train, monkeypatch, out, keep):
    monkeypatch.setattr(tables, "BYTES", 200)
    alad.good("score", model, with_lists(train, "new.jsonl"), "-o", out, *keep)
    tags = READERS[out](out)["tags"].to_list()
    assert tags[:6] == ['["t0", 1]', None, None, "t3", None, '["t5", 1]']


def test_a_list_where_the_model_reads_is_refused_by_name(alad, model, train, monkeypatch):
    monkeypatch.setattr(tables, "BYTES", 200)
    lines = train.to_dicts()
    lines[150]["proto"] = ["tcp"]
    give("".join(json.dumps(row) + "\n" for row in lines), "new.jsonl")
    message = r"Expected single values in column 'proto' of new\.jsonl, as at fit; got lists\. .*"
    alad.refused(message, "score", model, "new.jsonl", "-o", "s.csv")
    alad.refused(message, "recalibrate", model, "new.jsonl", "-o", "m")


def test_a_key_that_no_line_has_is_missing_and_said(alad, model, train):
    train.drop("count").write_ndjson("less.jsonl")
    done = alad.good("score", model, "less.jsonl", "-o", "s.csv")
    assert "note: keys that the first lines of less.jsonl do not have, missing unless" in done.err
    assert pl.read_csv("s.csv").height == train.height
    train.select(other="count").write_ndjson("none.jsonl")
    message = r"Expected the 3 columns at fit in none\.jsonl; missing: .*"
    alad.refused(message, "score", model, "none.jsonl", "-o", "t.csv")
