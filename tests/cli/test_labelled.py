"""``alad score --labelled``: the threshold of a sample that somebody has labelled."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from alad import load
from alad.calibration import at_labels
from alad.cli import labelled
from alad.cli.tables import table as tables

WANTS = ("--labelled", "sample.csv", "--label", "label")


def sample_rows() -> pl.DataFrame:
    """100 rows, those of high bytes labelled 1, but for some errors, and 20 without a label."""
    rng = np.random.default_rng(8)
    i = np.arange(120)
    strange = i % 6 == 5
    labels = [
        None if n >= 100 else int(s != (n in (3, 11))) for n, s in zip(i, strange, strict=True)
    ]
    return pl.DataFrame(
        {
            "bytes": np.where(strange, rng.normal(4, 2, 120), rng.normal(size=120)),
            "count": rng.integers(0, 9, 120),
            "proto": rng.choice(["tcp", "udp"], 120),
            "label": labels,
        }
    )


@pytest.fixture
def sample(model) -> pl.DataFrame:
    """The rows of sample.csv."""
    frame = sample_rows()
    frame.write_csv("sample.csv")
    return frame


def score(alad, *options, table="train.csv"):
    """Score with these options, and give the summary."""
    return json.loads(alad.good("score", "model", table, "-o", "s.parquet", "--json", *options).out)


def expected(frame: pl.DataFrame, **wish: float):
    """What the library says of the same rows."""
    known = frame.drop_nulls("label")
    scores = -load("model").score_samples(known.drop("label"))
    return at_labels(scores, known["label"].cast(pl.Int64).to_numpy(), **wish)


@pytest.mark.parametrize(
    ("options", "wish"),
    [((), {}), (("--precision", 0.9), {"precision": 0.9}), (("--recall", 1), {"recall": 1.0})],
)
@pytest.mark.parametrize("name", ["sample.csv", "sample.jsonl", "sample.parquet"])
def test_threshold_is_the_librarys(alad, sample, train, monkeypatch, options, wish, name):
    writers = {".csv": "write_csv", ".jsonl": "write_ndjson", ".parquet": "write_parquet"}
    getattr(sample, writers[Path(name).suffix])(name)
    monkeypatch.setattr(tables, "BYTES", 300)
    monkeypatch.setattr(tables, "ROWS", 7)
    said = score(alad, "--labelled", name, "--label", "label", *options)["decision"]
    decision = expected(sample, **wish)
    assert said["threshold"] == pytest.approx(decision.threshold, rel=1e-12)
    assert (said["rule"], said["promise"]) == (decision.rule, decision.promise)
    assert said["used_labels"]
    assert said["note"].endswith("20 rows without a label were left aside.")
    scores = -load("model").score_samples(train)
    flagged = pl.read_parquet("s.parquet")["is_anomaly"].to_numpy()
    np.testing.assert_array_equal(flagged, scores > said["threshold"])


def test_rule_promise_and_assumption_are_told(alad, sample):
    done = alad.good("score", "model", "train.csv", "-o", "s.csv", *WANTS)
    assert "Rule: labels: the best F1. On the 100 labelled rows: precision " in done.err
    assert "Assumed: The labelled rows are a random sample of those to come" in done.err
    assert "note: 20 rows without a label were left aside.\n" in done.err


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ({0: "false", 1: "true"}, ()),
        ({0: " False ", 1: "TRUE"}, ()),
        ({0: "0.0", 1: "1.0"}, ("--anomaly", "1.0")),
        ({0: "0.0", 1: "1.0"}, ()),
        ({0: "0.0", 1: "1"}, ()),
        ({0: "normal", 1: "smurf"}, ("--anomaly", "smurf")),
        ({0: "normal", 1: "smurf"}, ("--normal", "normal", "--normal", "quiet")),
        ({0: "a", 1: "b"}, ("--anomaly", "b", "--anomaly", "c")),
    ],
)
def test_labels_in_words(alad, sample, words, options):
    decision = expected(sample)
    sample.with_columns(pl.col("label").replace_strict(words)).write_csv("sample.csv")
    assert score(alad, *WANTS, *options)["threshold"] == decision.threshold


def test_words_are_counted_by_what_they_are_taken_for(alad, sample):
    words = {0: "good", 1: "bad"}
    named = sample.with_columns(pl.col("label").replace_strict(words))
    unsure = (pl.int_range(pl.len()) % 10 == 0) & pl.col("label").is_not_null()
    named = named.with_columns(label=pl.when(unsure).then(pl.lit("maybe")).otherwise("label"))
    named.write_csv("sample.csv")
    n = dict(named["label"].value_counts().iter_rows())
    rest = "20 rows without a label were left aside."
    said = score(alad, *WANTS, "--anomaly", "bad")["decision"]
    good, maybe = f"good: {n['good']}", f"maybe: {n['maybe']}"
    assert said["note"] == f"bad: {n['bad']} anomalies; {good}, {maybe} normal. {rest}"
    said = score(alad, *WANTS, "--anomaly", "bad", "--normal", "good")["decision"]
    assert said["note"] == f"bad: {n['bad']} anomalies; {good} normal; {maybe} left aside. {rest}"
    without = sample.filter(~unsure.fill_null(value=True)).drop_nulls("label")
    assert said["threshold"] == expected(without).threshold


def test_a_label_of_no_row_is_told(alad, sample):
    said = score(alad, *WANTS, "--anomaly", "1", "--anomaly", "smruf")["decision"]
    assert "No row has the label 'smruf'." in said["note"]
    assert said["threshold"] == expected(sample).threshold


@pytest.mark.parametrize("dtype", [pl.Boolean, pl.Float64, pl.Int8])
def test_labels_with_types(alad, sample, dtype):
    decision = expected(sample)
    sample.with_columns(pl.col("label").cast(dtype)).write_parquet("sample.parquet")
    said = score(alad, "--labelled", "sample.parquet", "--label", "label")
    assert said["threshold"] == decision.threshold


def test_a_whole_number_is_the_same_label_whatever_stands_beside_it(alad, sample):
    decision = expected(sample)
    half = sample["label"].cast(pl.Float64).replace(0.0, 0.5)
    sample.with_columns(half).write_parquet("sample.parquet")
    wants = ("--labelled", "sample.parquet", "--label", "label", "--anomaly", "1")
    assert score(alad, *wants)["threshold"] == decision.threshold


def test_labelled_rows_may_be_those_that_are_scored(alad, sample):
    said = score(alad, *WANTS, table="sample.csv")
    scores = pl.read_parquet("s.parquet")
    assert said["anomalies"] == (scores["anomaly_score"] > said["threshold"]).sum() > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--label", "label"), r"Expected no --label without --labelled\. Leave it out, .*"),
        (("--precision", 0), r"Expected no --precision without --labelled\. .*"),
        (("--normal", "x"), r"Expected no --normal without --labelled\. .*"),
        (WANTS[:2], r"Expected --label COLUMN with --labelled: .*Name it\."),
        ((*WANTS, "--fdr", 0.1), r"Expected one rule .*; got --fdr and --labelled\. Leave .*"),
        (
            (*WANTS, "--anomaly", "1", "--normal", "0", "--normal", "1.0"),
            r"Expected a label to mean an anomaly or a normal row; got '1' after --anomaly and .*",
        ),
        (
            (*WANTS, "--precision", 0.9, "--recall", 0.9),
            r"Expected --precision or --recall; got both\. Leave one out\.",
        ),
        ((*WANTS, "--precision", 2), r"Expected a precision or a recall in \(0, 1\], .*"),
        (
            ("--labelled", "sample.csv", "--label", "kind"),
            r"Expected the column 'kind' of the labels in sample\.csv; it has 'bytes', .*",
        ),
        (
            ("--labelled", "sample.csv", "--label", "proto"),
            r"Expected labels in a column that the model does not read; it reads 'proto'\. Fit .*",
        ),
        (
            (*WANTS, "--anomaly", "attack"),
            r"Expected labelled rows of both kinds in sample\.csv; got 0 anomalies and 100 .*",
        ),
        (
            ("--labelled", "train.csv", "--label", "label"),
            r"Expected the column 'label' of the labels in train\.csv; .*",
        ),
        (("--labelled", "absent.csv", "--label", "x"), r"Expected a table at absent\.csv, but .*"),
    ],
)
def test_option_that_will_not_do(alad, sample, options, message):
    alad.refused(message, "score", "model", "train.csv", "-o", "s.csv", *options)


def test_label_that_means_nothing_is_placed(alad, sample, monkeypatch):
    monkeypatch.setattr(tables, "ROWS", 30)
    words = sample["label"].cast(pl.String).to_list()
    odd = sample.with_columns(label=pl.Series([*words[:70], "smurf", *words[71:]]))
    odd.write_parquet("odd.parquet")
    message = (
        r"Expected labels of 1 and 0, or true and false, in column 'label'; got 'smurf' in row "
        r"70\. Say by --anomaly which labels mean an anomaly, or by --normal .*"
    )
    options = ("--labelled", "odd.parquet", "--label", "label")
    alad.refused(message, "score", "model", "train.csv", "-o", "s.csv", *options)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pl.lit(None), r"Expected labelled rows of both kinds in odd\.parquet; got 0 .* and 0 .*"),
        (pl.lit([1]), r"Expected text, numbers or true and false in column 'label' .*; got List.*"),
        (
            pl.lit(1),
            r"Expected labelled rows of both kinds in .*; got 120 anomalies and 0 normal.*",
        ),
    ],
)
def test_labels_that_will_not_do(alad, sample, column, message):
    sample.with_columns(label=column).write_parquet("odd.parquet")
    options = ("--labelled", "odd.parquet", "--label", "label")
    alad.refused(message, "score", "model", "train.csv", "-o", "s.csv", *options)


def test_value_that_is_not_as_at_fit_is_told(alad, sample):
    late = sample.reverse()  # those without a label come first
    odd = pl.int_range(pl.len()) == 70
    late.with_columns(bytes=pl.when(odd).then(np.inf).otherwise("bytes")).write_csv("sample.csv")
    message = r"Expected finite .*'bytes'; got inf in row 70 \(float32 .*"
    alad.refused(message, "score", "model", "train.csv", "-o", "s.csv", *WANTS)


def test_sample_is_bounded(alad, sample, monkeypatch):
    monkeypatch.setattr(labelled, "MOST", 99)
    message = r"Expected at most 99 labelled rows; sample\.csv has more\. Draw some of them\."
    alad.refused(message, "score", "model", "train.csv", "-o", "s.csv", *WANTS)


def test_sample_is_not_written_over(alad, sample):
    message = r"Expected another place to write to than sample\.csv, which is read\. .*"
    alad.refused(message, "score", "model", "train.csv", "-o", "sample.csv", *WANTS)


def test_standard_input_is_one_table(alad, sample):
    options = ("--labelled", "-", "--label", "label")
    message = r"Expected one table on standard input; got two\. Give one as a file\."
    alad.refused(message, "score", "model", "-", "-o", "s.csv", *options)
    whole = score(alad, *WANTS)
    done = alad.good(
        *("score", "model", "train.csv", "-o", "s.csv", "--json", *options),
        stdin=Path("sample.csv").read_bytes(),
    )
    assert json.loads(done.out)["threshold"] == whole["threshold"]
