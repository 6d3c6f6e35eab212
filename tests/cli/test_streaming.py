"""``alad fit`` on tables that are too large to be held."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from alad import ALAD, Mahalanobis, load
from alad.cli import streaming
from alad.cli.streaming import memory_size
from alad.cli.tables import table as sizes
from alad.errors import InputError
from alad.estimators import Stream, _fitting

SHALLOW = ("--detector", "mahalanobis", "--calibration-share", 0)


@pytest.fixture
def small(monkeypatch):
    """Hold nothing: every table is streamed, in batches of a few rows."""
    monkeypatch.setattr(streaming, "WHOLE", 0)
    monkeypatch.setattr(sizes, "ROWS", 30)
    monkeypatch.setattr(sizes, "BYTES", 900)


@pytest.mark.parametrize("text", ["2GiB", "2 gib", "2g", "2048MB", "2147483648"])
def test_sizes_of_memory(text):
    assert memory_size(text) == 2**31


@pytest.mark.parametrize("text", ["", "much", "-1G", "1.2.3G", "1KiB", "2GiBs", ".", "9" * 400])
def test_sizes_that_are_none(text):
    with pytest.raises(InputError, match="Expected --memory to be a size of at least 64MiB, such"):
        memory_size(text)


def test_size_that_is_none_is_told(alad):
    alad.refused(
        r"Expected --memory .*; got '1K'\.", "fit", "train.csv", "-o", "m", "--memory", "1K"
    )


WRITERS = {
    "t.csv": pl.DataFrame.write_csv,
    "t.parquet": pl.DataFrame.write_parquet,
    "t.arrow": pl.DataFrame.write_ipc,
    "t.jsonl": pl.DataFrame.write_ndjson,
}


@pytest.mark.parametrize("name", WRITERS)
def test_streamed_model_is_that_of_the_whole(alad, train, small, name):
    train = train.with_columns(
        late=pl.Series(["1"] * 199 + ["x"]), gap=pl.Series([None, *range(199)])
    )
    WRITERS[name](train, name)
    done = alad.good("fit", name, "-o", "m", *SHALLOW, "--json")
    said, model = json.loads(done.out), load("m")
    whole = alad.good("fit", name, "-o", "w", *SHALLOW, "--json", "--memory", "1GiB")
    assert said["share_flagged"] is None
    assert said["missing_values"] == {"gap": 1}
    assert {k: said[k] for k in ("rows", "columns", "features")} == {
        k: json.loads(whole.out)[k] for k in ("rows", "columns", "features")
    }
    frame = train.with_columns(pl.col("gap").cast(pl.Int64))
    expected = type(model)(random_state=0).fit(frame)
    assert model.encoder_ == expected.encoder_
    np.testing.assert_allclose(model.score_samples(frame), expected.score_samples(frame), rtol=1e-5)


def test_small_tables_are_read_whole_and_large_ones_are_not(alad, train, monkeypatch):
    found = []
    monkeypatch.setattr(
        "alad.estimators.Mahalanobis.fit",
        lambda self, X, fit=Mahalanobis.fit, **how: found.append(X) or fit(self, X, **how),
    )
    alad.good("fit", "train.parquet", "-o", "m", *SHALLOW)
    monkeypatch.setattr(streaming, "WHOLE", 1e-9)
    alad.good("fit", "train.parquet", "-o", "m", *SHALLOW)
    assert [isinstance(X, Stream) for X in found] == [False, True]


def test_lists_of_json_can_be_dropped_and_ignored(alad, train, request):
    """A key that holds a list in one line only, beside numbers and none at all."""
    rows = train.to_dicts()
    rows[150]["tags"], rows[0]["tags"], rows[90]["tags"] = ["a", {"b": 1}], None, 2.5
    Path("t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    alad.good("schema", "t.jsonl", "-o", "s.json")
    (tags,) = (c for c in json.loads(Path("s.json").read_text())["columns"] if c["name"] == "tags")
    assert (tags["kind"], tags["note"][:24]) == ("ignored", "neither numbers nor text")
    expected = Mahalanobis(random_state=0).fit(train)
    for is_small in (False, True):
        if is_small:
            request.getfixturevalue("small")
        for options in (["--drop", "tags"], ["--schema", "s.json"], []):
            alad.good("fit", "t.jsonl", "-o", "m", *SHALLOW, *options)
            scores = load("m").score_samples(train)
            np.testing.assert_allclose(scores, expected.score_samples(train), rtol=1e-5)


def test_files_of_a_set_are_streamed_too(alad, train, small):
    Path("logs").mkdir()
    for i, part in enumerate(train.iter_slices(70)):
        part.write_csv(f"logs/{i}.csv")
    for path in ("logs", "logs/*.csv"):
        said = json.loads(alad.good("fit", path, "-o", "m", *SHALLOW, "--json").out)
        assert said["rows"] == 200
        done = alad.good("score", "m", path, "-o", "s.parquet")
        assert "Scored 200 rows" in done.err
        assert pl.read_parquet("s.parquet")["row"].to_list() == list(range(200))


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_files_without_rows_are_left_aside_and_told(alad, train, request, ending):
    Path("logs").mkdir()
    parts = [train[:0], train[:120], train[:0], train[120:], *[train[:0]] * 5]
    for i, part in enumerate(parts):
        {"csv": part.write_csv, "parquet": part.write_parquet}[ending](Path(f"logs/{i}.{ending}"))
    names = [f"logs/{i}.{ending}" for i in (0, 2, 4, 5, 6, 7, 8)]
    told = f"note: files without rows, left aside: {', '.join(names[:5])}, 2 more\n"
    fit = ("fit", "logs", "-o", "m", *SHALLOW)
    score = ("score", "m", "logs", "-o", "s.parquet")
    for again in range(2):
        assert told in alad.good(*fit).err
        assert told in alad.good("schema", "logs").err
        assert told in alad.good(*score).err
        said = [json.loads(alad.good(*command, "--json").out) for command in (fit, score)]
        assert [done["empty_files"] for done in said] == [names, names]
        assert said[1]["rows"] == 200
        if not again:
            request.getfixturevalue("small")  # a stream of them next
    assert not alad.good("fit", "train.csv", "-o", "m", *SHALLOW).err.count("without rows")


def test_what_only_names_of_folders_say_is_told(alad, train):
    for day, part in (("1", train[:100]), ("2", train[100:])):
        Path(f"flows/site=a/day={day}").mkdir(parents=True)
        part.write_parquet(f"flows/site=a/day={day}/0.parquet")
    told = "note: not read, for only the names of folders say it: day\n"
    fit = ("fit", "flows", "-o", "m", *SHALLOW)
    for command in (fit, ("schema", "flows"), ("score", "m", "flows", "-o", "s.csv")):
        assert told in alad.good(*command).err
    assert json.loads(alad.good(*fit, "--json").out)["keys_of_folders"] == ["day"]


def test_many_files_of_one_row_are_streamed(alad, train, small):
    Path("many").mkdir()
    for i, part in enumerate([train[:100], *train[100:].iter_slices(1)]):
        part.write_parquet(f"many/{i:03}.parquet")
    held = ("--calibration-share", 0.1)
    said = json.loads(alad.good("fit", "many", "-o", "m", *SHALLOW, *held, "--json").out)
    assert (said["rows"], said["calibration"]["rows"]) == (180, 20)


def test_column_is_left_out_of_a_stream(alad, small):
    alad.good("fit", "train.csv", "-o", "m", *SHALLOW, "--drop", "proto")
    assert load("m").feature_names_in_.tolist() == ["bytes", "count"]


def test_fault_in_a_later_batch_of_a_stream_is_told(alad, small):
    rows = [f"{i},{i}" for i in range(400)]
    Path("t.csv").write_text("\n".join(["a,b", *rows, "1,2,3"]))
    message = r"Expected 2 values in every row of t\.csv, .*; got 3 in line 402, '1,2,3'\. .*"
    alad.refused(message, "fit", "t.csv", "-o", "m", *SHALLOW)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, InputError("Expected better.")])
def test_nothing_is_left_where_the_model_was_to_be(alad, small, monkeypatch, stop):
    def fail(*args, **kwargs):
        raise stop

    monkeypatch.setattr(_fitting, "train", fail)
    before = sorted(Path().rglob("*"))
    done = alad("fit", "train.parquet", "-o", "new/m")
    assert done.code == (130 if stop is KeyboardInterrupt else 2)
    assert sorted(Path().rglob("*")) == before


def test_alad_is_fitted_in_windows(alad, train, small, monkeypatch):
    monkeypatch.setattr(_fitting, "most_rows", lambda stream, features: 100)
    settings = ("--epochs", 1, "--batch-size", 20, "--calibration-share", 0)
    said = json.loads(alad.good("fit", "train.parquet", "-o", "m", *settings, "--json").out)
    assert (said["rows"], said["epochs"]) == (200, 2)
    assert isinstance(load("m"), ALAD)


def test_text_that_is_numbers_is_taken_for_them_in_any_file(alad, model, train):
    train.with_columns(pl.col("count", "bytes").cast(pl.String)).write_parquet("text.parquet")
    for name in ("train", "text"):
        alad.good("score", model, f"{name}.parquet", "-o", f"{name}-s.parquet")
    assert pl.read_parquet("text-s.parquet").equals(pl.read_parquet("train-s.parquet"))
    train.with_columns(pl.lit("many").alias("count")).write_parquet("words.parquet")
    message = (
        r"Expected numbers in column 'count', as at fit; got String, first 'many' in row 0\. .*"
    )
    alad.refused(message, "score", model, "words.parquet", "-o", "s.csv")


@pytest.mark.parametrize("name", ["new.jsonl", "new.arrow"])
def test_scores_of_other_kinds_of_files_are_the_same(alad, model, train, name, monkeypatch):
    monkeypatch.setattr(sizes, "BYTES", 900)
    (train.write_ndjson if name.endswith("jsonl") else train.write_ipc)(name)
    for table in (name, "train.parquet"):
        alad.good("score", model, table, "-o", f"{table}.s.parquet")
    found, expected = (pl.read_parquet(f"{t}.s.parquet") for t in (name, "train.parquet"))
    assert found.equals(expected)
