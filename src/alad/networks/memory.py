"""Normal rows that are kept to compare with: a module without weights, filled after training."""

from __future__ import annotations

import jax.numpy as jnp
from flax import nnx
from jax import Array, lax


class Kept(nnx.Variable):  # type: ignore[type-arg]
    """What a memory holds; it is not learned by gradient."""


class Memory(nnx.Module):
    """m normal rows, each with the distance from which its own neighbours lie.

    Attributes
    ----------
    rows : Kept of shape (m, d)
    radius : Kept of shape (m,)
        The mean distance of each row to its nearest others.
    unit : Kept of shape (1,)
        A distance that counts as small, added before logarithms are taken.
    trust : Kept of shape (1,)
        How far networks that learned from so many rows can be believed, 0 to 1.
    """

    def __init__(self, rows: int, data_dim: int) -> None:
        self.rows = Kept(jnp.zeros((rows, data_dim)))
        self.radius = Kept(jnp.ones(rows))
        self.unit = Kept(jnp.ones(1))
        self.trust = Kept(jnp.ones(1))

    def nearest(self, x: Array, k: int) -> tuple[Array, Array]:
        """Distances to the k nearest rows, in their order, and those rows' radii, both (n, k).

        A row that equals one in the memory is taken for that one and does not count it.
        """
        rows, count = self.rows[...], len(self.rows[...])
        k = min(k, count - 1)
        # |x - m|^2 less the part that is the same for all m: enough to find the nearest.
        _, near = lax.top_k(2 * x @ rows.T - jnp.square(rows).sum(axis=1), k + 1)
        squares = jnp.square(x[:, None] - rows[near]).sum(axis=2)
        order = jnp.argsort(squares, axis=1)
        distance = jnp.sqrt(jnp.take_along_axis(squares, order, axis=1))
        radius = self.radius[...][jnp.take_along_axis(near, order, axis=1)]
        is_itself = distance[:, :1] == 0
        return (
            jnp.where(is_itself, distance[:, 1:], distance[:, :-1]),
            jnp.where(is_itself, radius[:, 1:], radius[:, :-1]),
        )
