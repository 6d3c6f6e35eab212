r"""Further forgeries for ALAD's discriminators: rows from around the normal ones.

ALAD's discriminators only meet what G makes. Soon that lies close to normal rows, and of all
other places they know nothing. Here they must also tell rows x from rows :math:`\tilde x` in
which some columns were exchanged with those of other rows, in the games that rows take part in:

====  ==================  ======================================
game  real                forged
====  ==================  ======================================
xz    (x, E(x))           :math:`(\tilde x, E(\tilde x))`
xx    (x, x)              :math:`(\tilde x, \tilde x)`
====  ==================  ======================================

Each value of :math:`\tilde x` is an ordinary one of its column; what is forged is that they come
together. A discriminator of such pairs estimates how far the columns' joint density lies above the
product of its margins (noise-contrastive estimation), over many shares of exchanged columns. E and
G do not answer to these forgeries: they have no part in them.

Differs from the paper, which has no such forgeries. Source of the idea that negatives should come
from the neighbourhood: Gutmann and Hyvarinen, Noise-contrastive estimation, AISTATS 2010.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from alad.objectives import alad
from alad.objectives.alad import Games


def exchanged(x: Array, key: Array) -> Array:
    """Exchange a share of each row's columns with other rows of the batch, (n, d) to (n, d).

    The share is drawn anew for each row, from one column to all, and each column is then exchanged
    with that chance: where columns are few, a row in fifteen or so stays as it is.
    """
    n, d = x.shape
    for_row, for_share, for_column = jax.random.split(key, 3)
    other = jnp.take_along_axis(x, jax.random.randint(for_row, x.shape, 0, n), axis=0)
    share = jax.random.uniform(for_share, (n, 1), minval=1 / d, maxval=1.0)
    return jnp.where(jax.random.uniform(for_column, x.shape) < share, other, x)


def games(A: Any, x: Array, forged: Array) -> Games:
    """Lay out the pairs that D_xz and D_xx must tell apart."""
    return {"xz": ((x, A.E(x)), (forged, A.E(forged))), "xx": ((x, x), (forged, forged))}


def discriminators_loss(networks: Mapping[str, Any], x: Array, key: Array) -> Array:
    """-V of ALAD's own games and -V of these, on the same rows x, shape (n, d)."""
    A, D = networks["A"], networks["D"]
    for_z, for_forgeries = jax.random.split(key)
    own = alad.discriminators_loss(networks, x, for_z)
    return own - alad.value(D, games(A, x, exchanged(x, for_forgeries)))


__all__ = ["discriminators_loss", "exchanged", "games"]
