"""What a scored table says, as a dictionary: counts are exact, work and page are bounded."""

from __future__ import annotations

import dataclasses
import json
import re

import numpy as np
import polars as pl
import pytest

from alad import KNN, Mahalanobis
from alad.errors import InputError
from alad.preprocessing.schema import Schema, Stated
from alad.reasons import explain as explained_by_alad
from alad.report import cases, groups, tally
from alad.report.likeness import told
from alad.report.tally import Axis, Moments
from alad.report.triage import summarise
from tests.report.scored import (
    HOSTILE,
    Reasons,
    detector,
    explain,
    in_batches,
    new_rows,
    normal_rows,
    scored_rows,
)


@pytest.fixture(scope="module")
def model():
    return detector()


@pytest.fixture(scope="module")
def scored(model):
    return scored_rows(model, new_rows(), p=True)


@pytest.fixture(scope="module")
def summary(model, scored):
    return summarise(model, in_batches(scored), explain, time="when", entity="host")


def test_it_is_json(summary):
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_counts_are_those_of_the_table(summary, scored):
    alerts = int(scored["is_anomaly"].sum())
    assert alerts >= 47
    assert (summary["scored"]["rows"], summary["scored"]["alerts"]) == (247, alerts)
    assert sum(summary["scores"]["quiet"]) == 247 - alerts
    assert sum(summary["scores"]["alerts"]) == sum(summary["over"]["alerts"]) == alerts
    assert sum(summary["over"]["rows"]) == sum(summary["calibration"]["counts"]) == 247
    groups = summary["groups"]
    assert sum(group["count"] for group in groups["shown"]) + groups["more_alerts"] == alerts


def test_a_scan_is_one_group_and_the_large_ones_another(summary):
    by_items = {
        tuple((item["column"], item["text"]) for item in group["items"]): group
        for group in summary["groups"]["shown"]
    }
    scan, large = by_items[(("count", "higher"),)], by_items[(("bytes", "higher"),)]
    assert (scan["count"], scan["rows"]) == (40, [200, 239])
    assert scan["times"] == ["2026-03-02 03:20:00", "2026-03-02 03:59:00"]
    assert large["rows"][1] == 246
    first = scan["columns"][0]
    assert (first["column"], first["seen"], first["expected"]) == ("count", "90", "4")
    assert first["rarity"] == pytest.approx(0.25)
    assert scan["first"] == first
    assert scan["listed"]["row"] == list(range(200, 240))
    assert len(scan["listed"]["p_value"]) == len(scan["listed"]["anomaly_score"]) == 40
    assert len(scan["examples"]) <= groups.EXAMPLES
    assert {example["entity"] for example in scan["examples"]} == {HOSTILE}


def test_of_the_alerts_of_a_group_time_entity_and_leading_columns_are_listed(summary, scored):
    scan = next(g for g in summary["groups"]["shown"] if g["first"]["column"] == "count")
    names, listed = scan["listed_as"], scan["listed"]
    assert names[:6] == ["row", "anomaly_score", "p_value", "when", "host", "count"]
    assert sorted(names) == sorted(listed)
    rows = scored[200:240]
    assert listed["when"] == rows["when"].cast(pl.String).to_list()
    assert listed["count"] == ["90"] * 40
    assert set(listed["host"]) == {HOSTILE}


def test_long_texts_are_listed_cut_and_gaps_as_such():
    values = pl.Series("path", ["x" * 999, None, "="])
    assert groups._as_text(values) == ["x" * groups.LONGEST, None, "="]


def test_an_alert_stands_beside_its_nearest_normal_row(summary, scored):
    group = next(g for g in summary["groups"]["shown"] if g["first"]["column"] == "count")
    example = group["examples"][0]
    beside, row = example["beside"], scored.row(example["row"], named=True)
    assert beside["differs"][0] == {"column": "count", "seen": "90", "normal": "4"}
    assert {"column": "bytes", "seen": "100", "normal": "100"} in beside["alike"]
    pairs = beside["differs"] + beside["alike"]
    assert {p["column"]: p["seen"] for p in pairs} == {
        p["column"]: told(row[p["column"]]) for p in pairs
    }
    assert (len(pairs), beside["more"]) == (4, 0)


def test_what_is_seen_stands_as_in_the_table(model):
    large = pl.when(pl.col("bytes") == 2000).then(2000.4321).otherwise("bytes").alias("bytes")
    frame = scored_rows(model, new_rows().with_columns(large))
    shown = summarise(model, in_batches(frame), explain)["groups"]["shown"]
    group = next(g for g in shown if g["first"]["column"] == "bytes")
    (reason,) = (r for r in group["examples"][0]["reasons"] if r["column"] == "bytes")
    (pair,) = (p for p in group["examples"][0]["beside"]["differs"] if p["column"] == "bytes")
    assert (group["first"]["seen"], reason["seen"], pair["seen"]) == ("2,000.4321",) * 3
    assert (reason["expected"], pair["normal"]) == ("100", "100")


def test_what_hardly_differs_and_is_unusual_differs_from_the_normal_row_beside_it():
    close = (300 + (pl.col("bytes") - 100) / 1e5).alias("bytes")
    narrow = Mahalanobis(contamination=0.01).fit(normal_rows().with_columns(close))
    frame = scored_rows(narrow, new_rows().with_columns(close))

    def nowhere(*of):
        found = explain(*of)
        expected = found.expected.with_columns(bytes=pl.lit(300.00002))
        return dataclasses.replace(found, expected=expected, rarity=found.rarity * 0)

    shown = summarise(narrow, in_batches(frame), nowhere)["groups"]["shown"]
    beside = [example["beside"] for group in shown for example in group["examples"]]
    wanted = {"column": "bytes", "seen": "300.019", "normal": "300"}
    assert any(wanted in one["differs"] for one in beside)
    assert not any(wanted in one["alike"] for one in beside)


def test_of_many_columns_those_that_bring_most_stand_beside(model, scored, monkeypatch):
    monkeypatch.setattr(groups, "BESIDE", 1)
    shown = summarise(model, in_batches(scored), explain)["groups"]["shown"]
    beside = next(g for g in shown if g["first"]["column"] == "count")["examples"][0]["beside"]
    assert [pair["column"] for pair in beside["differs"]] == ["count"]
    assert (beside["alike"], beside["more"]) == ([], 3)


def test_nothing_stands_beside_where_there_is_no_normal_row(model, scored):
    def without(*of):
        found = explain(*of)
        return dataclasses.replace(found, nearest=found.nearest[:, :0])

    shown = summarise(model, in_batches(scored), without)["groups"]["shown"]
    assert {example["beside"] for group in shown for example in group["examples"]} == {None}


def test_a_group_says_that_its_alerts_differ_where_only_one_is_explained(model):
    """Words that fit did not see look the same to a model: one stands for all."""
    first = pl.int_range(pl.len()) < 40
    words = pl.concat_str(pl.lit("word "), pl.int_range(pl.len()).cast(pl.String))
    rows = normal_rows().with_columns(pl.when(first).then(words).otherwise("proto").alias("proto"))
    rows = rows.with_columns(pl.when(first).then(4.0).otherwise("count").alias("count"))
    rows = rows.with_columns(pl.when(first).then(100.0).otherwise("bytes").alias("bytes"))
    table = scored_rows(model, rows).with_columns(first.alias("is_anomaly"))
    found = summarise(model, in_batches(table), explain)["groups"]["shown"]
    group = next(group for group in found if group["count"] > 20)
    seen = {column["column"]: column["seen"] for column in group["columns"]}
    assert re.fullmatch(r"word \d+ and others", seen["proto"])
    assert ("proto", "unseen at fit") in [tuple(i.values()) for i in group["items"]]


def test_the_most_severe_group_is_first(summary, scored):
    severity = [group["score"] for group in summary["groups"]["shown"]]
    assert severity == sorted(severity, reverse=True)
    assert severity[0] == scored["anomaly_score"].max()
    assert summary["groups"]["shown"][0]["p_value"] == scored["p_value"].min()


def test_entities_have_their_alerts_and_all_their_rows(summary, scored):
    top = summary["entities"]["top"][0]
    assert (top["entity"], top["alerts"], top["rows"]) == (HOSTILE, 40, 40)
    ours = scored.filter((pl.col("host") == "a") & pl.col("is_anomaly")).height
    normal = [entry for entry in summary["entities"]["top"] if entry["entity"] == "a"]
    assert [(e["alerts"], e["rows"]) for e in normal] == ([(ours, 200)] if ours else [])


def test_of_alerts_alone_nothing_is_said_of_all_rows_of_an_entity(model, scored):
    found = summarise(model, in_batches(scored.filter("is_anomaly")), explain, entity="host")
    top = found["entities"]["top"][0]
    assert (top["entity"], top["alerts"], top["rows"]) == (HOSTILE, 40, None)


def test_the_size_of_batches_does_not_matter(summary, model, scored):
    whole = summarise(model, in_batches(scored, 1000), explain, time="when", entity="host")
    assert whole == summary


def test_p_values_of_uniform_rows_say_that_they_are_alike(model):
    table = scored_rows(model, normal_rows(400, seed=3), p=True)
    table = table.with_columns(p_value=pl.Series(np.linspace(0.001, 1, 400)))
    found = summarise(model, in_batches(table), explain)["calibration"]
    assert found["alike"] == pytest.approx(1, abs=0.02)
    assert found["share_small"] == pytest.approx(0.05, abs=0.01)


def test_without_p_values_time_and_entity(model, scored):
    bare = scored.drop("p_value", "when", "host")
    found = summarise(model, in_batches(bare), explain)
    assert found["calibration"] is None
    assert found["entities"] is None
    assert (found["over"]["kind"], found["over"]["column"]) == ("row", None)
    assert found["groups"]["shown"][0]["p_value"] is None
    assert found["groups"]["shown"][0]["times"] is None


def _never(*_):
    raise AssertionError("there is nothing to explain")


def test_no_alert_is_explained_where_there_is_none(model):
    table = scored_rows(model, normal_rows(50, seed=4)).with_columns(is_anomaly=False)
    found = summarise(model, in_batches(table), _never)
    assert (found["scored"]["alerts"], found["groups"]["shown"]) == (0, [])


@pytest.mark.parametrize("flagged", [1, 247])
def test_one_alert_and_nothing_but_alerts(model, scored, flagged):
    highest = pl.col("anomaly_score").rank("ordinal", descending=True) <= flagged
    table = scored.with_columns(highest.alias("is_anomaly"))
    least = table.filter("is_anomaly")["anomaly_score"].min()
    found = summarise(model, in_batches(table), explain, time="when")
    assert found["scored"]["alerts"] == flagged
    assert not found["scored"]["by_threshold"]
    assert found["scored"]["lowest_alert"] == found["scores"]["threshold"] == least
    assert sum(g["count"] for g in found["groups"]["shown"]) == flagged


def test_so_many_alerts_are_listed_at_most(model, scored, monkeypatch):
    monkeypatch.setattr(tally, "LISTED", 70)
    found = summarise(model, in_batches(scored.with_columns(is_anomaly=True)), explain)["groups"]
    rows = [row for group in found["shown"] for row in group["listed"]["row"]]
    assert sorted(rows) == list(range(70))


def test_work_and_page_are_bounded_and_counts_still_exact(model, monkeypatch):
    monkeypatch.setattr(cases, "EXPLAINED", 12)
    monkeypatch.setattr(groups, "GROUPS", 2)
    monkeypatch.setattr(tally, "KEPT", 30)
    monkeypatch.setattr(tally, "HIGHEST", 5)
    table = scored_rows(model, new_rows(scan=80, large=40)).with_columns(is_anomaly=True)
    asked = []

    def counted(detector, X):
        asked.append(X.height)
        return explain(detector, X)

    found = summarise(model, in_batches(table), counted)["groups"]
    assert asked == [12] == [found["explained"]]
    assert found["alerts"] == 320
    assert len(found["shown"]) == 2
    assert found["more"] == found["total"] - 2 > 0
    assert found["more_alerts"] == 320 - sum(group["count"] for group in found["shown"]) > 0


def test_the_same_seed_draws_the_same_alerts(model, monkeypatch):
    monkeypatch.setattr(tally, "KEPT", 30)
    monkeypatch.setattr(tally, "HIGHEST", 5)
    table = scored_rows(model, new_rows()).with_columns(is_anomaly=True)
    first, again = (summarise(model, in_batches(table), explain, seed=3) for _ in range(2))
    assert first == again


def test_the_largest_groups_are_shown_beside_the_most_severe():
    found = [(None, [i]) for i in range(100)]
    count = np.arange(100)
    shown = groups._shown(found, count)
    assert shown == [*range(30), *range(70, 100)]
    assert groups._shown(found[:3], count) == [0, 1, 2]


def test_a_model_of_an_array_takes_the_columns_in_their_order():
    rows = normal_rows().select("bytes", "count")
    array_model = Mahalanobis(random_state=0).fit(rows.to_numpy())
    scores = -array_model.score_samples(rows.to_numpy())
    table = pl.DataFrame(
        {"row": range(300), "anomaly_score": scores, "is_anomaly": scores > -array_model.offset_}
    ).hstack(rows)

    def of_array(detector, X):
        assert X.shape[1] == 2
        frame = pl.DataFrame(X, ["bytes", "count"], orient="row")
        return type(explain(detector_of_table, full(X)))(
            ("bytes", "count"),
            np.abs(X),
            frame,
            frame,
            np.ones(X.shape),
            np.zeros((len(X), 1), int),
        )

    detector_of_table, full = detector(), lambda X: normal_rows(len(X))
    found = summarise(array_model, in_batches(table), of_array)
    assert found["model"]["names"] is None
    assert found["scored"]["alerts"] == int(table["is_anomaly"].sum())
    with pytest.raises(InputError, match="Expected the 2 columns that the model was fitted on"):
        summarise(array_model, in_batches(table.drop("count")), of_array)


def test_columns_of_roles_are_taken_where_the_table_has_them(model, scored, monkeypatch):
    roles = {"time_column": "when", "entity_column": "nowhere"}
    for role, name in roles.items():
        monkeypatch.setattr(type(model.encoder_), role, name, raising=False)
    found = summarise(model, in_batches(scored), explain)
    assert found["over"]["column"] == "when"
    assert found["entities"] is None


# ------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("drop", "message"),
    [
        (
            "anomaly_score",
            r"that 'alad score' wrote at scored\.parquet; it has no column 'anomaly_",
        ),
        ("is_anomaly", r"it has no column 'is_anomaly'\. Give what 'alad score MODEL TABLE"),
        (
            "bytes",
            r"missing: 'bytes'\. Score the table with --all-columns, or with --keep for each",
        ),
    ],
)
def test_missing_columns_are_named(model, scored, drop, message):
    with pytest.raises(InputError, match=message):
        summarise(model, in_batches(scored.drop(drop)), explain)


def test_scores_of_another_model_are_refused(scored):
    other = KNN(random_state=0).fit(normal_rows())
    with pytest.raises(
        InputError, match=r"Expected scores of this model in scored\.parquet; row 0"
    ):
        summarise(other, in_batches(scored), explain)


@pytest.mark.parametrize("option", ["time", "entity"])
def test_an_unknown_column_is_named(model, scored, option):
    with pytest.raises(InputError, match=rf"Expected --{option} to name a column .* no 'nowhere'"):
        summarise(model, in_batches(scored), explain, **{option: "nowhere"})


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("anomaly_score", pl.lit("high")),
        ("anomaly_score", pl.lit(None, pl.Float64)),
        ("anomaly_score", pl.lit(float("nan"))),
        ("p_value", pl.lit(None, pl.Float64)),
        ("p_value", pl.lit(float("nan"))),
        ("p_value", pl.when(pl.int_range(pl.len()) == 9).then(7.0).otherwise(0.5)),
        ("p_value", pl.lit(-1e-9)),
        ("is_anomaly", pl.lit("perhaps")),
        ("row", pl.lit(1e300)),
        ("row", pl.lit(None, pl.Int64)),
        ("row", pl.lit(-1)),
    ],
)
def test_what_score_does_not_write_is_refused(model, scored, column, values):
    table = scored.with_columns(values.alias(column))
    with pytest.raises(
        InputError, match=r"Expected .* of scored\.parquet.*Score (the table|it) again"
    ):
        summarise(model, in_batches(table), explain)


def test_the_first_p_value_that_is_none_is_named_with_its_row(model, scored):
    p = pl.when(pl.int_range(pl.len()) == 9).then(7.0).otherwise(0.5).alias("p_value")
    message = r"from 0 to 1 in column 'p_value' of scored\.parquet; got 7 in row 9\."
    with pytest.raises(InputError, match=message):
        summarise(model, in_batches(scored.with_columns(p)), explain)


def test_a_time_that_is_none_is_refused(model, scored):
    with pytest.raises(InputError, match="Expected times or numbers in column 'proto'"):
        summarise(model, in_batches(scored), explain, time="proto")


def test_times_beyond_what_python_has_are_left_alone_or_refused(model, scored):
    forever = 253_402_300_800_000 + np.arange(len(scored))  # from the year 10000 on
    until = pl.Series("until", forever).cast(pl.Datetime("ms"))
    beside = summarise(model, in_batches(scored.with_columns(until)), explain, entity="until")
    assert beside["groups"]["shown"][0]["examples"][0]["entity"].startswith("+10000-01-01")
    with pytest.raises(InputError, match="years 1 to 9999 in column 'until'"):
        summarise(model, in_batches(scored.with_columns(until)), explain, time="until")


# --------------------------------------------------------------------------- small parts


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (["2026-03-02 00:00:00", "2026-03-02T00:01:00"], "time", [1772409600.0, 1772409660.0]),
        (["2026-03-02T00:00:00Z", None], "time", [1772409600.0, np.nan]),
        ([3, 5], "number", [3.0, 5.0]),
        (["3", "5.5"], "number", [3.0, 5.5]),
    ],
)
def test_moments_are_read_from_what_tables_hold(values, kind, expected):
    moments = Moments("when")
    found = moments.of(pl.DataFrame({"when": values}))
    assert moments.kind == kind
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("low", "high", "threshold", "scale"),
    [
        (1e-9, 1e4, 1.0, "log"),
        (-2.0, 3.0, 1.0, "linear"),
        (0.0, 3.4e38, 1.0, "asinh"),
        (2.0, 2.0, 2.0, "linear"),
        (5.0, 6.0, -1.0, "linear"),
    ],
)
def test_an_axis_spans_any_scores(low, high, threshold, scale):
    axis = Axis.spanning(low, high, threshold)
    assert axis.scale == scale
    assert (np.diff(axis.edges) > 0).all()
    found = axis.bins(np.array([low, high]))
    assert found[0] == 0
    assert 0 <= found[1] < tally.BINS


def test_ports_are_names_and_no_numbers_with_a_median():
    frame = pl.DataFrame({"port": [8080.0, None], "bytes": [8080.0, 1.0]})
    nothing = np.zeros((2, 2))
    reasons = Reasons(("port", "bytes"), nothing, frame, frame, nothing, np.zeros((2, 1), int))
    found = cases.Cases(frame, reasons, nothing, {"port": "port", "bytes": "numeric"})
    assert found.seen("port").to_list() == ["8080", None]
    assert found.seen("bytes").to_list() == [8080.0, 1.0]


def test_of_many_digits_those_are_shown_that_are_needed():
    frame = pl.DataFrame({"net": [1905.9999999999998, 4294967297.0, 100.12345678901]})
    expected, nothing = pl.DataFrame({"net": [12.0, 12.0, 100.1234]}), np.zeros((3, 1))
    reasons = Reasons(("net",), nothing, frame, expected, nothing, np.zeros((3, 1), int))
    assert cases.Cases(frame, reasons, nothing).seen("net").to_list() == [
        1906,
        2**32 + 1,
        100.12346,
    ]


AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 {} " + "and so on; " * 5


def test_long_texts_are_shown_where_they_differ(model, scored):
    proto, n = pl.col("proto"), pl.int_range(pl.len())
    agent = pl.format(AGENT.format("Firefox/{}.0"), 100 + n % 3)
    hosts = scored.with_columns(pl.when("is_anomaly").then(agent).otherwise(proto).alias("proto"))
    rows = scored_rows(model, hosts.drop("row", "anomaly_score", "p_value", "is_anomaly"))

    def beside_others(*of):
        found = explain(*of)
        return dataclasses.replace(
            found, expected=found.expected.with_columns(proto=pl.lit(AGENT.format("Chrome/99.0")))
        )

    found = summarise(model, in_batches(rows), beside_others, entity="proto")
    top = {entry["entity"] for entry in found["entities"]["top"]}
    assert {version for name in top for version in re.findall("Firefox/...", name)} == {
        "Firefox/100",
        "Firefox/101",
        "Firefox/102",
    }
    pairs = [
        pair
        for group in found["groups"]["shown"]
        for example in group["examples"]
        for pair in example["beside"]["differs"]
        if pair["column"] == "proto"
    ]
    assert pairs
    for pair in pairs:
        assert re.fullmatch(r"Mozilla/5.0 \(X11; …[^…]*Firefox/10\d\.0 [^…]*….*", pair["seen"])
        assert re.fullmatch(r"Mozilla/5.0 \(X11; …[^…]*Chrome/99[^…]*….*", pair["normal"])


def test_a_long_text_that_fit_saw_is_not_shown_as_never_seen():
    agents = [AGENT.format(f"Firefox/{i}.0") for i in range(300)]
    frame = pl.DataFrame({"bytes": [*map(float, range(600))], "agent": agents * 2})
    told = Schema((Stated("bytes", "numeric"), Stated("agent", "frequency")))
    keeper = KNN(random_state=0).fit(frame, schema=told)
    far = frame.head(4).with_columns(bytes=pl.lit(9e9))
    new = pl.concat([far, far.with_columns(agent=pl.lit(AGENT.format("sqlmap")))])
    found = cases.explained(keeper, scored_rows(keeper, new), ("bytes", "agent"), explained_by_alad)
    named = found.reasons.seen["agent"]
    assert named.str.len_chars().max() <= 60
    assert found.never_seen(named).sum() == 1
    assert found.never_seen(named.filter(named.str.contains("Firefox"))).sum() == 0


def test_as_many_alerts_are_ordered_by_the_highest_score():
    found = tally.Entities("host")
    found.add(pl.DataFrame({"host": ["a", "b", "c", "c"], "anomaly_score": [1.0, 2.0, 0.1, 0.2]}))
    assert found.foremost(2) == ("c", "b")


def test_entities_are_forgotten_where_there_are_too_many(monkeypatch):
    monkeypatch.setattr(tally, "ENTITIES", 10)
    found = tally.Entities("host")
    for start in range(0, 40, 4):
        hosts = ["busy"] * 3 + [f"h{i}" for i in range(start, start + 4)]
        found.add(pl.DataFrame({"host": hosts, "anomaly_score": [1.0] * 7}))
    assert len(found.counts) <= 10
    assert found.counts["busy"] == 30
    assert not found.distinct_is_exact


def test_a_value_that_is_far_out_does_not_drown_the_others(model):
    """In float32 all rows with it would be equally far from each explained one."""
    rows = new_rows(scan=0, large=20).with_columns(
        pl.when(pl.int_range(pl.len()) >= 200).then(1e30).otherwise("bytes").alias("bytes")
    )
    found = cases.features(model, rows, model.feature_names_in_.tolist())
    assert np.abs(found).max() == cases.FAR
    assert len(np.unique(found[200:], axis=0)) > 1


def test_times_that_nobody_asked_for_and_that_have_no_order_are_left_aside():
    rng = np.random.default_rng(0)
    when = [f"Nov {1 + i // 24:2} {i % 24:02}:00:00" for i in range(200)]
    rows = pl.DataFrame({"when": when, "bytes": rng.normal(size=200)})
    model = KNN(random_state=0).fit(rows)
    table = rows.with_row_index("row").with_columns(
        anomaly_score=pl.Series(-model.score_samples(rows)), is_anomaly=False
    )
    assert summarise(model, in_batches(table), explain)["over"]["column"] is None
    with pytest.raises(InputError, match=r"none can be read\. Name another column by --time"):
        summarise(model, in_batches(table), explain, time="when")


@pytest.mark.parametrize(
    ("value", "form", "second"),
    [
        ("1970-01-01 00:00:01,5", "", 1.5),
        ("1970-01-01 01:00:02 +0100", "", 2),
        ("01/Jan/1970:01:00:02 +0100", "%d/%b/%Y:%H:%M:%S %z", 2),
        (2500, "milliseconds", 2.5),
        ("2500", "milliseconds", 2.5),
    ],
)
def test_moments_are_read_as_fit_reads_them(value, form, second):
    moments = Moments("when", form)
    assert moments.of(pl.DataFrame({"when": [value]})).tolist() == [second]
    assert moments.kind == "time"
