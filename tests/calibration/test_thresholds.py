"""Thresholds: the offset is scikit-learn's; rates hold on average; labels give what is wished."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.metrics import f1_score

from alad.calibration import (
    Calibration,
    at_false_discovery_rate,
    at_false_positive_rate,
    at_labels,
    offset_at_contamination,
)
from alad.errors import InputError


@pytest.mark.parametrize("contamination", [0.01, 0.1, 0.5])
def test_offset_flags_the_share_that_was_asked_for(contamination):
    scores = np.random.default_rng(0).normal(size=1000)
    offset = offset_at_contamination(scores, contamination)
    assert (scores - offset < 0).mean() == pytest.approx(contamination, abs=1e-3)


def test_offset_is_the_isolation_forests():
    x = np.random.default_rng(0).normal(size=(200, 2))
    forest = IsolationForest(n_estimators=20, contamination=0.13, random_state=0).fit(x)
    offset = offset_at_contamination(forest.score_samples(x), 0.13)
    assert offset == pytest.approx(forest.offset_, abs=1e-12)


@pytest.mark.parametrize("contamination", [0, -0.1, 0.51, 5, float("nan")])
def test_contamination_out_of_range_is_refused(contamination):
    with pytest.raises(InputError, match=r"contamination in \(0, 0\.5\]; got"):
        offset_at_contamination([0.0, 1.0], contamination)


@pytest.mark.parametrize("scores", [[], [0.0, float("nan")], [[0.0]]])
def test_bad_scores_are_refused(scores):
    with pytest.raises(InputError, match="scores as at least one finite number"):
        offset_at_contamination(scores, 0.1)


# --------------------------------------------------------------- with a promise, or labels


def test_false_positive_rate_flags_p_values_up_to_it():
    rng = np.random.default_rng(0)
    calibration, new = Calibration.of(rng.integers(0, 50, 199)), rng.integers(0, 60, 500)
    for rate in (0.005, 0.02, 0.1, 0.5):
        decision = at_false_positive_rate(calibration, rate)
        p = calibration.p_values(new)
        assert np.array_equal(new > decision.threshold, p <= rate + 1e-12)
        assert decision.note is None


def test_false_positive_rate_holds_on_average():
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(500):
        decision = at_false_positive_rate(Calibration.of(rng.normal(size=99)), 0.05)
        shares.append((rng.normal(size=50) > decision.threshold).mean())
    assert np.mean(shares) == pytest.approx(0.05, abs=3 * np.std(shares) / 500**0.5)


@pytest.mark.parametrize("rate", [0, 1, 1.5, float("nan")])
def test_rate_out_of_range_is_refused(rate):
    with pytest.raises(InputError, match="false-positive rate between 0 and 1"):
        at_false_positive_rate(Calibration.of([1.0]), rate)


def test_too_few_rows_are_said_and_how_many_it_takes():
    calibration = Calibration.of(range(98))
    decision = at_false_positive_rate(calibration, 0.01)
    assert decision.threshold == float("inf")
    assert "98 calibration rows are too few for a rate of 0.01: it takes 99." in decision.note
    assert at_false_positive_rate(Calibration.of(range(99)), 0.01).note is None
    none = np.zeros(99, int)
    none[50] = 1000
    assert "it takes 99" in at_false_discovery_rate(calibration, none, 0.01).note
    assert "unless 203 lie beyond" in at_false_discovery_rate(calibration, none, 0.05).note
    with pytest.raises(InputError, match="Expected 99 counts"):
        at_false_discovery_rate(calibration, none[1:], 0.05)


SCORES, LABELS = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [0, 0, 1, 0, 1, 1]


@pytest.mark.parametrize(
    ("wish", "flagged"),
    [({}, 4), ({"precision": 1.0}, 2), ({"precision": 0.75}, 4), ({"recall": 0.6}, 2)],
)
def test_labels_give_the_threshold_that_was_wished_for(wish, flagged):
    decision = at_labels(SCORES, LABELS, **wish)
    assert (np.array(SCORES) > decision.threshold).sum() == flagged
    assert decision.used_labels
    assert "labelled rows" in decision.promise


def test_labels_give_the_threshold_of_the_best_f1():
    rng = np.random.default_rng(3)
    for _ in range(50):
        y = rng.random(40) < 0.3
        scores = np.round(rng.normal(size=40) + y, 1)
        if not y.any():
            continue
        of_each = {at: f1_score(y, scores >= at) for at in np.unique(scores)}
        flags = scores > at_labels(scores, y).threshold
        assert f1_score(y, flags) == pytest.approx(max(of_each.values()))


def test_labels_that_want_every_row_flag_every_row():
    decision = at_labels([1.0, 2.0], [1, 0], recall=1.0)
    assert (np.array([1.0, 2.0]) > decision.threshold).all()


@pytest.mark.parametrize(
    ("labels", "wish", "message"),
    [
        ([0] * 6, {}, "both among them"),
        ([0, 1], {}, r"got shape \(2,\)"),
        ([0, 1, 2, 0, 1, 2], {}, "a label of 0 or 1"),
        (LABELS, {"precision": 0.5, "recall": 0.5}, "a precision or a recall"),
        (LABELS, {"recall": 1.5}, r"in \(0, 1\]"),
        (LABELS, {"recall": "most"}, r"in \(0, 1\].*got recall 'most'"),
        ([1, 1, 0, 0, 0, 0], {"precision": 0.9}, "a precision of 0.9 to be reached.*highest is"),
    ],
)
def test_labels_that_will_not_do(labels, wish, message):
    with pytest.raises(InputError, match=message):
        at_labels(SCORES, labels, **wish)


def test_labels_that_scores_cannot_tell_are_told():
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=400), rng.random(400) < 0.3
    decision = at_labels(scores, labels)
    assert decision.note.startswith("That scores tell these labels apart is not shown: AUROC 0.")
    assert at_labels(scores - labels, labels).note.startswith("Normal rows have the higher scores")
    assert at_labels(scores + labels, labels).note is None


def test_rare_anomalies_that_scores_tell_are_no_chance():
    rng = np.random.default_rng(0)
    labels = np.arange(20_000) < 20
    scores = rng.normal(size=len(labels)) + 3.2 * labels
    assert at_labels(scores, labels, recall=0.9).note is None  # its precision is 4 %


def test_labels_of_another_kind_are_named():
    for labels, got in (([1, 1, -1], "1, -1\\."), ([1, 1, 1], "1\\."), ([0, 1], "shape")):
        with pytest.raises(InputError, match=f"got {got}"):
            at_labels([1.0, 2.0, 3.0], labels)
