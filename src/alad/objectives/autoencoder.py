r"""The plain autoencoder: what remains of ALAD when no game is played.

.. math:: \min_{E, G} E_x \| x - G(E(x)) \|_2^2
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array


def reconstruction_loss(networks: Mapping[str, Any], x: Array, key: Array) -> Array:
    """Mean over the rows of the squared error, summed over features."""
    A = networks["A"]
    squares = jnp.square(x - A.G(A.E(x))).reshape(len(x), -1)
    return squares.sum(axis=-1).mean()
