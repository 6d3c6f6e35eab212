"""``alad explain`` and ``alad score --reasons``: the library's reasons, row by row."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from alad import KNN, AutoEncoder, load
from alad.cli.tables import table as tables
from alad.preprocessing.schema import Schema, Stated
from alad.reasons import explain

NAMES = ["row", "anomaly_score", "is_anomaly", "reason_1", "reason_2"]


@pytest.fixture
def knn(alad, train):
    """A model that holds rows to compare with."""
    KNN().fit(train).save("knn")
    return Path("knn")


@pytest.fixture
def strange(train):
    """The training rows with two strange ones among them, in strange.csv."""
    rows = train.with_columns(
        bytes=pl.when(pl.Series(np.arange(200) == 7)).then(99.0).otherwise("bytes"),
        proto=pl.when(pl.Series(np.arange(200) == 150)).then(pl.lit("icmp")).otherwise("proto"),
    )
    rows.write_csv("strange.csv")
    return rows


def test_flagged_rows_have_reasons_and_others_have_none(alad, knn, strange):
    alad.good("score", knn, "strange.csv", "-o", "s.parquet", "--reasons", 2)
    scores = pl.read_parquet("s.parquet")
    assert scores.columns == NAMES
    flagged = scores["is_anomaly"]
    assert scores.filter(~flagged)["reason_1"].null_count() == (~flagged).sum()
    said = explain(load(knn), strange.filter(flagged)).to_frame(2)
    assert scores.filter(flagged).select("reason_1", "reason_2").equals(said)
    assert scores["reason_1"][7].startswith("bytes 99 (expected ")
    assert scores["reason_1"][150].startswith("proto icmp (expected ")


def test_an_alert_that_is_as_a_normal_row_says_so(alad, train):
    far = train[:1].with_columns(bytes=pl.lit(90.0))
    KNN(random_state=0).fit(train[:100]).calibrate(pl.concat([train[100:], far])).save("m")
    far.write_parquet("far.parquet")
    alad.good("score", "m", "far.parquet", "-o", "s.csv", "--reasons", 2)
    (row,) = pl.read_csv("s.csv").to_dicts()
    assert row["is_anomaly"]
    assert row["reason_1"] == "as a normal row in every column that counts"
    assert row["reason_2"] is None


def test_there_are_no_more_reasons_than_columns(alad, knn, strange):
    alad.good("score", knn, "strange.csv", "-o", "s.parquet", "--reasons", 99)
    scores = pl.read_parquet("s.parquet")
    columns = [name for name in scores.columns if name.startswith("reason_")]
    assert columns == [f"reason_{n + 1}" for n in range(len(load(knn).encoder_.schema))]
    assert scores["reason_1"][7].startswith("bytes 99 (expected ")


def test_batches_change_no_reason(alad, knn, strange, monkeypatch):
    alad.good("score", knn, "strange.csv", "-o", "whole.parquet", "--reasons", 2)
    monkeypatch.setattr(tables, "BYTES", 300)
    alad.good("score", knn, "strange.csv", "-o", "parts.parquet", "--reasons", 2)
    assert pl.read_parquet("whole.parquet").equals(pl.read_parquet("parts.parquet"))


def test_where_nothing_is_flagged_the_columns_are_there(alad, knn, train):
    train[:1].with_columns(bytes=0.0).write_csv("dull.csv")
    alad.good("score", knn, "dull.csv", "-o", "s.csv", "--reasons", 2)
    assert pl.read_csv("s.csv").columns == NAMES


def test_an_array_has_reasons_too(alad, train):
    KNN().fit(train.select("bytes", "count").to_numpy()).save("knn")
    np.save("new.npy", np.array([[0.0, 99], [0, 1]]))
    alad.good("score", "knn", "new.npy", "-o", "s.csv", "--reasons", 1)
    assert pl.read_csv("s.csv")["reason_1"][0].startswith("x1 99 (expected ")
    done = alad.good("explain", "knn", "new.npy", "--row", 0)
    assert "x1" in done.out


def test_a_row_is_explained_as_text(alad, knn, strange):
    some = ("--top", 2, "--nearest", 0)
    done = alad.good("explain", knn, "strange.csv", "--row", 150, "--row", 7, *some)
    first, second = done.out.split("\n\n")
    assert first.startswith("row 150: anomaly_score ")
    assert " > threshold " in first
    head, names, _, *lines = second.strip().splitlines()
    assert head.startswith("row 7: ")
    assert names.split() == ["column", "adds", "seen", "expected", "normals", "as", "rare"]
    assert len(lines) == 2
    assert lines[0].split()[0] == "bytes"
    assert lines[0].split()[2] == "99"


def test_why_columns_do_not_stand_by_what_they_add(alad, knn, strange, monkeypatch):
    """As where two columns are extreme at once."""

    def both(*of):
        found, n = explain(*of), load(knn).n_features_in_
        adds, rarity = np.full((1, n), -0.5), np.ones((1, n))
        adds[0, :3], rarity[0, :3] = (0.2, 0.1, 0.3), (0, 0.05, 0.5)
        return replace(found, contributions=adds, rarity=rarity)

    said = "not all by what they add: a value that no normal row has stands before those that more"
    command = ("explain", knn, "strange.csv", "--row", 7)
    assert said not in alad.good(*command).out
    monkeypatch.setattr("alad.reasons.explain", both)
    assert f"{said} than 10% of them match\n" in alad.good(*command).out
    assert said not in alad.good(*command, "--top", 1).out


def test_long_texts_are_shown_in_part_where_they_differ(alad):
    begin, end = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML) ", " and so on" * 8
    agents = [f"{begin}Chrome/{v}{end}" for v in (1, 2)]
    words = "one more user came in from afar and left by night".split()
    said = [" ".join(words[i % 7 :]) + f" {i}" for i in range(200)]
    frame = pl.DataFrame({"agent": agents * 100, "said": said})
    stated = [Stated("agent", "categorical"), Stated("said", "text")]
    Schema(tuple(stated)).write("s.json")
    frame.write_csv("t.csv")
    alad.good("fit", "t.csv", "-o", "texts", "--detector", "knn", "--schema", "s.json")
    strange = frame.head(1).with_columns(
        agent=pl.lit(f"{begin}curl/7{end}"), said=pl.lit("A" * 3000)
    )
    strange.write_csv("new.csv")
    lines = alad.good("explain", "texts", "new.csv", "--row", 0).out.splitlines()
    for line in (line for line in lines if line.startswith("said")):
        assert "A…A" in line
        assert "(3,000 characters)" in line
    agents = [line for line in lines if line.startswith("agent")]
    assert len(agents) == 2
    for line in agents:
        assert "curl/7 and" in line
        assert "Chrome/" in line
        assert len(line) < 320
    row = json.loads(alad.good("explain", "texts", "new.csv", "--row", 0, "--json").out)["rows"][0]
    assert "A" * 3000 in [column["seen"] for column in row["columns"]]
    alad.good("score", "texts", "new.csv", "-o", "s.csv", "--reasons", 2)
    reasons = pl.read_csv("s.csv").select("reason_1", "reason_2").row(0)
    assert any("A…A" in reason for reason in reasons)
    assert all(len(reason) < 250 for reason in reasons)


def test_a_row_is_explained_as_json(alad, knn, strange, monkeypatch):
    monkeypatch.setattr(tables, "BYTES", 300)
    done = alad.good("explain", knn, "strange.csv", "--row", 7, "--row", 0, "--row", 7, "--json")
    first, other, again = json.loads(done.out)["rows"]
    assert (first["row"], other["row"]) == (7, 0)
    assert again == first
    assert first["columns"][0]["column"] == "bytes"
    added = sum(column["contribution"] for column in first["columns"])
    assert added == pytest.approx(first["anomaly_score"] - first["expected_score"])
    assert first["columns"][0]["seen"] == 99
    assert first["columns"][0]["rarity"] == 0


def test_a_row_that_is_not_there_is_refused(alad, knn):
    alad.refused(
        r"Expected rows of train\.csv after --row; it has 200, .* no row 200\. Give .*",
        *("explain", knn, "train.csv", "--row", 3, "--row", 200),
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "knn", "train.csv", "--row", "-1"),
        ("explain", "knn", "train.csv"),
        ("explain", "knn", "train.csv", "--row", "0", "--top", "0"),
        ("score", "knn", "train.csv", "-o", "s.csv", "--reasons", "0"),
    ],
)
def test_wrong_usage(alad, knn, arguments):
    assert alad(*arguments).code == 2
    assert not Path("s.csv").exists()


def test_a_model_without_rows_says_what_to_do(alad, model):
    pattern = r"Expected normal rows to compare with; this Mahalanobis holds none\. .*"
    alad.refused(pattern, "score", model, "train.csv", "-o", "s.csv", "--reasons", 1)
    alad.refused(pattern, "explain", model, "train.csv", "--row", 0)


def test_a_column_of_the_name_of_a_reason_is_not_copied(alad, knn, train):
    train.with_columns(reason_2=1).write_csv("new.csv")
    alad.refused(
        r"Expected columns to copy with other names than row, .*, reason_1, reason_2, which .*",
        *("score", knn, "new.csv", "-o", "s.csv", "--reasons", 2, "--all-columns"),
    )
    alad.good("score", knn, "new.csv", "-o", "s.csv", "--reasons", 1, "--all-columns")


def test_a_row_that_will_not_do_is_named_by_its_number(alad, knn, train):
    odd = pl.int_range(pl.len()) == 120
    frame = train.with_columns(bytes=pl.when(odd).then(np.inf).otherwise("bytes"))
    frame.write_parquet("odd.parquet")
    message = r"Expected finite numbers in column 'bytes'; got inf in row 120 \(.*"
    alad.refused(message, "explain", knn, "odd.parquet", "--row", 7, "--row", 120)


def test_a_value_cannot_steer_the_terminal_and_does_not_fill_it(alad, train):
    names = pl.Series("proto", ["tcp", "udp"] * 100)
    KNN(random_state=0).fit(train.with_columns(names)).save("knn")
    steering = "\x1b[2J\x9b31m\x07\r\u202e" + "long " * 30
    train.with_columns(proto=pl.lit(steering)).write_parquet("new.parquet")
    out = alad.good("explain", "knn", "new.parquet", "--row", 0).out
    assert r"\x1b[2J\x9b31m\x07\x0d\u202elong " in out
    assert not set(out) & set("\x1b\x9b\x07\r\u202e")
    assert max(map(len, out.splitlines())) < 150
    said = json.loads(alad.good("explain", "knn", "new.parquet", "--row", 0, "--json").out)
    assert {c["column"]: c["seen"] for c in said["rows"][0]["columns"]}["proto"] == steering


def test_the_nearest_normal_rows_are_shown(alad, knn, strange):
    found = explain(load(knn), strange[7:8])
    rows = [found.normals.row(place, named=True) for place in found.nearest[0, :3].tolist()]
    facts = json.loads(alad.good("explain", knn, "strange.csv", "--row", 7, "--json").out)
    assert facts["rows"][0]["normal_rows"] == 200
    assert facts["rows"][0]["nearest"] == rows
    out = alad.good("explain", knn, "strange.csv", "--row", 7, "--nearest", 2).out
    assert "of 200 normal rows the nearest 2 rows are" in out
    names, _, first, *_ = out.partition("rows are\n")[2].splitlines()
    assert names.split() == ["column", "seen", "normal", "1", "normal", "2"]
    assert first.split() == ["bytes", "99", *(f"{row['bytes']:.4g}" for row in rows[:2])]


def test_no_nearest_rows_are_shown_where_none_are_wanted_or_known(alad, knn, train, strange):
    assert "nearest" not in alad.good("explain", knn, "strange.csv", "--row", 7, "--nearest", 0).out
    AutoEncoder(epochs=1).fit(train).save("network")
    done = alad.good("explain", "network", "strange.csv", "--row", 7, "--json")
    assert json.loads(done.out)["rows"][0]["nearest"] == []


def test_times_are_told_as_json(alad, train):
    start = datetime.datetime(2026, 3, 2)
    whens = [start + datetime.timedelta(hours=7 * i) for i in range(train.height)]
    rows = train.with_columns(when=pl.Series(whens))
    KNN().fit(rows).save("knn")
    rows.write_parquet("new.parquet")
    fact = json.loads(alad.good("explain", "knn", "new.parquet", "--row", 3, "--json").out)
    seen = {column["column"]: column["seen"] for column in fact["rows"][0]["columns"]}
    assert seen["when"] == "2026-03-02 21:00:00"
