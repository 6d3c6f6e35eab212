"""Normal rows that are kept to compare with: a module without weights, filled after training."""

from __future__ import annotations

import jax.numpy as jnp
from flax import nnx
from jax import Array

from alad.networks.cells import MANY_COLUMNS, WIDEST, Sketch, nearest_in_cells, place
from alad.networks.nearest import highest, nearest


def rounded(x: Array) -> Array:
    """Round to half precision, eleven bits; infinite beyond 65,504."""
    return x.astype(jnp.float16).astype(x.dtype)


def squashed(x: Array, scale: Array) -> Array:
    r"""Let values far from 0 count for less: :math:`\pm c \log(1 + |x| / c)`; c may be infinite."""
    c = jnp.where(jnp.isfinite(scale), scale, 1)
    return jnp.where(jnp.isfinite(scale), jnp.sign(x) * c * jnp.log1p(jnp.abs(x) / c), x)


def unsquashed(x: Array, scale: Array) -> Array:
    """Invert :func:`squashed`."""
    c = jnp.where(jnp.isfinite(scale), scale, 1)
    return jnp.where(jnp.isfinite(scale), jnp.sign(x) * c * jnp.expm1(jnp.abs(x) / c), x)


class Kept(nnx.Variable):  # type: ignore[type-arg]
    """What a memory holds, not learned by gradient; on disk at half the size where exact."""


class Derived(nnx.Variable):  # type: ignore[type-arg]
    """What follows from what a memory holds, so that it need not be on disk."""


class Memory(nnx.Module):
    """m normal rows, each with the distance from which its own neighbours lie.

    Attributes
    ----------
    rows : Kept of shape (m, d)
        Squashed, and rounded to half precision, which moves a distance by less than a thousandth
        of a row's length; not rounded where a column is too large for that.
    radius : Kept of shape (m,)
        The mean distance of each row to its nearest others.
    least : Kept of shape (m,)
        What the distance to each row counts as at least: little, but much for rows that are close
        to each other and far from all others.
    unit : Kept of shape (1,)
        A distance that counts as small, added before logarithms are taken.
    scale : Kept of shape (1,)
        That x is squashed with.
    trust : Kept of shape (1,)
        How much the doubt of discriminators that learned from so many rows may weigh, 0 to 1.
    slopes, intercept : Kept of shapes (2,) and (1,)
        What makes of D_xz's and D_xx's logits one that can be believed of rows not trained on.
    centres, reach : Kept of shapes (cells, d) and (cells,)
        Of the cells that the rows make, one after the other, so that a search may leave out most
        (:mod:`alad.networks.cells`). Not there where all rows are to be looked at.
    short_middle, short_columns, short_rows, short_centres, short_reach : Derived
        A :class:`~alad.networks.cells.Sketch`, where there are cells and many columns.
    """

    def __init__(self, rows: int, data_dim: int, cells: int = 0) -> None:
        self.rows = Kept(jnp.zeros((rows, data_dim)))
        self.radius, self.least = Kept(jnp.ones(rows)), Kept(jnp.zeros(rows))
        self.unit = Kept(jnp.ones(1))
        self.scale = Kept(jnp.full(1, jnp.inf))
        self.trust = Kept(jnp.ones(1))
        self.slopes, self.intercept = Kept(jnp.zeros(2)), Kept(jnp.zeros(1))
        self.cells = cells
        if cells:
            self.centres, self.reach = Kept(jnp.zeros((cells, data_dim))), Kept(jnp.zeros(cells))
        self.is_sketched = cells > 0 and data_dim >= MANY_COLUMNS
        if self.is_sketched:
            self.short_middle = Derived(jnp.zeros(data_dim))
            self.short_columns = Derived(jnp.zeros(WIDEST, jnp.int32))
            self.short_rows = Derived(jnp.zeros((rows, WIDEST + 3)))
            self.short_centres = Derived(jnp.zeros((cells, WIDEST + 1)))
            self.short_reach = Derived(jnp.zeros(cells))

    def nearest(self, x: Array, k: int) -> tuple[Array, Array]:
        """Distances of squashed x to the k nearest rows, nearest first, and their radii: (n, k).

        None counts as less than the row's ``least``. A row that rounds to one of the memory is
        taken for that one and does not count it.
        """
        rows, k = self.rows[...], min(k, len(self.rows[...]) - 1)
        x = squashed(x, self.scale[...])
        near = self._places(x, k + 1)
        alike = (x[:, None] == rows[near]) | (rounded(x)[:, None] == rows[near])
        is_itself = alike.all(axis=2)
        squares = jnp.square(x[:, None] - rows[near]).sum(axis=2)
        # As argsort, but rows side by side.
        order = highest(-jnp.where(is_itself, -1, squares).T, near.shape[1])[0].T
        near = jnp.take_along_axis(near, order, axis=1)
        distance = jnp.sqrt(jnp.take_along_axis(squares, order, axis=1))
        distance, radius = jnp.maximum(distance, self.least[...][near]), self.radius[...][near]
        has_itself = is_itself.any(axis=1, keepdims=True)
        return (
            jnp.where(has_itself, distance[:, 1:], distance[:, :-1]),
            jnp.where(has_itself, radius[:, 1:], radius[:, :-1]),
        )

    def place(self, x: Array) -> Array:
        """Where x lies, as a number (n,): search is fast where like numbers stand together."""
        return place(squashed(x, self.scale[...]), self.centres[...])

    def _places(self, x: Array, k: int) -> Array:
        if not self.cells:
            return nearest(x, self.rows[...], k)
        sketch = None
        if self.is_sketched:
            sketch = Sketch(*(getattr(self, f"short_{name}")[...] for name in Sketch._fields))
        return nearest_in_cells(x, self.rows[...], self.centres[...], self.reach[...], k, sketch)
