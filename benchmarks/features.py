"""Distances in what the networks make of a row: ``python -m benchmarks.features``.

The networks of ``ALAD()`` stay as they are, and its memory holds something else than columns: what
D_xx or D_xz makes of a row before its logit, whitened or not, or E(x); alone or beside the columns,
of which it then takes up as much room. Rows are compared as by "local-distance", with the default's
doubt or without. Beside them the Mahalanobis distance of what f_xx moves by when a row is replaced
by its reconstruction, from what it moves by for rows that training did not see.

No memory here holds more rows than the default's without cells. The groups are those of
:mod:`benchmarks.tried` whose training rows are clean.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array
from sklearn.covariance import LedoitWolf

from alad.datasets import Split
from alad.estimators._given import Matrix
from alad.estimators._memory import MOST_ROWS, covering_rows, distinct_rows, memory_of
from alad.networks.memory import Memory
from alad.scores.memory import local_distance
from benchmarks.memories import Refilled
from benchmarks.tried import GROUPS, Vector, run

MIXED = "contaminated"
TOGETHER = 4096  # rows that are judged at once


def of_one_fit(split: Split, seed: int) -> Iterator[tuple[str, Vector]]:
    """Fit the default once, and compare what it makes of rows."""
    yield from variations(Refilled(random_state=seed).fit(split.x_train), split.x_test)


def variations(detector: Refilled, x: Matrix) -> Iterator[tuple[str, Vector]]:
    """What the default gives rows, and what other distances do."""
    rows, seed = detector._scaled(x), detector.seed_
    kept = covering_rows(distinct_rows(detector.every_), MOST_ROWS, seed)
    score = detector.by("memory", rows)
    doubt = score - detector.by("local-distance", rows)
    yield "ALAD()", score
    near = relative(kept, rows, seed)
    yield "columns", near
    yield "columns, with doubt", near + doubt
    for name, features in {"f_xx": of_xx, "f_xz": of_xz, "E(x)": of_e}.items():
        known, new = (detector.judged_by(features, of) for of in (kept, rows))
        for how, make in {"": as_it_is, ", whitened": whitened}.items():
            near = relative(*make(known, new), seed)
            yield f"{name}{how}", near
            yield f"{name}{how}, with doubt", near + doubt
        both = beside(sized(kept, rows), sized(known, new))
        yield f"{name} beside columns, with doubt", relative(*both, seed) + doubt
    held = detector.unseen_ if len(detector.unseen_) else kept
    known, new = (detector.judged_by(moved, of) for of in (held, rows))
    yield "what f_xx moves by, Mahalanobis", LedoitWolf().fit(known).mahalanobis(new)


def of_xx(networks: Any, x: Array) -> Array:
    """f_xx(x, x)."""
    features: Array = networks["D"]["xx"].features(x, x)
    return features


def of_xz(networks: Any, x: Array) -> Array:
    """f_xz(x, E(x))."""
    features: Array = networks["D"]["xz"].features(x, networks["A"].E(x))
    return features


def of_e(networks: Any, x: Array) -> Array:
    """E(x)."""
    z: Array = networks["A"].E(x)
    return z


def moved(networks: Any, x: Array) -> Array:
    """f_xx(x, x) - f_xx(x, G(E(x)))."""
    features, A = networks["D"]["xx"].features, networks["A"]
    apart: Array = features(x, x) - features(x, A.G(A.E(x)))
    return apart


def as_it_is(known: Matrix, new: Matrix) -> tuple[Matrix, Matrix]:
    """Change nothing."""
    return known, new


def whitened(known: Matrix, new: Matrix) -> tuple[Matrix, Matrix]:
    """Columns that are as wide as each other, and uncorrelated, among the known."""
    values, vectors = np.linalg.eigh(LedoitWolf().fit(known).covariance_)
    by = (vectors / np.sqrt(values)).astype(np.float32)
    return known @ by, new @ by


def sized(known: Matrix, new: Matrix) -> tuple[Matrix, Matrix]:
    """Divide by the spread of the known, so that it is 1 in all."""
    spread = np.sqrt(known.var(axis=0).sum())
    return known / spread, new / spread


def beside(columns: tuple[Matrix, Matrix], others: tuple[Matrix, Matrix]) -> list[Matrix]:
    """Columns of the known and of the new, and others to their right."""
    return [np.hstack(pair) for pair in zip(columns, others, strict=True)]


@partial(jax.jit, static_argnums=0)
def _judged(graph: Any, parts: Any, x: Array) -> Array:
    return local_distance({"M": nnx.merge(graph, *parts)}, x)


def relative(known: Matrix, new: Matrix, seed: int) -> Vector:
    """The score "local-distance" by a memory of the known: (m, d) and (n, d) to (n,)."""
    (rows, cells), parts = memory_of(known.astype(np.float32), seed, False)
    graph, *_ = nnx.split(Memory(rows, known.shape[1], cells=cells), nnx.Param, ...)
    found = np.empty(len(new))
    for start in range(0, len(new), TOGETHER):
        part = new[start : start + TOGETHER].astype(np.float32)
        filled = jnp.zeros((TOGETHER, new.shape[1]), jnp.float32).at[: len(part)].set(part)
        found[start : start + len(part)] = _judged(graph, parts, filled)[: len(part)]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.features", description=__doc__)
    parser.parse_args()
    run("features", of_one_fit, {name: of for name, of in GROUPS.items() if name != MIXED})


if __name__ == "__main__":
    main()
