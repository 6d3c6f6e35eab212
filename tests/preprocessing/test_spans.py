"""How long times have to span for their hour and weekday to be learned, and what is, if not."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from alad import KNN, load
from alad.errors import InputError, LeftOutWarning
from alad.preprocessing.kinds.times import ENOUGH
from alad.preprocessing.learning.tables import TableLearner, fit_encoder
from alad.preprocessing.schema import Schema, Stated
from alad.preprocessing.table import TableEncoder
from alad.reasons import explain

MONDAY = dt.datetime(2026, 11, 2)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
ALL = ("at hour sin", "at hour cos", "at weekday sin", "at weekday cos")
NEITHER = "rows of 6 hours: neither hour nor weekday is learned"
NO_WEEKDAY = "rows of 5 days: the weekday is not learned"


def every(step: dt.timedelta, until: dt.timedelta, first: dt.datetime = MONDAY) -> pl.Series:
    """Times from the first on, at even steps, with the last."""
    return pl.Series("at", [first + i * step for i in range(int(until / step) + 1)])


def beside(times: pl.Series) -> pl.DataFrame:
    """A table of those times and of numbers."""
    numbers = np.random.default_rng(0).normal(size=len(times))
    return pl.DataFrame({"at": times, "n": numbers})


def learned(times: pl.Series, schema: Schema | None = None) -> tuple[tuple[str, ...], str]:
    """The features of those times, and the note on them."""
    column = fit_encoder(beside(times), schema).columns[0]
    return column.features, column.note


SHORT, WORKING, LONG = every(HOUR, 6 * HOUR), every(HOUR, 5 * DAY), every(HOUR, 14 * DAY)


@pytest.mark.parametrize(
    ("times", "features", "note"),
    [
        (SHORT, (), NEITHER),
        (every(HOUR / 60, 6 * HOUR - HOUR / 60), (), NEITHER),
        (every(HOUR, 30 * HOUR), (), "rows of 30 hours: neither hour nor weekday is learned"),
        (every(HOUR, 2 * DAY), ALL[:2], "rows of 2 days: the weekday is not learned"),
        (
            every(HOUR / 6, 2 * DAY - HOUR / 6),
            ALL[:2],
            "rows of 47.8 hours: the weekday is not learned",
        ),
        (every(HOUR, 2 * DAY - 2 * HOUR), (), "rows of 46 hours: neither hour nor weekday"),
        (WORKING, ALL[:2], NO_WEEKDAY),
        (every(HOUR, 12 * DAY), ALL[:2], "rows of 12 days: the weekday is not learned"),
        (LONG, ALL, ""),
        (every(HOUR, 14 * DAY - HOUR), ALL, ""),  # fourteen whole days
        (every(DAY, 30 * DAY), ALL[2:], ""),
        (every(DAY, 4 * DAY).cast(pl.Date), (), NO_WEEKDAY),
        (every(DAY, 13 * DAY).cast(pl.Date), ALL[2:], ""),  # the last is a whole day
        (every(HOUR, 6 * HOUR).dt.time(), ALL[:2], ""),  # of days that nobody knows
        (every(HOUR, 0 * HOUR, MONDAY + HOUR), (), "rows of one time: neither hour nor weekday"),
    ],
)
def test_hours_and_weekdays_are_learned_where_their_cycle_was_seen_twice(times, features, note):
    found = learned(times)
    assert found[0] == features
    assert found[1].startswith(note) if note else found[1] == ""


@pytest.mark.parametrize("form", ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%d.%m.%Y %H:%M"])
def test_text_and_numbers_span_as_long_as_times(form):
    for times, features in ((SHORT, ()), (WORKING, ALL[:2]), (LONG, ALL)):
        assert learned(times.dt.strftime(form))[0] == features
        numbers = times.dt.epoch("ms").alias("at")
        stated = Schema((Stated("at", "time", "time"), Stated("n", "numeric")))
        assert learned(numbers, stated)[0] == features


def test_one_time_that_is_far_off_makes_no_span():
    stray = pl.Series("at", [dt.datetime(1970, 1, 1)])
    features, note = learned(pl.concat([stray, SHORT]))
    assert (features, note) == ((), "rows on 2 dates alone: neither hour nor weekday is learned")
    features, note = learned(pl.concat([stray, every(HOUR, 4 * DAY + 9 * HOUR)]))
    assert features == ALL[:2]
    assert note == "rows on 6 dates alone: the weekday is not learned"


def test_days_without_a_year_span_no_year_because_it_ends():
    ends = every(HOUR, 6 * HOUR, dt.datetime(2026, 12, 31, 21)).dt.strftime("%b %d %H:%M:%S")
    assert learned(ends) == (
        (),
        "read as %b %d %H:%M:%S; rows on 2 dates alone: the hour is not learned",
    )


def test_a_stated_kind_does_not_switch_it_off():
    encoder = fit_encoder(beside(SHORT))
    (stated, _) = encoder.stated
    assert (stated.kind, stated.role, stated.note) == ("time", "time", NEITHER)
    assert fit_encoder(beside(SHORT), encoder.stated) == encoder
    assert learned(LONG, encoder.stated)[0] == ALL  # nor does a short table for a longer one


@pytest.mark.parametrize("times", [SHORT, WORKING, LONG])
@pytest.mark.parametrize("cuts", [1, 7, 100])
def test_where_a_stream_is_cut_does_not_matter(times, cuts):
    learner, shuffled = TableLearner(), beside(times).sample(fraction=1, shuffle=True, seed=1)
    for rows in shuffled.iter_slices(cuts):
        learner.update(rows)
    found, whole = learner.columns()[0], fit_encoder(shuffled).columns[0]
    assert (found.features, found.note) == (whole.features, whole.note)
    assert found.learned["parts"] == whole.learned["parts"]
    np.testing.assert_allclose(found.learned["fill"], whole.learned["fill"], atol=1e-12)


def test_a_column_without_features_keeps_its_role_and_may_be_absent(tmp_path):
    with pytest.warns(LeftOutWarning, match=f"'at': {NEITHER}. Rows of more days would teach"):
        detector = KNN(k=2).fit(beside(SHORT))
    detector.save(tmp_path / "model")
    read = load(tmp_path / "model")
    assert read.encoder_ == detector.encoder_
    assert (read.encoder_.time_column, read.encoder_.feature_names) == ("at", ("n",))
    rows = beside(every(HOUR, 6 * HOUR, MONDAY + 300 * DAY))
    scores = detector.score_samples(rows)
    np.testing.assert_array_equal(read.score_samples(rows.drop("at")), scores)
    assert explain(read, rows).columns == ("n",)
    with pytest.warns(LeftOutWarning, match=NEITHER):  # also of what a schema states
        KNN(k=2).fit(beside(SHORT), schema=read.encoder_.stated)


def test_nothing_but_short_times_is_nothing_to_learn_from():
    with pytest.raises(InputError, match=f"at least one column .* got none .'at': {NEITHER}"):
        fit_encoder(SHORT.to_frame())


def test_normal_rows_of_the_next_hours_are_no_news():
    rows, rng = 400, np.random.default_rng(0)

    def part(first: dt.datetime) -> pl.DataFrame:
        times = [first + i * 6 * HOUR / rows for i in range(rows)]
        return pl.DataFrame({"at": times, "a": rng.normal(size=rows), "b": rng.normal(size=rows)})

    detector = KNN(random_state=0).fit(part(MONDAY)).calibrate(part(MONDAY))
    found = detector.p_values(part(MONDAY + 6 * HOUR))
    assert (found <= 0.05).mean() < 0.15


def test_gaps_of_a_time_are_told_though_nothing_else_is():
    times = SHORT.scatter([2], None)
    encoder = fit_encoder(beside(times))
    assert encoder.feature_names == ("at is missing", "n")
    x, notes = encoder.transform(beside(times))
    assert x[:, 0].tolist() == [0, 0, 1, 0, 0, 0, 0]
    assert notes.missing == {"at": 1}
    assert encoder.decode(x)["at"].to_list() == ["any time"] * 2 + [None] + ["any time"] * 4
    np.testing.assert_array_equal(encoder.legal(x), x)
    reasons = explain(KNN(k=1).fit(beside(times)), beside(times))
    assert np.isfinite(reasons.contributions).all()


def test_fewer_features_go_through_all_that_reads_them():
    detector = KNN(k=2).fit(beside(WORKING))
    encoder, (sunday,) = detector.encoder_, every(DAY, 0 * DAY, MONDAY + 6 * DAY + 3 * HOUR)
    row = pl.DataFrame({"at": [sunday], "n": [0.0]})
    x = encoder.transform(row)[0]
    assert encoder.decode(x)["at"].to_list() == ["~03:00"]
    np.testing.assert_allclose(encoder.legal(2 * x)[:, :2], x[:, :2], atol=1e-6)
    gap = encoder.transform(row.with_columns(at=pl.lit(None, pl.Datetime)))[0]
    assert encoder.decode(gap)["at"].to_list() == [None]
    assert explain(detector, row).expected["at"].str.starts_with("~").all()


def test_a_model_from_before_keeps_what_it_learned():
    content = fit_encoder(beside(LONG)).to_json()
    before = TableEncoder.from_json(content)
    assert "unlearned" not in content["columns"][0]["learned"]
    assert before.feature_names == (*ALL, "n")
    content["columns"][0]["learned"]["parts"] = ["second"]
    with pytest.raises(ValueError, match="no parts of a time"):
        _ = TableEncoder.from_json(content).feature_names


def test_a_part_needs_its_cycle_twice():
    assert [enough.seconds / 86_400 for enough in ENOUGH.values()] == [2, 14]


# --------------------------------------------------------------------- which column says when


def roles(frame: pl.DataFrame) -> list[str]:
    return [column.role for column in fit_encoder(frame).columns]


def test_days_of_birth_are_not_when_a_row_was():
    born = every(400 * DAY, 400 * 6 * DAY, MONDAY - 9000 * DAY).alias("birth_date")
    for births in (born, born.cast(pl.Date), born.dt.strftime("%Y-%m-%d")):
        frame = pl.DataFrame([births, SHORT.alias("booked_at"), SHORT.alias("paid")])
        encoder = fit_encoder(frame)
        assert encoder.time_column == "booked_at"
        assert encoder.columns[1].note.endswith("; also times: birth_date, paid")
        assert encoder.columns[1].doubt == "also times: birth_date, paid"
        assert [column.role for column in encoder.columns] == ["feature", "time", "feature"]


def test_else_the_first_that_tells_the_day_says_when():
    dates, clocks = every(DAY, 20 * DAY).cast(pl.Date), every(HOUR, 20 * HOUR).dt.time()
    two = pl.DataFrame({"clock": clocks, "day": dates, "other": dates})
    assert roles(two) == ["feature", "time", "feature"]
    assert roles(two.select("clock")) == ["time"]


def test_the_only_column_of_times_has_no_others():
    assert learned(LONG)[1] == ""
