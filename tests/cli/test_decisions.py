"""``alad score`` by a rule with a promise or a budget: what is flagged, said and refused."""

from __future__ import annotations

import io
import json
import re
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from alad import KNN, load
from alad.calibration import benjamini_hochberg
from alad.cli import sinks
from alad.cli.decisions import rule_of
from alad.cli.tables import table as tables
from alad.cli.times import days, instants
from alad.errors import InputError
from tests.cli.conftest import tree


def new_rows() -> pl.DataFrame:
    """180 normal rows and 20 far ones, of five days and three hosts."""
    rng = np.random.default_rng(6)
    i = np.arange(200)
    return pl.DataFrame(
        {
            "bytes": np.where(i % 10 == 9, rng.normal(9, 1, 200), rng.normal(size=200)),
            "count": rng.integers(0, 9, 200),
            "proto": rng.choice(["tcp", "udp"], 200),
            "at": [f"2026-03-{1 + n // 40:02}T{n % 24:02}:00:00Z" for n in i],
            "host": [None if n % 7 == 0 else f"h{n % 2}" for n in i],
        }
    )


@pytest.fixture
def calibrated(alad, train):
    """A model that was calibrated on rows like its training rows, and new rows in new.csv."""
    rng = np.random.default_rng(7)
    more = pl.DataFrame(
        {
            "bytes": rng.normal(size=400),
            "count": rng.integers(0, 9, 400),
            "proto": rng.choice(["tcp", "udp"], 400),
        }
    )
    KNN(random_state=0).fit(train).calibrate(more).save("calibrated")
    new_rows().write_csv("new.csv")
    new_rows().write_parquet("new.parquet")
    return load("calibrated")


def scored(alad, *options, out="s.parquet"):
    done = alad.good("score", "calibrated", "new.csv", "-o", out, *options)
    return pl.read_parquet(out), done


def judged(detector):
    return detector.p_values(new_rows().select("bytes", "count", "proto"))


# --------------------------------------------------------------------------- what it does


def test_a_calibrated_model_gives_p_values_whatever_the_rule(alad, calibrated):
    rows, done = scored(alad)
    assert rows.columns == ["row", "anomaly_score", "p_value", "is_anomaly"]
    np.testing.assert_array_equal(rows["p_value"].to_numpy(), judged(calibrated))
    assert (rows["is_anomaly"] == (rows["anomaly_score"] > -calibrated.offset_)).all()
    assert "Rule:" not in done.err


@pytest.mark.parametrize("level", [0.01, 0.05, 0.2])
def test_fdr_is_the_librarys_in_two_passes(alad, calibrated, monkeypatch, level):
    monkeypatch.setattr(tables, "BYTES", 300)
    monkeypatch.setattr(sinks, "ROWS", 7)
    rows, done = scored(alad, "--fdr", level, "--keep", "at")
    flagged = benjamini_hochberg(judged(calibrated), level)
    np.testing.assert_array_equal(rows["is_anomaly"].to_numpy(), flagged)
    features = new_rows().select("bytes", "count", "proto")
    assert ((calibrated.predict(features, fdr=level) == -1) == flagged).all()
    assert rows["row"].to_list() == list(range(200))
    assert rows["at"].to_list() == new_rows()["at"].to_list()
    assert f"Rule: false discovery rate {level:g}. Of the flagged rows a share of" in done.err
    assert "Assumed: Normal rows are exchangeable with the calibration rows" in done.err
    assert level < 0.05 or flagged.sum() > 15
    assert {p for p in tree() if p.startswith(".")} == set()


@pytest.mark.parametrize("out", ["s.csv", "s.tsv", "s.csv.gz", "a/b/s.parquet"])
def test_two_passes_write_every_format(alad, calibrated, out):
    alad.good("score", "calibrated", "new.csv", "-o", out, "--fdr", 0.1)
    assert Path(out).is_file()
    assert {p for p in tree() if Path(p).name.startswith(".")} == set()


def test_two_passes_to_standard_output(alad, calibrated):
    done = alad.good("score", "calibrated", "new.csv", "-o", "-", "--fdr", 0.1)
    rows, _ = scored(alad, "--fdr", 0.1)
    read = pl.read_csv(io.StringIO(done.out))
    assert read["is_anomaly"].to_list() == rows["is_anomaly"].to_list()
    assert "Written" not in done.err


def test_false_positive_rate(alad, calibrated):
    rows, done = scored(alad, "--false-positive-rate", 0.02)
    assert (rows["is_anomaly"] == (rows["p_value"] <= 0.02)).all()
    assert "A normal row is flagged with a probability of at most 0.02" in done.err


@pytest.mark.parametrize("table", ["new.csv", "new.parquet"])
def test_alerts_per_day(alad, calibrated, monkeypatch, table):
    monkeypatch.setattr(tables, "BYTES", 900)
    monkeypatch.setattr(tables, "ROWS", 11)
    options = ("--alerts-per-day", 3, "--time", "at", "--json")
    done = alad.good("score", "calibrated", table, "-o", "s.parquet", *options)
    rows = pl.read_parquet("s.parquet").with_columns(day=new_rows()["at"].str.slice(0, 10))
    for (_,), own in rows.group_by("day"):
        highest = own.sort("anomaly_score", descending=True).head(3)["row"]
        assert set(own.filter("is_anomaly")["row"]) == set(highest)
    said = json.loads(done.out)
    assert (said["anomalies"], said["threshold"]) == (15, None)
    days = new_rows()["at"].str.slice(0, 10)
    assert said["decision"]["rule"] == (
        f"at most 3 alerts for each day in column 'at' (5 days, {days.min()} to {days.max()})"
    )
    assert "at" not in said["ignored_columns"]


def test_days_of_several_zones_are_those_of_utc(alad, calibrated):
    """Rows of 24 hours of UTC have three days as they are written."""
    zones = [("+12:00", 12), ("Z", 0), ("-11:00", -11)]
    at = [
        (datetime(2026, 1, 31, hour) + timedelta(hours=shift)).isoformat() + zone
        for hour in range(24)
        for zone, shift in zones
    ]
    new_rows().head(len(at)).with_columns(at=pl.Series(at)).write_csv("new.csv")
    rows, done = scored(alad, "--alerts-per-day", 3, "--time", "at")
    assert rows["is_anomaly"].sum() == 3
    assert "for each day in column 'at' (1 day, 2026-01-31)." in done.err


def test_numbers_that_are_no_times_give_themselves_away(alad, calibrated):
    new_rows().with_columns(took=pl.lit(0.5)).write_csv("new.csv")
    done = alad.good(
        "score", "calibrated", "new.csv", "-o", "s.csv", *"--alerts-per-day 2 --time took".split()
    )
    assert "for each day in column 'took' (1 day, 1970-01-01)." in done.err


def test_alerts_per_entity_without_a_name_is_an_entity_too(alad, calibrated):
    rows, done = scored(alad, "--alerts-per-entity", 1, "--entity", "host")
    flagged = rows.with_columns(host=new_rows()["host"]).filter("is_anomaly")
    assert sorted(flagged["host"].fill_null("none")) == ["h0", "h1", "none"]
    assert "3 anomalies (1.50%), at most 1 alert for each entity in column 'host'." in done.err


@pytest.mark.parametrize("out", ["s.parquet", "s.csv"])
def test_budget_says_how_many_of_its_alerts_are_ordinary(alad, calibrated, out):
    """Twenty rows are far out; of 100 alerts the others are as any normal row."""
    options = ("--alerts-per-day", 20, "--time", "at")
    done = alad.good("score", "calibrated", "new.csv", "-o", out, *options)
    rows = pl.read_parquet(out) if out == "s.parquet" else pl.read_csv(out)
    ordinary = rows.filter("is_anomaly", pl.col("p_value") > 0.05).height
    assert 40 < ordinary <= 80
    note = (
        f"{ordinary} of the 100 flagged rows have a p-value above 0.05: of normal rows more than "
        "5% score as high. A budget is spent on a quiet day too."
    )
    assert f"note: {note}\n" in done.err
    if out == "s.parquet":
        metadata = json.loads(pl.read_parquet_metadata(out)["alad"])
        assert (metadata["anomalies"], metadata["decision"]["note"]) == (100, note)
    few = alad.good("score", "calibrated", "new.csv", "-o", out, *options[:1], 1, *options[2:])
    assert "A budget is spent" not in few.err


def test_budget_needs_no_calibration(alad, model):
    new_rows().write_csv("new.csv")
    options = ("--alerts-per-entity", 2, "--entity", "at")
    done = alad.good("score", model, "new.csv", "-o", "s.csv", *options)
    rows = pl.read_csv("s.csv")
    assert rows.columns == ["row", "anomaly_score", "is_anomaly"]
    ordinary = rows.filter("is_anomaly", pl.col("anomaly_score") <= -load(model).offset_).height
    assert (
        f"note: {ordinary} of the {rows['is_anomaly'].sum()} flagged rows have a score that is not "
        f"above the model's threshold, {-load(model).offset_:.6g}. A budget is spent on a quiet "
        "entity too."
    ) in done.err


def test_columns_of_the_models_schema_stand_in(alad, calibrated, monkeypatch):
    cls = type(calibrated.encoder_)
    monkeypatch.setattr(cls, "time_column", "at", raising=False)
    monkeypatch.setattr(cls, "entity_column", "host", raising=False)
    by_default, _ = scored(alad, "--alerts-per-day", 2)
    by_name, _ = scored(alad, "--alerts-per-day", 2, "--time", "at")
    assert by_default.equals(by_name)
    assert rule_of(calibrated, alerts_per_entity=1).group_column == "host"


def test_json_says_rule_promise_and_assumption(alad, calibrated):
    _, done = scored(alad, "--fdr", 0.1, "--json")
    said = json.loads(done.out)
    assert said["calibration_rows"] == 400
    assert said["low_p_values"] == (pl.read_parquet("s.parquet")["p_value"] <= 0.05).mean()
    decision = said["decision"]
    assert decision["rule"] == "false discovery rate 0.1"
    assert decision["threshold"] == said["threshold"]
    assert decision["promise"].startswith("Of the flagged rows")
    assert "exchangeable" in decision["assumption"]
    assert "unless 5 lie beyond all calibration rows" in decision["note"]


@pytest.mark.parametrize("option", ["--fdr", "--false-positive-rate"])
def test_too_few_calibration_rows_are_told_and_no_error(alad, calibrated, option):
    rows, done = scored(alad, option, 0.001)
    assert not rows["is_anomaly"].any()
    assert "0 anomalies (0.00%), for no score is high enough." in done.err
    assert "note: 400 calibration rows are too few" in done.err
    assert "it takes 999. No row is flagged." in done.err


def test_may_flag_holds_every_row_that_is_flagged(calibrated):
    frame = new_rows()
    scores = -calibrated.score_samples(frame.select("bytes", "count", "proto"))
    for options in (
        {"fdr": 0.1},
        {"false_positive_rate": 0.05},
        {"alerts_per_day": 2, "time": "at"},
        {},
    ):
        rule = rule_of(calibrated, **options)
        groups = rule.groups(frame["at"], 0) if rule.group_column else None
        rule.watch(scores, groups)
        assert (rule.may_flag(scores, groups) >= rule.flags(scores, 0)).all()


# ------------------------------------------------------------------------ what it refuses


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--fdr", 0.1, "--false-positive-rate", 0.1), r"Expected one rule .*--fdr and --false-.*"),
        (
            ("--fdr", 0.1, "--alerts-per-day", 3, "--time", "at"),
            r"Expected one rule .*; got --fdr and --alerts-per-day\. Leave all but one out\.",
        ),
        (("--fdr", 0), r"Expected a false discovery rate between 0 and 1, .*; got 0\.0\. Give .*"),
        (("--fdr", 1), r"Expected a false discovery rate .*got 1\.0\..*"),
        (("--fdr", "nan"), r"Expected a false discovery rate .*got nan\..*"),
        (("--false-positive-rate", 2), r"Expected a false-positive rate between .*; got 2\.0\..*"),
        (("--alerts-per-day", 0, "--time", "at"), r"Expected a budget of at least 1 alert; got 0."),
        (("--alerts-per-day", 3), r"Expected --time COLUMN with --alerts-per-day: .*Name it\."),
        (("--alerts-per-entity", 3), r"Expected --entity COLUMN with --alerts-per-entity: .*"),
        (("--time", "at"), r"Expected no --time without --alerts-per-day\. Leave it out, .*"),
        (("--entity", "host"), r"Expected no --entity without --alerts-per-entity\..*"),
        (
            ("--alerts-per-day", 3, "--time", "when"),
            r"Expected the column 'when', .* in new\.csv; it has 'bytes', .*Name one of these\.",
        ),
        (
            ("--alerts-per-day", 3, "--time", "proto"),
            r"Expected times in column 'proto', such as .*; got '(tcp|udp)' in row 0\. Correct .*",
        ),
        (("--alerts-per-day", 3, "--time", "host"), r"Expected times .*; got None in row 0\..*"),
    ],
)
def test_option_that_will_not_do(alad, calibrated, options, message):
    alad.refused(message, "score", "calibrated", "new.csv", "-o", "s.csv", *options)


@pytest.mark.parametrize("option", ["--fdr", "--false-positive-rate"])
def test_model_without_a_calibration(alad, model, option):
    message = rf"Expected a calibrated model for {option}; .*--calibration-share .*recalibrate\."
    alad.refused(message, "score", model, "train.csv", "-o", "s.csv", option, 0.1)


def test_p_value_is_a_name_of_ours(alad, calibrated):
    new_rows().with_columns(p_value=1).write_csv("new.csv")
    message = r"Expected columns to copy with other names than .*p_value.*; got 'p_value'\..*"
    alad.refused(message, "score", "calibrated", "new.csv", "-o", "s.csv", "--keep", "p_value")


def test_a_later_batch_that_will_not_do_leaves_nothing(alad, calibrated, monkeypatch):
    monkeypatch.setattr(tables, "ROWS", 50)
    at = new_rows()["at"].to_list()
    new_rows().with_columns(at=pl.Series([*at[:120], "soon", *at[121:]])).write_parquet("new.pq")
    Path("s.csv").write_text("old")
    message = r"Expected times in column 'at', .*; got 'soon' in row 120\..*"
    options = ("-o", "s.csv", "--alerts-per-day", 1, "--time", "at")
    alad.refused(message, "score", "calibrated", "new.pq", *options)


@pytest.mark.parametrize("out", ["s.csv", "s.parquet", "a/b/s.csv", "-"])
def test_full_disk_leaves_the_older_result(alad, calibrated, out):
    if out[:2] == "s.":
        Path(out).write_text("old")
    arguments = ("score", "calibrated", "new.csv", "-o", out, "--fdr", 0.1)
    where = "in .+" if out == "-" else f"beside {re.escape(out)}"
    message = rf"Expected to keep rows {where} until all are judged, but file too large\. .*"
    alad.refused(message, *arguments, code=1, disk_is_full=True)


# ------------------------------------------------------------------------------- days


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (["2026-01-31", " 2026-02-01 23:59"], ["2026-01-31", "2026-02-01"]),
        (["2026-01-31T23:59:59.5+02:00"], ["2026-01-31"]),
        (["2026-01-31T01:00:00+02:00", "2026-01-31 23:00-0500"], ["2026-01-30", "2026-02-01"]),
        (["2026-01-31T01:00:00+02:00", "2026-01-31T01:00:00"], ["2026-01-30", "2026-01-31"]),
        (["2026-01-31 23:59:59 UTC", "0001-01-01"], ["2026-01-31", "0001-01-01"]),
        (["2026-01-31T23", "2026-01-31 23Z"], ["2026-01-31"] * 2),
        ([0, 86_399, 86_400], ["1970-01-01", "1970-01-01", "1970-01-02"]),
        ([1.7e9], ["2023-11-14"]),
        (["1700000000"], ["2023-11-14"]),
    ],
)
def test_days_of_text_and_numbers(values, wanted):
    assert days(pl.Series("at", values), 0).to_list() == wanted


@pytest.mark.parametrize("values", [[20261126, 20261127], ["20261126", None], [20261126.0]])
def test_dates_of_digits_are_no_seconds(values):
    with pytest.raises(InputError, match="got 20261126, which looks like a date"):
        days(pl.Series("at", values), 0)


def test_durations_tell_entities_apart(alad, calibrated):
    long = pl.duration(seconds=pl.int_range(pl.len()) % 3)
    new_rows().with_columns(long.alias("took")).write_parquet("took.parquet")
    options = ("--alerts-per-entity", "1", "--entity", "took")
    done = alad.good("score", "calibrated", "took.parquet", "-o", "s.parquet", *options, "--json")
    assert json.loads(done.out)["anomalies"] == 3


def test_a_time_beyond_all_years_is_no_day():
    column = pl.Series("at", [0, 2**63 - 1]).cast(pl.Datetime("us"))
    for reader in (days, instants):
        with pytest.raises(
            InputError, match=r"years 1 to 9999 in column 'at'; got one beyond in row 6\."
        ):
            reader(column, 5)


def test_days_of_times():
    text = pl.Series("at", ["2026-01-31T23:00:00", "2026-02-01T00:00:00"])
    times = text.str.to_datetime()
    for column in (times, times.dt.date(), times.dt.replace_time_zone("UTC")):
        assert days(column, 0).to_list() == ["2026-01-31", "2026-02-01"]
    assert set(days(times.dt.replace_time_zone("Europe/Berlin"), 0)) == {"2026-01-31"}


@pytest.mark.parametrize(
    "values",
    [
        ["2026-13-01"],
        ["31.01.2026"],
        ["2026-01-31x"],
        [""],
        [-1],
        [float("nan")],
        [1e15],
        [True],
        [[1]],
        [None],
    ],
)
def test_what_is_no_time_is_refused_with_its_row(values):
    with pytest.raises(InputError, match=r"Expected times in column 'at', .* in row 7\."):
        days(pl.Series("at", values, strict=False), 7)


# --------------------------------------------------------------------------- instants


@pytest.mark.parametrize(
    "value", ["2026-13-01", "31.01.2026", "2026-01-31x", "", float("nan"), float("inf"), True, None]
)
def test_what_is_no_instant_is_refused_with_its_row(value):
    with pytest.raises(InputError, match=r"Expected times in column 'at', .* in row 7\."):
        instants(pl.Series("at", [value]), 7)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01", 0),
        (" 1970-01-01T00:00:01Z ", 1),
        ("1970-01-01 00:01", 60),
        ("1970-01-01T00:00:00.25", 0.25),
        ("1970-01-01T02:00:00+02:00", 0),
        ("1969-12-31T22:30:00 -0130", 0),
        ("1970-01-01 00:00:01,5", 1.5),
        ("1970-01-01T01", 3600),
        ("12.5", 12.5),
    ],
)
def test_instants_of_text(text, seconds):
    assert instants(pl.Series("at", ["1970-01-02", text]), 0).tolist() == [86_400, seconds]


def test_instants_of_types():
    times = pl.Series("at", ["2026-01-31T23:00:00", "2026-02-01T00:00:00.5"]).str.to_datetime()
    seconds = [1_769_900_400.0, 1_769_904_000.5]
    assert instants(times, 0).tolist() == seconds
    assert instants(times.dt.replace_time_zone("UTC"), 0).tolist() == seconds
    there = times.dt.replace_time_zone("Europe/Berlin")
    assert instants(there, 0).tolist() == [second - 3600 for second in seconds]
    assert instants(times.dt.date(), 0).tolist() == [1_769_817_600.0, 1_769_904_000.0]
    assert instants(pl.Series("at", [3, 4]), 0).tolist() == [3.0, 4.0]


# ---------------------------------------------------------------- formats that fit learned


@pytest.mark.parametrize(
    ("values", "form", "wanted"),
    [
        (["26/Nov/2026:23:30:00 -0800"], "%d/%b/%Y:%H:%M:%S %z", "2026-11-27"),
        (["26/Nov/2026:23:30:00"], "%d/%b/%Y:%H:%M:%S", "2026-11-26"),
        (["Nov 26 17:02:11"], "%b %d %H:%M:%S", "11-26"),
        ([1_793_731_200_000], "milliseconds", "2026-11-03"),
        (["1793731200000"], "milliseconds", "2026-11-03"),
        ([20_261_126], "%Y%m%d", "2026-11-26"),
    ],
)
def test_days_of_a_format_are_in_utc_where_it_has_a_zone(values, form, wanted):
    assert days(pl.Series("at", values), 0, form).to_list() == [wanted]


def test_instants_of_a_format_are_in_utc():
    text = pl.Series("at", ["02/Jan/1970:01:00:00 +0100"])
    assert instants(text, 0, "%d/%b/%Y:%H:%M:%S %z").tolist() == [86_400]
    assert instants(pl.Series("at", [1500]), 0, "milliseconds").tolist() == [1.5]


def test_what_a_format_does_not_tell_is_refused():
    text = pl.Series("at", ["Nov 26 17:02:11"])
    with pytest.raises(InputError, match="Expected times with a year in column 'at'"):
        instants(text, 0, "%b %d %H:%M:%S")
    with pytest.raises(InputError, match="Expected times with a day in column 'at'"):
        days(pl.Series("at", ["17:02"]), 0, "%H:%M")
    with pytest.raises(InputError, match=r"written as %b %d %H:%M, as at fit; got .* in row 7\."):
        days(text, 7, "%b %d %H:%M")


def access_log(n: int) -> pl.DataFrame:
    """Rows an hour apart, from before midnight on, with times as Apache writes them."""
    rng = np.random.default_rng(n)
    days_of = [f"{1 + (i + 12) // 24:02}/Nov/2026:{(i + 12) % 24:02}:00:00 +0100" for i in range(n)]
    return pl.DataFrame({"at": days_of, "bytes": rng.normal(size=n)})


def test_a_format_that_fit_learned_is_known_to_rules_reports_and_drift(alad):
    access_log(400).write_csv("log.csv")
    access_log(60).write_csv("new.csv")
    alad.good("fit", "log.csv", "-o", "model", "--detector", "knn")
    alad.good("score", "model", "new.csv", "-o", "s.csv", "--all-columns", "--alerts-per-day", "1")
    flagged = pl.read_csv("s.csv").filter("is_anomaly")["at"].str.slice(0, 2)
    assert sorted(flagged) == ["01", "02", "03"]
    alad.good("report", "model", "s.csv", "-o", "r.html")
    assert "Rows and" in Path("r.html").read_text("utf-8")
    assert "Their order: by 'at'" in alad.good("drift", "model", "new.csv").out


def test_many_low_p_values_are_told_whoever_is_flagged(alad, calibrated):
    rows, done = scored(alad, "--false-positive-rate", 0.001)
    share = (rows["p_value"] <= 0.05).mean()
    assert share > 0.1
    assert f"note: {share:.1%} of the rows have a p-value of at most 0.05, where 5% of" in done.err
    new_rows().filter(pl.col("bytes") < 5).write_csv("new.csv")
    rows, done = scored(alad, "--false-positive-rate", 0.001)
    assert (rows["p_value"] <= 0.05).mean() < 0.1
    assert "of the rows have a p-value" not in done.err
    new_rows().tail(40).write_csv("new.csv")  # too few to say
    _, done = scored(alad, "--false-positive-rate", 0.001)
    assert "of the rows have a p-value" not in done.err
