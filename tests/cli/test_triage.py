"""``alad report MODEL SCORED`` and ``alad info MODEL -o card.html``: from files to pages."""

from __future__ import annotations

import gzip
import json
import os
import sys
from pathlib import Path

import polars as pl
import pytest

from alad import KNN


@pytest.fixture
def keeper(alad, train) -> Path:
    """A model that holds normal rows, so that its scores have reasons."""
    KNN(random_state=0).fit(train).save("keeper")
    return Path("keeper")


@pytest.fixture
def calibrated(alad, train) -> Path:
    """One with a calibration."""
    KNN(random_state=0).fit(train[:100]).calibrate(train[100:]).save("calibrated")
    return Path("calibrated")


@pytest.fixture
def new(alad, train) -> pl.DataFrame:
    """Rows of which the last ten are far out."""
    far = pl.int_range(pl.len()) >= train.height - 10
    rows = train.with_columns(
        pl.when(far).then(80.0).otherwise("bytes").alias("bytes"),
        pl.int_range(pl.len()).alias("second"),
        host=pl.lit("web"),
    )
    rows.write_parquet("new.parquet")
    rows.write_csv("new.csv")
    return rows


@pytest.mark.parametrize(("table", "to"), [("parquet", "parquet"), ("csv", "csv"), ("csv", "tsv")])
def test_a_scored_table_becomes_a_page(alad, keeper, new, table, to):
    alad.good("score", keeper, f"new.{table}", "-o", f"scored.{to}", "--all-columns")
    options = ("--time", "second", "--entity", "host", "-o", "page.html")
    done = alad.good("report", keeper, f"scored.{to}", *options)
    assert done.out.startswith("Written: page.html (")
    page = Path("page.html").read_text("utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "<b>bytes</b> <bdi>higher</bdi>" in page
    assert "values of host with alerts" in page


def test_a_report_is_told_in_short_as_json(alad, keeper, new):
    alad.good("score", keeper, "new.csv", "-o", "s.parquet", "--all-columns")
    said = json.loads(alad.good("report", keeper, "s.parquet", "-o", "r.html", "--json").out)
    scores = pl.read_parquet("s.parquet")
    assert (said["rows"], said["alerts"]) == (scores.height, scores["is_anomaly"].sum())
    assert (said["out"], said["bytes"]) == ("r.html", Path("r.html").stat().st_size)
    assert sum(group["count"] for group in said["shown"]) == said["alerts"] > 0
    assert (said["groups"], said["entities_with_alerts"]) == (len(said["shown"]), None)


def test_the_same_table_gives_the_same_page_from_any_format(alad, keeper, new):
    """But for what only the footer of a Parquet file tells."""
    pages = []
    for to in ("parquet", "csv"):
        alad.good("score", keeper, "new.parquet", "-o", f"scored.{to}", "--all-columns")
        if to == "parquet":
            pl.read_parquet("scored.parquet").write_parquet("scored.parquet")
        alad.good("report", keeper, f"scored.{to}", "-o", "page.html")
        pages.append(Path("page.html").read_text("utf-8").replace(f"scored.{to}", "scored"))
    assert pages[0] == pages[1]


def test_the_rule_that_a_parquet_file_tells_is_shown(alad, keeper, new):
    alad.good("score", keeper, "new.parquet", "-o", "scored.parquet", "--all-columns")
    scored = pl.read_parquet("scored.parquet")
    decision = {"rule": "at most 2 alerts for each day in column 'at'", "threshold": None}
    decision |= {"promise": "No day has more.", "assumption": "None.", "note": None, "level": None}
    told = {"format": 1, "model": "keeper", "detector": "KNN", "table": "new.parquet"}
    told |= {"rows": scored.height, "anomalies": int(scored["is_anomaly"].sum())}
    told |= {"date": "2026-11-26T17:00:00+00:00", "decision": decision}
    scored.write_parquet("scored.parquet", metadata={"alad": json.dumps(told)})
    alad.good("report", keeper, "scored.parquet", "-o", "page.html")
    page = Path("page.html").read_text("utf-8")
    assert "At most 2 alerts for each day in column" in page
    assert "No day has more." in page
    assert "Not known: the rule promises nothing of it." in page
    scored.write_parquet("scored.parquet", metadata={"alad": "no JSON"})
    alad.good("report", keeper, "scored.parquet", "-o", "page.html")
    assert "how it was scored is damaged" in Path("page.html").read_text("utf-8")


@pytest.mark.parametrize("to", ["parquet", "jsonl"])
def test_a_table_of_alerts_alone(alad, calibrated, new, to):
    rule = ("--false-positive-rate", 0.05)
    arguments = ("score", calibrated, "new.parquet", "-o", f"scored.{to}", "--all-columns", *rule)
    report = ("report", calibrated, f"scored.{to}", "--json", "--entity", "host", "-o")
    alad.good(*arguments, "--alerts-only")
    said = json.loads(alad.good(*report, "page.html").out)
    page = Path("page.html").read_text("utf-8")
    assert "The table has alerts alone: how scores lie, and over time, is said of those." in page
    assert "Rows by p-value" not in page
    assert "Alerts by host" in page
    assert "of its rows" not in page
    alad.good(*arguments)
    whole = json.loads(alad.good(*report, "whole.html").out)
    assert said["alerts"] == whole["alerts"] > 0
    all_rows = Path("whole.html").read_text("utf-8")
    assert "Rows by p-value" in all_rows
    assert "of its rows" in all_rows
    if to == "parquet":
        assert f"<b>{new.height}</b><span>rows scored" in page
        assert f"that many if all {new.height} rows were normal" in page
    else:  # which does not tell of how many rows, and by which rule
        assert "Which rule made these rows alerts, the table does not tell." in page
        assert "rows scored" not in page


def test_a_day_without_an_alert_has_a_page(alad, calibrated, new):
    options = ("--alerts-only", "--all-columns", "--false-positive-rate", 1e-6)
    alad.good("score", calibrated, "new.parquet", "-o", "quiet.parquet", *options)
    done = alad.good("report", calibrated, "quiet.parquet", "-o", "page.html", "--json")
    assert json.loads(done.out)["alerts"] == 0
    page = Path("page.html").read_text("utf-8")
    assert "<h1>No alerts in quiet.parquet</h1>" in page
    assert f"<b>{new.height}</b><span>rows scored" in page
    assert "False-positive rate 1e-06." in page
    pl.read_parquet("quiet.parquet").write_parquet("quiet.parquet")  # and what it tells is gone
    alad.refused(
        r"Expected at least one row in quiet\.parquet; .*", "report", calibrated, "quiet.parquet"
    )


@pytest.mark.parametrize("to", ["csv", "tsv.gz", "jsonl", "jsonl.gz"])
def test_a_day_without_an_alert_has_a_page_in_any_format(alad, calibrated, new, to):
    options = ("--alerts-only", "--all-columns", "--false-positive-rate", 1e-6)
    alad.good("score", calibrated, "new.parquet", "-o", f"quiet.{to}", *options)
    done = alad.good("report", calibrated, f"quiet.{to}", "-o", "page.html", "--json")
    assert json.loads(done.out)["rows"] is None
    page = Path("page.html").read_text("utf-8")
    assert f"<h1>No alerts in quiet.{to}</h1>" in page
    assert "How many" in page
    assert "No row was flagged" not in page  # of a file that a run left empty nobody knows
    assert "rows scored" not in page


def test_a_table_without_rows_is_no_day_without_an_alert(alad, calibrated):
    Path("quiet.csv").write_text("bytes,proto\n")
    message = r"Expected at least one row in quiet\.csv; got column names only\. .*"
    alad.refused(message, "report", calibrated, "quiet.csv")


@pytest.mark.parametrize("to", ["parquet", "csv"])
def test_reasons_of_the_table_where_the_model_knows_none(alad, keeper, model, new, to):
    alad.good("score", keeper, "new.parquet", "-o", "why.parquet", "--reasons", 2)
    why = pl.read_parquet("why.parquet").select("reason_1", "reason_2")
    alad.good("score", model, "new.parquet", "-o", "scored.parquet", "--all-columns")
    both = pl.read_parquet("scored.parquet").hstack(why)
    both.write_parquet("both.parquet") if to == "parquet" else both.write_csv("both.csv")
    alad.good("report", model, f"both.{to}", "-o", "page.html")
    page = Path("page.html").read_text("utf-8")
    assert "The reasons are those that the table has" in page
    assert "<b>bytes</b> <bdi>higher</bdi>" in page
    message = r"Expected normal rows to compare with; this Mahalanobis holds none\. .*"
    alad.refused(message, "report", model, "scored.parquet")


def test_columns_of_fit_are_needed(alad, keeper, new):
    alad.good("score", keeper, "new.parquet", "-o", "scored.parquet", "--keep", "bytes")
    alad.refused(
        r"Expected the columns of fit in scored\.parquet; missing: 'count', 'proto'\. Score the "
        r"table with --all-columns, or with --keep for each; one it lacks, give it empty\.",
        *("report", keeper, "scored.parquet"),
    )


def test_columns_are_not_to_be_called_as_what_is_added(alad, train):
    train.rename({"bytes": "anomaly_score"}).write_csv("named.csv")
    KNN(random_state=0).fit(train.rename({"bytes": "anomaly_score"})).save("named")
    alad.good("score", "named", "named.csv", "-o", "s.csv", "--keep", "proto", "--keep", "count")
    message = (
        "Expected a model whose columns have other names .* it has 'anomaly_score'.*fit again."
    )
    alad.refused(message, "report", "named", "s.csv", "-o", "r.html")


def test_durations_and_whole_numbers_are_told_as_they_are(alad, train):
    took = pl.duration(seconds=pl.int_range(pl.len()) % 3)
    port = pl.when(pl.int_range(pl.len()) < 5).then(None).otherwise(443)
    rows = train.with_columns(took.alias("took"), port.alias("port"))
    rows.write_parquet("took.parquet")
    KNN(random_state=0).fit(train.with_columns(took.alias("took"))).save("took")
    alad.good("score", "took", "took.parquet", "-o", "s.parquet", "--all-columns")
    for entity in ("took", "port"):
        alad.good("report", "took", "s.parquet", "--entity", entity, "-o", "r.html")
        page = Path("r.html").read_text("utf-8")
        assert ">443<" in page if entity == "port" else ">2<" in page
        assert "443.0" not in page


@pytest.mark.parametrize("to", ["csv", "jsonl"])
def test_durations_are_written_as_the_numbers_that_the_model_reads(alad, train, to):
    took = pl.duration(milliseconds=pl.int_range(pl.len()) % 3 * 1500)
    rows = train.with_columns(took.alias("took"))
    rows.write_parquet("took.parquet")
    KNN(random_state=0).fit(rows).save("took")
    alad.good("score", "took", "took.parquet", "-o", f"s.{to}", "--all-columns")
    alad.good("report", "took", f"s.{to}", "-o", "r.html")
    read = {"csv": pl.read_csv, "jsonl": pl.read_ndjson}[to]
    assert read(f"s.{to}")["took"].to_list()[:3] == [0, 1.5, 3]
    alad.good("score", "took", f"s.{to}", "-o", "again.csv")
    assert pl.read_csv("again.csv")["anomaly_score"].equals(read(f"s.{to}")["anomaly_score"])


@pytest.mark.parametrize("to", ["csv", "jsonl", "parquet"])
def test_a_key_that_no_line_of_json_has_is_copied_as_missing(alad, train, to):
    KNN(random_state=0).fit(train).save("m")
    train.drop("count").write_ndjson("t.jsonl")
    alad.good("score", "m", "t.jsonl", "-o", f"s.{to}", "--all-columns")
    alad.good("report", "m", f"s.{to}", "-o", "r.html")


def test_names_are_to_be_chosen_with_their_spaces(alad, train):
    far = pl.when(pl.int_range(pl.len()) < 3).then(80.0).otherwise("bytes").alias("bytes")
    train.with_columns(far).rename({"bytes": " bytes"}).write_parquet("t.parquet")
    KNN(random_state=0).fit(train.rename({"bytes": " bytes"})).save("spaced")
    alad.good("score", "spaced", "t.parquet", "-o", "s.parquet", "--all-columns")
    alad.good("report", "spaced", "s.parquet", "-o", "r.html")
    assert '<option value=" bytes">' in Path("r.html").read_text("utf-8")


def test_a_table_without_scores_is_refused(alad, keeper, new):
    message = (
        r"Expected a table that 'alad score' wrote at new\.parquet; it has no column 'row', .*"
    )
    alad.refused(message, "report", keeper, "new.parquet")


def test_scores_of_another_model_are_refused(alad, keeper, model, new):
    alad.good("score", model, "new.parquet", "-o", "scored.parquet", "--all-columns")
    message = r"Expected scores of this model in scored\.parquet; row 0 has .*score it again\."
    alad.refused(message, "report", keeper, "scored.parquet")


def test_an_empty_table_is_refused(alad, keeper):
    Path("scored.csv.gz").write_bytes(gzip.compress(b""))
    message = r"Expected a table in scored\.csv\.gz; it is empty\. .*"
    alad.refused(message, "report", keeper, "scored.csv.gz")


def test_a_model_without_a_table_is_told_so(alad, keeper):
    message = r"Expected a scored table after the model keeper; got none\. Give what 'alad score .*"
    alad.refused(message, "report", keeper, "-o", "page.html")


def test_what_does_not_go_together(alad, keeper, new):
    alad.refused(r"Expected a file, which is read twice; got .*", "report", keeper, "-")
    alad.refused(r"Expected no --pictures .*", "report", keeper, "new.csv", "--pictures", ".")
    alad.refused(r"Expected --time and --entity with a model .*", "report", keeper, "--time", "a")


def test_pages_are_not_written_over_what_they_are_made_of(alad, keeper, new):
    message = r"Expected another place to write to than .*, which is read\. Give another name\."
    alad.refused(message, "report", keeper, "new.csv", "-o", "new.csv")
    alad.refused(message, "info", keeper, "-o", "keeper/model.json")


def test_a_model_that_is_none_is_named(alad, new):
    alad.refused(r"Expected a model folder at absent; .*", "report", "absent", "new.parquet")


def test_a_card_is_written_instead_of_text(alad, keeper):
    assert alad.good("info", keeper, "-o", "card.html").out == "Written: card.html\n"
    page = Path("card.html").read_text("utf-8")
    assert "Model card: keeper" in page
    assert "200 of training" in page
    assert "2 categories" in page


def test_a_card_beside_json(alad, keeper):
    done = alad.good("info", keeper, "--json", "-o", "card.html")
    assert done.out.startswith("{")
    assert Path("card.html").exists()


def test_a_card_of_a_model_of_an_array(alad, array_model):
    alad.good("info", array_model, "-o", "card.html")
    page = Path("card.html").read_text("utf-8")
    assert "Fitted on an array" in page
    assert "The model holds no single row" in page


def test_a_card_that_cannot_be_written_is_told(alad, keeper):
    alad.refused("Expected to write .*", "info", keeper, "-o", "keeper/model.json/c.html", code=1)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow no such names")
@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_names_whose_bytes_are_no_text(alad, train, suffix):
    model, table, scored = (os.fsdecode(name) for name in (b"m\xff", b"t\xff.feather", b"s\xff"))
    KNN(random_state=0).fit(train).calibrate(train[:100]).save(model)
    Path(table).write_bytes(train.write_ipc(None).getvalue())
    options = ("--all-columns", "--fdr", "0.1")
    alad.good("score", model, table, "-o", scored + suffix, *options)
    alad.good("report", model, scored + suffix, "-o", "report.html")
    assert f"alerts in s\ufffd{suffix}" in Path("report.html").read_text("utf-8")
    alad.good("info", model, "-o", "card.html")
    assert "Model card: m\ufffd" in Path("card.html").read_text("utf-8")
