"""The GAN's two losses as cross entropies with labels, and what AnoGAN's search makes small."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from alad.networks.gan import GanArchitecture, GanPlayers
from alad.networks.presets import OUTPUT, hidden
from alad.objectives.anogan import discriminator_loss, generator_loss, inversion_loss
from tests.by_hand import eval_networks

ARCHITECTURE = GanArchitecture(
    generator=hidden(5, activation="relu") + OUTPUT, discriminator=hidden(6, 4, dropout=0.2)
)
NETWORKS, BY_HAND = eval_networks(GanPlayers(ARCHITECTURE, data_dim=3, latent_dim=2))
KEY = jax.random.key(7)
ROWS = np.random.default_rng(2).normal(1, 2, size=(9, 3)).astype(np.float32)
Z = np.float64(NETWORKS["G"].sample_z(KEY, len(ROWS)))


def G(z):
    return BY_HAND.stack("G.of_z", ARCHITECTURE.generator, z)


def f(x):
    return BY_HAND.stack("D.x.hidden", ARCHITECTURE.discriminator, x)


def cross_entropy(x, label):
    p = 1 / (1 + np.exp(-BY_HAND.dense("D.x.logit", f(x))))
    return -np.mean(label * np.log(p) + (1 - label) * np.log(1 - p))


def test_the_discriminator_calls_rows_1_and_made_ones_0():
    by_hand = cross_entropy(ROWS, 1) + cross_entropy(G(Z), 0)
    assert discriminator_loss(NETWORKS, ROWS, KEY) == pytest.approx(by_hand, rel=1e-5)


def test_the_generator_wants_made_rows_called_1():
    by_hand = cross_entropy(ROWS, 0) + cross_entropy(G(Z), 1)
    assert generator_loss(NETWORKS, ROWS, KEY) == pytest.approx(by_hand, rel=1e-5)


def test_only_the_made_rows_teach_the_generator():
    D, x = NETWORKS["D"], jnp.asarray(ROWS)
    z = NETWORKS["G"].sample_z(KEY, len(ROWS))

    def gradient(loss):
        return jax.tree.leaves(nnx.grad(loss)(NETWORKS["G"]))

    ours = gradient(lambda G: generator_loss({"G": G, "D": D}, x, KEY))
    alone = gradient(lambda G: -jax.nn.log_sigmoid(D["x"](G(z))).mean())
    assert len(ours) == 4
    for a, b in zip(ours, alone, strict=True):
        assert np.abs(a).sum() > 0
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-7)


def test_both_players_learn_from_both_sides_of_the_discriminator():
    gradient = nnx.grad(lambda D: discriminator_loss({**NETWORKS, "D": D}, ROWS, KEY))
    assert all(np.abs(leaf).sum() > 0 for leaf in jax.tree.leaves(gradient(NETWORKS["D"])))


@pytest.mark.parametrize("weight", [0.0, 0.1, 0.9, 1.0])
def test_the_search_weighs_the_row_against_its_features(weight):
    of_rows = np.abs(ROWS - G(Z)).sum(axis=1)
    of_features = np.abs(f(ROWS) - f(G(Z))).sum(axis=1)
    ours = inversion_loss(NETWORKS, ROWS, jnp.asarray(Z, jnp.float32), weight)
    by_hand = (1 - weight) * of_rows + weight * of_features
    np.testing.assert_allclose(ours, by_hand, rtol=1e-4)
