r"""The objective of a GAN, and that of AnoGAN's search for the latent vector of a row.

.. math::

    \min_G \max_D V(D, G) = E_x[\log \sigma(D(x))] + E_z[\log \sigma(-D(G(z)))]

is one more game of :mod:`alad.objectives.alad`, (x) against (G(z)), played by the same equation: G
wants its rows taken for real (the non-saturating form).

AnoGAN inverts G, one row at a time: it looks for the z that makes

.. math:: \ell(z; x) = (1 - w) \| x - G(z) \|_1 + w \| f(x) - f(G(z)) \|_1

small, f being D's last hidden layer; the smallest value found is the anomaly score.

Source: Goodfellow et al. 2014; Schlegl et al. 2017 (arXiv 1703.05921), where w = 0.1; the released
code of ALAD at 1f1c310, where w = 0.9.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from alad.objectives.alad import Games, swapped, value


def games(G: Any, x: Array, z: Array) -> Games:
    """Lay out what D must tell apart: rows, and rows made from z."""
    return {"x": ((x,), (G(z),))}


def discriminator_loss(networks: Mapping[str, Any], x: Array, key: Array) -> Array:
    """-V: what D minimises on rows x, shape (n, ...), and fresh z ~ N(0, I)."""
    G, D = networks["G"], networks["D"]
    return -value(D, games(G, x, G.sample_z(key, len(x))))


def generator_loss(networks: Mapping[str, Any], x: Array, key: Array) -> Array:
    """-V with real and forged exchanged; the rows' own term has no gradient in G."""
    G, D = networks["G"], networks["D"]
    return -value(D, swapped(games(G, x, G.sample_z(key, len(x)))))


def inversion_loss(networks: Mapping[str, Any], x: Array, z: Array, feature_weight: float) -> Array:
    """How far G(z) is from x, row by row, shape (n,)."""
    G, f = networks["G"], networks["D"]["x"].features
    x_of_z = G(z)
    residual = jnp.abs(x - x_of_z).sum(axis=-1)
    of_features = jnp.abs(f(x) - f(x_of_z)).sum(axis=-1)
    return (1 - feature_weight) * residual + feature_weight * of_features


__all__ = ["discriminator_loss", "games", "generator_loss", "inversion_loss"]
