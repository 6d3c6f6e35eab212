"""``alad score --fdr --stream``: rows decided in their turn, over tables that follow each other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from alad import KNN, load
from alad.calibration import OnlineFDR
from alad.cli.tables import table as tables

COLUMNS = ("bytes", "count", "proto")


def rows(n, seed, far=0):
    """Rows like those of training, the last of them far out."""
    rng = np.random.default_rng(seed)
    bytes_ = rng.normal(size=n)
    bytes_[n - far :] += 9
    return pl.DataFrame(
        {
            "bytes": bytes_,
            "count": rng.integers(0, 9, n),
            "proto": rng.choice(["tcp", "udp"], n),
        }
    )


@pytest.fixture
def calibrated(alad, train):
    KNN(random_state=0).fit(train).calibrate(rows(400, 7)).save("calibrated")
    rows(60, 8, far=6).write_csv("one.csv")
    rows(50, 9, far=3).write_csv("two.csv")
    return load("calibrated")


def scored(alad, table, *options, out="s.parquet"):
    arguments = ("-o", out, "--fdr", 0.1, "--stream", "decided.json", *options)
    done = alad.good("score", "calibrated", table, *arguments)
    return pl.read_parquet(out), done


def test_two_tables_are_decided_as_one_stream(alad, calibrated, monkeypatch):
    monkeypatch.setattr(tables, "BYTES", 300)
    one, first = scored(alad, "one.csv")
    two, second = scored(alad, "two.csv", "--reasons", 1)
    online = OnlineFDR(0.1, 400)
    both = pl.concat([rows(60, 8, far=6), rows(50, 9, far=3)])
    wanted = online.decide(calibrated.p_values(both))
    assert [*one["is_anomaly"], *two["is_anomaly"]] == wanted.tolist()
    assert wanted.sum() >= 8
    assert json.loads(Path("decided.json").read_text()) == online.to_json()
    assert two["reason_1"].is_not_null().to_list() == two["is_anomaly"].to_list()
    told = "Rule: false discovery rate 0.1 on a stream. Of the alerts of about the last 40 rows"
    assert told in first.err
    assert "rows of the stream were decided before" not in first.err
    assert "note: 60 rows of the stream were decided before these. While nothing" in second.err


def test_another_run_that_went_on_meanwhile_is_told(alad, calibrated, monkeypatch):
    other = OnlineFDR(0.1, 400)
    other.decide([0.5])

    def decide(self, p):
        Path("decided.json").write_text(json.dumps(other.to_json()))
        return [False] * len(p)

    monkeypatch.setattr(OnlineFDR, "decide", decide)
    arguments = ("score", "calibrated", "one.csv", "-o", "s.csv", "--fdr", 0.1)
    done = alad(*arguments, "--stream", "decided.json")
    assert done.code == 1
    assert "another run went on with it meanwhile" in done.err
    assert json.loads(Path("decided.json").read_text())["seen"] == 1


def test_a_link_stays_one(alad, calibrated):
    scored(alad, "one.csv")
    Path("decided.json").rename("real.json")
    Path("decided.json").symlink_to("real.json")
    scored(alad, "two.csv")
    assert Path("decided.json").is_symlink()
    assert json.loads(Path("real.json").read_text())["seen"] == 110


def test_what_fails_decides_nothing(alad, calibrated):
    scored(alad, "one.csv")
    before = Path("decided.json").read_text()
    rows(9, 1).with_columns(bytes=pl.lit("much")).write_csv("bad.csv")
    arguments = ("-o", "t.csv", "--fdr", 0.1, "--stream", "decided.json")
    alad.refused(
        r"Expected numbers in column 'bytes'.*", "score", "calibrated", "bad.csv", *arguments
    )
    assert Path("decided.json").read_text() == before


def test_the_report_says_what_a_stream_promises(alad, calibrated):
    scored(alad, "one.csv", "--all-columns")
    alad.good("report", "calibrated", "s.parquet", "-o", "report.html")
    page = Path("report.html").read_text("utf-8")
    assert "Of the latest alerts, and one more, a share of at most 0.1, on average." in page
    assert "False discovery rate 0.1 on a stream." in page


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--stream", "d.json"), r"Expected no --stream without --fdr\. Leave it out, .*"),
        (
            ("--stream", "d.json", "--false-positive-rate", 0.1),
            r"Expected no --stream without --fdr\..*",
        ),
        (
            ("--fdr", 0.1, "--stream", "d.txt"),
            r"Expected --stream to end in \.json; got d\.txt\..*",
        ),
        (("--fdr", 0.1, "--stream", "-"), r"Expected --stream to end in \.json; got -\..*"),
        (
            ("--fdr", 0.001, "--stream", "d.json"),
            r"Expected at least 1,999 calibration rows for a false discovery rate of 0\.001 on .*",
        ),
        (
            ("--fdr", 0.2, "--stream", "begun.json"),
            r"Expected --fdr 0\.1, by which the stream of begun\.json is decided; got 0\.2\. .*",
        ),
        (
            ("--fdr", 0.1, "--stream", "long.json"),
            r"Expected a model with at least as many calibration .* begun, 999; this .* 400, .*",
        ),
        (
            ("--fdr", 0.1, "--stream", "other.json"),
            r"Expected the state of a stream in other\.json, .*; got something else: .*",
        ),
        (
            ("--fdr", 0.1, "--stream", "calibrated/model.json"),
            r"Expected another place for --stream than calibrated/model\.json, which is in .*",
        ),
        (
            ("--fdr", 0.1, "--stream", "calibrated/new.json"),
            r"Expected another place for --stream than calibrated/new\.json, which is in .*",
        ),
        (
            ("--fdr", 0.1, "--stream", "loop.json"),
            r"Expected a file for --stream; loop\.json is a link that leads nowhere\. .*",
        ),
        (
            ("--fdr", 0.1, "--stream", "long.json.json"),
            r"Expected the state of a stream in long\.json\.json, .* something else: .*",
        ),
    ],
)
def test_stream_that_will_not_do(alad, calibrated, options, message):
    Path("begun.json").write_text(json.dumps(OnlineFDR(0.1, 400).to_json()))
    Path("long.json").write_text(json.dumps(OnlineFDR(0.1, 999).to_json()))
    Path("other.json").write_text("[1, 2")
    Path("long.json.json").write_text(Path("begun.json").read_text() + " " * 20_000)
    Path("loop.json").symlink_to("loop.json")
    alad.refused(message, "score", "calibrated", "one.csv", "-o", "s.csv", *options)


def test_a_folder_is_no_state(alad, calibrated):
    Path("d.json").mkdir()
    arguments = ("one.csv", "-o", "s.csv", "--fdr", 0.1, "--stream", "d.json")
    message = r"Expected to write d\.json, but something else is there .*"
    alad.refused(message, "score", "calibrated", *arguments, code=1)


def test_standard_output_is_no_result_to_go_on_from(alad, calibrated):
    arguments = ("one.csv", "-o", "-", "--fdr", 0.1, "--stream", "d.json")
    alad.refused(r"Expected a file for --out with --stream: .*", "score", "calibrated", *arguments)


def test_a_state_is_not_written_over_the_result(alad, calibrated):
    options = ("-o", "s.json", "--fdr", 0.1, "--stream", "s.json")
    alad.refused(r"Expected .*", "score", "calibrated", "one.csv", *options)
