"""Every kind of column: what it is inferred from, what it becomes, and the way back."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from math import cos, log, log1p, pi, sin

import numpy as np
import polars as pl
import pytest

from alad import KNN
from alad.errors import InputError
from alad.preprocessing.kinds import IGNORED, KINDS, Settings
from alad.preprocessing.kinds._counts import Counts, Shares
from alad.preprocessing.kinds._formats import UNITS
from alad.preprocessing.kinds._instants import parts_of
from alad.preprocessing.kinds._looks import Looks
from alad.preprocessing.kinds.addresses import read
from alad.preprocessing.kinds.times import parts_at_fit
from alad.preprocessing.learning.columns import ColumnLearner
from alad.preprocessing.learning.tables import TableLearner, fit_encoder
from alad.preprocessing.schema import Schema, Stated
from alad.preprocessing.table import TableEncoder
from alad.reasons import explain

# What they have to span is in test_spans.
pytestmark = pytest.mark.usefixtures("any_span")

MAKES = {
    "pandas": lambda frame: frame.to_pandas(),
    "pandas, pyarrow types": lambda frame: frame.to_pandas(use_pyarrow_extension_array=True),
    "pyarrow": lambda frame: frame.to_arrow(),
}
NOON = dt.datetime(2026, 11, 26, 12)  # a Thursday


def encoder_of(values: object, kind: str | None = None, name: str = "a") -> TableEncoder:
    """An encoder of one column, of the stated kind or the inferred one."""
    schema = None if kind is None else Schema((Stated(name, kind),))
    return fit_encoder(pl.DataFrame({name: values}), schema)


def encoded(encoder: TableEncoder, *values: object) -> list[dict[str, float]]:
    """The features of rows, without the column's name."""
    (column,) = encoder.schema
    x, _ = encoder.transform(pl.DataFrame({column.name: list(values)}, strict=False))
    names = [name.removeprefix(f"{column.name} ") for name in encoder.feature_names]
    return [dict(zip(names, row, strict=True)) for row in x.tolist()]


def decoded(encoder: TableEncoder, *values: object) -> list[object]:
    (column,) = encoder.schema
    x, _ = encoder.transform(pl.DataFrame({column.name: list(values)}, strict=False))
    return encoder.decode(x)[column.name].to_list()


def unseen(encoder: TableEncoder, *values: object) -> int:
    (column,) = encoder.schema
    notes = encoder.transform(pl.DataFrame({column.name: list(values)}))[1]
    return notes.unseen.get(column.name, 0)


# ------------------------------------------------------------------------------ inference

INFERRED = {
    "numbers": ("a", [1.5, 2.0], "numeric"),
    "whole numbers": ("a", [1, 70_000], "numeric"),
    "durations": ("a", [dt.timedelta(1), dt.timedelta(2)], "numeric"),
    "booleans": ("a", [True, False], "boolean"),
    "dates": ("a", [dt.date(2026, 1, 1)], "time"),
    "date-times": ("a", [NOON], "time"),
    "times of day": ("a", [dt.time(3)], "time"),
    "ISO dates": ("a", ["2026-01-01", None], "time"),
    "ISO date-times": ("a", ["2026-01-01T10:00:00Z", "2026-01-01 10:00"], "time"),
    "dates of other styles": ("a", ["1.2.2026", "2.2.2026"], "time"),
    "whole numbers as text": ("a", ["12", "13"], "categorical"),
    "whole numbers and dashes": ("a", ["12", "-", "13"], "numeric"),
    "ports and dashes": ("dpt", ["12", "-", "13"], "port"),
    "addresses and dashes": ("a", ["-", "10.0.0.1", " - "], "ip"),
    "URLs and dashes": ("a", ["-", "https://a.org/x"], "url"),
    "times and dashes": ("a", ["2026-01-01", "-"], "time"),
    "words and dashes": ("a", ["-", "x"], "categorical"),
    "dashes": ("a", ["-", "-"], "categorical"),
    "addresses with ports": ("a", ["10.0.0.1:80", "10.0.0.2:80"], "categorical"),
    "networks": ("a", ["10.0.0.0/8", "192.168.0.0/16"], "categorical"),
    "epochs": ("ts", [1_764_000_000.5, 1_764_000_000.5], "time"),
    "epochs in milliseconds": ("rt", [1_764_000_000_000, 1_764_000_000_000], "time"),
    "epochs and dashes": ("startTime", ["1764000000", "-"], "time"),
    "epochs without the name": ("a", [1_764_000_000, 1_764_000_000], "numeric"),
    "seconds that took as long": ("time", [17, 1_764_000_000], "numeric"),
    "addresses": ("a", ["10.0.0.1", "fe80::1"], "ip"),
    "addresses and a name": ("a", ["10.0.0.1", "host"], "categorical"),
    "URLs": ("a", ["https://a.org/x", "ftp://b.org"], "url"),
    "paths": ("a", ["/etc/passwd", "/bin"], "categorical"),
    "few texts": ("a", ["x", "y"], "categorical"),
    "200 values": ("a", [str(i % 200) for i in range(400)], "categorical"),
    "201 values": ("a", [str(i % 201) for i in range(402)], "frequency"),
    "long texts": ("a", [f"login of user {i} from some host" for i in range(300)], "text"),
    "50 different texts": ("a", [f"u{i}" for i in range(50)], IGNORED),
    "49 different texts": ("a", [f"u{i}" for i in range(49)], "categorical"),
    "nothing": ("a", [None, None], IGNORED),
    **{
        f"ports: {name}": (name, [80, 443], "port")
        for name in (
            *("port", "sport", "src_port", "dstPort", "Destination Port", "ports", "PORT"),
            *("spt", "dpt", "id.orig_p", "id.resp_p", "IpPort", "local_port", "rport"),
        )
    },
    **{
        f"no ports: {name}": (name, [80, 443], "numeric")
        for name in ("report", "transport", "supported", "export_count", "portfolio", "pt", "p")
    },
    "ports that are none": ("port", [80, 65_536], "numeric"),
    "ports with fractions": ("port", [80.5, 443.0], "numeric"),
    "ports with gaps": ("port", [80.0, None, 443.0], "port"),
}


@pytest.mark.parametrize(("name", "values", "kind"), INFERRED.values(), ids=INFERRED.keys())
def test_kind_is_inferred(name, values, kind):
    frame = pl.DataFrame({"more": np.arange(len(values)) % 3, name: values})
    assert fit_encoder(frame).columns[1].kind == kind


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_goes_through_json_and_back_to_a_table(kind):
    values = {
        "numeric": [1.0, 2.0, None],
        "log-numeric": [-1.0, 1e9, None],
        "boolean": [True, False, None],
        "categorical": ["x", "y", None],
        "frequency": ["x", "y", None],
        "time": [NOON, NOON, None],
        "text": ["some words", "some words", None],
        "ip": ["10.0.0.1", "::1", None],
        "port": [80, 443, None],
        "url": ["http://a.org/x", "http://b.org", None],
    }[kind]
    encoder = encoder_of(values, kind)
    again = TableEncoder.from_json(json.loads(json.dumps(encoder.to_json(), allow_nan=False)))
    frame = pl.DataFrame({"a": values})
    x, notes = again.transform(frame)
    assert again == encoder
    np.testing.assert_array_equal(x, encoder.transform(frame)[0])
    assert np.isfinite(x).all()
    assert notes.missing == {"a": 1}
    assert notes.unseen == {}
    assert x.shape[1] == len(encoder.feature_names) == len(encoder.binary)
    assert set(encoder.column_of_feature) == {0}
    assert ((x == 0) | (x == 1))[:, encoder.binary].all()
    back = encoder.decode(x)["a"]
    assert back.null_count() == 1
    assert back[2] is None
    assert encoder.decode(np.full((2, x.shape[1]), 0.3)).height == 2
    assert encoder.transform(frame.clear(3).cast({"a": pl.Null}))[1].missing == {"a": 3}


@pytest.mark.parametrize("make", MAKES.values(), ids=MAKES.keys())
def test_every_make_of_frame_gives_the_same_matrix(make):
    frame = pl.DataFrame(
        {
            "at": [NOON, None, NOON],
            "took": [dt.timedelta(1), None, dt.timedelta(2)],
            "src": ["::1", "10.0.0.1", None],
            "port": [80, None, 443],
            "page": ["http://a.org", None, "http://b.org/"],
            "up": [True, None, False],
        }
    )
    encoder = fit_encoder(frame)
    assert encoder == fit_encoder(make(frame))
    x, notes = encoder.transform(make(frame))
    np.testing.assert_array_equal(x, encoder.transform(frame)[0])
    assert notes.missing == dict.fromkeys(frame.columns, 1)


# -------------------------------------------------------------------------------- numbers


def test_durations_are_seconds():
    encoder = encoder_of([dt.timedelta(seconds=90), dt.timedelta(milliseconds=500)])
    assert encoded(encoder, dt.timedelta(minutes=2)) == [{"a": 120}]


def test_log_numeric_is_the_logarithm_on_both_sides():
    encoder = encoder_of([-99.0, 0.0, 1e6], "log-numeric")
    got = [row["log a"] for row in encoded(encoder, -99.0, 0.0, 1e6)]
    np.testing.assert_allclose(got, [-log1p(99), 0, log1p(1e6)], rtol=1e-6)
    np.testing.assert_allclose(decoded(encoder, -99.0, 0.0, 1e6), [-99, 0, 1e6], rtol=1e-4)


def test_heavy_tails_stay_numeric_and_are_pointed_at():
    values = np.exp(np.random.default_rng(0).normal(size=500) * 3)
    (column,) = encoder_of(values).schema
    assert column.kind == "numeric"
    assert "log-numeric suits scalings other than log-standard" in column.note
    assert encoder_of(np.random.default_rng(0).normal(size=500)).schema[0].note == ""


@pytest.mark.parametrize(
    ("name", "told"),
    [
        *((name, "label") for name in ("Class", "is_fraud", "isMalicious", "attack_cat", "y")),
        *((name, "identifier") for name in ("customer_id", "sessionId", "uid", "Account Number")),
        *((name, "code") for name in ("status", "http.status_code", "zip")),
        *(
            (name, "")
            for name in ("labelled_by", "humid", "classes_taken", "codes", "bytes", "day")
        ),
    ],
)
def test_names_of_labels_identifiers_and_codes_are_pointed_at(name, told):
    values = np.random.default_rng(0).integers(0, 90, 200)
    (column,) = fit_encoder(pl.DataFrame({name: values})).columns
    assert column.kind == "numeric"
    assert column.doubt.startswith(
        f"named like a{'n' * (told == 'identifier')} {told}:" * (told != "")
    )
    assert bool(column.doubt) == bool(told)
    measured = pl.DataFrame({name: values + 0.5})
    assert bool(fit_encoder(measured).columns[0].doubt) == (told == "label")


def test_a_row_number_and_a_label_are_pointed_at():
    frame = pl.DataFrame({"n": range(60), "label": ["x", "y"] * 30})
    notes = [column.note for column in fit_encoder(frame).columns]
    assert notes[0].startswith("grows from row to row")
    assert notes[1].startswith("named like a label")
    assert [column.doubt for column in fit_encoder(frame).columns] == notes


@pytest.mark.parametrize("step", [1, 7])
@pytest.mark.parametrize("dtype", [pl.Int64, pl.Float64, pl.UInt64])
def test_whole_numbers_that_float32_merges_are_not_called_constant(step, dtype):
    """Such as 64-bit identifiers; a model computes in float32, so they tell it next to nothing."""
    ids = pl.Series([2**56 + 64 * i * step for i in range(400)], dtype=dtype).shuffle(0)
    column = ColumnLearner("user_id", None, Settings(200, None, 0))
    for part in (ids[:1], ids[1:150], ids[150:]):
        column.update(part)
    found = column.finish()
    assert (found.kind, found.role, found.doubt) == ("ignored", "identifier", "")
    assert found.note == (
        f"names rows, and measures nothing: whole numbers up to {2**56 + 64 * 399 * step:,}, which "
        "hardly differ for their size"
    )
    assert not found.constant


def test_numbers_of_the_rows_are_left_out_unless_a_schema_has_them():
    frame = pl.DataFrame({"event": range(7, 2007, 2), "x": [1.5, 2.5] * 500})
    column, _ = fit_encoder(frame).columns
    assert (column.kind, column.role) == ("ignored", "identifier")
    assert (
        column.note == "names rows, and measures nothing: whole numbers that grow from row to row"
    )
    late = pl.DataFrame({"event": range(10**9, 10**9 + 1000), "x": [1.5, 2.5] * 500})
    assert len(KNN().fit(frame).score_samples(late)) == 1000
    assert fit_encoder(frame.head(900)).columns[0].kind == "numeric"  # too few to be sure
    shuffled = frame.sample(fraction=1, shuffle=True, seed=0)
    assert fit_encoder(shuffled).columns[0].kind == "numeric"
    stated = ColumnLearner("event", Stated("event", "numeric"), Settings(200, None, 0))
    stated.update(frame["event"])
    assert stated.finish().kind == "numeric"


def test_growing_times_are_left_out_with_what_to_do_if_they_are_times():
    frame = pl.DataFrame({"t": range(1_700_000_000, 1_700_002_000), "x": [1.5, 2.5] * 1000})
    note = fit_encoder(frame).columns[0].note
    assert note.endswith("looks like seconds since 1970: if so, kind time with the format seconds")


@pytest.mark.parametrize(
    ("kind", "usual", "new"),
    [
        ("port", [443, 22, 3389], 4444),
        ("ip", ["10.0.0.1", "10.0.0.2", "10.0.0.3"], "10.0.7.9"),
        ("url", ["http://a.net/x", "http://b.net/x", "http://c.net/x"], "http://z.net/x"),
        ("frequency", ["a", "b", "c"], "z"),
    ],
)
def test_a_value_of_few_that_fit_did_not_see_is_rarer_than_all_of_them(kind, usual, new):
    """Planted: one row in a thousand with a port, address, host or word that never came."""
    rng = np.random.default_rng(0)
    column = [usual[i] for i in rng.choice(3, 3000, p=[0.7, 0.2, 0.1])]
    frame = pl.DataFrame({"v": column, "x": rng.normal(size=3000)})
    schema = Schema((Stated("v", kind), Stated("x", "numeric")))
    detector = KNN().fit(frame, schema=schema)
    test = pl.DataFrame({"v": [new, *column[:999]], "x": rng.normal(size=1000)})
    assert detector.score_samples(test).argmin() == 0
    row = test.head(1)
    assert explain(detector, row).never_seen[0, 0]
    assert explain(detector, row).rarity[0, 0] == 0


def test_where_new_values_are_no_news_one_is_as_rare_as_the_rarest():
    counts = Counts()
    counts.add(pl.DataFrame({"value": list(range(100)), "n": [900] + [1] * 99}))
    shares = counts.shares()
    assert shares.is_open
    assert shares.of_new == pytest.approx(np.log(999))
    counts.add(pl.DataFrame({"value": list(range(100)), "n": [900] + [1] * 99}))
    assert counts.shares().of_new == pytest.approx(np.log(2 * 999 / 0.5))  # all came twice


def test_shares_of_an_older_model_take_the_rarest_for_a_new_value():
    counts = Counts()
    counts.add(pl.DataFrame({"value": ["a", "b"], "n": [90, 10]}))
    now = counts.shares()
    before = {k: v for k, v in now.to_json().items() if k != "new_is_rarer"}
    assert Shares.from_json(before).of_new == pytest.approx(np.log(10))
    assert Shares.from_json(now.to_json()).of_new == pytest.approx(np.log(200))


@pytest.mark.parametrize("sample", [None, 100])
def test_copies_of_numbers_are_pointed_at(sample):
    rng = np.random.default_rng(0)
    x = pl.Series(rng.normal(size=500))
    frame = pl.DataFrame(
        {
            "temp_3": x,
            "again": x,
            "shuffled": x.shuffle(1),
            "one": 1.0,
            "also one": 1.0,
            "gaps": x.set(pl.Series([True] * 9 + [False] * 491), None),
            "flag": x > 0,
        }
    )
    learner = TableLearner(sample=sample)
    for part in frame.iter_slices(130):
        learner.update(part)
    doubts = {c.name: c.doubt for c in learner.columns() if c.doubt}
    assert doubts == {"again": "same values as temp_3"}
    stated = TableLearner(learner.finish().stated).update(frame)
    assert not any(column.doubt for column in stated.columns())


def test_text_that_mostly_differs_may_be_names():
    """An account, say, that comes once or twice; words of a log are nothing odd."""
    names = [f"acc-{i % 300}" for i in range(500)]
    (column,) = fit_encoder(pl.DataFrame({"a": names})).columns
    assert (column.kind, column.role) == ("frequency", "feature")
    assert column.note == (
        "300 distinct values; more than half of 500 values are different: perhaps an identifier or "
        "entity, then give it that role"
    )
    assert column.doubt in column.note
    few = pl.DataFrame({"a": [f"acc-{i % 200}" for i in range(500)]})
    assert fit_encoder(few).columns[0].doubt == ""
    logs = [f"job {i % 300} ended on the {i % 7}th node, as it was told to" for i in range(500)]
    (column,) = fit_encoder(pl.DataFrame({"a": logs})).columns
    assert (column.kind, column.doubt) == ("text", "")


def test_large_numbers_that_lie_apart_are_nothing_odd():
    numbers = np.random.default_rng(0).integers(0, 2**40, 500)
    assert encoder_of(numbers).schema[0].doubt == ""
    assert encoder_of([2**56] * 60).schema[0].constant


def test_zero_and_one_may_be_booleans():
    encoder = encoder_of([0, 1, 1], "boolean")
    assert encoder.binary.tolist() == [True]
    assert decoded(encoder, 1, 0) == [True, False]


# ---------------------------------------------------------------------------------- words


def test_frequency_is_the_rarity_of_the_value():
    encoder = encoder_of(["x", "x", "x", "y"], "frequency")
    got = [row["rarity"] for row in encoded(encoder, "x", "y", "never")]
    np.testing.assert_allclose(got, [log(4 / 3), log(4), log(4 / 0.5)], rtol=1e-6)
    assert unseen(encoder, "x", "never", "nor this") == 2
    assert decoded(encoder, "y") == ["y"]


def test_missing_counts_as_the_most_frequent_and_is_flagged():
    encoder = encoder_of(["x", "x", "y", None], "frequency")
    (row,) = encoded(encoder, None)
    assert row == {"rarity": pytest.approx(log(3 / 2)), "is missing": 1}


def test_whole_numbers_may_be_words():
    encoder = encoder_of([80, 443, 80], "frequency")
    assert encoded(encoder, 80.0) == encoded(encoder, "80")
    assert encoder_of([80, 443], "categorical").feature_names == ("a=443", "a=80")


def test_text_has_a_shape():
    encoder = encoder_of(["Ab1! cd", "xx"], "text")
    (row,) = encoded(encoder, "Ab1! cd")
    assert row == {
        "length": 7,
        "words": 2,
        "distinct characters": 7,
        "digits": pytest.approx(1 / 7),
        "capitals": pytest.approx(1 / 7),
        "punctuation": pytest.approx(1 / 7),
    }
    assert encoded(encoder, "")[0]["length"] == 0
    assert decoded(encoder, "xx") == ["~2 characters, ~1 words"]


def test_text_that_comes_again_has_a_rarity_too():
    encoder = encoder_of(["same text", "same text", "other"], "text")
    got = [row["rarity"] for row in encoded(encoder, "same text", "other", "new")]
    np.testing.assert_allclose(got, [log(3 / 2), log(3), log(3)], rtol=1e-6)
    assert unseen(encoder, "new") == 0  # new texts are what such a column is made of


# ---------------------------------------------------------------------------------- times


def test_time_is_two_circles():
    encoder = encoder_of([NOON, NOON + dt.timedelta(hours=6)])
    (row,) = encoded(encoder, NOON + dt.timedelta(hours=6))
    day = 2 * pi * 3 / 7  # Thursday, from Monday
    expected = {"hour sin": -1, "hour cos": 0, "weekday sin": sin(day), "weekday cos": cos(day)}
    assert row == pytest.approx(expected, abs=1e-6)
    assert decoded(encoder, NOON + dt.timedelta(hours=6)) == ["Thu ~18:00"]
    assert encoder.columns[0].role == "time"


HOURS = [f"2026-11-{d:02}T{h:02}:00:00Z" for d in range(1, 9) for h in range(24)]


@pytest.mark.parametrize("other", [[None, *HOURS[1:]], HOURS[:1] * len(HOURS)], ids=["gap", "one"])
def test_the_role_of_time_goes_to_a_column_without_gaps_that_varies(other):
    frame = pl.DataFrame({"created": other, "at": HOURS})
    roles = {column.name: column.role for column in fit_encoder(frame).columns}
    assert (roles["created"], roles["at"]) == ("feature", "time")


@pytest.mark.parametrize(
    ("value", "hour", "weekday"),
    [
        ("2026-11-26", 0, 3),
        ("2026-11-26T12:30:00", 12.5, 3),
        ("2026-11-26 12:30", 12.5, 3),
        ("2026-11-26 12", 12, 3),
        ("2026-11-26T12:30:36.5Z", 12.51, 3),
        ("2026-11-26T00:30:00+02:00", 22.5, 2),
        ("2026-11-26T23:30:00-0130", 1, 4),
        (" 2026-11-26T12:00:00+05 ", 7, 3),
        ("03:45", 3.75, None),
        (NOON.date(), 0, 3),
        (NOON, 12, 3),
        (dt.time(12), 12, None),
        (NOON.replace(tzinfo=dt.UTC), 12, 3),
        (1795694400, 12, 3),
    ],
)
def test_times_are_read(value, hour, weekday):
    (found,) = parts_of(pl.Series([value])).rows(named=True)
    assert found["hour"] * 24 == pytest.approx(hour)
    day = None if weekday is None else pytest.approx(weekday / 7)
    assert found["weekday"] == day
    assert not found["gap"]


@pytest.mark.parametrize(
    "value", ["2026-13-01", "2026-11-26T25:00", "26.11.2026", "", "12", "2026-11-26T", "soon"]
)
def test_no_time_is_refused(value):
    with pytest.raises(InputError, match=rf"times .* in column 'a'; got '{value}'"):
        encoder_of(["2026-11-26", value], "time")


def test_days_alone_have_no_hour_and_hours_alone_no_day():
    assert encoder_of([NOON.date()]).feature_names == ("a weekday sin", "a weekday cos")
    assert encoder_of([dt.time(1)]).feature_names == ("a hour sin", "a hour cos")


def test_seconds_since_1970_are_times_if_it_is_said():
    encoder = encoder_of([1795694400, 1795694400 + 3600], "time")
    assert decoded(encoder, 1795694400) == ["Thu ~12:00"]
    assert decoded(encoder, "1795694400") == ["Thu ~12:00"]  # as CSV gives it
    with pytest.raises(InputError, match="seconds since 1970 in column 'a'; got 1795694400000"):
        encoder_of([1795694400, 1795694400000], "time")  # one unit, that of the smallest


def test_an_instant_is_the_same_hour_whatever_its_column_is_of():
    utc = pl.Series("a", [dt.datetime(2026, 11, 26, h, 15) for h in range(24)])
    there = utc.dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin")
    text = there.dt.strftime("%Y-%m-%dT%H:%M:%S%:z")
    encoder = encoder_of(there)
    assert encoder == encoder_of(text)
    for given in (there, text, there.dt.convert_time_zone("Asia/Tokyo")):
        x, _ = encoder.transform(given.to_frame())
        np.testing.assert_array_equal(x, encoder_of(utc).transform(utc.to_frame())[0])
    assert decoded(encoder, "2026-11-26T13:15:00+01:00") == ["Thu ~12:15 UTC"]
    assert decoded(encoder_of(utc), "2026-11-26T12:15:00") == ["Thu ~12:15"]  # no zone: no UTC


def test_a_model_from_before_keeps_the_clock_of_a_column():
    utc = pl.Series("a", [dt.datetime(2026, 11, 26, h, 15) for h in range(24)])
    there = utc.dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin")
    learned = {k: v for k, v in encoder_of(there).columns[0].learned.items() if k != "in_utc"}
    hour = parts_at_fit(there, learned)["hour"]
    assert (hour * 24).round(2).to_list() == [(h + 1) % 24 + 0.25 for h in range(24)]


FORMATS = {
    "2026/11/26 12:30:36.5": "%Y/%m/%d %H:%M:%S",
    "26/Nov/2026:12:30:36 +0000": "%d/%b/%Y:%H:%M:%S %z",
    "[26/Nov/2026:10:30:36 -0200]": "%d/%b/%Y:%H:%M:%S %z",
    "11/26/2026 12:30 PM": "%m/%d/%Y %I:%M %p",
    "11/26/2026, 12:30:36pm": "%m/%d/%Y, %I:%M:%S%p",
    "26.11.2026 12:30": "%d.%m.%Y %H:%M",
    "26-11-2026 12:30": "%d-%m-%Y %H:%M",
    "26-NOV-2026 12:30": "%d-%b-%Y %H:%M",
    "26-Nov-26 12:30:05": "%d-%b-%y %H:%M:%S",
    "26Nov2026 12:30:05": "%d%b%Y %H:%M:%S",
    "2026:11:26 12:30:05": "%Y:%m:%d %H:%M:%S",
    "11/26/26 12:30": "%m/%d/%y %H:%M",
    "2026-11-26 12:30 PM": "%Y-%m-%d %I:%M %p",
    "Thu Nov 26 12:30:36.123456 2026": "%a %b %d %H:%M:%S %Y",
    "Thu, 26 Nov 2026 12:30:36 GMT": "%a, %d %b %Y %H:%M:%S %z",
    "Nov 26 2026 12:30:36": "%b %d %Y %H:%M:%S",
    "20261126T123036Z": "%Y%m%dT%H%M%S%z",
}


@pytest.mark.parametrize(("value", "form"), FORMATS.items())
def test_times_of_other_formats_are_read_and_the_format_is_stated(value, form):
    encoder = encoder_of([value, value])
    (column,) = encoder.columns
    assert (column.kind, column.format, column.note) == ("time", form, f"read as {form}")
    utc = " UTC" if "%z" in form else ""
    assert decoded(encoder, value) == [f"Thu ~12:30{utc}"]
    (stated,) = encoder.stated
    assert stated.format == form
    assert fit_encoder(pl.DataFrame({"a": [value, value]}), encoder.stated) == encoder
    assert decoded(encoder, NOON) == [f"Thu ~12:00{utc}"]
    with pytest.raises(InputError, match=rf"times written as {form} in column 'a'; got '2026'"):
        encoder.transform(pl.DataFrame({"a": ["2026"]}))


def test_times_without_a_year_have_no_weekday():
    encoder = encoder_of(["Nov  6 17:02:11", "Feb 29 17:02:11"])
    assert encoder.feature_names == ("a hour sin", "a hour cos")
    assert encoder.columns[0].format == "%b %d %H:%M:%S"
    assert decoded(encoder, "Nov 26 06:00:00") == ["~06:00"]


def test_day_and_month_that_may_be_either_are_left_to_a_person():
    either = ["11/10/2026 10:00", "1/12/2026 11:00"]
    (column,) = fit_encoder(pl.DataFrame({"a": either, "b": [1, 2]})).columns[:1]
    assert column.kind == "categorical"
    assert column.note == (
        "day and month of '11/10/2026 10:00' may be either: kind time needs the format "
        "%m/%d/%Y %H:%M or %d/%m/%Y %H:%M"
    )
    with pytest.raises(InputError, match=r"times of one format; day .* either.*State it in the"):
        encoder_of(either, "time")
    for form, day in {"%m/%d/%Y %H:%M": "Tue", "%d/%m/%Y %H:%M": "Sun"}.items():
        stated = Schema((Stated("a", "time", format=form),))
        encoder = fit_encoder(pl.DataFrame({"a": either}), stated)
        assert decoded(encoder, either[0]) == [f"{day} ~10:00"]
        assert encoder.columns[0].format == form
    assert encoder_of([*either, "13/1/2026 10:00"]).columns[0].format == "%d/%m/%Y %H:%M"
    assert encoder_of([*either, "1/13/2026 10:00"]).columns[0].format == "%m/%d/%Y %H:%M"


EPOCH = 1_795_694_400  # a Thursday at noon


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("make", [int, float, str])
def test_every_unit_since_1970_is_a_time(unit, make):
    value = make(EPOCH * UNITS[unit])
    encoder = encoder_of([value, value], "time")
    assert encoder.columns[0].format == unit
    assert decoded(encoder, value, str(value), None) == ["Thu ~12:00", "Thu ~12:00", None]
    (named,) = fit_encoder(pl.DataFrame({"ts": [int(value)] * 3})).columns
    assert (named.kind, named.format) == ("time", unit)
    assert named.note == f"read as {unit} since 1970"
    (other,) = fit_encoder(pl.DataFrame({"a": [int(value)] * 3})).columns
    assert other.note == f"looks like {unit} since 1970: if so, kind time with the format {unit}"


def test_dates_of_digits_are_pointed_at_and_may_be_stated():
    (column,) = encoder_of([20261126, 20261127]).columns
    assert column.note.endswith("as in 20261126: if so, kind time with the format %Y%m%d")
    stated = Schema((Stated("a", "time", format="%Y%m%d"),))
    encoder = fit_encoder(pl.DataFrame({"a": [20261126, 20261127]}), stated)
    assert encoder.feature_names == ("a weekday sin", "a weekday cos")
    assert decoded(encoder, 20261126, "20261127") == ["Thu", "Fri"]


def test_models_from_before_formats_read_times_as_they_did():
    for numbers, value in ((False, NOON.isoformat()), (True, EPOCH), (True, str(EPOCH))):
        content = encoder_of([NOON, NOON + dt.timedelta(hours=6)]).to_json()
        content["columns"][0]["learned"]["numbers"] = numbers
        assert decoded(TableEncoder.from_json(content), value) == ["Thu ~12:00"]


def test_seconds_of_a_csv_may_come_where_fit_saw_other_times():
    assert decoded(encoder_of([NOON, NOON]), f" {EPOCH} ", "-") == ["Thu ~12:00", None]
    assert decoded(encoder_of([EPOCH, EPOCH], "time"), f" {EPOCH}.5") == ["Thu ~12:00"]
    with pytest.raises(InputError, match="seconds since 1970 in column 'a'; got 'soon'"):
        encoder_of([EPOCH, EPOCH], "time").transform(pl.DataFrame({"a": [str(EPOCH), "soon"]}))


@pytest.mark.parametrize("dtype", [pl.Null, pl.String, pl.Time, pl.Date, pl.Int64, pl.Boolean])
def test_no_time_at_all_is_missing_whatever_the_type(dtype):
    encoder = encoder_of([NOON, NOON + dt.timedelta(days=1)])
    x, notes = encoder.transform(pl.DataFrame({"a": pl.Series([None, None], dtype=dtype)}))
    assert notes.missing == {"a": 2}
    np.testing.assert_allclose(x[:, 1], 3)


def test_a_missing_time_is_the_mean_of_all():
    encoder = encoder_of([NOON, NOON, None])
    (row,) = encoded(encoder, None)
    assert row["hour cos"] == pytest.approx(-1)
    assert row["is missing"] == 1


def test_only_the_first_time_has_the_role():
    frame = pl.DataFrame({"n": [1, 2], "a": [NOON, NOON], "b": [NOON, NOON]})
    assert [c.role for c in fit_encoder(frame).columns] == ["feature", "time", "feature"]


# -------------------------------------------------------------------------------- addresses

ADDRESSES = {
    "10.1.2.3": ("10.1.2.0/24", "private"),
    "172.16.0.1": ("172.16.0.0/24", "private"),
    "172.32.0.1": ("172.32.0.0/24", ""),
    "192.168.1.1": ("192.168.1.0/24", "private"),
    "169.254.1.1": ("169.254.1.0/24", "private"),
    "8.8.8.8": ("8.8.8.0/24", ""),
    "127.0.0.1": ("127.0.0.0/24", "loopback"),
    "224.0.0.251": ("224.0.0.0/24", "multicast"),
    "::FFFF:10.0.0.1": ("10.0.0.0/24", "private"),
    "::1": ("0:0:0:0::/64", "loopback IPv6"),
    "::": ("0:0:0:0::/64", "IPv6"),
    "fe80::1%eth0": ("fe80:0:0:0::/64", "private IPv6"),
    "fd12:3456::1": ("fd12:3456:0:0::/64", "private IPv6"),
    "ff02::fb": ("ff02:0:0:0::/64", "multicast IPv6"),
    "2001:0DB8:0:1:2:3:4:5": ("2001:db8:0:1::/64", "IPv6"),
    "2001:db8::": ("2001:db8:0:0::/64", "IPv6"),
    "1::2:3:4:5:6:7": ("1:0:2:3::/64", "IPv6"),
    "1:2:3:4:5:6:7::": ("1:2:3:4::/64", "IPv6"),
}


def test_addresses_are_read():
    found = read(pl.Series(list(ADDRESSES)))
    flags = found.select(pl.col("^is .*$")).rows(named=True)
    told = [" ".join(f.removeprefix("is ") for f, on in row.items() if on) for row in flags]
    assert list(zip(found["network"], told, strict=True)) == list(ADDRESSES.values())


@pytest.mark.parametrize(
    "value", ["10.0.0", "10.0.0.256", "10.0.0.0/8", "host", "", "1:2:3", ":::", "1::2::3", "g::1"]
)
def test_no_address_is_none(value):
    assert read(pl.Series([value])).row(0) == (None, None, False, False, False, False)


def test_addresses_and_their_networks_have_rarities():
    encoder = encoder_of(["10.0.0.1", "10.0.0.1", "10.0.0.2", "8.8.8.8"])
    rows = encoded(encoder, "10.0.0.1", "10.0.0.9", "no address")
    assert [row["is private"] for row in rows] == [1, 1, 0]
    got = [(row["network rarity"], row["address rarity"]) for row in rows]
    expected = [(log(4 / 3), log(2)), (log(4 / 3), log(8)), (log(8), log(8))]
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    assert unseen(encoder, "10.0.0.1", "10.0.0.9", "no address", None) == 2
    assert decoded(encoder, "8.8.8.8", "10.0.0.2") == ["8.8.8.8", "10.0.0.2"]


@pytest.mark.parametrize(
    ("name", "often", "new", "wrong"),
    [("src", "::{}", "10.9.9.9", "none"), ("src_port", "{}", "41234", "70000")],
)
def test_addresses_and_ports_that_are_new_by_nature_are_not_counted(name, often, new, wrong):
    """Of client ports nearly every row's is new: counted, they would hide what matters."""

    def counted(once: int) -> int:
        rows = [often.format(i % 9) for i in range(900)] + [
            often.format(i + 9) for i in range(once)
        ]
        dtype = pl.Int64 if name == "src_port" else pl.String
        encoder = encoder_of(pl.Series(rows).cast(dtype), name=name)
        rows = pl.Series(name, [new, new, wrong]).cast(dtype)
        return encoder.transform(rows.to_frame())[1].unseen[name]

    assert counted(9) == 3  # nine came once: a new one is news
    assert counted(20) == 1  # one in 46 rows had a new one at fit already


def test_an_address_written_otherwise_is_the_same():
    encoder = encoder_of(["2001:db8::1", "::1"])
    assert encoded(encoder, "2001:DB8:0:0:0:0:0:01") == encoded(encoder, "2001:db8::1")


# ------------------------------------------------------------------------------------ ports


def test_ports_have_a_range_and_a_rarity():
    encoder = encoder_of([443, 443, 8080, 50_000], name="port")
    rows = encoded(encoder, 443, 8080, 50_000, 22, 70_000)
    ranges = [[row[f"is {r}"] for r in ("well-known", "registered", "ephemeral")] for row in rows]
    assert ranges == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 0, 0]]
    got = [row["rarity"] for row in rows]
    np.testing.assert_allclose(got, [log(2), log(4), log(4), log(8), log(8)], rtol=1e-6)
    assert unseen(encoder, 443, 22, 70_000, None) == 2
    assert decoded(encoder, 443, 8080, 22) == ["443", "8080", "443"]


def test_a_port_is_as_rare_as_it_or_its_range_is():
    def rarity(fitted: list[int], *ports: int | None) -> list[float]:
        encoder = encoder_of(fitted, name="port")
        x, normal = (
            encoder.transform(pl.DataFrame({"port": rows}))[0] for rows in (ports, fitted[:100])
        )
        (column,) = encoder.schema
        return column.of_kind.rarity(x, normal, column).tolist()

    service = [443] * 90 + [8080] * 9 + [22]
    assert rarity(service, 443, 8080, 22, 23, 4444) == [1, 0.1, 0.01, 0, 0]
    client = [*range(50_000, 50_090), 443, *range(2000, 2009), *range(51_000, 51_900)]
    assert rarity(client, 50_001, 60_000, 2000, 3000, 443, 70_000) == [1, 1, 0.1, 0.1, 0.01, 0]


# ------------------------------------------------------------------------------------- URLs


def test_urls_have_a_shape_and_rarities():
    url = "https://me:pw@Shop.example.org:8443/a/b2/?q=1&r=2#top"
    encoder = encoder_of([url, "https://shop.example.org/", "http://other.org"])
    first, new, bare = encoded(encoder, url, "http://new.org/x", "http://other.org")
    assert first == {
        "length": len(url),
        "depth": 2,
        "query length": 7,
        "digits": pytest.approx(7 / len(url)),
        "host rarity": pytest.approx(log(3 / 2)),
        "section rarity": pytest.approx(log(3)),
        "path rarity": pytest.approx(log(3)),
        "extension rarity": 0,
    }
    assert (new["depth"], new["query length"]) == (1, 0)
    assert (bare["depth"], bare["host rarity"]) == (0, pytest.approx(log(3)))
    assert unseen(encoder, url, "http://new.org/x", None) == 1
    column = encoder.columns[0]
    given = pl.Series([url, "http://new.org/", None, "http://other.org/new", "http://other.org?x"])
    assert column.of_kind.unseen(given, column).tolist() == [False, True, False, True, False]
    told = f"shop.example.org, /a/b#/, ~{len(url)} characters, depth ~2"
    assert decoded(encoder, url) == [told]


def test_paths_may_be_urls():
    encoder = encoder_of(["/a/b?x=1", "/c"], "url")
    (row,) = encoded(encoder, "/a/b?x=1")
    assert (row["depth"], row["query length"], row["host rarity"]) == (2, 3, 0)
    assert decoded(encoder, "/c") == ["one of 2 paths, ~2 characters, depth ~1"]


@pytest.mark.parametrize(
    ("url", "path", "section", "extension"),
    [
        ("https://a.org", "/", "", ""),
        ("https://a.org?x=/y.php", "/", "", ""),
        (" /item/17/ ", "/item/#/", "item", ""),
        ("http://a.org/2026-11-30/feed2.XML", "/#/feed#.XML", "#", "xml"),
        ("/u/550e8400-e29b-41d4-a716-446655440000", "/u/#", "u", ""),
        ("/file/9f86d081884c7d65.html#top", "/file/#.html", "file", "html"),
        ("/.env", "/.env", ".env", "env"),
        ("/v1.2/items", "/v#.#/items", "v#.#", ""),
        ("/get/x.PS1", "/get/x.PS#", "get", "ps#"),
        ("/get/x.7z", "/get/x.#z", "get", "#z"),
        ("/a/app.ab12cdef.css", "/a/app.#.css", "a", "css"),
    ],
)
def test_of_a_path_numbers_count_as_one(url, path, section, extension):
    shares = encoder_of([url, url], "url").columns[0].learned
    found = [shares[place]["values"] for place in ("path", "section", "extension")]
    assert found == [[path], [section], [extension]]


def test_a_new_path_is_news_where_all_are_known():
    """Where so many come once that new ones are usual, what they begin and end with still is."""
    known = [f"https://a.org/{page}" for page in ("index.html", "item/7", "item/8")] * 50
    of_few = encoder_of(known)
    assert unseen(of_few, "https://a.org/item/99", "https://a.org/.env", "https://a.org/item") == 2
    normal, odd = encoded(of_few, "https://a.org/item/99", "https://a.org/.env")
    rarities = [f"{place} rarity" for place in ("section", "path", "extension")]
    assert all(odd[name] > log(150) > normal[name] for name in rarities)
    words = pl.Series([f"{a}{b}" for a in "abcdefghij" for b in "klmnopqrst"])
    of_many = encoder_of([*known, *("https://a.org/blog/" + words)])
    urls = ["https://a.org/blog/new", "https://a.org/blog/new.php", "https://a.org/wp-admin/"]
    assert [unseen(of_many, url) for url in urls] == [0, 1, 1]
    column, given = of_many.columns[0], pl.Series(urls)
    assert column.of_kind.never_seen(given, column).tolist() == [False, True, True]


def test_models_that_know_hosts_alone_score_as_they_did():
    column = encoder_of(["https://a.org/x", "https://a.org/y", "https://b.org/x"]).columns[0]
    learned = {k: v for k, v in column.learned.items() if k not in ("section", "path", "extension")}
    before = TableEncoder((replace(column, learned=learned | {"gap": column.gap[:5]}),))
    row, odd = encoded(before, "https://b.org/new.php", None)
    names = ["length", "depth", "query length", "digits", "host rarity"]
    assert list(row) == names
    six = encoder_of(["http://[2001:db8::1]/x", "http://[2001:dead::9]:80/x"]).columns[0]
    assert six.learned["host"]["values"] == ["[2001:db8::1]", "[2001:dead::9]"]
    old = TableEncoder(
        (
            replace(
                before.columns[0],
                learned=learned | {"host": {**learned["host"], "values": ["[2001", "b.org"]}},
            ),
        )
    )
    assert unseen(old, "http://[2001:dead::9]/x") == 0
    assert [odd[name] for name in names] == pytest.approx(column.gap[:5])
    assert unseen(before, "https://b.org/new.php") == 0
    assert decoded(before, "https://b.org/new.php") == ["b.org, ~21 characters, depth ~1"]
    x, _ = before.transform(pl.DataFrame({"a": ["https://a.org/x"]}))
    assert before.legal(x).shape == (1, 5)


# ----------------------------------------------------------------------------- the way back


def test_what_is_decoded_has_the_features():
    """Not the commonest value whatever the features: that would be expected of every row."""
    hosts = ["10.0.0.1"] * 9 + ["10.0.0.2"] * 4 + ["8.8.8.8"] * 4 + ["10.1.0.1", "10.1.0.2"]
    encoder = encoder_of([*hosts, "fe80::1", "fe80::2", None])
    for address in ("10.0.0.1", "10.0.0.2", "8.8.8.8"):
        assert decoded(encoder, address) == [address]
    assert decoded(encoder, "10.1.0.2", "fe80::2", None) == ["10.1.0.0/24", "fe80::/112", None]
    ports = encoder_of([443] * 5 + [22, 22, 8080, 9090, 50_001, 50_002, None], name="port")
    told = decoded(ports, 443, 22, 8080, 9091, 60_000, None)
    assert told == ["443", "22", "registered port", "registered port", "ephemeral port", None]
    urls = encoder_of(["http://a.org/x"] * 3 + ["http://b.org/x", "http://c.org/x", None])
    assert decoded(urls, "http://a.org/x")[0].startswith("a.org, /x, ~14 characters")
    assert decoded(urls, "http://c.org/x")[0].startswith("b.org or 1 other as frequent, /x, ~14")
    words = encoder_of(["x", "x", "y", "z", "w", None], "frequency")
    assert decoded(words, "x", "z", "new", None) == ["x", *["w or 2 others as frequent"] * 2, None]


def test_models_with_the_most_frequent_values_alone_decode_to_them():
    encoder = encoder_of([f"10.0.{i}.1" for i in range(9) for _ in range(i + 1)])
    content = encoder.to_json()
    known = content["columns"][0]["learned"]["address"]
    content["columns"][0]["learned"]["address"] = known | {
        "values": known["values"][:2],
        "counts": known["counts"][:2],
        "complete": False,
    }
    again = TableEncoder.from_json(content)
    assert decoded(again, "10.0.8.1", "10.0.7.1", "10.0.0.1") == ["10.0.8.1", *["10.0.7.1"] * 2]


@pytest.mark.parametrize("kind", KINDS)
def test_legal_features_are_those_of_a_row(kind):
    values = {
        "numeric": [1.0, 2.0, None],
        "log-numeric": [-1.0, 1e9, None],
        "boolean": [True, False, None],
        "categorical": ["x", "y", None],
        "frequency": ["x", "y", "y", None],
        "time": [NOON, NOON, None],
        "text": ["some words", "some words", None],
        "ip": ["10.0.0.1", "::1", "::1", None],
        "port": [80, 443, 443, 50_000, None],
        "url": ["http://a.org/x", "http://a.org", "http://b.org", None],
    }[kind]
    encoder = encoder_of(values, kind)
    x = encoder.transform(pl.DataFrame({"a": values}))[0]
    near = x + np.random.default_rng(0).uniform(-0.05, 0.05, x.shape).astype(np.float32)
    exact = x if kind in ("numeric", "log-numeric", "url", "text") else encoder.legal(x)
    np.testing.assert_allclose(x, exact, atol=1e-6)
    np.testing.assert_allclose(encoder.legal(near), x, atol=0.06)
    is_flag = encoder.binary
    np.testing.assert_array_equal(encoder.legal(near)[:, is_flag], x[:, is_flag])
    assert encoder.legal(near).dtype == np.float32


# ---------------------------------------------------------------------------------- dashes


@pytest.mark.parametrize(
    ("name", "value", "other"),
    [
        ("a", "10.0.0.1", "10.0.0.2"),
        ("a", "https://a.org/x", "https://b.org/"),
        ("a", "1.5", "2.5"),
        ("port", "80", "443"),
        ("at", "2026-01-01T10:00", "2026-01-02T17:00"),
    ],
)
def test_a_dash_among_values_of_one_kind_is_missing(name, value, other):
    encoder = encoder_of(["-", value, value, other], name=name)
    (column,) = encoder.columns
    assert column.has_missing
    assert column.note.endswith("- counts as missing (1 value)")
    x, notes = encoder.transform(pl.DataFrame({name: ["-", None, other]}))
    np.testing.assert_array_equal(x[0], x[1])
    assert x[:, -1].tolist() == [1, 1, 0]
    assert (notes.missing, notes.unseen) == ({name: 2}, {})
    again = TableEncoder.from_json(json.loads(json.dumps(encoder.to_json())))
    np.testing.assert_array_equal(x, again.transform(pl.DataFrame({name: ["-", None, other]}))[0])
    stated = fit_encoder(pl.DataFrame({name: ["-", value, value, other]}), encoder.stated)
    assert stated == encoder


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("ip", ["10.0.0.1", "10.0.0.2"]),
        ("url", ["https://a.org/x", "https://a.org/y"]),
        ("time", ["2026-01-01T12:00", "2026-01-02T12:00"]),
        ("numeric", ["1", "2"]),
        ("port", ["22", "443"]),
    ],
)
@pytest.mark.parametrize("gap", [[], [None]])
def test_a_dash_is_missing_also_where_fit_saw_none(kind, values, gap):
    encoder = encoder_of(values + gap, kind)
    x, notes = encoder.transform(pl.DataFrame({"a": [values[0], "-", None]}))
    assert (notes.missing, notes.unseen) == ({"a": 2}, {})
    np.testing.assert_array_equal(x[1], x[2])


def test_to_models_from_before_a_dash_that_fit_did_not_see_is_no_address():
    content = encoder_of(["10.0.0.1", "10.0.0.2"]).to_json()
    for name in ("dashes", "gap"):
        content["columns"][0]["learned"].pop(name)
    assert unseen(TableEncoder.from_json(content), "-") == 1


def test_a_dash_among_words_is_a_word():
    encoder = encoder_of(["-", "x", "-"])
    assert encoder.columns[0].categories == ("-", "x")
    assert encoder_of(["-", "-"], "frequency").columns[0].learned["values"]["values"] == ["-"]


def test_nothing_but_dashes_has_no_value():
    with pytest.raises(InputError, match="at least one value in column 'a', whose kind is 'ip'"):
        encoder_of(["-", "-"], "ip")


def test_a_kind_of_numbers_may_be_said_of_text():
    encoder = encoder_of(["1", " 2", "4"], "numeric")
    assert encoded(encoder, "8", "-") == [{"a": 8}, {"a": 7}]
    with pytest.raises(InputError, match="numbers in column 'a', as at fit; got String, first 'x'"):
        encoder.transform(pl.DataFrame({"a": ["8", "x"]}))


LOOKS = {
    "addresses with a port": (["10.0.0.1:80", "[::1]:80"], "all look like addresses with a port: "),
    "networks": (["10.0.0.0/8", "fe80::/10"], "all look like networks: cut the / off for kind ip"),
    "paths": (
        ["/cart", "/items?page=2"],
        "all look like paths: if these are request paths, state",
    ),
    "addresses": (["10.0.0.1"] * 19 + ["host"], "95.0% look like addresses, but not 'host': kind"),
    "some addresses": (["10.0.0.1", "10.0.0.2", "a.com"] * 9, "66.7% look like addresses, but not"),
    "mixed times": (["Nov 26 17:02:11", "26.11.2026"], "all look like times: kind time, once all "),
    "seconds": (["1795694400", "1795694400"], "all look like seconds since 1970: kind time, if "),
    "numbers": (["12", "13", " 1e3"], "all look like numbers: kind numeric, if they count or mea"),
    "commas": (["12,5", "1,234.5"], "all look like numbers with commas: write them with a point"),
    "marks among few": (["532", "1,234,567"], "all look like numbers with commas: write them wi"),
    "units": (["21.5 °C", "50%", "3 ms"], "all look like numbers with a unit: write them without"),
    "money": (["-$1,234.50", "12 €", "1,234 ms"], "all look like numbers with a unit: write them"),
    "addresses of 128 bits": (
        ["fe80::1", "::", "1:2:3:4:5:6:7:8"] * 9 + ["host"],
        "96.4% look like addresses, but not 'host': kind",
    ),
}


@pytest.mark.parametrize(("values", "note"), LOOKS.values(), ids=LOOKS.keys())
def test_what_words_look_like_is_pointed_at(values, note):
    (column,) = encoder_of([*values, "-", "-"] if note[:3] == "95." else values).columns
    assert column.kind == "categorical"
    assert column.note.startswith(note)


def test_words_look_like_words():
    assert encoder_of(["tcp", "udp", "a1", "/etc", "1.2.3", "7 dwarfs"]).columns[0].note == ""
    assert encoder_of(["10.0.0.1", "host"] * 9, "categorical").columns[0].note == ""
    for value in ("0a:46:00:11:22:33", "26:15:09", "2026-11-03 10:00:07 WARN disk1 at 3%"):
        assert encoder_of([value] * 2).columns[0].note == ""


def test_whole_numbers_that_never_come_twice_may_be_names():
    names = ["C17", *map(str, range(40_000, 40_059))]
    column, _ = fit_encoder(pl.DataFrame({"a": names, "b": range(60)})).columns
    assert (column.kind, column.role) == ("ignored", "identifier")
    assert "98.3% look like numbers, but not 'C17'" in column.note


def test_a_share_is_not_rounded_to_all():
    looks = Looks()
    looks.add(pl.DataFrame({"value": ["oops", "2.5"], "n": [1, 3000]}))
    assert looks.note.startswith("nearly all look like numbers, but not 'oops'")


@pytest.mark.parametrize(
    ("values", "look"),
    [
        (
            [f"{i},{i}5" for i in range(60)],
            "all look like numbers with commas: write them with a point, and with no mark for "
            "thousands",
        ),
        (
            ["oops", *(f"{i}.5" for i in range(59))],
            "98.3% look like numbers, but not 'oops': kind numeric, if they count or measure and "
            "all are",
        ),
    ],
)
def test_numbers_are_not_left_out_for_a_few_words_without_being_told_to(values, look):
    table = pl.DataFrame({"a": values, "b": range(60)})
    why = f"all values are different (60 rows); {look}"
    column, _ = TableLearner().update(table).columns()
    assert (column.kind, column.role, column.note) == ("ignored", "identifier", why)
    with pytest.raises(InputError, match=r"^Expected numbers in column 'a', or words that") as e:
        fit_encoder(table)
    assert why in str(e.value)
    stated = Schema.of(TableLearner().update(table).columns())
    assert fit_encoder(table, stated).feature_names == ("b",)


CLOCKS = {
    "a zone": ("2026-01-01T10:00", "2026-01-02T10:00:00+05:30", "times with a zone, taken to UTC"),
    "none": ("2026-01-01T10:00Z", "2026-01-02T10:00", "times without a zone, taken for UTC, wh"),
    "a typed zone": (
        "2026-01-01T10:00",
        dt.datetime(2026, 1, 2, tzinfo=dt.UTC),
        "times with a zone, taken to UTC, where those of fit had none",
    ),
    "dates": ("2026-01-01T10:00", "2026-01-02", "dates alone, where fit saw times of day"),
    "typed dates": ("2026-01-01T10:00", dt.date(2026, 1, 2), "dates alone, where fit saw times of"),
    "times alone": ("2026-01-01T10:00", dt.time(10, 30), "times of day alone, where fit saw dates"),
    "as at fit": ("2026-01-01T10:00", "2026-01-02T11:30:00", ""),
    "hours, where fit saw dates": ("2026-01-01", "2026-01-02", ""),
    "seconds": ("2026-01-01T10:00Z", 1_795_694_400, ""),
    "seconds as text": ("2026-01-01T10:00Z", "1795694400", ""),
    "nothing": ("2026-01-01T10:00Z", None, ""),
}


@pytest.mark.parametrize(("known", "new", "remark"), CLOCKS.values(), ids=CLOCKS.keys())
def test_clocks_of_another_kind_than_at_fit_are_told(known, new, remark):
    encoder = encoder_of([known, known[:9] + "3" + known[10:]])
    told = encoder.transform(pl.DataFrame({"a": [new, new]}))[1].remarks
    assert told.get("a", "").startswith(remark)
    assert bool(told) == bool(remark)


BEYOND = [pl.Series("a", [0, 2**63 - 1]).cast(pl.Datetime("us")), pl.Series("a", [0, 3_000_000])]


@pytest.mark.parametrize("times", [BEYOND[0], BEYOND[1].cast(pl.Date)], ids=["infinity", "date"])
def test_times_of_no_year_of_four_digits_are_refused_by_row(times):
    for first, row in ((times, 1), (times[1:], 0)):
        with pytest.raises(InputError, match=f"years 1 to 9999 in column 'a'; got one .* {row}."):
            fit_encoder(first.to_frame())
    encoder = encoder_of([dt.date(2026, 1, 1), dt.date(2026, 1, 2)])
    with pytest.raises(InputError, match=r"years 1 to 9999 in column 'a'; got one .* 1\."):
        encoder.transform(times.to_frame())


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_nanoseconds_are_the_same_times(zone):
    hours = pl.Series("a", [dt.datetime(2026, 1, d, h) for d in (1, 2) for h in range(24)])
    fine, coarse = (hours.cast(pl.Datetime(unit, zone)) for unit in ("ns", "us"))
    expected = encoder_of(coarse).transform(coarse.to_frame())[0]
    for series in (fine, coarse):
        assert np.array_equal(encoder_of(fine).transform(series.to_frame())[0], expected)


@pytest.mark.parametrize("values", [[0, 1, 1], [0, 1, 2]], ids=["boolean", "numeric"])
@pytest.mark.parametrize("dtype", [pl.String, pl.Null, pl.Date])
def test_numbers_of_which_none_is_there_are_missing_whatever_their_type(values, dtype):
    encoder = encoder_of(values)
    gone, gaps = (pl.DataFrame({"a": pl.Series([None] * 2, dtype=d)}) for d in (dtype, pl.Float64))
    x, notes = encoder.transform(gone)
    assert np.array_equal(x, encoder.transform(gaps)[0])
    assert notes.missing == {"a": 2}


def test_a_batch_of_numbers_without_any_is_learned_from_as_missing():
    learner = TableLearner()
    learner.update(pl.DataFrame({"a": [1.0, 2.0], "b": [1, 2]}))
    learner.update(pl.DataFrame({"a": pl.Series([None, None], dtype=pl.String), "b": [3, 4]}))
    column = learner.finish().columns[0]
    assert (column.kind, column.fill) == ("numeric", 1.5)


FAR = 5e9 + np.random.default_rng(0).normal(0, 5, 100)


def test_numbers_that_hardly_differ_for_their_size_are_told_from_the_lowest():
    """Of the numbers themselves float32 would make one."""
    encoder = encoder_of(FAR)
    (column,) = encoder.columns
    assert not column.note
    assert column.fill == pytest.approx(np.median(FAR), abs=1e-5)
    x, _ = encoder.transform(pl.DataFrame({"a": FAR}))
    np.testing.assert_allclose(x[:, 0], FAR - FAR.min(), atol=1e-5)
    np.testing.assert_allclose(encoder.decode(x)["a"], FAR, atol=1e-5)
    (gap,), _ = encoder.transform(pl.DataFrame({"a": [None]}, schema={"a": pl.Float64}))
    assert gap[0] == pytest.approx(2 * np.ptp(FAR), rel=1e-3)
    again = TableEncoder.from_json(json.loads(json.dumps(encoder.to_json())))
    assert np.array_equal(again.transform(pl.DataFrame({"a": FAR}))[0], x)


def test_a_missing_one_of_them_is_their_median():
    encoder = encoder_of([*FAR, None])
    x, _ = encoder.transform(pl.DataFrame({"a": [None, float(np.median(FAR))]}))
    assert x[0, 0] == pytest.approx(x[1, 0], abs=1e-5)
    assert x[:, 1].tolist() == [1, 0]


@pytest.mark.parametrize("kind", ["numeric", "log-numeric", "boolean"])
@pytest.mark.parametrize("values", [[0.1, 1e9], [-3e9, 3e9], [0.0, 0.0], [1.0, 1.0]])
def test_others_are_told_from_0(kind, values):
    if kind == "boolean" and not set(values) <= {0, 1}:
        values = [0.0, 1.0]
    assert "origin" not in encoder_of(values, kind).columns[0].learned


@pytest.mark.parametrize("cuts", [[1], [50], [1, 2, 3], [99]])
def test_where_a_stream_is_cut_does_not_matter_to_them(cuts):
    learner = TableLearner()
    for part in np.split(FAR, cuts):
        learner.update(pl.DataFrame({"a": part}))
    (found,), (whole,) = learner.finish().columns, encoder_of(FAR).columns
    assert found.learned == whole.learned
    assert found.fill == pytest.approx(whole.fill, abs=1e-5)


@pytest.mark.parametrize("first", [1, 50, 100])
def test_numbers_that_turn_out_to_differ_by_much_are_told_from_0_after_all(first):
    values = np.concatenate([FAR, [0.25] * 101])
    learner = TableLearner()
    for part in np.split(values, [first]):
        learner.update(pl.DataFrame({"a": part}))
    assert learner.finish().columns == encoder_of(values).columns
    assert learner.finish().columns[0].fill == 0.25


def test_whole_numbers_are_told_from_the_lowest_to_the_digit():
    values = [2**60 + 1, 2**60 + 3, 2**60 + 2]
    encoder = encoder_of(values, "numeric")
    x, _ = encoder.transform(pl.DataFrame({"a": values}))
    assert x[:, 0].tolist() == [0, 2, 1]
    floats, _ = encoder.transform(pl.DataFrame({"a": [2.0**60 + 1024]}))
    assert floats[0, 0] == 1024


@pytest.mark.parametrize(
    ("value", "other"),
    [
        (2_400_000_000, 2_400_000_090),
        (16_777_217, 16_777_216),
        (101_325.2, 101_325.201),
        (5e9, 5e9 + 1),
    ],
)
def test_of_one_number_all_others_are_news_whatever_its_size(value, other):
    encoder = encoder_of([value] * 3)
    assert encoder.columns[0].constant
    x, notes = encoder.transform(pl.DataFrame({"a": [value, other]}))
    assert notes.unseen == {"a": 1}
    assert x[1, 0] - x[0, 0] == pytest.approx(other - value)
    assert encoder.decode(x[:1])["a"].to_list() == [value]


def test_numbers_that_differ_by_rounding_alone_are_one():
    values = pl.DataFrame({"a": [0.3, 0.1 + 0.2, 0.3 - 2**-53]})
    for gaps in ([], [None]):
        encoder = encoder_of([*values["a"], *gaps])
        assert encoder.columns[0].constant == (not gaps)
        x, notes = encoder.transform(values)
        assert not notes.unseen
        assert np.ptp(x[:, 0]) == 0
    (far,), _ = encoder.transform(pl.DataFrame({"a": [0.31]}))
    assert far[0] - x[0, 0] == pytest.approx(0.01)
    assert not encoder_of([0.3, 0.3 + 1e-9]).columns[0].constant
    assert not encoder_of([2**60, 2**60 + 1], "numeric").columns[0].constant


# --------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        ("numeric", ["1", "x"], "numbers in column 'a'; got 'x'"),
        ("numeric", [NOON], "numbers in column 'a'; got datetime"),
        ("numeric", [1.0, float("inf")], "finite numbers in column 'a'; got inf in row 1"),
        ("log-numeric", ["y"], "numbers in column 'a'; got 'y'"),
        ("boolean", [0, 1, 2], "true and false, or 0 and 1, in column 'a'; got 2"),
        ("boolean", ["yes"], "numbers in column 'a'; got 'yes'"),
        ("categorical", [1.5], "text or whole numbers in column 'a'; got 1.5"),
        ("categorical", [str(i) for i in range(1001)], "at most 1,000 distinct .*; got 1,001"),
        ("frequency", [NOON], "text or whole numbers in column 'a'; got datetime"),
        ("text", [0.5], "text or whole numbers in column 'a'; got 0.5"),
        ("time", ["2026-01-01", "later"], "times .* in column 'a'; got 'later'"),
        ("time", [True], "times .* in column 'a'; got True"),
        ("time", [dt.timedelta(1)], "times .* in column 'a'; got datetime.timedelta"),
        ("ip", ["10.0.0.1", "-", "x"], "addresses in column 'a'; got 'x'"),
        ("ip", [17], "addresses in column 'a'; got '17'"),
        ("port", [80, 65536], "ports .* in column 'a'; got 65536"),
        ("port", [80.0, 1.5], "ports .* in column 'a'; got 1.5"),
        ("port", ["http"], "ports .* in column 'a'; got 'http'"),
        ("url", ["http://a.org", "a b"], "URLs .* in column 'a'; got 'a b'"),
        *(
            (kind, [None], f"at least one value in column 'a', whose kind is '{kind}'")
            for kind in KINDS
        ),
        *((kind, [[1]], "in column 'a'; got") for kind in KINDS),
    ],
)
def test_a_kind_that_does_not_fit_is_refused(kind, values, message):
    with pytest.raises(InputError, match=message):
        encoder_of(values, kind)


@pytest.mark.parametrize(
    ("kind", "values", "new", "message"),
    [
        ("time", [NOON], "later", "times .* in column 'a'; got 'later'"),
        ("port", [80], "http", "numbers in column 'a', as at fit; got String, first 'http'"),
        ("ip", ["::1"], NOON, "text in column 'a', as at fit; got Datetime"),
        ("url", ["http://a.org"], 1.5, "text in column 'a', as at fit; got Float64"),
        ("log-numeric", [1.0], "x", "numbers in column 'a', as at fit; got String, first 'x'"),
    ],
)
def test_new_rows_of_another_type_are_refused(kind, values, new, message):
    with pytest.raises(InputError, match=message):
        encoded(encoder_of(values, kind), new)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("12:00:00.25", "%H:%M:%S.%f"),
        ("26.11.2026 12:00:00,250", "%d.%m.%Y %H:%M:%S,%f"),
        ("26.11.2026 12:00:00.250", "%d.%m.%Y %H:%M:%S%.3f"),
        ("[26.11.2026 12:00]", "[%d.%m.%Y %H:%M]"),
        ("Thu Nov 26 12:00:00 UTC 2026", "%a %b %d %H:%M:%S %z %Y"),
        ("Thu Nov 26 13:00:00 +0100 2026", "%a %b %d %H:%M:%S %z %Y"),
        (120_000, "%H%M%S"),
    ],
)
def test_a_stated_format_reads_what_is_written_in_it(value, form):
    assert parts_of(pl.Series("at", [value]), form)["hour"].to_list() == [0.5]


def test_whole_numbers_of_digits_keep_the_zeros_in_front():
    assert parts_of(pl.Series("at", [60_000, 0]), "%H%M%S")["hour"].to_list() == [0.25, 0.0]


def test_what_date_prints_is_a_time():
    encoder = encoder_of([f"Thu Nov 26 1{i}:42:03 UTC 2026" for i in range(5)])
    assert [(c.kind, c.format) for c in encoder.schema] == [("time", "%a %b %d %H:%M:%S %z %Y")]


def test_a_note_names_the_first_value_that_looks_otherwise():
    values = [f"10.0.0.{i % 250}" for i in range(900)] + [f"host-{i}" for i in range(40)]
    (column,) = encoder_of(values).columns
    assert "look like addresses, but not 'host-0'" in column.note


# ------------------------------------------------------- missing where fit saw every value

WHOLE = {
    "numeric": [3.0, 9.0, 4.0, 4.0],
    "log-numeric": [-1.0, 0.0, 1e6, 3.0],
    "boolean": [False, True, False, False],
    "categorical": ["tcp", "udp", "tcp", "tcp"],
    "frequency": ["a", "b", "a", "a"],
    "text": ["some words of a text"] * 3 + ["other words"],
    "time": [NOON, NOON, NOON + dt.timedelta(hours=3), NOON],
    "ip": ["8.8.8.8", "10.0.0.1", "8.8.8.8", "8.8.8.9"],
    "port": [443, 443, 22, 50_000],
    "url": ["https://a.org/x?y=1", "https://a.org/x?y=1", "https://b.org/", "https://a.org/"],
}


def of_gap(encoder):
    x, notes = encoder.transform(pl.DataFrame({"a": [None]}))
    assert notes.missing == {"a": 1}
    return x[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_that_is_missing_where_fit_saw_all_is_unlike_every_value(kind):
    """No value of fit is as near to it as the two of fit that differ most, where it has a width."""
    encoder = encoder_of(WHOLE[kind], kind)
    assert encoder.schema[0].tells_missing
    x = encoder.transform(pl.DataFrame({"a": WHOLE[kind]}))[0]
    gap = of_gap(encoder)
    assert np.linalg.norm(x - gap, axis=1).min() >= np.abs(x[:, None] - x).max() > 0
    assert np.isfinite(gap).all()
    if kind != "categorical":
        assert decoded(encoder, None, WHOLE[kind][0])[0] is None
        assert decoded(encoder, None, WHOLE[kind][0])[1] is not None
    again = TableEncoder.from_json(json.loads(json.dumps(encoder.to_json())))
    np.testing.assert_array_equal(of_gap(again), gap)


@pytest.mark.parametrize(
    ("kind", "values"),
    [("numeric", [1.7e9] * 4), ("numeric", [-3e38, 3e38]), ("log-numeric", [1e9, 1e9 + 64])],
)
def test_it_is_unlike_them_also_where_float32_knows_few_numbers(kind, values):
    encoder = encoder_of(values, kind)
    x = encoder.transform(pl.DataFrame({"a": values}))[0]
    assert np.isfinite(of_gap(encoder))
    assert of_gap(encoder) > x.max()
    assert None not in decoded(encoder, *values)


@pytest.mark.parametrize("kind", KINDS)
def test_models_from_before_take_a_typical_value_for_a_missing_one(kind):
    content = encoder_of(WHOLE[kind], kind).to_json()
    content["columns"][0]["learned"].pop("gap", None)
    encoder = TableEncoder.from_json(content)
    if kind == "categorical":
        return
    assert not encoder.schema[0].tells_missing
    x = encoder.transform(pl.DataFrame({"a": WHOLE[kind]}))[0]
    gap = of_gap(encoder)
    assert (gap >= x.min(axis=0) - 1e-6).all()
    assert (gap <= x.max(axis=0) + 1e-6).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_with_gaps_at_fit_has_no_features_beside_the_flag(kind):
    (column,) = encoder_of([*WHOLE[kind], None], kind).schema
    assert (column.gap, column.tells_missing) == ((), True)


@pytest.mark.parametrize("kind", ["categorical", "frequency"])
def test_words_that_fit_did_not_see_are_known_row_by_row(kind):
    encoder = encoder_of([*WHOLE[kind], None], kind)
    (column,) = encoder.schema
    values = pl.Series("a", [WHOLE[kind][0], "never", None, "<missing"])
    assert column.of_kind.unseen(values, column).tolist() == [False, True, False, True]
    (numbers,) = encoder_of([1.0, 2.0]).schema
    assert not numbers.of_kind.unseen(pl.Series([3.0]), numbers).any()
