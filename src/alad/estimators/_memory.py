"""Which normal rows are kept, and what is measured of them."""

from __future__ import annotations

import zlib
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.metrics import pairwise_distances

from alad.estimators._cells import Arranged, arranged
from alad.estimators._doubt import NONE, Belief
from alad.estimators._given import Matrix, distinct, drawn
from alad.io.folder import GAIN
from alad.networks.cells import sketch_of
from alad.networks.memory import Derived, Kept, Memory, squashed, unsquashed
from alad.scores.memory import NEIGHBOURS

# Of the memory, so that what a row costs does not grow with the training set: it is compared with
# no more rows. Of a wide table it holds fewer: as many as fit. Where a search may leave out most
# rows it holds more: so many that a row is compared with as many as ever.
MOST_ROWS, LEAST_ROWS, BYTES = 16_384, 2048, 4 * 2**20
TIMES_MORE = 4
COVERING = 0.25  # of a memory that cannot hold all: rows that lie farthest from those drawn
UNIT = 0.05  # of the mean radius
ENOUGH = 10  # distinct rows for each column, from which on the discriminators are believed
FLOOR = 0.02  # of how far a kept row lies from its crowd: the distance to it counts as no less
CROWD, AGAINST = 0.05, 2048  # a share of the kept rows, and how many of them stand for all
SQUASHED = 2.0  # of very few rows, where a value counts for half a step

# Left-over attacks are many of one kind: close to each other, far from most rows. A row goes if it
# is among the FAR_SHARE farthest from its KNOT-th neighbour, and its nearest ones are, for that
# distance, closer than those of all but TIGHT_SHARE of the rows. A row that is merely alone stays.
KNOT, KNOT_SHARE = 200, 0.2  # whichever is more
FAR_SHARE = 0.1
TIGHT_SHARE = 0.3
FRIENDS = 5


def memory_of(
    x: Matrix, seed: int, leave_out_knots: bool, belief: Belief = NONE
) -> tuple[tuple[int, int], tuple[Any, Any]]:
    """Fill a memory from training rows: its rows and cells, its weights (none), its buffers."""
    different = distinct_rows(x)
    trust = min(1.0, len(different) / (ENOUGH * x.shape[1]))
    scale = _number(SQUASHED / (1 - trust) if trust < 1 else np.inf)
    if trust < 1:
        different = distinct_rows(np.asarray(squashed(jnp.asarray(x), scale)))
    kept = kept_rows(different, seed, leave_out_knots)
    size = len(kept.rows), len(kept.reach)
    memory = Memory(len(kept.rows), x.shape[1], cells=len(kept.reach))
    radius = kept.to_others(min(NEIGHBOURS, len(kept.rows) - 1)).mean(axis=1)
    memory.rows = Kept(jnp.asarray(kept.rows))
    if memory.cells:
        memory.centres = Kept(jnp.asarray(kept.centres))
        memory.reach = Kept(jnp.asarray(kept.reach))
        for name, part in shorts(kept.rows, kept.centres).items():
            setattr(memory, name, Derived(jnp.asarray(part)))
    memory.radius = Kept(jnp.asarray(radius, jnp.float32))
    memory.least = Kept(jnp.asarray(FLOOR * to_crowd(kept.rows, seed), jnp.float32))
    memory.unit = Kept(_number(UNIT * radius.mean() or 1.0))  # 1: all rows are one
    memory.scale = Kept(scale)
    memory.trust = Kept(_number(trust))
    memory.slopes = Kept(jnp.asarray(belief.slopes, jnp.float32))
    memory.intercept = Kept(_number(belief.intercept))
    parts: Any = nnx.split(memory, nnx.Param, ...)
    return size, (parts[1], parts[2])


def shorts(rows: Matrix, centres: Matrix) -> dict[str, NDArray[Any]]:
    """Give what a memory with these rows and cells derives from them, by name."""
    sketch = sketch_of(rows, centres)
    return {} if sketch is None else {f"short_{k}": v for k, v in sketch._asdict().items()}


def to_crowd(rows: Matrix, seed: int) -> NDArray[np.float64]:
    """How far each row lies from its crowd, the nearest ``CROWD`` of all, about: (m, d) to (m,)."""
    some = rows[drawn(len(rows), min(AGAINST, len(rows)), seed)].astype(np.float64)
    place = min(max(1, round(CROWD * len(some))), len(some) - 1)  # the row itself may be among them
    parts = np.array_split(rows.astype(np.float64), -(-len(rows) // AGAINST))
    found = np.empty(len(rows))  # to be written to: a view would keep all distances of a part
    with config_context(assume_finite=True):
        for part, own in zip(parts, np.array_split(found, len(parts)), strict=True):
            own[:] = np.partition(pairwise_distances(part, some), place, axis=1)[:, place]
    return found


def scaled_rows(memory: tuple[Any, Any]) -> Matrix:
    """Give the scaled rows that a memory keeps, to the digits that it keeps: (m, d)."""
    _, buffers = memory
    rows: Matrix = np.asarray(unsquashed(buffers["rows"][...], buffers["scale"][...]))
    return rows


def as_kept(memory: tuple[Any, Any], x: Matrix) -> Matrix:
    """Give scaled rows (n, d) as a memory would keep them: what it holds of them is equal to it."""
    scale = memory[1]["scale"][...]
    halves = _halved(np.asarray(squashed(jnp.asarray(x), scale)))
    kept: Matrix = np.asarray(unsquashed(jnp.asarray(halves), scale))
    return kept


def _number(value: float) -> Any:
    """One number, of the type that it has when the model is read again: equal programs follow."""
    return jnp.full(1, value, jnp.float32)


def distinct_rows(x: Matrix) -> Matrix:
    """Give every row once, rounded to half precision, in the order of x: (n, d) to (<= n, d)."""
    known = _halved(x) + np.float32(0)  # no zero below zero
    found: Matrix = known[np.sort(distinct(known)[0])]
    return found


def _halved(x: Matrix) -> Matrix:
    """Round to half precision what is not too large for it."""
    with np.errstate(over="ignore"):
        halves = x.astype(np.float16).astype(np.float32)
    return np.where(np.isfinite(halves), halves, x)


def kept_rows(x: Matrix, seed: int, leave_out_knots: bool) -> Arranged:
    """Choose which of some distinct rows to keep, if asked without knots apart from the rest."""
    most = most_compared(x.shape[1])
    if leave_out_knots:
        rows = without_knots(covering_rows(x, most, seed))
    else:
        rows = covering_rows(x, affordable(x, most, seed), seed)
    rows = rows if len(rows) > 1 else np.repeat(rows, 2, axis=0)  # each has a nearest other
    return arranged(rows, NEIGHBOURS + 1)


def most_compared(columns: int) -> int:
    """How many rows of so many columns a row is compared with at most."""
    return min(max(BYTES // (2 * columns), LEAST_ROWS), MOST_ROWS)


def affordable(x: Matrix, most: int, seed: int) -> int:
    """How many rows to keep where ``most`` are looked at and cells leave out the rest.

    No more than are stored in so many bytes.
    """
    if len(x) <= most:
        return most
    some = x[drawn(len(x), most, seed)]
    share = arranged(some, NEIGHBOURS + 1).share
    return max(most, min(int(most / max(share, 1 / TIMES_MORE)), int(BYTES / _bytes_a_row(some))))


def _bytes_a_row(rows: Matrix) -> float:
    """What a row takes on disk: half precision where that is exact, packed where that helps."""
    with np.errstate(over="ignore"):
        halves = rows.astype(np.float16)
    stored = halves if np.array_equal(halves.astype(rows.dtype), rows) else rows
    packed = len(zlib.compress(stored.tobytes("F")))
    return (packed if GAIN * packed <= stored.nbytes else stored.nbytes) / len(rows)


def covering_rows(x: Matrix, most: int, seed: int) -> Matrix:
    """Draw most of the rows at random; the others are those that lie farthest from all of these.

    A draw alone leaves out kinds of normal rows that are rare, and new rows of a kind that is not
    kept look strange.
    """
    if len(x) <= most:
        return x
    at = drawn(len(x), most - int(COVERING * most), seed)
    others = np.setdiff1d(np.arange(len(x)), at)
    distances = arranged(x[at], 1).distances(x[others], 1)[:, 0]
    farthest = np.argsort(-distances, kind="stable")[: most - len(at)]
    kept: Matrix = x[np.sort(np.concatenate([at, others[farthest]]))]
    return kept


def far_and_near(rows: Matrix, k: int) -> NDArray[np.float64]:
    """The distance of each row to its k-th neighbour, and the mean to its ``FRIENDS``: (2, m)."""
    found = np.empty((2, len(rows)))
    wide = rows.astype(np.float64)
    for start in range(0, len(rows), AGAINST):
        apart = pairwise_distances(wide[start : start + AGAINST], wide)
        apart.partition((FRIENDS, k), axis=1)  # the row itself is the first
        near = apart[:, : FRIENDS + 1].sum(axis=1) / FRIENDS
        found[:, start : start + AGAINST] = apart[:, k], near
    return found


def without_knots(rows: Matrix) -> Matrix:
    """Leave out rows that are close to each other and far from most, (m, d) to (<= m, d)."""
    crowd = min(max(KNOT, int(KNOT_SHARE * len(rows))), len(rows) // 4)
    if crowd <= FRIENDS:
        return rows
    far, near = far_and_near(rows, crowd)
    tiny = UNIT * near.mean() + np.finfo(np.float32).tiny
    tightness = np.log(far + tiny) - np.log(near + tiny)
    is_far = far > np.quantile(far, 1 - FAR_SHARE)
    is_tight = tightness > np.quantile(tightness, 1 - TIGHT_SHARE)
    kept: Matrix = rows[~(is_far & is_tight)]
    return kept
