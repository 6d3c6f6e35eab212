"""GAN and AnoGAN: scores from the weights by hand, and the search row by row."""

from __future__ import annotations

import copy

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from alad import GAN, AnoGAN
from alad.estimators import gan
from alad.estimators._programs import weights_by_name
from alad.objectives.anogan import inversion_loss
from alad.training import alive, blueprints
from tests.by_hand import ByHand, kernel_log_density, softplus
from tests.estimators.small import NEW, X, equal, fitted, new

SCALED = ((NEW - X.mean(axis=0)) / X.std(axis=0)).astype(np.float32)


class Networks(ByHand):
    """G and D of the fitted GAN."""

    def __init__(self):
        super().__init__(weights_by_name(fitted(GAN).weights_))
        self.architecture = fitted(GAN).players_.architecture

    @property
    def made(self):
        return self.stack("G.of_z", self.architecture.generator, self.w["G.probes"])

    def f(self, x):
        return self.stack("D.x.hidden", self.architecture.discriminator, x)

    def score(self, name):
        match name:
            case "density":
                return -kernel_log_density(SCALED, self.made)
            case "feature-density":
                return -kernel_log_density(self.f(SCALED), self.f(self.made))
            case "discriminator":
                return softplus(-self.dense("D.x.logit", self.f(SCALED))[:, 0])


@pytest.mark.parametrize("score", ["density", "feature-density", "discriminator"])
def test_the_score_is_the_formula(score):
    detector = copy.copy(fitted(GAN)).set_params(anomaly_score=score)
    by_hand = Networks().score(score)
    np.testing.assert_allclose(-detector.score_samples(NEW), by_hand, rtol=1e-3, atol=1e-3)


def anogan(**settings):
    """The fitted AnoGAN with another search."""
    return copy.copy(fitted(AnoGAN)).set_params(**settings)


def test_anogan_is_a_gan_that_is_judged_by_inversion():
    assert equal(fitted(AnoGAN).weights_, fitted(GAN).weights_)
    same = copy.copy(fitted(GAN)).set_params(anomaly_score="inversion")
    assert np.array_equal(same.score_samples(NEW), fitted(AnoGAN).score_samples(NEW))


def test_the_search_is_adam_on_one_row_at_a_time():
    steps, weight, plans = 6, 0.3, blueprints(fitted(AnoGAN).players_)
    networks = {name: alive(plans[name], *own) for name, own in fitted(AnoGAN).weights_.items()}
    rule = optax.adam(0.05)
    at = jax.jit(
        jax.value_and_grad(lambda z, x: inversion_loss(networks, x[None], z[None], weight)[0])
    )

    def lowest(x):
        z = jnp.clip(networks["G"].probes[0], -2, 2)
        slots, met = rule.init(z), []
        for _ in range(steps):
            value, gradient = at(z, x)
            met.append(value)
            change, slots = rule.update(gradient, slots)
            z = z + change
        return min(*met, at(z, x)[0])

    detector = anogan(search_steps=steps, search_step_size=0.05, feature_weight=weight)
    by_hand = [lowest(x) for x in SCALED[:5]]
    np.testing.assert_allclose(-detector.score_samples(NEW[:5]), by_hand, rtol=1e-4)


@pytest.mark.parametrize("starts", [1, 7])
def test_without_steps_the_best_start_is_judged(starts):
    networks = Networks()
    z = np.clip(networks.w["G.probes"][:starts], -2, 2)  # a normal draw, cut at two deviations
    x_of_z = networks.stack("G.of_z", networks.architecture.generator, z)
    of_rows = np.abs(SCALED[:, None] - x_of_z).sum(axis=2)
    of_features = np.abs(networks.f(SCALED)[:, None] - networks.f(x_of_z)).sum(axis=2)
    by_hand = (0.1 * of_rows + 0.9 * of_features).min(axis=1)
    detector = anogan(search_steps=0, search_restarts=starts)
    np.testing.assert_allclose(-detector.score_samples(NEW), by_hand, rtol=1e-4)


@pytest.mark.parametrize("steps", [0, 3])
def test_more_starts_or_steps_are_never_worse(steps):
    found = [
        -anogan(search_steps=steps, search_restarts=starts).score_samples(NEW)
        for starts in (1, 2, 7)
    ]
    assert (np.diff(found, axis=0) <= 0).all()
    assert (found[2] < found[0]).any()
    longer = -anogan(search_steps=steps + 2, search_restarts=7).score_samples(NEW)
    assert (longer <= found[2]).all()
    assert (longer < found[2]).any()


def test_the_threshold_of_a_search_rests_on_a_part_of_many_rows(monkeypatch):
    monkeypatch.setattr(gan, "SETTLED", 20)
    detector = new(AnoGAN, epochs=0, contamination=0.5).fit(X)
    scaled = detector.scaler_.transform(X).astype(np.float32)
    rows = detector._rows_to_settle(scaled)
    assert len(rows) == len({tuple(row) for row in rows}) == 20
    assert {tuple(row) for row in rows} <= {tuple(row) for row in scaled}
    assert np.array_equal(rows, detector._rows_to_settle(scaled))
    scores = -detector._anomaly_score(rows)
    assert (scores < detector.offset_).mean() == 0.5
    assert len(fitted(GAN)._rows_to_settle(scaled)) == len(X)
