"""Scores by the formulas, in NumPy from the named weights; decisions; what scoring leaves be."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from alad import ALAD, ALICE, BiGAN, Mahalanobis
from alad.errors import InputError
from alad.estimators._programs import weights_by_name
from tests.estimators.small import DETECTORS, NEW, N, X, fitted, new

ACTIVATION = {
    "linear": lambda h: h,
    "relu": lambda h: np.maximum(h, 0),
    "leaky_relu": lambda h: np.where(h > 0, h, 0.2 * h),
}


class ByHand:
    """The networks of a fitted detector in double precision."""

    def __init__(self, detector):
        self.architecture = detector.players_.architecture
        named = weights_by_name(detector.weights_)
        self.w = {name: array.astype(float) for name, array in named.items()}
        self.x = (NEW - X.mean(axis=0)) / X.std(axis=0)

    def dense(self, name, h):
        kernels = [v for k, v in sorted(self.w.items()) if k.startswith(f"{name}.kernels.")]
        W = np.concatenate(kernels)
        if f"{name}.u" in self.w:
            u = self.w[f"{name}.u"]
            v = W @ u / np.linalg.norm(W @ u)
            W = W / (v @ W @ u)
        return h @ W + self.w[f"{name}.bias"]

    def stack(self, name, layers, h):
        for i, layer in enumerate(layers):
            h = ACTIVATION[layer.activation](self.dense(f"{name}.blocks.{i}.dense", h))
        return h

    @property
    def reconstruction(self):
        z = self.stack("A.E", self.architecture.encoder, self.x)
        return self.stack("A.G", self.architecture.generator, z)

    def f(self, a, b):
        return self.stack("D.xx.hidden", self.architecture.xx, np.hstack([a, b]))

    def score(self, name):
        x, x2 = self.x, self.reconstruction
        match name:
            case "features":
                return np.abs(self.f(x, x) - self.f(x, x2)).sum(axis=1)
            case "logits":
                logit = self.dense("D.xx.logit", self.f(x, x2))[:, 0]
                return -np.log(1 / (1 + np.exp(-logit)))
            case "l1":
                return np.abs(x - x2).sum(axis=1)
            case "l2":
                return np.sqrt(((x - x2) ** 2).sum(axis=1))


@pytest.mark.parametrize(
    ("cls", "score"),
    [
        *((ALAD, score) for score in ("features", "logits", "l1", "l2")),
        *((ALICE, "logits"), (BiGAN, "l1"), (BiGAN, "l2")),
    ],
)
def test_the_score_is_the_formula(cls, score):
    detector = copy.copy(fitted(cls)).set_params(anomaly_score=score)
    np.testing.assert_allclose(
        -detector.score_samples(NEW), ByHand(detector).score(score), rtol=2e-4
    )


@pytest.mark.parametrize(("cls", "score"), [(ALAD, "features"), (ALICE, "features"), (BiGAN, "l1")])
def test_each_detector_has_a_score_of_its_own(cls, score):
    want = copy.copy(fitted(cls)).set_params(anomaly_score=score).score_samples(NEW)
    assert np.array_equal(fitted(cls).score_samples(NEW), want)


def test_reconstruct_gives_scaled_columns():
    detector = fitted(BiGAN)
    np.testing.assert_allclose(
        detector.reconstruct(NEW), ByHand(detector).reconstruction, rtol=1e-3, atol=1e-5
    )


def test_bigan_has_no_features_to_score_by_after_fit_either():
    detector = copy.copy(fitted(BiGAN)).set_params(anomaly_score="features")
    with pytest.raises(InputError, match="looks at D_xx, which BiGAN does not have"):
        detector.score_samples(NEW)


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
    far = np.vstack([table[:1], np.full((1, table.shape[1]), 1e200)])
    scores = detector.score_samples(far)
    assert np.isfinite(scores).all()
    assert detector.predict(far)[1] == -1
