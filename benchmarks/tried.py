"""What was tried on top of the default's score and left: ``python -m benchmarks.tried``.

Two things, alone and together, that change what ``ALAD()`` makes of one and the same fit. They were
to help where anomalies are left among the training rows, which the memory then knows:

* a floor: the distance r to a kept row counts as at least ``share`` of how far that row lies from
  its own crowd, the nearest twentieth of the kept rows (reachability, as the local outlier factor
  has it). Rows that are close to each other and far from all others vouch for less.
* the reconstruction: ``weight`` times log |x - G(E(x))|, the score "l1", is added.

They are judged on ADBench's ten tables with clean training rows and with anomalies among them, and
on KDDCup99 by the paper's protocol, whose rare kinds of normal rows are such close groups too: on
two splits that no figure of the default rests on.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray
from rich.console import Console
from sklearn.metrics import pairwise_distances

from alad import ALAD
from alad.datasets import DATA_SETS
from alad.datasets.adbench import DIGESTS
from alad.estimators._given import drawn
from alad.experiments.quality import METRICS
from alad.experiments.record import record
from alad.metrics import detection_metrics
from alad.scores.memory import NEIGHBOURS
from benchmarks.run import RESULTS

SHARES = (0.01, 0.02, 0.03, 0.05, 0.1, 0.2)
WEIGHTS = (0.05, 0.1, 0.2, 0.5)
BOTH = ((0.02, 0.1), (0.02, 0.2), (0.03, 0.2))  # a share and a weight
CROWD, AGAINST = 0.05, 2048  # of the kept rows, and how many of them stand for all
SEEDS = (0,)
GROUPS = {
    "one-class": [(name, "one-class", seed) for name in DIGESTS for seed in SEEDS],
    "contaminated": [(name, "contaminated", seed) for name in DIGESTS for seed in SEEDS],
    "kdd99": [("kdd99", "paper", seed) for seed in (20, 21)],
}

Vector = NDArray[np.float64]


def near(networks: Mapping[str, Any], x: Array) -> Array:
    """Distances to the nearest kept rows, and what is stored as these rows' radii: (n, 2 k)."""
    return jnp.concatenate(networks["M"].nearest(x, NEIGHBOURS), axis=1)


def with_floor(distances: Vector, crowds: Vector, share: float, unit: float) -> Vector:
    """What a floor adds to a score that holds the mean of log (r + unit): (n, k) twice to (n,).

    >>> with_floor(np.array([[1.0, 8.0]]), np.array([[20.0, 20.0]]), 0.1, 0.0)  # 1 counts as 2
    array([0.34657359])
    """
    least = np.maximum(distances, share * crowds)
    return (np.log(least + unit) - np.log(distances + unit)).mean(axis=1)


def crowds_of(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far each row (m, d) lies from the nearest twentieth of all, about: (m,)."""
    some = rows[drawn(len(rows), min(AGAINST, len(rows)), 0)]
    place = max(1, round(CROWD * len(some)))  # the row itself may be among them
    apart = pairwise_distances(rows.astype(np.float64), some.astype(np.float64))
    return np.partition(apart, place, axis=1)[:, place].astype(np.float32)


def variations(detector: ALAD, x: NDArray[Any]) -> Iterator[tuple[str, Vector]]:
    """What the default gives rows, and what each variation does."""
    detector.set_params(anomaly_score="l1")
    reconstruction = np.log(np.maximum(-detector.score_samples(x), np.finfo(np.float32).tiny))
    detector.set_params(anomaly_score=None)
    score = -detector.score_samples(x)
    yield "ALAD()", score
    params, buffers = detector.weights_["M"]
    crowds = jnp.asarray(crowds_of(np.asarray(buffers["rows"][...])))
    buffers = type(buffers)({**buffers, "radius": buffers["radius"].replace(crowds)})
    detector.weights_ = {**detector.weights_, "M": (params, buffers)}
    distances, of_rows = np.split(detector._mapped(near, x).astype(np.float64), 2, axis=1)
    unit = float(buffers["unit"][...][0])
    for share, weight in (*((s, 0) for s in SHARES), *((0, w) for w in WEIGHTS), *BOTH):
        floor = with_floor(distances, of_rows, share, unit)
        yield _named(share, weight), score + floor + weight * reconstruction


def _named(share: float, weight: float) -> str:
    parts = (
        f"a floor of {share:g}" if share else "",
        f"reconstruction by {weight:g}" if weight else "",
    )
    return " and ".join(part for part in parts if part)


def judged(name: str, protocol: str, seed: int) -> dict[str, dict[str, float]]:
    """Fit the default once, and judge it and every variation."""
    data_set = DATA_SETS[name]
    split = data_set.split(data_set.protocols[protocol], seed=seed)
    detector = ALAD(random_state=seed).fit(split.x_train)
    found = {}
    for variation, score in variations(detector, split.x_test):
        metrics = detection_metrics(split.y_test, score)
        found[variation] = {metric: metrics[metric] for metric in METRICS}
    return found


def summary(fits: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Means over the fits of a group, by variation, group and metric."""
    first = next(iter(next(iter(fits.values())).values()))
    return {
        variation: {
            group: {m: float(np.mean([fit[variation][m] for fit in of.values()])) for m in METRICS}
            for group, of in fits.items()
        }
        for variation in first
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tried", description=__doc__)
    parser.parse_args()
    console, fits = Console(), {}
    for group, problems in GROUPS.items():
        for name, protocol, seed in problems:
            found = judged(name, protocol, seed)
            fits.setdefault(group, {})[f"{name}, {seed}"] = found
            console.print(group, name, seed, {k: f"{v['auroc']:.4f}" for k, v in found.items()})
    payload = {"tried": summary(fits), "fits": fits}
    seeds = sorted({seed for problems in GROUPS.values() for *_, seed in problems})
    record("tried", payload, command="python -m benchmarks.tried", seeds=seeds, folder=RESULTS)


if __name__ == "__main__":
    main()
