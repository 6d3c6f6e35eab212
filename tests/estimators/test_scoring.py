"""Scores by the formulas, in NumPy from the named weights; decisions; what scoring leaves be."""

from __future__ import annotations

import copy
import re

import numpy as np
import pytest

from alad import ALAD, ALICE, AutoEncoder, BiGAN, Mahalanobis
from alad.errors import InputError, RowError
from alad.estimators import _programs
from alad.estimators._programs import by_parts, weights_by_name
from alad.scores import MEMORY_SCORES, SCORES
from tests.by_hand import ByHand, softplus
from tests.estimators.small import DETECTORS, NETWORKS, NEW, N, X, fitted, new


class Scores(ByHand):
    """What the networks of a fitted detector make of NEW."""

    def __init__(self, detector):
        super().__init__(weights_by_name(detector.weights_))
        self.architecture = detector.players_.architecture
        self.x = (NEW - X.mean(axis=0)) / X.std(axis=0)

    @property
    def code(self):
        return self.stack("A.E", self.architecture.encoder, self.x)

    @property
    def reconstruction(self):
        return self.stack("A.G", self.architecture.generator, self.code)

    def f(self, a, b):
        return self.stack("D.xx.hidden", self.architecture.xx, np.hstack([a, b]))

    def f_xz(self, x, z):
        of_x = self.stack("D.xz.of_x", self.architecture.xz_of_x, x)
        of_z = self.stack("D.xz.of_z", self.architecture.xz_of_z, z)
        return self.stack("D.xz.joint", self.architecture.xz_joint, np.hstack([of_x, of_z]))

    def score(self, name):
        x, x2, z = self.x, self.reconstruction, self.code
        l1 = np.abs(x - x2).sum(axis=1)
        match name:
            case "features":
                return np.abs(self.f(x, x) - self.f(x, x2)).sum(axis=1)
            case "logits":
                return softplus(-self.dense("D.xx.logit", self.f(x, x2))[:, 0])
            case "l1":
                return l1
            case "l2":
                return np.sqrt(((x - x2) ** 2).sum(axis=1))
            case "joint-features":
                moved = np.abs(self.f_xz(x, z) - self.f_xz(x2, z)).sum(axis=1)
                return 0.9 * l1 + 0.1 * moved
            case "joint-logits":
                logit = self.dense("D.xz.logit", self.f_xz(x, z))[:, 0]
                return 0.9 * l1 + 0.1 * softplus(-logit)


@pytest.mark.parametrize(
    ("cls", "score"),
    [
        *((ALAD, score) for score in SCORES if score not in MEMORY_SCORES),
        *((BiGAN, score) for score in ("joint-features", "joint-logits", "l1", "l2")),
        *((ALICE, "logits"), (AutoEncoder, "l1"), (AutoEncoder, "l2")),
    ],
)
def test_the_score_is_the_formula(cls, score):
    by_hand = Scores(fitted(cls)).score(score)
    np.testing.assert_allclose(-by(score, cls).score_samples(NEW), by_hand, rtol=2e-4)


def by(score, cls, **settings):
    """A fitted detector that judges by another score than its own."""
    return copy.copy(fitted(cls, **settings)).set_params(anomaly_score=score)


OWN = {
    "ALAD": "memory",
    "ALICE": "features",
    "BiGAN": "joint-features",
    "AutoEncoder": "l2",
    "GAN": "density",
    "AnoGAN": "inversion",
    "DAGMM": "energy",
    "DSEBM": "energy",
}


@pytest.mark.parametrize("cls", NETWORKS)
def test_each_detector_has_a_score_of_its_own(cls):
    own = by(OWN[cls.__name__], cls).score_samples(NEW)
    assert np.array_equal(fitted(cls).score_samples(NEW), own)


@pytest.mark.parametrize("cls", [BiGAN, AutoEncoder])
def test_reconstruct_gives_scaled_columns(cls):
    detector = fitted(cls)
    np.testing.assert_allclose(
        detector.reconstruct(NEW), Scores(detector).reconstruction, rtol=1e-3, atol=1e-5
    )


def test_bigan_has_no_features_to_score_by_after_fit_either():
    with pytest.raises(InputError, match="looks at D_xx, which BiGAN does not have"):
        by("features", BiGAN).score_samples(NEW)


@pytest.mark.parametrize("cls", NETWORKS)
def test_an_unknown_score_is_refused_after_fit_too(cls):
    with pytest.raises(InputError, match=f"'anomaly_score' parameter of {cls.__name__} must be"):
        by("l3", cls).score_samples(NEW)


def test_several_scores_come_of_one_pass():
    detector, names = fitted(ALAD), ["l2", "features", "logits", "joint-features"]
    found = detector.several_scores(NEW, names)
    assert list(found) == names
    for name, a in found.items():
        one = -copy.copy(detector).set_params(anomaly_score=name).score_samples(NEW)
        np.testing.assert_allclose(a, one, rtol=1e-5)
    with pytest.raises(InputError, match="'score' parameter of ALAD must be"):
        detector.several_scores(NEW, ["features", "feature"])
    with pytest.raises(InputError, match=r"at least one score of features, .*; got none"):
        detector.several_scores(NEW, iter(()))
    assert list(detector.several_scores(NEW, "l1")) == ["l1"]
    with pytest.raises(InputError, match="xx"):
        fitted(BiGAN).several_scores(NEW, ["l1", "features"])


@pytest.mark.parametrize("cls", NETWORKS)
def test_a_row_is_judged_alike_again_and_in_any_batch(cls):
    detector, scores = fitted(cls), fitted(cls).score_samples(NEW)
    assert np.array_equal(detector.score_samples(NEW), scores)
    assert np.array_equal(detector.score_samples(NEW[::-1]), scores[::-1])
    assert [detector.score_samples(row[None])[0] for row in NEW[:3]] == list(scores[:3])
    assert np.array_equal(detector.score_samples(np.tile(NEW, (10, 1))), np.tile(scores, 10))


def test_mahalanobis_by_hand():
    difference = NEW - X.mean(axis=0)
    inverse = np.linalg.inv(np.cov(X, rowvar=False))
    want = np.sqrt(np.einsum("ij,jk,ik->i", difference, inverse, difference))
    np.testing.assert_allclose(-fitted(Mahalanobis).score_samples(NEW), want, rtol=1e-4)


@pytest.mark.parametrize("cls", DETECTORS)
def test_decisions_follow_from_scores(cls):
    detector = fitted(cls)
    scores = detector.score_samples(NEW)
    assert scores.dtype == np.float64
    assert scores.shape == (len(NEW),)
    assert np.array_equal(detector.decision_function(NEW), scores - detector.offset_)
    assert np.array_equal(detector.predict(NEW), np.where(scores < detector.offset_, -1, 1))


@pytest.mark.parametrize("cls", DETECTORS)
@pytest.mark.parametrize(("share", "flagged"), [(0.01, 1), (0.25, 16), (0.5, 32)])
def test_contamination_is_the_share_of_training_rows_that_is_flagged(cls, share, flagged):
    detector = fitted(cls, contamination=share)
    assert (detector.predict(X) == -1).sum() == flagged == max(1, round(share * N))
    assert np.array_equal(detector.score_samples(NEW), fitted(cls).score_samples(NEW))


@pytest.mark.parametrize("cls", DETECTORS)
@pytest.mark.parametrize("scaling", ["standard", "none"])
def test_scoring_leaves_rows_and_numpys_generator_as_they_are(cls, scaling):
    detector = fitted(cls, scaling=scaling)
    rows = NEW.astype(np.float32)
    before, state = rows.copy(), np.random.get_state()[1].tolist()
    detector.score_samples(rows)
    detector.predict(rows)
    assert np.array_equal(rows, before)
    rows.setflags(write=False)
    assert np.isfinite(detector.score_samples(rows)).all()
    assert np.random.get_state()[1].tolist() == state


@pytest.mark.parametrize("cls", [BiGAN, Mahalanobis])
def test_fitting_leaves_rows_and_numpys_generator_as_they_are(cls):
    rows, state = X.copy(), np.random.get_state()[1].tolist()
    new(cls).fit(rows)
    assert np.array_equal(rows, X)
    assert np.random.get_state()[1].tolist() == state


def test_a_row_whose_score_overflows_is_the_strangest(table):
    detector = Mahalanobis(scaling="none").fit(table)
    far = np.vstack([table[:1], np.full((1, table.shape[1]), 3e38)])
    scores = detector.score_samples(far)
    assert np.isfinite(scores).all()
    assert detector.predict(far)[1] == -1


@pytest.mark.parametrize("scaling", ["none", "minmax", "standard", "log-standard"])
@pytest.mark.parametrize("value", [1e300, -3.5e38])
def test_a_number_beyond_float32_is_refused_at_fit_and_after(table, scaling, value):
    odd = table.copy()
    odd[7, 3] = value
    told = rf"in column 3; got {re.escape(repr(value))} in row 7 \(float32 ends at 3\.4e38\)\. Corr"
    with pytest.raises(RowError, match=told):
        Mahalanobis(scaling=scaling).fit(odd)
    with pytest.raises(RowError, match=told):
        Mahalanobis(scaling=scaling).fit(table).score_samples(odd)


@pytest.mark.parametrize("cores", [1, 2, 16])
@pytest.mark.parametrize("n", [1, 600, 1100, 5000, 20_000, 40_000])
def test_the_cores_share_rows_in_parts_for_one_program(cores, n, monkeypatch):
    monkeypatch.setattr(_programs, "cores", lambda: cores)
    sizes, x = [], np.arange(n, dtype=np.float32)[:, None]
    found = by_parts(lambda part: (sizes.append(len(part)), part[:, 0])[1], x)
    assert np.array_equal(found, x[:, 0])
    assert max(sizes) <= 64 * 256
    if len(sizes) > 1 and n < 64 * 256:  # fewer rows would have a program of their own
        assert min(sizes) > 256
    assert len(sizes) >= min(cores, n // 512, 2)
