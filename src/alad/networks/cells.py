"""The nearest of many rows, without looking at those that lie too far away: the same answer.

The others stand in an order in which rows beside each other are alike. Each ``CELL`` of them have a
centre and a reach, how far the farthest of them lies from it. By the triangle inequality no row of
a cell is nearer than its centre, less its reach. So a cell need not be looked into where that is
farther than the k-th of the rows that were found elsewhere: where rows are many and of few kinds,
most need not. Nor need most centres be looked at: of cells beside each other, a stretch, there is
a centre and a reach as well.

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
PART = 8  # rows of a cell that are chosen together
STRETCH = 8  # cells that are ruled out together
FIRST = 32  # cells that a block of rows is compared with at first; or k, if that is more
LATER = 32  # cells that it is compared with at a time thereafter
SKETCHES_AT_ONCE = 96  # cells whose sketches it is compared with
STRETCHES_AT_ONCE = 16  # whose cells it is held against
FEW_STRETCHES = 0.25  # of all: if more may hold a nearer one, all cells are looked at side by side
FEW = 4  # parts: where no row of a block has more that may hold a nearer one, so many are sorted
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
    far they reach (cells,). For at least ``FIRST`` cells, and a k of no more.

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


class Balls(NamedTuple):
    """What rows lie within: those of a cell, or of a stretch of cells."""

    centres: Array
    """(n, p)"""
    lengths: Array
    """(n, 1) The squared lengths of the centres."""
    reach: Array
    """(n, 1) How far the farthest row lies from its centre."""

    def at(self, places: Array) -> Balls:
        """Some of them; beyond the last, the last."""
        return Balls(*(part.at[places].get(mode="clip") for part in self))


class Short(NamedTuple):
    """A block of rows to compare with centres."""

    twice: Array
    """(p, rows)"""
    length: Array
    """(rows,) Their squared lengths."""


def _balls(centres: Array, reach: Array) -> Balls:
    return Balls(centres, jnp.square(centres).sum(axis=1, keepdims=True), reach[:, None])


def _stretches_of(cells: Balls, rounding: float) -> Balls:
    """Each so many cells one after the other: where no row of it is near, none of theirs is."""
    of_each = cells.at(_cells_in(jnp.arange(-(-len(cells.reach) // STRETCH))))
    inside = of_each.centres.reshape(-1, STRETCH, of_each.centres.shape[1])
    centres = inside.mean(axis=1)
    apart = jnp.sqrt(jnp.square(inside - centres[:, None]).sum(axis=2))
    reach = (apart + of_each.reach.reshape(-1, STRETCH)).max(axis=1)
    return _balls(centres, (1 + rounding) * reach)


def _cells_in(stretches: Array) -> Array:
    """The places of the cells of some stretches, beyond that of the last where it is short."""
    return (stretches[:, None] * STRETCH + jnp.arange(STRETCH)).reshape(-1)


# All rows are compared by products of one shape: others round otherwise, and of rows that are
# equally near another might be chosen beside other company.
def _in_cells(
    x: Array, others: Array, centres: Array, reach: Array, sketch: Sketch | None, k: int
) -> Array:
    lengths, rounding = jnp.square(others).sum(axis=1), _rounding(x.shape[1])
    cells = _balls(*((centres, reach) if sketch is None else (sketch.centres, sketch.reach)))
    stretches = _stretches_of(cells, rounding)
    first_of_all = max(FIRST, k)

    def of_block(block: Array) -> Array:
        own = jnp.square(block).sum(axis=1)
        brief = block if sketch is None else sketched(block, sketch.middle, sketch.columns)
        short = Short((2 * brief).T, jnp.square(brief).sum(axis=1))

        def look(found: Found, places: Array) -> Found:
            return _looked(found, block, others, lengths, places, k)

        # First into those whose centres are, for some row, hardly farther than its nearest one;
        # then, with what these held as a bound, into all that may hold one nearer.
        squares = _squares(stretches, short)
        first = _first(cells, short, squares, first_of_all)
        nothing = jnp.full((k, BLOCK), len(others)), jnp.full((k, BLOCK), NOTHING)
        found = look(nothing, first)

        # A row that is nearer than the k-th found is not farther than this.
        close = jnp.maximum(own - found[1][-1], 0)  # and |o|^2 is at most twice both together
        farthest = jnp.sqrt(close + rounding * (3 * own + 2 * close))

        def mark(wanted: Array, some: Array) -> Array:
            places = _cells_in(some)
            inside = cells.at(places)
            may = _may_hold(inside, short, _squares(inside, short), farthest, rounding)
            return wanted.at[places].set(may, mode="drop")

        some = _may_hold(stretches, short, squares, farthest, rounding)

        def of_all() -> Array:
            return _may_hold(cells, short, _squares(cells, short), farthest, rounding)

        def of_some() -> Array:
            return _in_turn(mark, jnp.zeros(len(centres), bool), some, STRETCHES_AT_ONCE)

        wanted = lax.cond(some.sum() > FEW_STRETCHES * len(some), of_all, of_some)
        wanted = wanted.at[first].set(False)
        if sketch is not None:
            limit = short.length - jnp.square(farthest) - rounding * short.length
            near = _near_in_short(wanted, sketch.rows, brief, limit)
            # Of a row too large to square nothing is known: a maximum leaves out what is no number.
            wanted = jnp.where(jnp.isfinite(limit).all(), near, wanted)
        return _in_turn(look, found, wanted, LATER)[0]

    return in_blocks_of(of_block, x)


def _squares(balls: Balls, short: Short) -> Array:
    """Squared distances of rows to centres, (n, rows)."""
    return short.length + balls.lengths - balls.centres @ short.twice


def _first(cells: Balls, short: Short, squares: Array, count: int) -> Array:
    """The cells nearest to some row, of the stretches that are, in order."""
    stretches = min(2 * -(-count // STRETCH), len(squares))
    places = _cells_in(_nearest_to_some(squares, stretches))
    is_one = (places < len(cells.reach))[:, None]
    apart = jnp.where(is_one, _squares(cells.at(places), short), jnp.inf)
    return jnp.sort(places[_nearest_to_some(apart, count)])


def _nearest_to_some(squares: Array, count: int) -> Array:
    """Those centres that are, for some row, hardly farther than the nearest one."""
    excess = squares - squares.min(axis=0)
    return lax.top_k(-excess.min(axis=1), count)[1]


def _may_hold(
    balls: Balls, short: Short, squares: Array, farthest: Array, rounding: float
) -> Array:
    """Whether a row within may be no farther than that from some row of the block, (n,)."""
    surely = squares - rounding * (short.length + balls.lengths)
    too_far = surely > jnp.square(farthest + balls.reach)
    return _for_any(~too_far)


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
    close = close.reshape(-1, PART, BLOCK)
    first = places[:, ::PART].reshape(-1)
    close, best = lax.optimization_barrier((close, close.max(axis=1)))  # type: ignore[no-untyped-call]

    def among(few: int) -> Found:
        """The nearest lie in the parts whose best are nearest; of equal ones in the first."""
        chosen, _ = highest(best, few)
        inside = jnp.take_along_axis(close, chosen[:, None], axis=0).reshape(-1, BLOCK)
        named = (first[chosen][:, None] + jnp.arange(PART)[:, None]).reshape(-1, BLOCK)
        names, values = jnp.concatenate([found[0], named]), jnp.concatenate([found[1], inside])
        return highest(values, k, names)

    # Once some are found, few parts hold one that is as near, and often none does.
    most = (best >= found[1][-1]).sum(axis=0).max()
    few, many = min(FEW, k), min(k, len(best))
    way = (most > 0).astype(int) + (most > few)
    held: Found = lax.switch(way, [lambda: found, lambda: among(few), lambda: among(many)])
    return held
