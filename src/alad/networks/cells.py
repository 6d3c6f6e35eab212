"""The nearest of many rows, without looking at those that lie too far away: the same answer.

The others stand in an order in which rows beside each other are alike. Each ``CELL`` of them have a
centre and a reach, how far the farthest of them lies from it. By the triangle inequality no row of
a cell is nearer than its centre, less its reach. So a cell need not be looked into where that is
farther than the k-th of the rows that were found elsewhere: where rows are many and of few kinds,
most need not.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from alad.networks.nearest import BLOCK, highest, in_blocks_of, nearest_at_once

CELL = 16  # rows
AT_ONCE = 80  # cells that a block of rows is compared with before the next
CENTRAL = 16  # of the first of them, those that are chosen by their centres
FEW = 4  # cells: where no row of a block has more that may hold a nearer one, so many are sorted
PLACES = 16  # every so many cells one whose centre says where a row lies
ROUNDING = float(np.finfo(np.float32).eps)  # of squared lengths, for each column
NOTHING = float(np.finfo(np.float32).min)

Found = tuple[Array, Array]  # (k, rows) twice: places, and |x|^2 - |x - o|^2, the nearest first


def nearest_in_cells(x: Array, others: Array, centres: Array, reach: Array, k: int) -> Array:
    """Give the places of the k nearest of the others, (n, d) and (m, d) to (n, k).

    As :func:`alad.networks.nearest.nearest` gives them, with the cells' centres (cells, d) and how
    far they reach (cells,). For at least ``AT_ONCE`` cells, and a k of no more.

    >>> others = jnp.arange(2048.0)[:, None]  # a cell is 0 to 15, the next 16 to 31 ...
    >>> centres, reach = others.reshape(128, CELL, 1).mean(axis=1), jnp.full(128, 7.5)
    >>> nearest_in_cells(jnp.array([[40.2], [-9.0]]), others, centres, reach, 2).tolist()
    [[40, 41], [0, 1]]
    """
    in_cells = partial(_in_cells, k=k)

    def at_once(x: Array, others: Array, centres: Array, reach: Array) -> Array:
        return nearest_at_once(x, others, k)

    found: Array = lax.platform_dependent(x, others, centres, reach, cpu=in_cells, default=at_once)
    return found


def place(x: Array, centres: Array) -> Array:
    """Say of rows, as a number (n,), where they lie: blocks of like numbers need the same cells."""
    some = centres[::PLACES]
    squares = jnp.square(some).sum(axis=1) - 2 * x @ some.T
    least = squares.min(axis=1)
    # XLA's argmin goes through one number after the other.
    first = jnp.where(squares == least[:, None], jnp.arange(len(some)), len(some)).min(axis=1)
    beside = least + jnp.square(x).sum(axis=1)
    return first + 1 - 1 / (1 + jnp.sqrt(jnp.maximum(beside, 0)))


# All rows go through products of one shape: others round otherwise, and of rows that are equally
# near another might be chosen beside other company.
def _in_cells(x: Array, others: Array, centres: Array, reach: Array, k: int) -> Array:
    far, rounding = jnp.square(centres).sum(axis=1, keepdims=True), ROUNDING * x.shape[1]
    lengths = jnp.square(others).sum(axis=1)

    def of_block(block: Array) -> Array:
        own = jnp.square(block).sum(axis=1)
        squares = own + far - centres @ (2 * block).T
        lowest = jnp.sqrt(jnp.maximum(squares - rounding * (own + far), 0)) - reach[:, None]
        lowest = jnp.where(jnp.isnan(lowest), -jnp.inf, lowest)  # of values too large to square

        def needed(close: Array, looked: Array) -> Array:
            found = jnp.maximum(own - close[-1], 0)  # and |o|^2 is at most twice both together
            farthest = jnp.sqrt(found + rounding * (3 * own + 2 * found))
            # The least of numbers is found side by side, whether any is true one after the other.
            return ~looked & ~((lowest - farthest).min(axis=1) > 0)

        # First into those whose centres are, for some row, hardly farther than its nearest one, and
        # into those that reach nearest to some row; then, with what these held as a bound, into all
        # that may hold one nearer.
        urgency = (squares - squares.min(axis=0)).min(axis=1)
        central = lax.top_k(-urgency, CENTRAL)[1]
        reaching = lowest.min(axis=1).at[central].set(jnp.inf)
        reaching = lax.top_k(-reaching, AT_ONCE - CENTRAL)[1]
        none = jnp.zeros(len(centres), bool)
        first = none.at[central].set(True).at[reaching].set(True)
        nothing = jnp.full((k, BLOCK), len(others)), jnp.full((k, BLOCK), NOTHING)

        def go_on(state: Any) -> Any:
            found, looked, wanted = state
            cells = _first(wanted, AT_ONCE)
            found = _looked(found, block, others, lengths, cells, k)
            looked = looked.at[cells].set(True, mode="drop")
            return found, looked, needed(found[1], looked)

        state = lax.while_loop(lambda state: state[2].any(), go_on, (nothing, none, first))
        places: Array = state[0][0]
        return places

    return in_blocks_of(of_block, x)


def _first(wanted: Array, count: int) -> Array:
    """Where the first so many true ones stand; beyond the end, where there are fewer."""
    # As nonzero gives them, which takes XLA longer to compile and to run.
    order, places = lax.top_k(
        jnp.where(wanted, -jnp.arange(len(wanted), dtype=float), -jnp.inf), count
    )
    return jnp.where(order > -jnp.inf, places, len(wanted))


def _looked(
    found: Found, block: Array, others: Array, lengths: Array, cells: Array, k: int
) -> Found:
    """The k nearest of those found before and of some cells' rows."""
    start = jnp.minimum(cells * CELL, len(others) - CELL)
    rows = jax.vmap(lambda s: lax.dynamic_slice(others, (s, 0), (CELL, others.shape[1])))(start)
    length = jax.vmap(lambda s: lax.dynamic_slice(lengths, (s,), (CELL,)))(start)
    rows = lax.optimization_barrier(rows).reshape(AT_ONCE * CELL, -1)  # type: ignore[no-untyped-call]
    close = rows @ (2 * block).T - length.reshape(-1, 1)
    # The last cell begins where it is whole, and has rows of the one before; beyond it is none.
    places = start[:, None] + jnp.arange(CELL)
    is_own = places >= cells[:, None] * CELL
    close = jnp.where(is_own.reshape(-1, 1) & (close > NOTHING), close, NOTHING)
    close = close.reshape(AT_ONCE, CELL, BLOCK)
    close, best = lax.optimization_barrier((close, close.max(axis=1)))  # type: ignore[no-untyped-call]

    def among(few: int) -> Found:
        """The nearest lie in the cells whose best are nearest; of equal ones in the first."""
        chosen, _ = highest(best, few)
        inside = jnp.take_along_axis(close, chosen[:, None], axis=0).reshape(-1, BLOCK)
        named = (start[chosen][:, None] + jnp.arange(CELL)[:, None]).reshape(-1, BLOCK)
        names, values = jnp.concatenate([found[0], named]), jnp.concatenate([found[1], inside])
        return highest(values, k, names)

    # Once some are found, few cells hold one that is as near, and often none does.
    most = (best >= found[1][-1]).sum(axis=0).max()
    few = min(FEW, k)
    way = (most > 0).astype(int) + (most > few)
    held: Found = lax.switch(way, [lambda: found, lambda: among(few), lambda: among(k)])
    return held
