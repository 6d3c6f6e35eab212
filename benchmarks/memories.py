"""Other memories for what ``ALAD()`` has learned: ``python -m benchmarks.memories``.

The networks of a fit stay as they are, and its memory is filled anew. What is tried:

* against anomalies that were left among the training rows, to keep fewer of these: without knots
  (``leave_out_knots=True``), by this rule and with other shares; without the rows that are
  farthest from their crowd, or that an Isolation Forest, the Mahalanobis distance, the mean rank by
  these three, or the memory itself finds strange; or to compare with more than the nearest: so many
  times the logarithm of the distance to the crowd is added, or a row is compared with the nearest
  of each of fifty small samples of the memory;
* how many rows are kept, and which;
* how they are compared: with how many neighbours, how far relative to where these lie.

The groups are those of :mod:`benchmarks.tried`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.covariance import LedoitWolf
from sklearn.ensemble import IsolationForest
from sklearn.metrics import pairwise_distances

from alad.datasets import Split
from alad.estimators._choices import Unseen
from alad.estimators._doubt import Belief
from alad.estimators._given import Matrix, drawn
from alad.estimators._memory import (
    AGAINST,
    CROWD,
    MOST_ROWS,
    UNIT,
    covering_rows,
    distinct_rows,
    memory_of,
    to_crowd,
    without_knots,
)
from alad.scores.memory import NEIGHBOURS
from benchmarks.tried import Remembering, Vector, run

SAMPLES, SIZES = 50, (64, 256)  # of the memory
TREES = 300
WEIGHTS = (0.2, 1)  # of the distance to the crowd
SHARES = (0.05, 0.1, 0.2)  # of the rows that are left out
AT_EACH = ("by distance to the crowd", "by Isolation Forest")
PART = 8192  # rows whose distances are taken at once

KNOTS: dict[str, dict[str, float]] = {
    "the tenth that is tightest, not three": {"TIGHT_SHARE": 0.1},
    "the half that is tightest": {"TIGHT_SHARE": 0.5},
    "the twentieth that is farthest, not the tenth": {"FAR_SHARE": 0.05},
    "the fifth that is farthest": {"FAR_SHARE": 0.2},
    "a crowd of 5 %, not 20 %": {"KNOT_SHARE": 0.05},
    "that and the tenth that is tightest": {"KNOT_SHARE": 0.05, "TIGHT_SHARE": 0.1},
}
KEPT: dict[str, dict[str, float]] = {
    "4,096 kept rows": {"MOST_ROWS": 4096, "TIMES_MORE": 1},
    "16,384 kept rows": {"TIMES_MORE": 1},
    "all rows kept": {"MOST_ROWS": 10**9, "BYTES": 10**12},
    "kept rows are drawn": {"COVERING": 0},
    "half of them are the farthest": {"COVERING": 0.5},
    "nothing squashed": {"SQUASHED": np.inf},
}
COMPARED = {
    "five neighbours, not ten": (5, 1 / 3),
    "twenty neighbours": (20, 1 / 3),
    "not relative to where they lie": (NEIGHBOURS, 0.0),
    "wholly relative, not a third": (NEIGHBOURS, 1.0),
}


class Refilled(Remembering):
    """The default, whose memory can be filled anew with other rows of those that it has seen."""

    def _finish(self, weights: Any, x: Matrix, unseen: Unseen) -> Any:
        self.every_ = np.concatenate([x, unseen.held])
        return super()._finish(weights, x, unseen)

    def hold(self, rows: Matrix, believed: Belief | None = None) -> None:
        """Fill the memory with scaled rows, believed as said, or as those before were."""
        if believed is None:
            _, buffers = self.weights_["M"]
            slopes, (intercept,) = (np.asarray(buffers[k][...]) for k in ("slopes", "intercept"))
            believed = Belief(tuple(map(float, slopes)), float(intercept))
        (kept, cells), memory = memory_of(rows, self.seed_, False, believed)
        self.players_ = replace(self.players_, memory=kept, cells=cells)
        self.weights_ = {**self.weights_, "M": jax.device_put(memory)}


def of_one_fit(split: Split, seed: int) -> Iterator[tuple[str, Vector]]:
    """Fit the default once, and fill its memory otherwise."""
    yield from variations(Refilled(random_state=seed).fit(split.x_train), split.x_test)


def variations(detector: Refilled, x: NDArray[Any]) -> Iterator[tuple[str, Vector]]:
    """What the default gives rows, and what each other memory does."""
    rows, every = detector._scaled(x), detector.every_
    score = detector.by("memory", rows)
    doubt = score - detector.by("local-distance", rows)
    yield "ALAD()", score
    for name, (neighbours, locality) in COMPARED.items():
        yield name, detector.judged_by(compared(neighbours, locality), rows) + doubt
    for name, constants in KEPT.items():
        with mock.patch.multiple("alad.estimators._memory", **constants):
            detector.hold(every)
        yield name, detector.by("memory", rows)
    for name, kept in trimmed(detector, distinct_rows(every)):
        detector.hold(kept)
        score = detector.by("memory", rows)
        yield name, score
        if name in ("no fewer", "without knots"):
            far = np.log(of_crowd(rows, kept, detector.seed_))
            for weight in WEIGHTS:
                yield f"{name}, and the crowd by {weight:g}", score + weight * far
            for size in SIZES:
                yield f"{name}, fifty samples of {size}", sampled(rows, kept, size, detector.seed_)


def compared(neighbours: int, locality: float) -> Callable[[Any, Array], Array]:
    """Make a judge by distance to so many neighbours, so far relative to theirs."""

    def judge(networks: Any, x: Array) -> Array:
        memory = networks["M"]
        distances, radii = memory.nearest(x, neighbours)
        here = jnp.log(radii.mean(axis=1) + memory.unit[...])
        near: Array = jnp.log(distances + memory.unit[...]).mean(axis=1) - locality * here
        return near

    return judge


def trimmed(detector: Refilled, different: Matrix) -> Iterator[tuple[str, Matrix]]:
    """Ways to leave out of distinct rows (m, d) what may be anomalies."""
    seed = detector.seed_
    rows = covering_rows(different, MOST_ROWS, seed)
    yield "no fewer", rows
    yield "without knots", (unknotted := without_knots(rows))
    yield "without knots, twice", without_knots(unknotted)
    for name, constants in KNOTS.items():
        with mock.patch.multiple("alad.estimators._memory", **constants):
            yield f"without knots, {name}", without_knots(rows)
    crowd = to_crowd(rows, seed)
    strange = {
        "by distance to the crowd": crowd,
        "by Isolation Forest": by_forest(rows, seed),
        "by Mahalanobis distance": LedoitWolf().fit(rows).mahalanobis(rows),
        "by its own score": detector.by("memory", rows),
    }
    strange["by rank in the first three"] = sum(map(rankdata, list(strange.values())[:3]))
    for name, score in strange.items():
        for share in SHARES if name in AT_EACH else SHARES[1:2]:
            yield (
                f"less {share:.0%}, {name}".replace("%", " %"),
                rows[score <= np.quantile(score, 1 - share)],
            )
    rest = rows
    for _ in range(3):
        far = to_crowd(rest, seed)
        rest = rest[far <= np.quantile(far, 1 - 0.035)]
    yield "less 3.5 %, by distance to the crowd, three times", rest
    far = to_crowd(unknotted, seed)
    yield (
        "without knots, less 5 %, by distance to the crowd",
        unknotted[far <= np.quantile(far, 0.95)],
    )


def by_forest(rows: Matrix, seed: int) -> Vector:
    """How strange an Isolation Forest finds the rows that it has learned from."""
    forest = IsolationForest(n_estimators=TREES, random_state=seed).fit(rows)
    score: Vector = -forest.score_samples(rows)
    return score


def of_crowd(x: Matrix, rows: Matrix, seed: int, share: float = CROWD) -> Vector:
    """How far each of x lies from its crowd, a share of rows: (n, d) and (m, d) to (n,)."""
    some = rows[drawn(len(rows), min(AGAINST, len(rows)), seed)]
    place = min(max(1, round(share * len(some))), len(some)) - 1
    parts = (x[start : start + PART] for start in range(0, len(x), PART))
    near = [np.partition(pairwise_distances(part, some), place, axis=1)[:, place] for part in parts]
    return np.maximum(np.concatenate(near).astype(np.float64), np.finfo(np.float32).tiny)


def sampled(x: Matrix, rows: Matrix, size: int, seed: int) -> Vector:
    """Mean over samples of rows of the logarithm of the distance to the nearest: (n, d) to (n,)."""
    rng, total = np.random.default_rng(seed), np.zeros(len(x))
    unit = UNIT * np.sqrt(rows.var(axis=0).sum())
    for _ in range(SAMPLES):
        some = rows[rng.choice(len(rows), min(size, len(rows)), replace=False)]
        for start in range(0, len(x), PART):
            near = pairwise_distances(x[start : start + PART], some).min(axis=1)
            total[start : start + PART] += np.log(near + unit) / SAMPLES
    return total


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memories", description=__doc__)
    parser.parse_args()
    run("memories", of_one_fit)


if __name__ == "__main__":
    main()
