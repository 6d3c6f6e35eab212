"""What left-over anomalies cost, by their share: ``python -m benchmarks.contamination``.

ADBench's ten tables, one-class, one division of each: with no anomalies among the training rows,
and with 1, 5 and 10 % of them (half of a table's anomalies at most, so that of tables that have few
it may be less). The default, its setting against them, by the memory and by the distance alone, and
simple methods on the same rows.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from rich.console import Console

from alad import KNN, IsolationForest, Mahalanobis
from alad.datasets import DATA_SETS, Split
from alad.datasets.adbench import DIGESTS, ONE_CLASS
from alad.estimators._memory import MOST_ROWS, covering_rows, distinct_rows, without_knots
from alad.experiments.quality import METRICS
from alad.experiments.record import record
from alad.metrics import detection_metrics
from benchmarks.memories import Refilled
from benchmarks.run import RESULTS
from benchmarks.tried import Vector

SHARES = (0.0, 0.01, 0.05, 0.1)
SEED = 0
PEERS = {
    "k nearest neighbours, the fifth": KNN,
    "k nearest neighbours, mean of five": lambda: KNN(method="mean"),
    "Isolation Forest": lambda: IsolationForest(random_state=SEED),
    "Mahalanobis distance": Mahalanobis,
}


def of_one_split(split: Split) -> Iterator[tuple[str, Vector]]:
    """Fit everything, and score the test rows."""
    detector = Refilled(random_state=SEED).fit(split.x_train)
    x = detector._scaled(split.x_test)
    yield "ALAD()", detector.by("memory", x)
    rows = covering_rows(distinct_rows(detector.every_), MOST_ROWS, SEED)
    detector.hold(without_knots(rows))
    yield "ALAD(leave_out_knots=True)", detector.by("memory", x)
    yield "the same by distance", detector.by("distance", x)
    for name, make in PEERS.items():
        yield name, -make().fit(split.x_train).score_samples(split.x_test)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.contamination", description=__doc__)
    parser.parse_args()
    console, fits = Console(), {}
    for share in SHARES:
        protocol = replace(ONE_CLASS, name=f"{share:.0%} left", left_in_train=share)
        for table in DIGESTS:
            split = DATA_SETS[table].split(protocol, seed=SEED)
            found = {
                name: {m: detection_metrics(split.y_test, score)[m] for m in METRICS}
                for name, score in of_one_split(split)
            }
            fits.setdefault(f"{share:g}", {})[table] = found
            console.print(share, table, {k: f"{v['auroc']:.4f}" for k, v in found.items()})
    means = {
        name: {
            share: {m: float(np.mean([fit[name][m] for fit in of.values()])) for m in METRICS}
            for share, of in fits.items()
        }
        for name in next(iter(next(iter(fits.values())).values()))
    }
    payload = {"contamination": means, "fits": fits}
    command = "python -m benchmarks.contamination"
    record("contamination", payload, command=command, seeds=[SEED], folder=RESULTS)


if __name__ == "__main__":
    main()
