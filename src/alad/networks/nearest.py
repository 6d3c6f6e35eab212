"""Which of many rows are nearest to a row: the same answer on every machine, found in two ways."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

BLOCK = 64  # rows compared with all others at a time: what comes of it stays in a core's cache
GROUP = 32  # others that are first looked at together


def nearest(x: Array, others: Array, k: int) -> Array:
    """Give the places of the k nearest of the others, (n, d) and (m, d) to (n, k).

    The nearest comes first; of equally near ones, up to rounding, the one that stands first.

    >>> nearest(jnp.array([[0.0], [6.0]]), jnp.array([[1.0], [5.0], [-1.0], [9.0]]), 2).tolist()
    [[0, 2], [1, 3]]
    """
    in_blocks, at_once = partial(nearest_in_blocks, k=k), partial(nearest_at_once, k=k)
    found: Array = lax.platform_dependent(x, others, cpu=in_blocks, default=at_once)
    return found


def nearest_at_once(x: Array, others: Array, k: int) -> Array:
    """Compare everything with everything, then choose: as an accelerator likes it."""
    _, places = lax.top_k(2 * x @ others.T - jnp.square(others).sum(axis=1), k)
    return places


def nearest_in_blocks(x: Array, others: Array, k: int) -> Array:
    """Compare a block of rows with the others, and choose, before the next block.

    The k nearest lie in the k groups whose best are nearest, so only these are looked into. A block
    is searched side by side, each row in a lane of a vector.
    """
    groups, lengths = -(-len(others) // GROUP), jnp.square(others).sum(axis=1, keepdims=True)
    missing = groups * GROUP - len(others)

    def of_block(block: Array) -> Array:
        # |x|^2 - |x - o|^2: highest for the nearest, (others, rows).
        close = others @ (2 * block).T - lengths
        if groups < k:
            return highest(close, k)[0]
        close = jnp.pad(close, ((0, missing), (0, 0)), constant_values=-jnp.inf)
        close = close.reshape(groups, GROUP, BLOCK)
        # The barrier keeps the product from being computed anew for every use.
        close, best = lax.optimization_barrier(  # type: ignore[no-untyped-call]
            (close, close.max(axis=1))
        )
        # Sorted, so that of equally near ones the first wins.
        chosen = jnp.sort(highest(best, k)[0], axis=0)
        inside = jnp.take_along_axis(close, chosen[:, None], axis=0).reshape(k * GROUP, BLOCK)
        place, _ = highest(inside, k)
        return jnp.take_along_axis(chosen, place // GROUP, axis=0) * GROUP + place % GROUP

    return in_blocks_of(of_block, x)


def in_blocks_of(search: Callable[[Array], Array], x: Array) -> Array:
    """Map a search, (BLOCK, d) to (k, BLOCK), over all rows, (n, d) to (n, k)."""
    blocks = -(-len(x) // BLOCK)
    filled = jnp.pad(x, ((0, blocks * BLOCK - len(x)), (0, 0)))
    found: Array = lax.map(search, filled.reshape(blocks, BLOCK, x.shape[1]))
    return found.transpose(0, 2, 1).reshape(blocks * BLOCK, found.shape[1])[: len(x)]


def highest(values: Array, k: int, names: Array | None = None) -> tuple[Array, Array]:
    """Give the names of the k highest of each column, in order, of equal ones the lowest; and them.

    (m, n) to twice (k, n), for k up to m. Names are of the same shape; by default the places.
    """
    if names is None:
        names = jnp.arange(len(values), dtype=jnp.int32)[:, None]

    def take(left: Array, _: None) -> tuple[Array, tuple[Array, Array]]:
        top = left.max(axis=0)
        name = jnp.where(left == top, names, np.iinfo(np.int32).max).min(axis=0)
        return jnp.where(names == name, -jnp.inf, left), (name, top)

    _, chosen = lax.scan(take, values, length=k)
    named: tuple[Array, Array] = chosen
    return named
