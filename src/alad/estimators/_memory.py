"""Which normal rows are kept, and what is measured of them."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.neighbors import NearestNeighbors

from alad.estimators._detector import Matrix, some_rows
from alad.networks.memory import Kept, Memory
from alad.scores.memory import NEIGHBOURS

ROWS = 4096  # of the memory: what a row costs does not grow with the training set
UNIT = 0.05  # of the mean radius
ENOUGH = 10  # distinct rows for each column, from which on the discriminators are believed

# Left-over attacks are many of one kind: close to each other, far from most rows. A row goes if it
# is among the FAR_SHARE farthest from its CROWD-th neighbour, and its nearest ones are, for that
# distance, closer than those of all but TIGHT_SHARE of the rows. A row that is merely alone stays.
CROWD = 200
FAR_SHARE = 0.1
TIGHT_SHARE = 0.1
FRIENDS = 5


def memory_of(x: Matrix, seed: int, leave_out_knots: bool) -> tuple[int, tuple[Any, Any]]:
    """Fill a memory from training rows: how many it holds, its weights (none) and its buffers."""
    distinct = np.unique(x, axis=0)
    rows = kept_rows(distinct, seed, leave_out_knots)
    memory = Memory(*rows.shape)
    radius = _to_others(rows, min(NEIGHBOURS, len(rows) - 1)).mean(axis=1)
    memory.rows = Kept(jnp.asarray(rows))
    memory.radius = Kept(jnp.asarray(radius, jnp.float32))
    memory.unit = Kept(jnp.full(1, UNIT * radius.mean() or 1.0))  # 1: all rows are one
    memory.trust = Kept(jnp.full(1, min(1.0, len(distinct) / (ENOUGH * x.shape[1]))))
    parts: Any = nnx.split(memory, nnx.Param, ...)
    return len(rows), (parts[1], parts[2])


def kept_rows(distinct: Matrix, seed: int, leave_out_knots: bool) -> Matrix:
    """Draw the rows to keep, if asked without knots of rows that lie apart from the rest."""
    rows = some_rows(distinct, ROWS, seed)
    rows = without_knots(rows) if leave_out_knots else rows
    return rows if len(rows) > 1 else np.repeat(rows, 2, axis=0)  # each has a nearest other


def without_knots(rows: Matrix) -> Matrix:
    """Leave out rows that are close to each other and far from most, (m, d) to (<= m, d)."""
    crowd = min(CROWD, len(rows) // 4)
    if crowd <= FRIENDS:
        return rows
    distances = _to_others(rows, crowd)
    far, near = distances[:, -1], distances[:, :FRIENDS].mean(axis=1)
    tiny = UNIT * near.mean() + np.finfo(np.float32).tiny
    tightness = np.log(far + tiny) - np.log(near + tiny)
    is_far = far > np.quantile(far, 1 - FAR_SHARE)
    is_tight = tightness > np.quantile(tightness, 1 - TIGHT_SHARE)
    kept: Matrix = rows[~(is_far & is_tight)]
    return kept


def _to_others(rows: Matrix, k: int) -> NDArray[np.float64]:
    """Distances of each row to its k nearest others, (m, k)."""
    with config_context(assume_finite=True):
        search = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(rows.astype(np.float64))
        distances: NDArray[np.float64] = search.kneighbors()[0]
    return distances
