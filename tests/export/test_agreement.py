"""How an exported model is held against its detector, and the rows that it is checked with."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from alad import ALAD, KNN, InputError, Mahalanobis
from alad.calibration import Calibration
from alad.export import compare, to_onnx
from alad.export.agreement import Agreement, _wrong, differences
from alad.export.rows import own_rows
from tests.estimators.small import FRAME, X, fitted

FINE = Agreement(5, 1e-6, 0, 0, 1.0, 1.0)


@pytest.mark.parametrize("largest", [1.1e-4, math.inf, math.nan])
def test_a_difference_that_shows_is_refused(largest):
    FINE.check()
    with pytest.raises(InputError, match=r"up to 0\.0001 of their size; got .* on 5 rows"):
        replace(FINE, largest=largest).check()


def test_a_score_near_zero_is_measured_by_the_others():
    ours = np.array([0.0, 2.0, -4.0])
    assert differences(ours, ours + np.array([1e-4, 0, 0])) == pytest.approx([5e-5, 0, 0])
    assert differences(ours, ours + np.array([0, 0, 1e-4])) == pytest.approx([0, 0, 2.5e-5])
    assert differences(np.zeros(2), np.zeros(2)).tolist() == [0, 0]
    assert np.isnan(differences(ours, np.full(3, np.nan))).all()


def test_verdicts_that_differ_are_counted():
    detector = copy.copy(fitted(Mahalanobis, "array"))
    model = to_onnx(detector).SerializeToString()
    scores = np.sort(-detector.score_samples(X))
    detector.offset_ = -(scores[-8] + scores[-9]) / 2  # 1 % of 64 rows were flagged: 1
    assert compare(model, detector, [X[:30], X[30:]]).verdicts == 7


def test_p_values_are_held_against_the_detectors():
    detector = copy.deepcopy(fitted(Mahalanobis, "array")).calibrate(X[:40])
    model = to_onnx(detector).SerializeToString()
    found = compare(model, detector, [X[:30], X[30:]])
    assert found.p_values == 0
    found.check()
    detector.calibration_ = Calibration.of(detector.calibration_.scores + 0.1)  # another one's
    other = compare(model, detector, [X[:30], X[30:]])
    assert other.largest == found.largest
    assert other.p_values > 10
    with pytest.raises(InputError, match=r"detector's p-values; got others on \d+ of 64 rows"):
        other.check()


def test_a_p_value_between_those_of_the_two_scores_is_right():
    known, ours = Calibration.of([1.0, 2.0, 3.0]), np.array([2.5, 2.5, 2.5])
    found = {"anomaly_score": np.array([3.5, 2.5, 2.5]), "p_value": np.array([0.25, 0.5, 0.25])}
    assert _wrong(found, ours, known).tolist() == [False, False, True]
    assert _wrong({**found, "p_value": np.full(3, np.nan)}, ours, known).all()


def test_own_rows_have_gaps_and_categories_that_fit_did_not_see():
    rows, kinds = own_rows(fitted(ALAD, "frame", anomaly_score="distance"))
    assert set(kinds) == {"kept", "generated", "drawn"}
    assert sum(kinds.values()) == rows.height
    assert rows.columns == FRAME.columns
    assert rows["size"].null_count() > rows.height // 20
    assert rows["proto"].null_count() > rows.height // 20
    assert (rows["proto"] == "none of them").sum() > rows.height // 20
    again, _ = own_rows(fitted(ALAD, "frame", anomaly_score="distance"))
    assert rows.equals(again)


def test_own_rows_are_normal_ones_where_the_detector_holds_some():
    detector = copy.copy(fitted(KNN, "array"))
    rows, kinds = own_rows(detector)
    assert kinds == {"kept": 64, "drawn": 256}
    np.testing.assert_allclose(rows[:64], X, rtol=1e-5)
    detector.calibration_ = Calibration.of(np.zeros(9), X[:9].astype(np.float32))
    rows, kinds = own_rows(detector)
    assert kinds == {"kept": 9, "drawn": 256}
    np.testing.assert_allclose(rows[:9], X[:9], rtol=1e-5)


def test_booleans_and_long_tails_come_back_as_a_table():
    frame = pl.DataFrame({"bytes": np.exp(np.linspace(0, 20, 50)), "up": [True, False] * 25})
    rows, _ = own_rows(Mahalanobis(scaling="log-standard").fit(frame))
    assert rows.dtypes == [pl.Float64, pl.Boolean]
    assert rows["bytes"].drop_nulls().is_finite().all()


def test_the_proto_itself_may_be_compared_and_rows_are_no_parts():
    detector = Mahalanobis().fit(X)
    model = to_onnx(detector)
    assert compare(model, detector, [X[:9]]).rows == 9
    for table in (X, pl.DataFrame(X)):
        with pytest.raises(InputError, match=r"each an array or a frame; got one table"):
            compare(model, detector, table)
