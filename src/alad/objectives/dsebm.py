r"""DSEBM: an energy that is low where rows are, learned by denoising score matching.

.. math::

    E(x) &= \tfrac12 \| x - b' \|^2 - \sum_j h_j(x) \\
    r(x) &= x - \nabla E(x) \\
    L &= E_{x, \epsilon} \| x - r(x + \sigma \epsilon) \|^2, \qquad \epsilon \sim N(0, I)

with h the outputs of a network. The gradient of the sum carries the network's own weights
backwards, so r is the tied autoencoder of the paper and needs no layer of its own. A row is judged
by E(x) (DSEBM-e) or by the error :math:`\| x - r(x) \|_2 = \| \nabla E(x) \|_2` (DSEBM-r).

Source: Zhai, Cheng, Lu, Zhang. Deep Structured Energy Based Models for Anomaly Detection. ICML
2016, arXiv 1605.07717, equations 4 to 8; sigma = 1 in the released code of ALAD at 1f1c310.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

SIGMA = 1.0


def energy(N: Any, x: Array) -> Array:
    """E(x), shape (n,): high for strange rows."""
    bowl = _sum(jnp.square(x - N.b[...])) / 2
    lowered: Array = bowl - _sum(N.h(x))
    return lowered


def gradient(N: Any, x: Array) -> Array:
    """The gradient of each row's energy in that row, shape of x."""
    total: Array = jax.grad(lambda rows: energy(N, rows).sum())(x)
    return total


def reconstruction(N: Any, x: Array) -> Array:
    """r(x) = x - grad E(x), shape of x."""
    return x - gradient(N, x)


def reconstruction_error(N: Any, x: Array) -> Array:
    """Euclidean norm of x - r(x), shape (n,)."""
    return jnp.sqrt(_sum(jnp.square(gradient(N, x))))


def denoising_loss(networks: Mapping[str, Any], x: Array, key: Array) -> Array:
    """L: mean squared norm of what is left of the noise."""
    noisy = x + SIGMA * jax.random.normal(key, x.shape)
    return _sum(jnp.square(x - reconstruction(networks["N"], noisy))).mean()


def _sum(h: Array) -> Array:
    """Over all numbers of a row, or of a picture."""
    return h.sum(axis=tuple(range(1, h.ndim)))


__all__ = ["denoising_loss", "energy", "gradient", "reconstruction", "reconstruction_error"]
