"""Columns of every kind that is translated, given as the page says, beside the encoder."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from alad import InputError, Mahalanobis
from alad.export import compare, to_onnx
from alad.export.agreement import feeds, run, session
from alad.export.rows import own_rows
from alad.preprocessing.schema import Schema, Stated

N = 400
RNG = np.random.default_rng(0)
MONDAY = dt.datetime(2026, 1, 5)
AT = [MONDAY + dt.timedelta(seconds=int(s)) for s in RNG.integers(0, 10**7, N)]
GAPS = np.arange(N) % 9 == 4
COLUMNS = {
    "numeric": pl.Series(RNG.normal(1e6, 10, N)),
    "log-numeric": pl.Series(np.exp(3 * RNG.normal(size=N)) * RNG.choice([-1, 1], N)),
    "boolean": pl.Series(RNG.random(N) > 0.3),
    "port": pl.Series(RNG.choice([22, 443, 1023, 1024, 49_151, 49_152, 65_535], N)),
    "time": pl.Series(AT),
    "categorical": pl.Series(RNG.choice(["tcp", "udp", "", "größe"], N)),
    "frequency": pl.Series([f"agent {int(v)}" for v in RNG.exponential(100, N)]),
}
ODD = {
    "numeric": pl.Series([-3e30, 0.0, None, 5.0]),
    "log-numeric": pl.Series([-3e30, -0.0, None, 1e-9]),
    "boolean": pl.Series([True, None, False, None]),
    "port": pl.Series([-1.0, 65_536.0, 80.5, None]),
    "time": pl.Series([dt.datetime(1969, 12, 31, 23, 59, 59), None, dt.datetime(2100, 3, 1), None]),
    "categorical": pl.Series(["icmp", None, " tcp", "TCP"]),
    "frequency": pl.Series(["agent", None, "", "agent 0 "]),
}


def fitted(kind, values):
    frame = pl.DataFrame({"a": values, "b": np.arange(N) % 7.0})
    schema = Schema((Stated("a", kind), Stated("b", "numeric")))
    return Mahalanobis().fit(frame, schema=schema), frame


@pytest.mark.parametrize("has_gaps", [False, True])
@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_becomes_the_encoders_features(kind, has_gaps):
    values = COLUMNS[kind]
    values = values.set(pl.Series(GAPS), None) if has_gaps else values
    detector, frame = fitted(kind, values)
    odd = pl.DataFrame({"a": ODD[kind], "b": [0.0, 3.0, None, 9.0]})
    model = to_onnx(detector).SerializeToString()
    assert compare(model, detector, [frame]).largest < 1e-6
    assert compare(model, detector, [odd]).largest < 1e-6
    assert detector.encoder_.schema[0].has_missing == has_gaps


@pytest.mark.parametrize(
    "values",
    [
        pl.Series(AT).dt.date(),
        pl.Series(AT).dt.time(),
        pl.Series(AT).dt.strftime("%Y-%m-%dT%H:%M:%S+05:30"),
        pl.Series(AT).dt.epoch("s"),
        pl.Series(AT).dt.epoch("ms"),
        pl.Series(AT).dt.epoch("s").cast(pl.String),
        pl.Series(AT).dt.strftime("%d/%b/%Y:%H:%M:%S +0100"),
        pl.Series(AT).dt.strftime("%b %d %H:%M:%S"),
    ],
    ids=[
        *("dates", "times of day", "text with a zone", "seconds", "milliseconds"),
        *("seconds in text", "a format", "a format without a year"),
    ],
)
def test_times_of_every_make(values):
    detector, frame = fitted("time", values)
    assert compare(to_onnx(detector).SerializeToString(), detector, [frame]).largest < 1e-6


@pytest.mark.parametrize(("days", "features"), [(1, 1), (5, 3), (20, 5)])
@pytest.mark.parametrize("has_gaps", [False, True])
def test_times_of_few_days_have_fewer_features(days, features, has_gaps):
    at = pl.Series([MONDAY + i * dt.timedelta(days=days) / N for i in range(N)])
    detector, frame = fitted("time", at.set(pl.Series(GAPS), None) if has_gaps else at)
    assert len(detector.encoder_.feature_names) == features + has_gaps
    model = to_onnx(detector).SerializeToString()
    assert compare(model, detector, [frame, own_rows(detector)[0]]).largest < 1e-6


def test_a_time_is_given_as_seconds_since_1970():
    detector, frame = fitted("time", COLUMNS["time"])
    seconds = np.array([[(at - dt.datetime(1970, 1, 1)).total_seconds()] for at in AT])
    given = {"a": seconds, "b": frame["b"].to_numpy().astype(np.float32)[:, None]}
    found = run(session(to_onnx(detector).SerializeToString()), given)
    np.testing.assert_allclose(found["anomaly_score"], -detector.score_samples(frame), rtol=1e-6)


@pytest.mark.parametrize("kind", ["numeric", "log-numeric", "port"])
@pytest.mark.parametrize("at_fit", [False, True])
def test_numbers_that_stand_for_a_missing_one_are_missing(kind, at_fit):
    values = pl.Series(400.0 + np.minimum(np.arange(N) % 50, 30)).set(
        pl.Series(GAPS & at_fit), -99.9
    )
    schema = Schema((Stated("a", kind, missing=(-99.9, -1)), Stated("b", "numeric")))
    frame = pl.DataFrame({"a": values, "b": np.arange(N) % 7.0})
    detector = Mahalanobis().fit(frame, schema=schema)
    given = {"a": np.float32([[-99.9], [-1], [430]]), "b": np.float32([[1]] * 3)}
    found = run(session(to_onnx(detector).SerializeToString()), given)
    expected = detector.score_samples(pl.DataFrame({"a": [-99.9, None, 430.0], "b": [1.0] * 3}))
    np.testing.assert_allclose(found["anomaly_score"], -expected, rtol=1e-5)
    assert expected[0] == expected[1] != expected[2]


@pytest.mark.parametrize("far", [0.0, 5e9])
def test_the_file_itself_takes_them_for_missing(far):
    values = pl.Series(far + RNG.uniform(1, 2, N)).set(pl.Series(GAPS), -99.9)
    frame = pl.DataFrame({"a": values, "b": np.arange(N) % 7.0})
    detector = Mahalanobis().fit(frame)
    assert detector.encoder_.schema[0].marks == (-99.9,)
    single = frame.with_columns(pl.col("a").cast(pl.Float32))[:20]
    model = to_onnx(detector)
    assert (own_rows(detector)[0]["a"] == -99.9).sum() > 5
    for rows in (frame, single, own_rows(detector)[0]):
        assert compare(model, detector, [rows]).largest < 1e-6
        fed = feeds(detector, rows, True)["a"]
        assert np.isclose(fed, -99.9).any()


def test_a_mark_that_float32_has_not_is_told_from_its_neighbour():
    values = pl.Series(RNG.integers(0, 99, N)).set(pl.Series(GAPS), 2**31 - 1)
    detector = Mahalanobis().fit(pl.DataFrame({"a": values, "b": np.arange(N) % 7.0}))
    assert detector.encoder_.schema[0].marks == (2**31 - 1,)
    odd = pl.DataFrame({"a": [2**31 - 1, 2**31 - 2, 5], "b": [1.0, 1.0, 1.0]})
    assert compare(to_onnx(detector), detector, [odd]).largest < 1e-6
    assert len(set(detector.score_samples(odd).tolist())) == 3


def test_whole_numbers_beyond_float64_are_refused_by_name():
    detector, _ = fitted("numeric", pl.Series(2**60 + np.arange(N)))
    with pytest.raises(InputError, match=r"float64 holds.*'a' has whole ones from 1,152,921,504,"):
        to_onnx(detector)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("ip", [f"10.0.0.{i % 5}" for i in range(N)]),
        ("url", [f"https://a.org/{i % 5}" for i in range(N)]),
        ("text", [f"some words of a text {i % 5}" for i in range(N)]),
    ],
)
def test_kinds_that_look_at_characters_are_refused_by_name(kind, values):
    detector, frame = fitted(kind, pl.Series(values))
    with pytest.raises(InputError, match=f"'a' is of the kind '{kind}'.*--inputs features"):
        to_onnx(detector)
    model = to_onnx(detector, inputs="features").SerializeToString()
    assert compare(model, detector, [frame]).largest < 1e-6


def test_columns_that_the_model_is_not_given_are_no_inputs():
    frame = pl.DataFrame({"a": np.arange(60.0) % 7, "id": [f"row {i}" for i in range(60)]})
    model = to_onnx(Mahalanobis().fit(frame))
    assert [given.name for given in model.graph.input] == ["a"]


@pytest.mark.parametrize("kind", ["numeric", "port", "time"])
def test_values_in_text_are_given_as_fit_took_them(kind):
    values = COLUMNS[kind].dt.strftime("%d.%m.%Y %H:%M") if kind == "time" else COLUMNS[kind]
    detector, frame = fitted(kind, values.cast(pl.String).set(pl.Series(GAPS), "-"))
    assert detector.encoder_.schema[0].has_missing
    assert compare(to_onnx(detector).SerializeToString(), detector, [frame]).largest < 1e-6


@pytest.mark.parametrize("odd", [["-", "2026-01-05T12:00:00"], ["1767614400", "1767700800"]])
def test_times_that_fit_did_not_have_are_given_as_the_detector_takes_them(odd):
    detector, _ = fitted("time", pl.Series(AT).dt.strftime("%Y-%m-%dT%H:%M:%S"))
    frame = pl.DataFrame({"a": odd, "b": [0.0, 3.0]})
    assert compare(to_onnx(detector).SerializeToString(), detector, [frame]).largest < 1e-6
