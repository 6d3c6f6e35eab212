"""Rows in an order in which neighbours are alike, so that a search may leave out most of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import jax
import numpy as np
from jax import Array
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.metrics import pairwise_distances, pairwise_distances_argmin
from sklearn.neighbors import NearestNeighbors

from alad.estimators._given import Matrix
from alad.networks.cells import CELL, FIRST, PLACES, Sketch, nearest_in_cells, sketch_of
from alad.networks.nearest import BLOCK

LEAST_ROWS = 4096  # fewer are looked through as fast
MOST_SHARE = 0.5  # of the cells, that a block of rows may need
TRIED = 32  # blocks of rows, to find out
OF_A_CALL = 8192  # rows that are searched for
TURNS = 8  # of the power iteration: a direction good enough to split by


@dataclass(frozen=True)
class Arranged:
    """Rows (m, d), with the centres (cells, d) of each CELL of them and how far these reach.

    Without cells where a search would need most of them: then ``share``, the part of the rows
    that one has to be compared with, is 1.
    """

    rows: Matrix
    centres: Matrix
    reach: NDArray[np.float32]
    share: float

    def distances(self, x: Matrix, k: int) -> NDArray[np.float64]:
        """Distances of rows x to the k nearest, in order, (n, d) to (n, k)."""
        if not len(self.centres):
            return among_all(self.rows, x, k)
        with config_context(assume_finite=True):
            order = np.argsort(pairwise_distances_argmin(x, self.centres[::PLACES]), kind="stable")
        found, sketch = np.empty((len(x), k)), sketch_of(self.rows, self.centres)
        for start in range(0, len(x), OF_A_CALL):
            at = order[start : start + OF_A_CALL]
            part = np.zeros((OF_A_CALL, x.shape[1]), np.float32)
            part[: len(at)] = x[at]
            places = np.asarray(_searched(part, self.rows, self.centres, self.reach, k, sketch))
            for column, place in enumerate(places[: len(at)].T):
                apart = x[at].astype(np.float64) - self.rows[place]
                found[at, column] = np.sqrt(np.square(apart).sum(axis=1))
        return np.sort(found, axis=1)

    def to_others(self, k: int) -> NDArray[np.float64]:
        """Distances of each row to its k nearest others, (m, k)."""
        if not len(self.centres):
            return among_all(self.rows, None, k)
        found = self.distances(self.rows, k + 1)
        itself = found[:, :1] == 0  # no two rows are equal; one far from 0 may have missed itself
        return np.where(itself, found[:, 1:], found[:, :-1])


def arranged(rows: Matrix, k: int) -> Arranged:
    """Put rows in order and into cells, where a search for k of them gains by it."""
    none = Arranged(rows, rows[:0], np.zeros(0, np.float32), 1.0)
    if len(rows) < max(LEAST_ROWS, CELL * k):
        return none
    rows = rows[in_order(rows)]
    centres, reach = cells_of(rows)
    share = share_needed(rows, centres, reach, k)
    return Arranged(rows, centres, reach, share) if share < MOST_SHARE else none


def in_order(rows: Matrix) -> NDArray[np.int64]:
    """An order in which each CELL rows beside each other are alike.

    All are split in two where that leaves the least variance along the direction in which they
    differ most, by whole cells, and so is each part.
    """
    done, left = [], [np.arange(len(rows))]
    while left:
        at = left.pop()
        if len(at) <= CELL:
            done.append(at)
            continue
        along = _along_widest(rows[at].astype(np.float64))
        sorted_ = np.argsort(along, kind="stable")
        cuts = np.arange(CELL, len(at), CELL)
        sums = np.cumsum(along[sorted_])  # around 0, so those beyond a cut are these below 0
        between = np.square(sums[cuts - 1]) * (1 / cuts + 1 / (len(at) - cuts))
        cut = cuts[np.argmax(between)]
        left += [at[sorted_[cut:]], at[sorted_[:cut]]]
    return np.concatenate(done)


def _along_widest(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where rows lie along the direction in which they differ most, around 0: (n, d) to (n,)."""
    apart = rows - rows.mean(axis=0)
    direction = apart[np.square(apart).sum(axis=1).argmax()]
    for _ in range(TURNS):
        direction = apart.T @ (apart @ direction)
        direction /= max(float(np.linalg.norm(direction)), np.finfo(float).tiny)
    along: NDArray[np.float64] = apart @ direction
    return along


def cells_of(rows: Matrix) -> tuple[Matrix, NDArray[np.float32]]:
    """The cells' centres, in half precision where that holds them, and how far they reach."""
    cells = np.array_split(rows.astype(np.float64), np.arange(CELL, len(rows), CELL))
    with np.errstate(over="ignore"):
        centres = np.array([cell.mean(axis=0) for cell in cells]).astype(np.float32)
    if np.abs(centres).max() < np.finfo(np.float16).max:
        centres = centres.astype(np.float16).astype(np.float32)
    reach = [
        np.sqrt(np.square(cell - centre).sum(axis=1).max())
        for cell, centre in zip(cells, centres, strict=True)
    ]
    with np.errstate(over="ignore"):
        return centres, np.nextafter(np.array(reach).astype(np.float32), np.float32(np.inf))


def hold(rows: Matrix, centres: Matrix, reach: NDArray[np.float32]) -> bool:
    """Whether these are cells of the rows: as many, and no row beyond its cell's reach."""
    if len(centres) != len(reach) or not FIRST <= len(reach) == -(-len(rows) // CELL):
        return False
    of_row = np.arange(len(rows)) // CELL
    apart = np.square(rows.astype(np.float64) - centres.astype(np.float64)[of_row]).sum(axis=1)
    return bool((np.sqrt(apart) <= reach[of_row]).all())


def share_needed(rows: Matrix, centres: Matrix, reach: NDArray[np.float32], k: int) -> float:
    """The part of the cells that a block of like rows needs, to find the k nearest others of each.

    Tried with blocks of the rows themselves, drawn evenly from all over them.
    """
    starts = np.linspace(0, len(rows) - BLOCK, TRIED).astype(int)
    tried = rows[(starts[:, None] + np.arange(BLOCK)).ravel()]
    farthest = among_all(rows, tried, k + 1)[:, -1]
    with config_context(assume_finite=True), np.errstate(over="ignore"):
        apart = pairwise_distances(tried, centres)
    needed = apart - reach <= farthest[:, None]
    return float(needed.reshape(TRIED, BLOCK, -1).any(axis=1).mean())


def among_all(rows: Matrix, x: Matrix | None, k: int) -> NDArray[np.float64]:
    """Distances of x, or of each row to others, to the k nearest of all rows, in order: (n, k)."""
    wide = None if x is None else x.astype(np.float64)
    with config_context(assume_finite=True):
        search = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(rows.astype(np.float64))
        distances: NDArray[np.float64] = search.kneighbors(wide)[0]
    return distances


@partial(jax.jit, static_argnames="k")
def _searched(
    x: Array, rows: Array, centres: Array, reach: Array, k: int, sketch: Sketch | None
) -> Array:
    return nearest_in_cells(x, rows, centres, reach, k, sketch)
