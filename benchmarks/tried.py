"""How little kept rows may vouch for, and the reconstruction: ``python -m benchmarks.tried``.

What changes in the score of ``ALAD()`` and leaves its fit alone. Both are to help where anomalies
are left among the training rows, which the memory then knows:

* the floor, which is part of the default: the distance to a kept row counts as at least a share of
  how far that row lies from its crowd (:mod:`alad.scores.memory`). Here it has other shares.
* the reconstruction, which is not: so many times log |x - G(E(x))|, the score "l1", is added.

They are judged on ADBench's ten tables with clean training rows and with anomalies among them, and
on KDDCup99 by the paper's protocol, whose rare kinds of normal rows are such close groups too: on
two splits that no figure of the default rests on.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from alad import ALAD
from alad.datasets import DATA_SETS
from alad.datasets.adbench import DIGESTS
from alad.estimators._memory import FLOOR
from alad.experiments.quality import METRICS
from alad.experiments.record import record
from alad.metrics import detection_metrics
from benchmarks.run import RESULTS

SHARES = (0, 0.01, 0.03, 0.05, 0.1, 0.2)
WEIGHTS = (0.05, 0.1, 0.2, 0.5)
SEEDS = (0,)
GROUPS = {
    "one-class": [(name, "one-class", seed) for name in DIGESTS for seed in SEEDS],
    "contaminated": [(name, "contaminated", seed) for name in DIGESTS for seed in SEEDS],
    "kdd99": [("kdd99", "paper", seed) for seed in (20, 21)],
}

Vector = NDArray[np.float64]


def variations(detector: ALAD, x: NDArray[Any]) -> Iterator[tuple[str, Vector]]:
    """What the default gives rows, and what each variation does."""
    detector.set_params(anomaly_score="l1")
    reconstruction = np.log(np.maximum(-detector.score_samples(x), np.finfo(np.float32).tiny))
    detector.set_params(anomaly_score=None)
    score = -detector.score_samples(x)
    yield f"ALAD(), a floor of {FLOOR:g}", score
    for weight in WEIGHTS:
        yield f"and reconstruction by {weight:g}", score + weight * reconstruction
    weights = detector.weights_
    params, buffers = weights["M"]
    for share in SHARES:
        least = buffers["least"].replace(share / FLOOR * buffers["least"][...])
        detector.weights_ = {**weights, "M": (params, type(buffers)({**buffers, "least": least}))}
        yield f"a floor of {share:g}" if share else "no floor", -detector.score_samples(x)
    detector.weights_ = weights


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
