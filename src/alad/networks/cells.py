"""The nearest of many rows, without looking at those that lie too far away: the same answer.

The others stand in an order in which rows beside each other are alike. Each ``CELL`` of them have a
centre and a reach, how far the farthest of them lies from it. By the triangle inequality no row of
a cell is nearer than its centre, less its reach. So a cell need not be looked into where that is
farther than the k-th of the rows that were found elsewhere: where rows are many and of few kinds,
most need not.

Where rows have many columns, most cells that are left are told to be too far by a sketch of their
rows: the columns in which the others differ most, and the length of all other columns together.
No two rows are nearer to each other than their sketches, for lengths differ by no more than what
they are the lengths of.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from numpy.typing import NDArray

from alad.networks.nearest import BLOCK, highest, in_blocks_of, nearest_at_once

CELL = 16  # rows
AT_ONCE = 32  # cells that a block of rows is compared with before the next; or k, if that is more
SKETCHES_AT_ONCE = 64  # cells whose sketches it is compared with
FEW = 4  # cells: where no row of a block has more that may hold a nearer one, so many are sorted
LINE = 64  # cells that are counted together
PLACES = 16  # every so many cells one whose centre says where a row lies
MANY_COLUMNS = 64  # from here on sketches are of use
WIDEST = 29  # columns in a sketch: with three numbers more a product of 32
ROUNDING = 2 * float(np.finfo(np.float32).eps)  # of squared lengths, for each column
NOTHING = float(np.finfo(np.float32).min)

T = TypeVar("T")
Found = tuple[Array, Array]  # (k, rows) twice: places, and |x|^2 - |x - o|^2, the nearest first


class Sketch(NamedTuple):
    """What is short of some rows (m, d) and the centres of their cells."""

    middle: Any
    """(d,) What everything is measured from."""
    columns: Any
    """(p,) Those in which the rows differ most."""
    rows: Any
    """(m, p + 3) Their values there, the length of the other columns; and, for a distance to be one
    product, the squared length of both, less what it may be off by, and 1."""
    centres: Any
    """(cells, p + 1)"""
    reach: Any
    """(cells,) How far the sketches of a cell's rows lie from that of its centre."""


def sketch_of(rows: NDArray[Any], centres: NDArray[Any]) -> Sketch | None:
    """Sketch rows (m, d) and the centres of their cells (cells, d), where columns are many."""
    if rows.shape[1] < MANY_COLUMNS:
        return None
    middle = np.median(centres, axis=0)  # that no row moves, however far out
    with np.errstate(over="ignore", invalid="ignore"):  # of rows too large to square
        widest = np.argsort(-rows.var(axis=0), kind="stable")[:WIDEST]
        columns = np.sort(widest).astype(np.int32)
        short, central = (sketched(x, middle, columns) for x in (rows, centres))
        lengths = np.square(short).sum(axis=1, keepdims=True)
        apart = np.square(short - np.repeat(central, CELL, axis=0)[: len(rows)]).sum(axis=1)
        reach = np.sqrt(np.maximum.reduceat(apart, np.arange(0, len(rows), CELL)))
    beside = (1 - _rounding(rows.shape[1])) * lengths, np.ones_like(lengths)
    long = np.concatenate([short, *beside], axis=1).astype(np.float32)
    reach = np.where(np.isnan(reach), np.inf, (1 + ROUNDING * CELL) * reach).astype(np.float32)
    return Sketch(middle, columns, long, central, reach)


def sketched(x: Any, middle: Any, columns: Any) -> Any:
    """Give some columns of x - middle, and the length of the others: (n, d) to (n, p + 1)."""
    xp: Any = np if isinstance(x, np.ndarray) else jnp
    apart = x - middle
    others = xp.where((xp.arange(x.shape[1])[:, None] == columns).any(axis=1), 0, apart)
    length = xp.sqrt(xp.square(others).sum(axis=1, keepdims=True))
    return xp.concatenate([apart[:, columns], length], axis=1)


def _rounding(columns: int) -> float:
    """By what share of the squared lengths of two rows their squared distance may be off."""
    return ROUNDING * (columns + 8)


def nearest_in_cells(
    x: Array, others: Array, centres: Array, reach: Array, k: int, sketch: Sketch | None = None
) -> Array:
    """Give the places of the k nearest of the others, (n, d) and (m, d) to (n, k).

    As :func:`alad.networks.nearest.nearest` gives them, with the cells' centres (cells, d) and how
    far they reach (cells,). For at least ``AT_ONCE`` cells, and a k of no more.

    >>> others = jnp.arange(2048.0)[:, None]  # a cell is 0 to 15, the next 16 to 31 ...
    >>> centres, reach = others.reshape(128, CELL, 1).mean(axis=1), jnp.full(128, 7.5)
    >>> nearest_in_cells(jnp.array([[40.2], [-9.0]]), others, centres, reach, 2).tolist()
    [[40, 41], [0, 1]]
    """
    in_cells = partial(_in_cells, k=k)

    def at_once(x: Array, others: Array, *_: Any) -> Array:
        return nearest_at_once(x, others, k)

    given = (x, others, centres, reach, sketch)
    found: Array = lax.platform_dependent(*given, cpu=in_cells, default=at_once)
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


# All rows are compared by products of one shape: others round otherwise, and of rows that are
# equally near another might be chosen beside other company.
def _in_cells(
    x: Array, others: Array, centres: Array, reach: Array, sketch: Sketch | None, k: int
) -> Array:
    lengths = jnp.square(others).sum(axis=1)
    middles, around = (centres, reach) if sketch is None else (sketch.centres, sketch.reach)
    far, rounding = jnp.square(middles).sum(axis=1, keepdims=True), _rounding(x.shape[1])

    def of_block(block: Array) -> Array:
        own = jnp.square(block).sum(axis=1)
        short = block if sketch is None else sketched(block, sketch.middle, sketch.columns)
        length = jnp.square(short).sum(axis=1)
        squares = length + far - middles @ (2 * short).T
        least = squares.min(axis=0)
        excess = squares - least

        # First into those whose centres are, for some row, hardly farther than its nearest one;
        # then, with what these held as a bound, into all that may hold one nearer.
        at_once = max(AT_ONCE, k)
        first = jnp.sort(lax.top_k(-excess.min(axis=1), at_once)[1])
        nothing = jnp.full((k, BLOCK), len(others)), jnp.full((k, BLOCK), NOTHING)
        found = _looked(nothing, block, others, lengths, first, k)

        # A row that is nearer than the k-th found is not farther than this.
        close = jnp.maximum(own - found[1][-1], 0)  # and |o|^2 is at most twice both together
        farthest = jnp.sqrt(close + rounding * (3 * own + 2 * close))
        within = jnp.square(farthest + around[:, None]) - least
        too_far = excess - rounding * (length + far) > within
        wanted = _for_any(~too_far).at[first].set(False)
        if sketch is not None:
            limit = length - jnp.square(farthest) - rounding * length
            near = _near_in_short(wanted, sketch.rows, short, limit)
            # Of a row too large to square nothing is known: a maximum leaves out what is no number.
            wanted = jnp.where(jnp.isfinite(limit).all(), near, wanted)

        def look(found: Found, cells: Array) -> Found:
            return _looked(found, block, others, lengths, cells, k)

        return _in_turn(look, found, wanted, at_once)[0]

    return in_blocks_of(of_block, x)


def _for_any(is_so: Array) -> Array:
    """Whether something is so for any row, (cells, rows) to (cells,)."""
    # The largest of numbers is found side by side, whether any is true one after the other.
    return jnp.where(is_so, 1.0, 0.0).max(axis=1) > 0


def _near_in_short(wanted: Array, rows: Array, short: Array, limit: Array) -> Array:
    """Of wanted cells those with a row o whose sketch is near enough to that of some row x.

    That is where :math:`2 x \\cdot o - |o|^2` is not less than the limit of x.
    """
    beside = jnp.full((BLOCK, 1), -1.0), -limit[:, None]
    against = jnp.concatenate([2 * short, *beside], axis=1).T

    def look(near: Array, cells: Array) -> Array:
        close = _rows_of(rows, cells)[0] @ against
        is_near = close.reshape(len(cells), CELL * BLOCK).max(axis=1) >= 0
        return near.at[cells].set(is_near, mode="drop")

    return _in_turn(look, jnp.zeros_like(wanted), wanted, SKETCHES_AT_ONCE)


def _in_turn(look: Callable[[T, Array], T], found: T, wanted: Array, at_once: int) -> T:
    """Look into the wanted cells, so many at a time, in their order.

    ``look`` takes what was found before and the places of some cells, and gives what is found then.
    Where fewer are left at the end, the other places are beyond that of the last cell.
    """
    # As nonzero gives the places, which takes XLA longer to compile and to run: how many are wanted
    # up to each is a product with ones, and the r-th stands where as many as r are before it.
    lines = -(-len(wanted) // LINE)
    numbers = jnp.pad(wanted, (0, lines * LINE - len(wanted))).reshape(lines, LINE).astype(float)
    in_line = numbers @ jnp.triu(jnp.ones((LINE, LINE)))
    in_all = jnp.tril(jnp.ones((lines, lines))) @ in_line[:, -1]

    def cells_of(turn: Array) -> Array:
        rank = (turn * at_once + jnp.arange(at_once)).astype(float)
        line = jnp.where(in_all[:, None] <= rank, 1.0, 0.0).sum(axis=0).astype(int)
        line = jnp.minimum(line, lines - 1)
        before = jnp.where(line > 0, in_all[line - 1], 0)
        left = (rank - before)[:, None]
        in_it = jnp.where(in_line[line] <= left, 1.0, 0.0).sum(axis=1).astype(int)
        return jnp.where(rank < in_all[-1], line * LINE + in_it, len(wanted))

    def go_on(state: tuple[Array, T]) -> tuple[Array, T]:
        turn, found = state
        return turn + 1, look(found, cells_of(turn))

    start = jnp.zeros((), int), found
    return lax.while_loop(lambda state: state[0] * at_once < in_all[-1], go_on, start)[1]


def _rows_of(others: Array, cells: Array) -> tuple[Array, Array]:
    """The rows of some cells, one after the other, and where those of each begin.

    The last cell begins where it is whole, and has rows of the one before.
    """
    start = jnp.minimum(cells * CELL, len(others) - CELL)
    rows = jax.vmap(lambda s: lax.dynamic_slice(others, (s, 0), (CELL, others.shape[1])))(start)
    rows = lax.optimization_barrier(rows)  # type: ignore[no-untyped-call]
    return rows.reshape(len(cells) * CELL, -1), start


def _looked(
    found: Found, block: Array, others: Array, lengths: Array, cells: Array, k: int
) -> Found:
    """The k nearest of those found before and of some cells' rows."""
    rows, start = _rows_of(others, cells)
    length = jax.vmap(lambda s: lax.dynamic_slice(lengths, (s,), (CELL,)))(start)
    close = rows @ (2 * block).T - length.reshape(-1, 1)
    # In the last cell may be rows of the one before; beyond it is none.
    places = start[:, None] + jnp.arange(CELL)
    is_own = places >= cells[:, None] * CELL
    close = jnp.where(is_own.reshape(-1, 1) & (close > NOTHING), close, NOTHING)
    close = close.reshape(len(cells), CELL, BLOCK)
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
