"""Times that are not written as in ISO 8601, in every command that asks when a row was."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from tests.cli.conftest import training_rows

N = 240
START = pl.datetime(2026, 11, 24, 22)
FORMS = {
    "firewall": "%b %d %Y %H:%M:%S",
    "nginx": "%d/%b/%Y:%H:%M:%S +0100",
    "european": "%d.%m.%Y %H:%M:%S",
    "milliseconds": None,
}


def written(form: str | None) -> pl.DataFrame:
    """Rows of every minute from 22:00 on to 2:00, of which those after midnight have moved."""
    i = pl.int_range(N)
    at = START + pl.duration(minutes=i)
    frame = pl.concat([training_rows()] * 3).head(N).with_columns(rt=at)
    moved = frame.with_columns(bytes=pl.col("bytes") + pl.when(i >= 120).then(9.0).otherwise(0.0))
    rt = pl.col("rt").dt.epoch("ms") if form is None else pl.col("rt").dt.strftime(form)
    return moved.with_columns(rt)


@pytest.fixture(params=FORMS.values(), ids=FORMS.keys())
def logged(alad, request) -> pl.DataFrame:
    """A model of such rows, and the same rows backwards."""
    frame = written(request.param)
    frame.head(120).write_csv("normal.csv")
    new = frame.reverse()
    new.write_csv("new.csv")
    alad.good("fit", "normal.csv", "-o", "model", "--detector", "knn")
    return new


def has_zone(frame: pl.DataFrame) -> bool:
    return frame["rt"].dtype == pl.String and "+" in frame["rt"][0]


def test_budget_of_a_day_is_counted_by_the_day_that_is_written_or_that_of_utc(alad, logged):
    alad.good("score", "model", "new.csv", "-o", "s.parquet", "--alerts-per-day", 3)
    flagged = pl.read_parquet("s.parquet")["is_anomaly"]
    of_the_second_day = 60 if has_zone(logged) else 120
    assert flagged[:of_the_second_day].sum() == 3
    assert flagged[of_the_second_day:].sum() == 3


def test_drift_takes_the_order_that_is_written(alad, logged):
    for option in ([], ["--time", "rt"]):
        said = json.loads(alad.good("drift", "model", "new.csv", "--json", *option).out)
        assert said["time"] == "rt"
        row = said["stopped"]["row"]
        assert row < 120
        assert said["stopped"]["rows_before"] == N - 1 - row
        assert said["stopped"]["time"] == str(logged["rt"][row])


def test_report_shows_times(alad, logged):
    alad.good("score", "model", "new.csv", "-o", "s.csv", "--all-columns")
    for option in ([], ["--time", "rt"]):
        alad.good("report", "model", "s.csv", "-o", "page.html", *option)
        page = Path("page.html").read_text("utf-8")
        assert "2026-11-2" in page
        assert "by rt" in page
        assert ("by rt, in UTC as all times here" in page) == has_zone(logged)


def test_another_format_than_at_fit_is_named(alad):
    frame = written(FORMS["firewall"])
    frame.write_csv("normal.csv")
    alad.good("fit", "normal.csv", "-o", "model", "--detector", "knn")
    frame.with_columns(when=pl.lit("24/11/2026 at noon")).write_csv("new.csv")
    alad.refused(
        r"Expected times in column 'when', such as .*; got '24/11/2026 at noon' in row 0\. .*",
        *("score", "model", "new.csv", "-o", "s.csv", "--alerts-per-day", 3, "--time", "when"),
    )


def test_report_goes_without_times_that_nobody_asked_for(alad):
    """The schema's column of time is not read by the model, so fit knows no format of it."""
    frame = written(FORMS["nginx"])
    frame.write_csv("normal.csv")
    alad.good("schema", "normal.csv", "-o", "schema.json")
    stated = json.loads(Path("schema.json").read_text())
    column = next(c for c in stated["columns"] if c["name"] == "rt")
    column.update(kind="ignored", role="time")
    column.pop("format")
    Path("schema.json").write_text(json.dumps(stated))
    options = ("--schema", "schema.json", "--detector", "knn")
    alad.good("fit", "normal.csv", "-o", "model", *options)
    alad.good("score", "model", "normal.csv", "-o", "s.csv", "--all-columns")
    alad.good("report", "model", "s.csv", "-o", "page.html")
    assert "in the order of the table" in Path("page.html").read_text("utf-8")
    message = r"Expected times or numbers in column 'rt' of s\.csv; none can be read\. .*"
    alad.refused(message, "report", "model", "s.csv", "-o", "p.html", "--time", "rt")


def test_times_without_a_year_have_days_and_no_order(alad):
    """December would come after January."""
    frame = written("%b %e %H:%M:%S")
    frame.write_csv("normal.csv")
    alad.good("fit", "normal.csv", "-o", "model", "--detector", "knn")
    options = ("--alerts-per-day", 3, "--all-columns")
    alad.good("score", "model", "normal.csv", "-o", "s.csv", *options)
    assert pl.read_csv("s.csv")["is_anomaly"].sum() == 6
    done = alad.good("drift", "model", "normal.csv")
    assert "Their order: as in the table." in done.out
    assert "note: rows are taken in the order of the table: Expected times with a year" in done.err
    alad.good("report", "model", "s.csv", "-o", "page.html")
    assert "in the order of the table" in Path("page.html").read_text("utf-8")
