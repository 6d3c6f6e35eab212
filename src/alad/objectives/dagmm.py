r"""DAGMM: an autoencoder and a Gaussian mixture of what it makes of a row, learned together.

.. math::

    z &= [E(x), \; \|x - x'\|_2 / \|x\|_2, \; \cos(x, x')], \qquad x' = G(E(x)) \\
    \phi_k &= \tfrac1n \sum_i \gamma_{ik}, \quad
    \mu_k = \frac{\sum_i \gamma_{ik} z_i}{\sum_i \gamma_{ik}}, \quad
    \Sigma_k = \frac{\sum_i \gamma_{ik} (z_i - \mu_k)(z_i - \mu_k)^T}{\sum_i \gamma_{ik}} \\
    E(z) &= -\log \sum_k \phi_k N(z; \mu_k, \Sigma_k) \\
    L &= \tfrac1n \sum_i \|x_i - x_i'\|_2 + \lambda_1 \tfrac1n \sum_i E(z_i)
    + \lambda_2 \sum_{k, j} 1 / \Sigma_{kjj}

with the memberships γ of the estimation network. A row is judged by its energy under the mixture
of all training rows.

Source: Zong et al. Deep Autoencoding Gaussian Mixture Model for Unsupervised Anomaly Detection.
ICLR 2018, equations 1 to 7; λ1 = 0.1, λ2 = 0.005 and the unsquared error: the released code of ALAD
at 1f1c310. Differs from it: the Gaussian's constant is that of d dimensions, (2π)^d, where that
code has 2π; a covariance is used through its Cholesky factor; the mixture of scoring is that of all
training rows, where that code keeps the last batch's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.linalg import solve_triangular

ENERGY_WEIGHT, COVARIANCE_WEIGHT = 0.1, 0.005
FLOOR = 1e-6  # added to variances, where they are zero
RAISED = 1e-4  # of a variance, added to it: beyond the rounding of a float32 sum over a batch, so
# that the factor of a covariance exists even where latent vectors lie on a line
TINY = 1e-12


class Mixture(NamedTuple):
    """Weights (k,), means (k, d) and covariances (k, d, d) of a Gaussian mixture."""

    weights: Array
    means: Array
    covariances: Array


def latent(N: Any, x: Array) -> tuple[Array, Array]:
    """z, shape (n, d), and the length of the reconstruction error, shape (n,)."""
    z_of_x = N.E(x)
    y = N.G(z_of_x)
    error, length = _norm(x - y), _norm(x)
    relative = error / (length + TINY)
    cosine = (x * y).sum(axis=-1) / (length * _norm(y) + TINY)
    return jnp.concatenate([z_of_x, relative[:, None], cosine[:, None]], axis=-1), error


def _norm(x: Array) -> Array:
    return jnp.sqrt(jnp.square(x).sum(axis=-1) + TINY)  # a finite gradient at zero


def mixture_of(z: Array, membership: Array) -> Mixture:
    """The mixture of latent vectors (n, d) with memberships (n, k)."""
    total = membership.sum(axis=0)
    shares = membership / (total + TINY)
    means = shares.T @ z
    centred = z[:, None, :] - means
    covariances = jnp.einsum("nk,nki,nkj->kij", shares, centred, centred)
    return Mixture(total / len(z), means, covariances)


def energy(z: Array, mixture: Mixture) -> Array:
    """-log of the mixture's density, shape (n,)."""
    d = z.shape[-1]
    variances = jnp.diagonal(mixture.covariances, axis1=1, axis2=2)
    raised = FLOOR + RAISED * variances
    factors = jnp.linalg.cholesky(mixture.covariances + jax.vmap(jnp.diag)(raised))

    def log_density(mean: Array, factor: Array) -> Array:
        whitened = solve_triangular(factor, (z - mean).T, lower=True)
        half_log_det = jnp.log(jnp.diagonal(factor)).sum()
        exponent = jnp.square(whitened).sum(axis=0) / 2
        return -exponent - half_log_det - d / 2 * math.log(2 * math.pi)

    terms = jnp.log(mixture.weights + TINY)[:, None] + jax.vmap(log_density)(mixture.means, factors)
    negative: Array = -jax.nn.logsumexp(terms, axis=0)
    return negative


def loss(networks: Mapping[str, Any], x: Array, key: Array) -> Array:
    """L, of a batch and of the mixture of that batch; there is no noise but dropout's."""
    N = networks["N"]
    z, error = latent(N, x)
    mixture = mixture_of(z, N.membership(z))
    variances = jnp.diagonal(mixture.covariances, axis1=1, axis2=2)
    penalty = (1 / (variances + FLOOR)).sum()
    fit = ENERGY_WEIGHT * energy(z, mixture).mean()
    total: Array = error.mean() + fit + COVARIANCE_WEIGHT * penalty
    return total


def row_energy(N: Any, x: Array) -> Array:
    """The energy of rows under the mixture that N keeps, shape (n,)."""
    kept = Mixture(N.weights[...], N.means[...], N.covariances[...])
    return energy(latent(N, x)[0], kept)


__all__ = ["Mixture", "energy", "latent", "loss", "mixture_of", "row_energy"]
