"""What is said of scores once labels are looked at: counts, cuts, curves; all of it finite."""

from __future__ import annotations

import json

import numpy as np
import pytest

from alad.experiments.measure import BINS, KINDS, OTHERS, POINTS, measured, pictured
from alad.experiments.record import plain
from alad.metrics import detection_metrics

N = 400
RNG = np.random.default_rng(0)
Y = np.arange(N) % 5 == 0  # 80 anomalies
SCORE = RNG.gamma(2.0, size=N) + 2 * Y
KINDS_OF_ROWS = np.where(Y, "smurf", np.where(np.arange(N) % 2 == 0, "normal", "odd"))


def picture(score=SCORE, y=Y, kinds=KINDS_OF_ROWS, flagged=0.2):
    """What stands in a result file."""
    return json.loads(json.dumps(plain(pictured(y, kinds, score, flagged)), allow_nan=False))


def test_metrics_are_given_at_the_protocols_cut_and_at_the_true_share():
    found = measured(Y, SCORE, 0.1)
    assert found["at_cut"] == detection_metrics(Y, SCORE, 0.1)
    assert found["at_true_rate"] == detection_metrics(Y, SCORE, None)
    assert (found["at_cut"]["n_flagged"], found["at_true_rate"]["n_flagged"]) == (40, 80)
    assert measured(Y, SCORE, None)["at_cut"] == found["at_true_rate"]


def test_every_row_is_counted_once():
    found = {(e["kind"], e["anomaly"]): e for e in picture()["kinds"]}
    assert {key: e["rows"] for key, e in found.items()} == {
        ("normal", False): 160,
        ("odd", False): 160,
        ("smurf", True): 80,
    }
    assert all(sum(e["counts"]) == e["rows"] for e in found.values())


def test_a_kind_that_occurs_in_both_classes_has_two_histograms():
    kinds = np.where(np.arange(N) < 200, "early", "late")
    found = picture(kinds=kinds)["kinds"]
    assert [(e["kind"], e["anomaly"], e["rows"]) for e in found] == [
        ("early", False, 160),
        ("late", False, 160),
        ("early", True, 40),
        ("late", True, 40),
    ]


def test_the_commonest_kinds_stand_alone_and_the_others_share_one():
    names = [f"kind-{i:02}" for i in range(KINDS + 4)]
    weights = np.arange(len(names), 0, -1.0)
    kinds = RNG.choice(names, size=N, p=weights / weights.sum())
    found = picture(kinds=kinds)["kinds"]
    count = {name: int((kinds == name).sum()) for name in names}
    common = sorted(names, key=lambda name: -count[name])[:KINDS]
    for is_anomaly in (False, True):
        shown = [e["kind"] for e in found if e["anomaly"] is is_anomaly]
        assert shown == [*common, OTHERS]
    assert sum(e["rows"] for e in found) == sum(sum(e["counts"]) for e in found) == N
    rest = sum(e["rows"] for e in found if e["kind"] == OTHERS)
    assert rest == N - sum(count[name] for name in common)


def test_rows_lie_between_the_edges_of_their_bins():
    found = picture(np.where(Y, 100.0, 1.0))
    assert found["edges"][0] == 0
    assert found["edges"][-1] == 2
    normal, odd, smurf = (e["counts"] for e in found["kinds"])
    assert (normal[0], odd[0], smurf[-1]) == (160, 160, 80)


def test_the_share_of_each_kind_that_is_flagged():
    score = np.where(KINDS_OF_ROWS == "odd", 3.0, 1.0) + np.where(np.arange(N) < 100, 0.5, 0.0)
    threshold = detection_metrics(Y, score, 0.2)["threshold"]
    found = {e["kind"]: e["flagged"] for e in picture(score)["kinds"]}
    assert threshold == 3.0
    assert found == {"normal": 0, "odd": 1, "smurf": 0}


SCORES = {
    "positive": SCORE,
    "zero": np.where(np.arange(N) < 7, 0.0, SCORE),
    "energies": SCORE - 50,
    "both signs": SCORE - SCORE.mean(),
    "huge": SCORE * 1e38,
    "tiny": SCORE * 1e-30,
    "overflown": np.where(np.arange(N) < 7, np.finfo(np.float32).max, SCORE),
    "far below": np.where(np.arange(N) < 7, -1e300, SCORE),
    "all alike": np.ones(N),
    "all nought": np.zeros(N),
    "alike but for rounding": np.where(Y, np.nextafter(1.5, 2), 1.5),
    "alike below nought but for rounding": np.where(Y, 1e-17, -1e-17),
    "within a thousandth": 200 + 1e-3 * SCORE,
}


@pytest.mark.parametrize("name", SCORES)
def test_any_finite_scores_can_be_drawn(name):
    score = SCORES[name]
    found = picture(score)
    edges = np.array(found["edges"])
    assert edges.shape == (BINS + 1,)
    assert np.isfinite(edges).all()
    assert (np.diff(edges) > 0).all()
    assert sum(sum(e["counts"]) for e in found["kinds"]) == N
    assert edges[0] <= found["threshold"] <= edges[-1]
    for curve in ("roc", "pr"):
        assert np.isfinite(found[curve]).all()


def test_scores_are_lifted_only_where_some_are_not_positive():
    assert picture()["shift"] == 0
    assert picture(SCORE - 50)["shift"] == 1 - (SCORE - 50).min()
    assert picture(SCORE - 50)["edges"][0] == 0  # log10 of 1, the lowest


def test_the_threshold_stands_where_the_cut_is():
    for score in (SCORE, SCORE - 50):
        found = picture(score)
        cut = detection_metrics(Y, score, 0.2)["threshold"]
        assert 10 ** found["threshold"] - found["shift"] == pytest.approx(cut)


@pytest.mark.parametrize("name", SCORES)
def test_curves_start_and_end_where_they_must(name):
    found = picture(SCORES[name])
    (fpr, tpr), (recall, precision) = found["roc"], found["pr"]
    assert (fpr[0], tpr[0], fpr[-1], tpr[-1]) == (0, 0, 1, 1)
    assert (recall[0], precision[0], recall[-1], precision[-1]) == (0, 1, 1, 0.2)
    for rising in (fpr, tpr, recall):
        assert rising == sorted(rising)
    assert max(len(fpr), len(recall)) <= POINTS
    assert (len(fpr), len(recall)) == (len(tpr), len(precision))


def test_a_thinned_curve_still_has_the_area_of_the_scores():
    n = 20_000
    y = RNG.random(n) < 0.3
    score = RNG.normal(size=n) + y
    found = picture(score, y, np.where(y, "a", "b"))
    area = np.trapezoid(found["roc"][1], found["roc"][0])
    assert area == pytest.approx(detection_metrics(y, score)["auroc"], abs=1e-3)
    assert len(found["roc"][0]) <= POINTS
