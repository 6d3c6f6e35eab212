r"""The density of rows, estimated from a sample by Gaussian kernels.

.. math::

    \hat p(x) = \frac1n \sum_i \prod_j N(x_j; s_{ij}, h_j^2), \qquad
    h_j = n^{-1/(d + 4)} \sigma_j

with σ_j the standard deviation of the sample in dimension j: Scott's rule for a product kernel
(Scott, Multivariate Density Estimation, 1992). A thousandth of the mean variance is added to each
σ_j², so that no kernel is a needle where the sample hardly varies.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import Array

FLOOR = 1e-3


def kernel_density(x: Array, sample: Array) -> Array:
    """log of the density at rows x (m, d), from a sample (n, d); shape (m,)."""
    n, d = sample.shape
    variance = sample.var(axis=0)
    h = n ** (-1 / (d + 4)) * jnp.sqrt(variance + FLOOR * variance.mean() + 1e-12)
    centre = sample.mean(axis=0)
    a, b = (x - centre) / h, (sample - centre) / h
    squares = jnp.square(a).sum(axis=1)[:, None] + jnp.square(b).sum(axis=1) - 2 * a @ b.T
    constant = jnp.log(h).sum() + d / 2 * math.log(2 * math.pi) + math.log(n)
    total: Array = jax.nn.logsumexp(-jnp.maximum(squares, 0) / 2, axis=1) - constant
    return total
