"""Metrics: small cases worked by hand, scikit-learn's figures, and what happens in ties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import auc, f1_score, precision_score, recall_score

from alad.errors import InputError
from alad.metrics import (
    auroc_by_kind,
    detection_metrics,
    flag_top,
    mean_and_sd,
    pr_curve_points,
    roc_curve_points,
)

Y = [0, 0, 1, 0, 1, 0, 0, 0, 1, 0]
SCORE = [0.1, 0.2, 0.9, 0.8, 0.7, 0.3, 0.0, 0.4, 0.5, 0.6]


@pytest.fixture(scope="module")
def many() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = rng.uniform(size=20_000) < 0.2
    return y, rng.normal(size=20_000) + 1.5 * y


def test_top_share_by_hand():
    got = detection_metrics(Y, SCORE, flagged=0.2)
    assert (got["n_flagged"], got["n_anomalies"], got["n"]) == (2, 3, 10)
    assert (got["precision"], got["recall"], got["f1"]) == (1 / 2, 1 / 3, 2 / 5)
    assert got["auroc"] == pytest.approx((7 + 6 + 5) / 21)
    assert got["average_precision"] == pytest.approx((1 / 1 + 2 / 3 + 3 / 5) / 3)


def test_true_share_flags_as_many_rows_as_there_are_anomalies():
    got = detection_metrics(Y, SCORE, flagged=None)
    assert got["n_flagged"] == 3
    assert got["threshold"] == 0.7
    assert got["precision"] == got["recall"] == got["f1"] == 2 / 3


@pytest.mark.parametrize("flagged", [0.05, 0.2, None])
def test_agrees_with_scikit_learn(many, flagged):
    y, score = many
    got = detection_metrics(y, score, flagged)
    flags = score >= got["threshold"]
    assert got["precision"] == pytest.approx(precision_score(y, flags))
    assert got["recall"] == pytest.approx(recall_score(y, flags))
    assert got["f1"] == pytest.approx(f1_score(y, flags))


def test_flag_top_is_the_percentile_rule(many):
    _, score = many
    np.testing.assert_array_equal(flag_top(score, 0.2), score >= np.percentile(score, 80))
    assert flag_top(score, 0.2).sum() == 4000


def test_rows_that_tie_with_the_last_flagged_one_are_flagged():
    assert flag_top([1, 1, 1, 0], 0.25).tolist() == [True, True, True, False]
    got = detection_metrics([1, 0, 0, 0], [1, 1, 1, 0], flagged=None)
    assert (got["n_flagged"], got["precision"], got["recall"]) == (3, 1 / 3, 1.0)


def test_curves_are_thinned_and_keep_their_area(many):
    y, score = many
    figures = detection_metrics(y, score)
    fpr, tpr = roc_curve_points(y, score)
    recall, precision = pr_curve_points(y, score)
    for a, b in ((fpr, tpr), (recall, precision)):
        assert len(a) == len(b) <= 500
        assert (np.diff(a) >= 0).all()
    assert (fpr[0], tpr[0], fpr[-1], tpr[-1]) == (0, 0, 1, 1)
    assert (recall[0], precision[0], recall[-1]) == (0, 1, 1)
    assert auc(fpr, tpr) == pytest.approx(figures["auroc"], abs=1e-3)
    assert auc(recall, precision) == pytest.approx(figures["average_precision"], abs=1e-2)


def test_short_curves_are_whole():
    fpr, tpr = roc_curve_points([0, 1], [0.2, 0.7])
    assert (fpr.tolist(), tpr.tolist()) == ([0, 0, 1], [0, 1, 1])
    assert len(roc_curve_points(Y, SCORE, limit=3)[0]) <= 3


def test_a_curve_has_its_two_ends_at_least(many):
    for curve in (roc_curve_points, pr_curve_points):
        assert len(curve(*many, limit=2)[0]) == 2
        with pytest.raises(InputError, match="at least 2 points, the ends; got 1"):
            curve(*many, limit=1)
        with pytest.raises(InputError, match=r"of at least 2 points.*got 2\.5"):
            curve(*many, limit=2.5)


def test_only_what_all_runs_have_is_averaged():
    runs = [{"f1": 0.5, "auroc": 1.0}, {"f1": 1.0}]
    assert list(mean_and_sd(runs)) == list(mean_and_sd(runs[::-1])) == ["f1"]


def test_mean_and_sd_use_the_sample_deviation():
    got = mean_and_sd([{"f1": 1.0, "auroc": 0.5}, {"f1": 3.0, "auroc": 0.5}])
    assert got["f1"] == {"mean": 2.0, "sd": pytest.approx(math.sqrt(2))}
    assert got["auroc"]["sd"] == 0
    assert math.isnan(mean_and_sd([{"f1": 1.0}])["f1"]["sd"])
    with pytest.raises(InputError, match="at least one run"):
        mean_and_sd([])


@pytest.mark.parametrize(
    ("y", "score", "message"),
    [
        ([0, 1], [0.1, float("nan")], "Expected finite scores; got 1 of 2"),
        ([0, 1], np.ma.array([0.1, 0.2], mask=[0, 1]), "Expected finite scores; got 1 of 2"),
        ([0, 1], [0.1, float("inf")], "Expected finite scores; got 1 of 2"),
        ([0, 0], [0.1, 0.2], r"labels of both classes.*got only \[0\]"),
        ([1, 1], [0.1, 0.2], r"labels of both classes.*got only \[1\]"),
        ([1, 2], [0.1, 0.2], r"labels of both classes.*got only \[1, 2\]"),
        ([0, 1, 1], [0.1, 0.2], r"one label per score; got labels of shape \(3,\)"),
        ([], [], r"one score per row, shape \(n,\); got shape \(0,\)"),
    ],
)
def test_bad_input_says_what_was_expected(y, score, message):
    for measure in (detection_metrics, roc_curve_points, pr_curve_points):
        with pytest.raises(InputError, match=message):
            measure(y, score)


def test_a_rare_kind_counts_as_much_as_a_common_one():
    y = np.repeat([0, 1], [50, 40])
    score = np.r_[np.linspace(0, 1, 50), np.full(25, 2.0), np.full(15, 0.5)]
    kind = np.array(["normal"] * 50 + ["common"] * 25 + ["rare"] * 12 + ["rarest"] * 3)
    found = auroc_by_kind(y, score, kind)
    assert found == {"common": 1.0, "rare": 0.5}
    assert set(auroc_by_kind(y, score, kind, least=3)) == {"common", "rare", "rarest"}


@pytest.mark.parametrize("share", [0, 1, -0.1, 20, float("nan")])
def test_bad_share_is_refused(share):
    with pytest.raises(InputError, match=r"share to lie between 0 and 1; got .*0\.2 for 20 %"):
        flag_top(SCORE, share)
    with pytest.raises(InputError, match="share to lie between 0 and 1"):
        detection_metrics(Y, SCORE, share)
