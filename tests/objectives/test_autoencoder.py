"""The plain autoencoder's loss, against NumPy."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from flax import nnx

from alad.networks import Architecture, Players
from alad.networks.presets import OUTPUT, hidden
from alad.objectives.autoencoder import reconstruction_loss
from tests.by_hand import eval_networks

ARCHITECTURE = Architecture(
    encoder=hidden(5) + OUTPUT,
    generator=hidden(4, activation="relu") + OUTPUT,
    **dict.fromkeys(("xz_of_x", "xz_of_z", "xz_joint", "xx", "zz"), ()),
)
NETWORKS, BY_HAND = eval_networks(Players(ARCHITECTURE, 3, 2, (), False))
ROWS = np.random.default_rng(0).normal(1, 2, size=(8, 3)).astype(np.float32)
KEY = jax.random.key(0)


def test_the_loss_is_the_mean_squared_distance():
    z = BY_HAND.stack("A.E", ARCHITECTURE.encoder, np.float64(ROWS))
    distance = np.linalg.norm(ROWS - BY_HAND.stack("A.G", ARCHITECTURE.generator, z), axis=1)
    loss = reconstruction_loss(NETWORKS, ROWS, KEY)
    assert loss == pytest.approx((distance**2).mean(), rel=1e-5)


def test_it_teaches_both_networks_and_there_is_no_third():
    gradient = nnx.grad(lambda A: reconstruction_loss({"A": A}, ROWS, KEY))(NETWORKS["A"])
    for network in "EG":
        assert all(np.abs(leaf).sum() > 0 for leaf in jax.tree.leaves(gradient[network]))
    assert not NETWORKS["D"]
