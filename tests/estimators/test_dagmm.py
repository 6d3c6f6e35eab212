"""DAGMM's mixture: that of all training rows, kept with the model; and its energy by hand."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from scipy.special import softmax

from alad import DAGMM, load
from alad.estimators._programs import weights_by_name
from alad.networks.layers import DenseLayer
from tests.by_hand import ByHand, mixture, mixture_energy
from tests.estimators.small import NEW, X, equal, fitted, new

NAMES = ("weights", "means", "covariances")


class Networks(ByHand):
    """The networks of a fitted DAGMM, and the mixture that it keeps."""

    def __init__(self, detector):
        super().__init__(weights_by_name(detector.weights_))
        self.architecture, self.scaler = detector.players_.architecture, detector.scaler_

    @property
    def kept(self):
        return [self.w[f"N.{name}"] for name in NAMES]

    def latent(self, rows):
        x = np.float64(self.scaler.transform(rows))
        z = self.stack("N.E", self.architecture.encoder, x)
        y = self.stack("N.G", self.architecture.generator, z)
        error, length = np.linalg.norm(x - y, axis=1), np.linalg.norm(x, axis=1)
        cosine = (x * y).sum(axis=1) / length / np.linalg.norm(y, axis=1)
        return np.column_stack([z, error / length, cosine]), error

    def mixture(self, rows):
        z, _ = self.latent(rows)
        last = DenseLayer(self.architecture.components)
        shares = self.stack("N.estimator", (*self.architecture.estimator, last), z)
        return mixture(z, softmax(shares, axis=1))


def assert_mixtures_are_close(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("epochs", [0, 1])
def test_it_keeps_the_mixture_of_all_training_rows(epochs):
    networks = Networks(fitted(DAGMM, epochs=epochs))
    assert_mixtures_are_close(networks.kept, networks.mixture(X))
    assert not np.allclose(networks.kept[1], networks.mixture(X[-16:])[1], rtol=1e-2)


def test_more_rows_than_are_judged_at_once_are_counted_once_each():
    many = new(DAGMM, epochs=0).fit(np.tile(X, (5, 1)))
    assert_mixtures_are_close(Networks(many).kept, Networks(fitted(DAGMM, epochs=0)).kept)


def test_other_rows_have_another_mixture():
    networks = Networks(new(DAGMM, epochs=0).fit(X**2))
    assert_mixtures_are_close(networks.kept, networks.mixture(X**2))
    for ours, others in zip(networks.kept, Networks(fitted(DAGMM, epochs=0)).kept, strict=True):
        assert not np.allclose(ours, others, rtol=1e-2)


def test_rows_held_out_to_watch_are_not_in_the_mixture():
    detector = new(DAGMM, epochs=0, scaling="none").fit(X, X_valid=NEW)
    assert equal(detector.weights_, fitted(DAGMM, epochs=0, scaling="none").weights_)


@pytest.mark.parametrize("score", ["energy", "reconstruction"])
def test_the_score_is_the_formula(score):
    networks = Networks(fitted(DAGMM))
    z, error = networks.latent(NEW)
    by_hand = error if score == "reconstruction" else mixture_energy(z, *networks.kept)
    ours = -copy.copy(fitted(DAGMM)).set_params(anomaly_score=score).score_samples(NEW)
    np.testing.assert_allclose(ours, by_hand, rtol=2e-3)


def test_the_mixture_is_saved_with_the_model(tmp_path):
    fitted(DAGMM).save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    for ours, theirs in zip(Networks(loaded).kept, Networks(fitted(DAGMM)).kept, strict=True):
        assert np.array_equal(ours, theirs)


def test_training_is_watched_by_the_reconstruction():
    detector = new(DAGMM).fit(X, X_valid=NEW)
    error = -copy.copy(detector).set_params(anomaly_score="reconstruction").score_samples(NEW)
    np.testing.assert_allclose(detector.history_.validation, [[error.mean()]], rtol=1e-4)
