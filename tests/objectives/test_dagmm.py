"""DAGMM: latent vectors, mixture, energy and loss, against NumPy and SciPy."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy.special import softmax

from alad.networks.dagmm import MixtureArchitecture, MixturePlayers
from alad.networks.layers import DenseLayer
from alad.networks.presets import OUTPUT, hidden
from alad.objectives import dagmm
from tests.by_hand import eval_networks, mixture, mixture_energy

ARCHITECTURE = MixtureArchitecture(
    encoder=(*hidden(6, activation="tanh"), DenseLayer(1)),
    generator=hidden(6, activation="tanh") + OUTPUT,
    estimator=hidden(5, activation="tanh", dropout=0.5),
    components=3,
)
NETWORKS, BY_HAND = eval_networks(MixturePlayers(ARCHITECTURE, data_dim=4))
N = NETWORKS["N"]
KEY = jax.random.key(0)
RNG = np.random.default_rng(1)
ROWS = RNG.normal(1, 2, size=(40, 4)).astype(np.float32)

Z = RNG.normal(size=(50, 3)) @ RNG.normal(size=(3, 3)) + [1, -2, 3]
MEMBERSHIP = softmax(2 * RNG.normal(size=(50, 3)), axis=1)
WEIGHTS, MEANS, COVARIANCES = mixture(Z, MEMBERSHIP)
MIXTURE = dagmm.Mixture(*(jnp.asarray(a, jnp.float32) for a in (WEIGHTS, MEANS, COVARIANCES)))


def latent(x):
    z = BY_HAND.stack("N.E", ARCHITECTURE.encoder, np.float64(x))
    y = BY_HAND.stack("N.G", ARCHITECTURE.generator, z)
    error, length = np.linalg.norm(x - y, axis=1), np.linalg.norm(x, axis=1)
    cosine = (x * y).sum(axis=1) / length / np.linalg.norm(y, axis=1)
    return np.column_stack([z, error / length, cosine]), error


def membership(z):
    estimator = (*ARCHITECTURE.estimator, DenseLayer(3))
    return softmax(BY_HAND.stack("N.estimator", estimator, z), axis=1)


def test_the_latent_vector_holds_the_code_and_two_errors():
    z, error = dagmm.latent(N, jnp.asarray(ROWS))
    np.testing.assert_allclose(z, latent(ROWS)[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(error, latent(ROWS)[1], rtol=1e-5)


def test_memberships_are_shares():
    z = latent(ROWS)[0]
    ours = np.asarray(N.membership(jnp.asarray(z, jnp.float32)))
    np.testing.assert_allclose(ours, membership(z), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(ours.sum(axis=1), 1, rtol=1e-6)


def test_the_mixture_is_that_of_weighted_rows():
    ours = dagmm.mixture_of(jnp.asarray(Z), jnp.asarray(MEMBERSHIP))
    for a, b in zip(ours, (WEIGHTS, MEANS, COVARIANCES), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_the_energy_is_minus_the_log_density_with_its_constant():
    z = np.vstack([Z, 3 * Z])
    by_hand = mixture_energy(z, WEIGHTS, MEANS, COVARIANCES)
    np.testing.assert_allclose(dagmm.energy(z, MIXTURE), by_hand, rtol=1e-4, atol=1e-4)
    one = dagmm.Mixture(jnp.ones(1), jnp.zeros((1, 3)), jnp.eye(3)[None])
    at_its_mean = dagmm.energy(jnp.zeros((1, 3)), one)[0]
    raised = 1 + 1e-4 + 1e-6
    assert at_its_mean == pytest.approx(1.5 * np.log(2 * np.pi * raised), rel=1e-5)


@jax.jit
@jax.value_and_grad
def own_energy(z, membership):
    return dagmm.energy(z, dagmm.mixture_of(z, membership)).mean()


@nnx.jit
@nnx.grad
def gradient(N, x):
    return dagmm.loss({"N": N}, x, KEY)


@pytest.mark.parametrize(
    "z",
    [Z * [1, 0, 1], Z[:, [0, 0, 2]], Z[:, [0, 0, 2]] * 1e4, np.zeros_like(Z), Z[[0] * 50]],
    ids=["flat", "on a plane", "far on a plane", "nothing", "one point"],
)
@pytest.mark.parametrize("shares", [MEMBERSHIP, np.eye(3)[[0, 1] * 25]], ids=["soft", "one empty"])
def test_a_singular_covariance_gives_finite_energies_and_gradients(z, shares):
    value, slopes = own_energy(np.float32(z), np.float32(shares))
    assert np.isfinite(value)
    assert np.isfinite(slopes).all()


def test_points_on_a_line_have_a_factor_whatever_their_size():
    rng = np.random.default_rng(0)
    on_a_line = jax.jit(lambda z, m: dagmm.energy(z, dagmm.mixture_of(z, m)))
    for _ in range(60):  # at a relative floor of 1e-6, some four of these have none
        sizes, place = 10 ** rng.uniform(-3, 4, 3), 10 ** rng.uniform(-2, 4) * rng.normal(size=3)
        along = rng.normal(size=(1024, 1))
        along[: rng.integers(1, 900)] = along[0]
        shares = softmax(rng.uniform(0, 8) * rng.normal(size=(1024, 4)), axis=1)
        assert np.isfinite(on_a_line(np.float32(along * sizes + place), np.float32(shares))).all()


def test_a_row_that_is_made_again_without_error_has_a_finite_gradient():
    newborn = MixturePlayers(ARCHITECTURE, data_dim=4)(KEY)["N"]  # without biases, 0 gives 0
    newborn.eval()
    rows = np.where(np.arange(40) < 20, 0, ROWS.T).T
    assert (dagmm.latent(newborn, rows)[1][:20] < 1e-5).all()
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient(newborn, rows)))


def test_the_loss_is_error_energy_and_penalty():
    z, error = latent(ROWS)
    weights, means, covariances = mixture(z, membership(z))
    penalty = sum((1 / np.diag(covariance)).sum() for covariance in covariances)
    energies = mixture_energy(z, weights, means, covariances)
    by_hand = error.mean() + 0.1 * energies.mean() + 0.005 * penalty
    assert dagmm.loss(NETWORKS, jnp.asarray(ROWS), KEY) == pytest.approx(by_hand, rel=1e-3)


def test_the_gradient_of_the_loss_reaches_every_weight():
    for path, slopes in nnx.to_flat_state(gradient(N, ROWS)):
        assert (np.asarray(slopes[...]) != 0).all(), path


def test_a_row_is_judged_by_the_mixture_that_the_network_keeps():
    standard = [np.full(3, 1 / 3), np.zeros((3, 3)), np.tile(np.eye(3), (3, 1, 1))]
    z = latent(ROWS)[0]
    ours = dagmm.row_energy(N, jnp.asarray(ROWS))
    np.testing.assert_allclose(ours, mixture_energy(z, *standard), rtol=1e-4)
    N.means[...] = N.means[...] + 1
    standard[1] = standard[1] + 1
    moved = dagmm.row_energy(N, jnp.asarray(ROWS))
    N.means[...] = N.means[...] - 1
    np.testing.assert_allclose(moved, mixture_energy(z, *standard), rtol=1e-4)
