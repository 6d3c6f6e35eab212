"""What may be passed to a detector: arrays and every make of frame, and what is refused."""

from __future__ import annotations

import datetime as dt
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.exceptions import NotFittedError

from alad import ALAD, KNN, LOF, PCA, BiGAN, IsolationForest, Mahalanobis
from alad.errors import InputError, LeftOutWarning, UnlikeFitWarning
from alad.preprocessing.learning.tables import fit_encoder
from alad.preprocessing.schema import Schema, Stated
from tests.estimators.small import FRAME, NEW, NEW_FRAME, N, X, fitted, new

MAKES = {
    "polars": lambda frame: frame,
    "pandas": lambda frame: frame.to_pandas(),
    "pyarrow": lambda frame: frame.to_arrow(),
}


@pytest.mark.parametrize("cls", [BiGAN, Mahalanobis])
def test_every_make_of_frame_gives_the_same_scores(cls):
    want = fitted(cls, "frame").score_samples(NEW_FRAME)
    assert np.isfinite(want).all()
    assert len(set(want)) == 4
    for make in MAKES.values():
        detector = new(cls).fit(make(FRAME))
        assert detector.n_features_in_ == 2
        assert detector.feature_names_in_.tolist() == ["size", "proto"]
        for other in MAKES.values():
            assert np.array_equal(detector.score_samples(other(NEW_FRAME)), want)


def test_an_array_has_no_names():
    detector = fitted(Mahalanobis)
    assert detector.n_features_in_ == 5
    assert not hasattr(detector, "feature_names_in_")
    assert detector.encoder_ is None
    assert detector.notes(X) is None
    assert new(Mahalanobis).fit(pd.DataFrame(X)).score_samples(NEW).tolist() == (
        detector.score_samples(NEW).tolist()  # a frame whose names are 0, 1, 2, ... has none either
    )


def test_a_frame_of_numbers_is_the_array_of_its_columns():
    frame = pl.DataFrame(X.astype(np.float32), schema=list("abcde"))
    detector = new(Mahalanobis).fit(frame)
    assert detector.feature_names_in_.tolist() == list("abcde")
    np.testing.assert_allclose(
        detector.score_samples(pl.DataFrame(NEW, schema=list("abcde"))),
        fitted(Mahalanobis).score_samples(NEW),
        rtol=1e-4,
    )
    shuffled = pl.DataFrame(NEW, schema=list("abcde")).select("c", "a", "e", "b", "d")
    assert np.array_equal(
        detector.score_samples(shuffled), detector.score_samples(shuffled.select(*"abcde"))
    )


def test_notes_count_what_fit_had_not_promised():
    detector = fitted(BiGAN, "frame")
    scores, notes = detector.score_and_notes(NEW_FRAME)
    assert np.array_equal(scores, detector.score_samples(NEW_FRAME))
    assert notes == detector.notes(NEW_FRAME)
    assert (notes.rows, notes.unseen, notes.missing) == (4, {"proto": 1}, {"size": 2, "proto": 1})
    scores, notes = fitted(BiGAN).score_and_notes(NEW)
    assert np.array_equal(scores, fitted(BiGAN).score_samples(NEW))
    assert notes is None


def test_a_masked_array_is_refused_and_one_without_masked_values_is_not():
    masked = np.ma.masked_array(X, mask=X > 1e9)
    detector = new(Mahalanobis).fit(masked)
    masked[0, 0] = np.ma.masked
    for refuse in (detector.score_samples, new(KNN).fit):
        with pytest.raises(InputError, match=r"got one with masked values\. Fill them"):
            refuse(masked)


TIMES = np.array([["2026-01-01", "NaT"], ["2026-01-02", "2026-01-02"]], "datetime64[s]")
NO_TABLES = {
    "times": (TIMES, r"got datetime64\[s\]\. Pass a data frame"),
    "times in a frame": (pd.DataFrame(TIMES), r"got datetime64\[s\]\. Pass a data frame"),
    "durations": (TIMES - TIMES[0, 0], r"got timedelta64\[s\]\. Pass a data frame"),
    "durations beside numbers": (
        np.array([[1.0, dt.timedelta(1)], [2.0, dt.timedelta(2)]], object),
        r"got timedelta\. Pass a data frame",
    ),
    "lists of times": (TIMES.astype(object).tolist(), r"got datetime\. Pass a data frame"),
    "times further down": (
        np.array([[1.0, 2.0], [2.0, dt.timedelta(2)]], object),
        r"got timedelta\. Pass a data frame",
    ),
    "records": ([{"a": 1.0}, {"a": 2.0}], r"got records\. Make it a frame"),
    "structured": (np.zeros(3, [("a", "f8"), ("b", "f8")]), r"got records\. Make it a frame"),
    "columns": ({"a": [1.0, 2.0]}, r"got a dictionary\. Make it a frame"),
    "a generator": ((row for row in X), "got generator, which comes in parts"),
    "times beside numbers": (
        pd.DataFrame({0: pd.date_range("2026", periods=9), 1: np.ones(9)}),
        r"got Timestamp\. Pass a data frame whose columns are named with text",
    ),
}


@pytest.mark.parametrize("case", NO_TABLES.values(), ids=NO_TABLES.keys())
def test_what_is_no_array_of_numbers_is_told_to_become_a_frame(case):
    table, message = case
    with pytest.raises(InputError, match=message):
        new(Mahalanobis).fit(table)


def test_an_array_with_what_was_learned_of_a_frame_is_refused():
    for values in (["x", "y"] * 9, range(18)):
        encoder = fit_encoder(pl.DataFrame({"a": values}))
        with pytest.raises(InputError, match=r"because a schema is given; got ndarray"):
            new(Mahalanobis).fit(np.ones((18, 1)), schema=encoder)


def test_a_column_without_a_name_keeps_it():
    frame = pd.DataFrame({"": X[:, 0], "b": X[:, 1]})
    detector = new(Mahalanobis).fit(frame)
    assert [column.name for column in detector.encoder_.columns] == ["", "b"]
    scores = detector.score_samples(pl.DataFrame({"": X[:, 0], "b": X[:, 1]}))
    assert np.array_equal(scores, detector.score_samples(frame))


@pytest.mark.parametrize("value", ["tcp", None])
def test_a_frame_whose_names_are_no_text_is_told_to_name_its_columns(value):
    frame = pd.DataFrame({0: [1.0, 2.0, 3.0], 1: [value, 1.0, 2.0]})
    with pytest.raises(InputError, match=r"Name the columns with text, X.columns = X.columns.map"):
        new(KNN).fit(frame)
    frame.columns = frame.columns.map(str)
    assert new(KNN).fit(frame.astype({"1": str})).n_features_in_ == 2


@pytest.mark.parametrize(
    "names", [pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")]), pd.Index(["a", None])]
)
def test_what_is_advised_for_names_works_for_those_of_any_make(names):
    frame = pd.DataFrame({0: [1.0, 2.0, 3.0], 1: ["u", "v", "u"]}).set_axis(names, axis=1)
    with pytest.raises(InputError, match=r"X\.columns = X\.columns\.map\(str\) say"):
        new(Mahalanobis).fit(frame)
    frame.columns = frame.columns.map(str)
    assert new(Mahalanobis).fit(frame).n_features_in_ == 2


def test_an_array_is_taken_to_the_digits_of_the_frame_that_was_fitted_on():
    far = 1e9 + np.random.default_rng(0).normal(size=(50, 2))
    detector = KNN(k=3).fit(pl.DataFrame(far, schema=["a", "b"]))
    with pytest.warns(UserWarning, match="feature names"):
        assert np.array_equal(
            detector.score_samples(far),
            detector.score_samples(pl.DataFrame(far, schema=["a", "b"])),
        )


def test_names_of_several_types_are_refused():
    with pytest.raises(InputError, match="column names that are all text"):
        Mahalanobis().fit(pd.DataFrame(X[:, :2], columns=["a", 1]))


def test_a_refit_forgets_the_names_of_before():
    detector = new(Mahalanobis).fit(FRAME).fit(X)
    assert not hasattr(detector, "feature_names_in_")
    assert detector.encoder_ is None
    assert np.array_equal(detector.score_samples(NEW), fitted(Mahalanobis).score_samples(NEW))


def test_lists_and_whole_numbers_keep_all_their_digits():
    want = fitted(Mahalanobis).score_samples(NEW)
    assert np.array_equal(fitted(Mahalanobis).score_samples(NEW.tolist()), want)
    whole = 1_700_000_000 + np.arange(40).reshape(20, 2) ** 2  # float32 steps by 128 here
    detector = Mahalanobis().fit(whole)
    assert np.array_equal(detector.score_samples(whole), detector.score_samples(whole * 1.0))
    assert len(set(detector.score_samples(whole))) > 15


REFUSED = {
    "no such column": ("frame", NEW_FRAME.drop("size"), "missing: 'size'"),
    "a column too many": (
        "frame",
        NEW_FRAME.with_columns(extra=pl.lit(1)),
        "not seen at fit: 'extra'",
    ),
    "a renamed column": (
        "frame",
        NEW_FRAME.rename({"size": "bytes"}),
        "missing: 'size'; not seen at fit: 'bytes'",
    ),
    "an array for text": ("frame", NEW[:, :2], "with the 2 columns of fit, some of which are no"),
    "text for numbers": ("frame", NEW_FRAME.with_columns(size=pl.lit("big")), "column 'size'"),
    "too few columns": ("array", NEW[:, :4], "X has 4 features, but .* is expecting 5 features"),
    "NaN, in short": (
        "array",
        np.where(NEW > 3, np.nan, NEW),
        r"Input X contains NaN\.\nFill .* \(pandas, polars\): there gaps are allowed\.$",
    ),
    "NaN": ("array", np.where(NEW > 3, np.nan, NEW), "contains NaN.\n?(.|\n)*pass a data frame"),
    "infinity": ("array", np.where(NEW > 3, np.inf, NEW), "infinity(.|\n)*Replace or drop such"),
    "text": ("array", [["a"] * 5], "could not convert(.|\n)*its text columns become one-hot"),
    "no rows": ("array", NEW[:0], "0 sample"),
    "a vector": ("array", NEW[0], "Expected 2D array"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("cls", [BiGAN, Mahalanobis])
def test_what_does_not_fit_is_refused(cls, case):
    table, rows, message = case
    with pytest.raises(InputError, match=message):
        fitted(cls, table).score_samples(rows)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (X[:1], "minimum of 2"),
        (FRAME[:1].with_columns(size=1.0, proto=pl.lit("tcp")), "at least 2 rows to learn from"),
        (FRAME.lazy(), "lazy"),
        (FRAME.select(nested=pl.lit([1])), "'nested': neither numbers nor text, but List"),
    ],
)
@pytest.mark.parametrize("cls", [ALAD, Mahalanobis])
def test_what_cannot_be_learned_from_is_refused(cls, rows, message):
    with pytest.raises(InputError, match=message):
        new(cls).fit(rows)


@pytest.mark.parametrize("ask", ["score_samples", "predict", "decision_function", "notes", "save"])
def test_an_unfitted_detector_says_so(ask):
    with pytest.raises(NotFittedError):
        getattr(ALAD(), ask)(X)


def test_a_fit_that_is_broken_off_leaves_no_detector_of_two_halves():
    def stop(progress):
        raise KeyboardInterrupt

    detector = new(BiGAN).fit(X)
    with pytest.raises(KeyboardInterrupt):
        detector.fit(100 * X, report=stop)  # another scaling was learned by then
    for ask in ("score_samples", "save"):
        with pytest.raises(NotFittedError):
            getattr(detector, ask)(X)


def test_rows_at_fit_are_counted():
    assert fitted(Mahalanobis).rows_at_fit_ == fitted(BiGAN, "frame").rows_at_fit_ == N


@pytest.mark.parametrize("cls", [KNN, LOF, Mahalanobis, IsolationForest, PCA])
def test_a_row_without_any_value_is_an_anomaly_where_fit_saw_all(cls):
    rng = np.random.default_rng(0)
    n = 800
    frame = pl.DataFrame(
        {
            "level": rng.normal(50, 5, n),
            "bytes": np.exp(rng.normal(5, 2, n)),
            "proto": rng.choice(["tcp", "udp"], n),
            "up": rng.random(n) < 0.3,
            "src": [f"10.0.0.{i}" for i in rng.integers(0, 20, n)],
        }
    )
    nothing = frame[:1].with_columns(pl.lit(None, frame[c].dtype).alias(c) for c in frame.columns)
    detector = cls(random_state=0).fit(frame[:600]).calibrate(frame[600:])
    assert detector.p_values(nothing)[0] == pytest.approx(1 / 201)
    assert detector.predict(nothing)[0] == -1


@pytest.mark.parametrize("cls", [IsolationForest, KNN])
def test_a_column_far_from_0_counts_in_an_array_as_in_a_frame(cls):
    rng = np.random.default_rng(0)
    x = np.column_stack([1.7e9 + 5 * rng.normal(size=300), rng.normal(size=300)])
    odd = np.array([[1.7e9 + 40, 0.0], [1.7e9, 0.0]])
    one, other = cls(scaling="none", random_state=0).fit(x).score_samples(odd)
    assert one < other
    frame, new = (pl.DataFrame(part, schema=["a", "b"], orient="row") for part in (x, odd))
    of_frame = cls(scaling="none", random_state=0).fit(frame).score_samples(new)
    np.testing.assert_allclose([one, other], of_frame, rtol=1e-3)


@pytest.mark.parametrize("columns", [2, 3])
def test_an_array_cannot_stand_for_a_frame_with_a_label(columns):
    frame = pl.DataFrame({"a": X[:, 0], "label": [0, 1] * (N // 2), "b": X[:, 1]})
    schema = Schema(
        (Stated("a", "numeric"), Stated("label", "numeric", "label"), Stated("b", "numeric"))
    )
    detector = new(Mahalanobis).fit(frame, schema=schema)
    with pytest.raises(InputError, match=r"frame with the 3 columns of fit.*got an array"):
        detector.score_samples(np.ones((4, columns)))


def test_another_number_where_fit_saw_truths_counts_as_unseen():
    frame = pl.DataFrame({"a": X[:, 0], "b": [True, False] * (N // 2)})
    detector = new(Mahalanobis).fit(frame)
    notes = detector.notes(pl.DataFrame({"a": [0.0, 0.0, 0.0], "b": [7, 1, None]}))
    assert (notes.unseen, notes.missing) == ({"b": 1}, {"b": 1})


def test_numbers_may_come_as_text_later():
    frame = pl.DataFrame({"a": X[:, 0], "b": X[:, 1]})
    detector = new(Mahalanobis).fit(frame)
    text = pl.DataFrame({"a": ["0.5", " 1 ", "-"], "b": [1.0, 2.0, 3.0]})
    plain = pl.DataFrame({"a": [0.5, 1.0, None], "b": [1.0, 2.0, 3.0]})
    assert np.array_equal(detector.score_samples(text), detector.score_samples(plain))


def test_what_is_left_out_is_said_unless_it_was_stated():
    frame = pl.DataFrame({"a": X[:, 0], "b": [None] * N, "id": [f"row {i}" for i in range(N)]})
    detector, found = new(Mahalanobis), r"'b': all values are missing; 'id': all .* role 'feature'"
    for one in (detector, new(BiGAN)):
        with pytest.warns(LeftOutWarning, match=found) as said:
            one.fit(frame)
        assert [warning.filename for warning in said] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        new(Mahalanobis).fit(frame, schema=detector.encoder_.stated)
        new(Mahalanobis).fit(frame, schema=detector.encoder_)
        new(Mahalanobis).fit(frame.select("a"))


OF_KINDS = pl.DataFrame(
    {
        "n": np.arange(60) * 1.5 % 7,
        "ip": [f"10.0.0.{i % 9}" for i in range(60)],
        "at": [f"2024-01-{1 + i % 28:02d}T{i % 24:02d}:00:00" for i in range(60)],
        "word": ["1", "2"] * 30,
    }
)


TWELVE = "\u0661\u0662"  # in Arabic


def test_digits_of_other_scripts_are_no_numbers():
    detector = Mahalanobis().fit(OF_KINDS)
    row = OF_KINDS.head(1)
    assert detector.score_samples(row.with_columns(ip=pl.lit(f"{TWELVE}.0.0.1"))).shape == (1,)
    with pytest.raises(
        InputError, match=rf"Expected times .* in column 'at'; got '2024-01-01T{TWELVE}"
    ):
        detector.score_samples(row.with_columns(at=pl.lit(f"2024-01-01T{TWELVE}:00:00")))
    words = OF_KINDS.with_columns(word=pl.Series([".".join(2 * TWELVE), "b"] * 30))
    assert Mahalanobis().fit(words).encoder_.schema[3].kind == "categorical"


@pytest.mark.parametrize("column", ["word", "ip"])
def test_floats_that_are_no_whole_numbers_of_64_bits_are_no_text(column):
    detector = Mahalanobis().fit(OF_KINDS)
    with pytest.raises(InputError, match=f"Expected text in column '{column}'"):
        detector.score_samples(OF_KINDS.head(1).with_columns(pl.lit(1e300).alias(column)))


def test_the_largest_whole_numbers_are_not_taken_for_counts_of_rows():
    rng = np.random.default_rng(0)
    large = rng.integers(2**63, 2**64 - 1, 1500, dtype=np.uint64)
    frame = pl.DataFrame({"n": rng.normal(size=1500), "u": large})
    assert Mahalanobis().fit(frame).encoder_.feature_names == ("n", "u")
    with pytest.warns(LeftOutWarning, match="grow from row to row"):
        Mahalanobis().fit(frame.with_columns(pl.col("u").sort()))


def test_text_that_is_no_unicode_is_told_by_column():
    frame = pd.DataFrame({"n": np.arange(60) * 1.5 % 7})
    frame["c"] = pd.Series(["a\ud800", "b"] * 30, dtype=object)
    with pytest.raises(InputError, match=r"Expected text in Unicode in column 'c'; got 'a\\ud800'"):
        Mahalanobis().fit(frame)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (pl.lit("SCTP").alias("proto"), "'proto': no value is one that fit saw"),
        (pl.lit(None, pl.Float64).alias("n"), "'n': every value is missing"),
        (pl.lit(3.0).alias("one"), "'one': no value is one that fit saw"),
    ],
)
def test_columns_that_are_unlike_fit_throughout_are_warned_of(changed, said):
    frame = pl.DataFrame({"n": np.arange(72.0), "proto": ["tcp", "udp", "icmp"] * 24, "one": 1.0})
    detector = KNN().fit(frame)
    new = frame.with_columns(changed)
    with pytest.warns(UnlikeFitWarning, match=said):
        detector.predict(new)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        detector.predict(new[:3])
        detector.predict(pl.concat([new, frame]))


def test_times_that_come_otherwise_than_at_fit_are_warned_of_once_a_call():
    hours = [dt.datetime(2026, 11, 2, tzinfo=dt.UTC) + dt.timedelta(hours=h) for h in range(72)]
    frame = pl.DataFrame({"at": hours, "n": np.random.default_rng(0).normal(size=72)})
    detector = KNN().fit(frame)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        known = detector.score_samples(frame)
    naive = frame.with_columns(pl.col("at").dt.replace_time_zone(None))
    said = (
        "Otherwise than at fit: 'at': times without a zone, taken for UTC, where those of fit had"
    )
    with pytest.warns(UnlikeFitWarning, match=said) as told:
        assert np.array_equal(detector.score_samples(naive), known)
    assert len(told) == 1
    assert told[0].filename == __file__
