"""Do p-values hold what they promise? ``python -m benchmarks.conformal``.

On each table a detector is fitted once, on half of the normal rows (at most 20,000). Of the other
normal rows, and of the anomalies (at most 20,000 of either), each of 200 random splits draws
calibration rows and test rows, one test row in ten an anomaly: given the detector, all that is
promised is over that draw. For each level Benjamini-Hochberg on the conformal p-values has, on
average over the splits, a false discovery proportion that should not be above 0.9 times the level,
the test's share of normal rows.

"refitted" draws the training rows anew in each split too. "seen by the fit" is what it should not
be like: its calibration rows are training rows, and nothing is promised.

Uniformity is tested with randomised p-values, for scores tie: by Kolmogorov-Smirnov on one normal
test row of each split (those of one split depend on each other by the calibration they share), and
split by split between calibration scores and scores of normal test rows, where one in twenty has a
p-value below 0.05 by chance.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.stats import ks_2samp, kstest

from alad.calibration import (
    benjamini_hochberg,
    conformal_p_values,
    randomised_p_values,
)
from alad.datasets import DATA_SETS
from alad.datasets.adbench import DIGESTS
from alad.estimators import DETECTORS
from alad.experiments.record import record
from benchmarks.evidence import fingerprint
from benchmarks.run import RESULTS

LEVELS = (0.05, 0.1, 0.2)
SPLITS = 200
MOST_TRAIN, MOST_CALIBRATION, MOST_TEST = 20_000, 2_000, 2_000  # normal rows
MOST_SCORED = 20_000  # rows of either kind that splits are drawn from
ANOMALIES = 0.1  # of the test rows
TABLES = {"kdd99": "corrected-labels"} | dict.fromkeys(
    (name for name in DIGESTS if name.endswith(("_shuttle", "_satellite", "_annthyroid"))),
    "one-class",
)
FITTED_ONCE = {"ALAD": {}, "KNN": {}, "Mahalanobis": {}}
REFITTED = {"Mahalanobis": {}}
CONTROLS = ("ALAD", "KNN")

Rows = NDArray[np.float32]
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Pool:
    """Scores of normal rows and of anomalies that a fit did not see, and of its training rows."""

    normal: Scores
    anomalous: Scores
    trained: Scores


def rows(table: str) -> tuple[Rows, Rows]:
    """All normal rows and all anomalies of a table, no row twice."""
    data_set = DATA_SETS[table]
    split = data_set.split(data_set.protocols[TABLES[table]], seed=0)
    normal = [split.x_train, split.x_valid, split.x_test[~split.y_test]]
    return np.concatenate(normal), split.x_test[split.y_test]


def sizes(normal: int, anomalous: int) -> tuple[int, int, int, int]:
    """How many rows to train on, calibrate on, and of either kind to test on.

    >>> sizes(4_000, 500)
    (2000, 1000, 1000, 111)
    """
    train = min(normal // 2, MOST_TRAIN)
    calibration = min((normal - train) // 2, MOST_CALIBRATION)
    test = min(normal - train - calibration, MOST_TEST)
    return train, calibration, test, min(round(test * ANOMALIES / (1 - ANOMALIES)), anomalous)


def parted(normal: Rows, anomalous: Rows, rng: np.random.Generator) -> tuple[Rows, Rows, Rows]:
    """Rows to train on, and normal rows and anomalies that splits are drawn from."""
    train, *_ = sizes(len(normal), len(anomalous))
    order = rng.permutation(len(normal))
    strange = anomalous[rng.permutation(len(anomalous))[:MOST_SCORED]]
    return normal[order[:train]], normal[order[train : train + MOST_SCORED]], strange


def pool(detector: Any, normal: Rows, anomalous: Rows, rng: np.random.Generator) -> Pool:
    """Fit on a random half, and score all."""
    seen, unseen, anomalous = parted(normal, anomalous, rng)
    detector.fit(seen)
    return Pool(*(-detector.score_samples(x) for x in (unseen, anomalous, seen)))


def judged(
    calibration: Scores, normal: Scores, anomalous: Scores, seed: int
) -> dict[str, dict[str, float]]:
    """One split: by level the false discovery proportion and the power; and uniformity."""
    p = conformal_p_values(calibration, np.append(normal, anomalous))
    is_anomaly = np.arange(len(p)) >= len(normal)
    found: dict[str, dict[str, float]] = {}
    for level in LEVELS:
        flagged = benjamini_hochberg(p, level)
        found[str(level)] = {
            "fdp": float((flagged & ~is_anomaly).sum() / max(flagged.sum(), 1)),
            "power": float(flagged[is_anomaly].mean()),
            "any": float(flagged.any()),
        }
    found["uniformity"] = {
        "one_p": float(randomised_p_values(calibration, normal[:1], seed)[0]),
        "two_sample_p": float(ks_2samp(calibration, normal, method="asymp").pvalue),
    }
    return found


def split(of: Pool, seed: int, *, seen: bool = False) -> dict[str, dict[str, float]]:
    """Draw calibration and test rows; ``seen`` takes calibration rows that were trained on."""
    rng = np.random.default_rng(seed)
    normal, anomalous = rng.permutation(of.normal), rng.permutation(of.anomalous)
    _, calibration, test, strange = sizes(2 * len(normal), len(anomalous))
    known = rng.permutation(of.trained)[:calibration] if seen else normal[:calibration]
    return judged(known, normal[calibration : calibration + test], anomalous[:strange], seed)


def summary(splits: list[dict[str, dict[str, float]]]) -> dict[str, Any]:
    """Means over the splits, with the standard error of the false discovery proportion."""
    levels = {}
    for level in map(str, LEVELS):
        fdp = np.array([one[level]["fdp"] for one in splits])
        levels[level] = {
            "fdp": float(fdp.mean()),
            "fdp_se": float(fdp.std(ddof=1) / np.sqrt(len(fdp))),
            "power": float(np.mean([one[level]["power"] for one in splits])),
            "any_discovery": float(np.mean([one[level]["any"] for one in splits])),
        }
    ones = [one["uniformity"]["one_p"] for one in splits]
    two = np.array([one["uniformity"]["two_sample_p"] for one in splits])
    return {
        "splits": len(splits),
        "levels": levels,
        "uniformity_p": float(kstest(ones, "uniform").pvalue),
        "two_sample_below_0.05": float((two < 0.05).mean()),
    }


def measured(table: str, count: int) -> dict[str, Any]:
    """Every contestant on one table."""
    normal, anomalous = rows(table)
    found: dict[str, Any] = {}
    pools: dict[str, Pool] = {}
    for name, settings in FITTED_ONCE.items():
        detector = DETECTORS[name](random_state=0, **settings)
        pools[name] = pool(detector, normal, anomalous, np.random.default_rng(0))
        found[name] = summary([split(pools[name], seed) for seed in range(count)])
    for name in CONTROLS:
        seen = [split(pools[name], seed, seen=True) for seed in range(count)]
        found[f"{name}, seen by the fit"] = summary(seen)
    for name, settings in REFITTED.items():
        found[f"{name}, refitted"] = summary(
            [_refitted(name, settings, normal, anomalous, seed) for seed in range(count)]
        )
    train, calibration, test, strange = sizes(len(normal), len(anomalous))
    return {
        "train": train,
        "calibration": calibration,
        "test_normal": test,
        "test_anomalies": strange,
        "contestants": found,
    }


def _refitted(
    name: str, settings: Mapping[str, Any], normal: Rows, anomalous: Rows, seed: int
) -> dict[str, dict[str, float]]:
    """Draw as many rows as a split needs, fit, and judge."""
    rng = np.random.default_rng(seed)
    train, calibration, test, strange = sizes(len(normal), len(anomalous))
    train = min(train, MOST_CALIBRATION)
    drawn = rng.permutation(len(normal))[: train + calibration + test]
    detector = DETECTORS[name](random_state=seed, **settings).fit(normal[drawn[:train]])
    scores = -detector.score_samples(normal[drawn[train:]])
    other = -detector.score_samples(anomalous[rng.permutation(len(anomalous))[:strange]])
    return judged(scores[:calibration], scores[calibration:], other, seed)


def shown(tables: Mapping[str, Any]) -> Table:
    """All means as a table for the terminal."""
    view = Table("table", "contestant", *(f"FDP, power at {level}" for level in LEVELS), "KS p")
    for table, of in tables.items():
        for name, result in of["contestants"].items():
            cells = [
                f"{one['fdp']:.4f} ± {one['fdp_se']:.4f}, {one['power']:.3f}"
                for one in result["levels"].values()
            ]
            view.add_row(table, name, *cells, f"{result['uniformity_p']:.3f}")
    return view


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.conformal", description=__doc__)
    parser.add_argument("--table", action="append", choices=list(TABLES), help="default: all")
    parser.add_argument("--splits", type=int, default=SPLITS)
    options = parser.parse_args()
    console, tables = Console(), {}
    for table in options.table or TABLES:
        began = time.monotonic()
        tables[table] = measured(table, options.splits)
        console.print(f"{table}: {time.monotonic() - began:.0f} s")
    console.print(shown(tables))
    if not options.table and options.splits == SPLITS:
        payload = {
            "levels": LEVELS,
            "normal_share_of_test": 1 - ANOMALIES,
            "conformal": tables,
            "evidence": fingerprint(),
        }
        command = "python -m benchmarks.conformal"
        record("conformal", payload, command=command, seeds=list(range(SPLITS)), folder=RESULTS)


if __name__ == "__main__":
    main()
