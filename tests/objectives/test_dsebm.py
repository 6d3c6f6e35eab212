"""DSEBM: the energy and its tied reconstruction, against a forward and a backward pass by hand."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from flax import nnx

from alad.networks.dsebm import EnergyArchitecture, EnergyPlayers
from alad.networks.presets import hidden
from alad.objectives import dsebm
from tests.by_hand import eval_networks, softplus

LAYERS = hidden(6, 4, activation="softplus")
NETWORKS, BY_HAND = eval_networks(EnergyPlayers(EnergyArchitecture(LAYERS), data_dim=3))
N = NETWORKS["N"]
ROWS = np.random.default_rng(0).normal(0, 2, size=(7, 3)).astype(np.float32)
KEY = jax.random.key(3)


def energy(x, w=BY_HAND.w):
    h = np.float64(x)
    for i in range(2):
        h = softplus(h @ w[f"N.h.blocks.{i}.dense.kernels.0"] + w[f"N.h.blocks.{i}.dense.bias"])
    return ((x - w["N.b"]) ** 2).sum(axis=1) / 2 - h.sum(axis=1)


def reconstruction(x, w=BY_HAND.w):
    """Down through the layers, and up again through the same weights."""
    h, slopes = np.float64(x), []
    for i in range(2):
        a = h @ w[f"N.h.blocks.{i}.dense.kernels.0"] + w[f"N.h.blocks.{i}.dense.bias"]
        h = softplus(a)
        slopes.append(1 / (1 + np.exp(-a)))
    up = np.ones_like(h)
    for i in (1, 0):
        up = (up * slopes[i]) @ w[f"N.h.blocks.{i}.dense.kernels.0"].T
    return w["N.b"] + up


def loss(w=BY_HAND.w):
    noise = np.float64(jax.random.normal(KEY, ROWS.shape))
    return ((ROWS - reconstruction(ROWS + noise, w)) ** 2).sum(axis=1).mean()


def test_the_energy_is_the_formula():
    np.testing.assert_allclose(dsebm.energy(N, ROWS), energy(ROWS), rtol=1e-5, atol=1e-5)


def test_the_reconstruction_goes_back_through_the_same_weights():
    ours = dsebm.reconstruction(N, ROWS)
    np.testing.assert_allclose(ours, reconstruction(ROWS), rtol=1e-5, atol=1e-5)


def test_the_reconstruction_is_the_row_less_the_gradient_of_its_energy():
    of_row = jax.jit(jax.grad(lambda row: dsebm.energy(N, row[None])[0]))
    gradient = np.stack([of_row(row) for row in ROWS])
    np.testing.assert_allclose(ROWS - dsebm.reconstruction(N, ROWS), gradient, rtol=1e-4, atol=1e-5)
    steps = 1e-5 * np.eye(3)
    slopes = np.stack([(energy(ROWS + s) - energy(ROWS - s)) / 2e-5 for s in steps], axis=1)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-4, atol=1e-5)


def test_the_error_is_the_norm_of_the_gradient():
    by_hand = np.linalg.norm(ROWS - reconstruction(ROWS), axis=1)
    np.testing.assert_allclose(dsebm.reconstruction_error(N, ROWS), by_hand, rtol=1e-5)


def test_the_loss_compares_the_rows_with_what_is_made_of_noisy_ones():
    assert dsebm.denoising_loss(NETWORKS, ROWS, KEY) == pytest.approx(loss(), rel=1e-5)


def test_the_gradient_of_the_loss_reaches_every_weight():
    gradient = nnx.jit(nnx.grad(lambda N: dsebm.denoising_loss({"N": N}, ROWS, KEY)))(N)
    named = {".".join(map(str, ("N", *p))): v[...] for p, v in nnx.to_flat_state(gradient)}
    assert set(named) == set(BY_HAND.w)
    for name, slopes in named.items():
        assert (slopes != 0).all()
        for place in np.ndindex(slopes.shape):
            up, down = ({**BY_HAND.w, name: BY_HAND.w[name].copy()} for _ in "ud")
            up[name][place] += 1e-5
            down[name][place] -= 1e-5
            by_hand = (loss(up) - loss(down)) / 2e-5
            assert slopes[place] == pytest.approx(by_hand, rel=1e-3, abs=1e-3), name
