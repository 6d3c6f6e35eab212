"""Can a training be chosen without labels? ``python -m benchmarks.selection``.

On each of ADBench's ten tables ALAD is trained in several ways: other seeds, shorter, slower, or
with the paper's networks. A fifth of the training rows is held out, and each criterion below, which
looks at no label, says how good it takes a training to be. Then the labels say which were good: by
Spearman's rank correlation with the AUROC on the test rows, and by the mean AUROC of what the
criterion chooses. One that cannot choose has a correlation near 0 and gains nothing over the lot.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from alad import ALAD
from alad.datasets import DATA_SETS
from alad.datasets.adbench import DIGESTS
from alad.experiments.panels import PAPER
from alad.experiments.record import record
from benchmarks.run import RESULTS

HELD_OUT = 0.2
NOISE = 0.3  # of a column's deviation
SCORES = ("memory", "features")

TRAININGS: dict[str, dict[str, Any]] = {
    **{f"default, seed {seed}": {"random_state": seed} for seed in range(3)},
    **{f"one epoch, seed {seed}": {"random_state": seed, "epochs": 1} for seed in range(2)},
    **{f"slow, seed {seed}": {"random_state": seed, "learning_rate": 1e-4} for seed in range(2)},
    **{f"the paper's, seed {seed}": {"random_state": seed, **PAPER} for seed in range(2)},
}

Rows = NDArray[np.float32]
Scorer = Callable[[Rows], NDArray[np.float64]]


def exchanged(held: Rows, rng: np.random.Generator) -> Rows:
    """Give each row a share of its columns from other rows, the share drawn from one to all."""
    n, d = held.shape
    others = np.take_along_axis(held, rng.integers(n, size=(n, d)), axis=0)
    share = rng.uniform(1 / d, 1, size=(n, 1))
    return np.where(rng.uniform(size=(n, d)) < share, others, held)


def noisy(held: Rows, rng: np.random.Generator) -> Rows:
    """Add noise to every column, in proportion to its deviation."""
    return (held + NOISE * held.std(axis=0) * rng.normal(size=held.shape)).astype(np.float32)


def told_apart(normal: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """AUROC of rows of two kinds, the second to be the higher."""
    return float(roc_auc_score([0] * len(normal) + [1] * len(other), np.r_[normal, other]))


CRITERIA: dict[str, Callable[[Scorer, Rows, Rows, np.random.Generator], float]] = {
    "held-out rows from exchanged ones": lambda a, _, held, rng: told_apart(
        a(held), a(exchanged(held, rng))
    ),
    "held-out rows from noisy ones": lambda a, _, held, rng: told_apart(
        a(held), a(noisy(held, rng))
    ),
    "held-out rows not from training rows": lambda a, kept, held, _: (
        -abs(told_apart(a(kept), a(held)) - 0.5)
    ),
}


def trained(table: str) -> dict[str, dict[str, dict[str, float]]]:
    """Every training on a table: by score the AUROC and what each criterion says."""
    split = DATA_SETS[table].split(DATA_SETS[table].protocols["one-class"], seed=0)
    order = np.random.default_rng(0).permutation(len(split.x_train))
    held, kept = np.split(split.x_train[order], [int(HELD_OUT * len(order))])
    found = {}
    for name, settings in TRAININGS.items():
        detector = ALAD(**settings).fit(kept)
        found[name] = {score: _judged(detector, score, kept, held, split) for score in SCORES}
    return found


def _judged(detector: ALAD, score: str, kept: Rows, held: Rows, split: Any) -> dict[str, float]:
    detector.set_params(anomaly_score=score)

    def a(x: Rows) -> NDArray[np.float64]:
        return -detector.score_samples(x)

    auroc = float(roc_auc_score(split.y_test, a(split.x_test)))
    said = {name: says(a, kept, held, np.random.default_rng(1)) for name, says in CRITERIA.items()}
    return {"auroc": auroc, **said}


def summary(tables: Mapping[str, Any]) -> list[dict[str, Any]]:
    """By score and criterion: correlations over tables, and the mean AUROC of what it chooses."""
    rows = []
    for score in SCORES:
        of = {
            table: [training[score] for training in trainings.values()]
            for table, trainings in tables.items()
        }
        aurocs = {table: np.array([one["auroc"] for one in ones]) for table, ones in of.items()}
        by_lot = float(np.mean([values.mean() for values in aurocs.values()]))
        best = float(np.mean([values.max() for values in aurocs.values()]))
        for criterion in CRITERIA:
            said = {table: np.array([one[criterion] for one in ones]) for table, ones in of.items()}
            rho = [_correlation(said[table], aurocs[table]) for table in of]
            chosen = [aurocs[table][said[table].argmax()] for table in of]
            rows.append(
                {
                    "score": score,
                    "criterion": criterion,
                    "correlation": float(np.mean(rho)),
                    "above_0": sum(r > 0 for r in rho),
                    "by_lot": by_lot,
                    "chosen": float(np.mean(chosen)),
                    "default": float(np.mean([values[0] for values in aurocs.values()])),
                    "best": best,
                }
            )
    return rows


def _correlation(said: NDArray[np.float64], auroc: NDArray[np.float64]) -> float:
    """Spearman's; 0 where either says the same of all."""
    if np.ptp(said) == 0 or np.ptp(auroc) == 0:
        return 0.0
    return float(spearmanr(said, auroc).statistic)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.selection", description=__doc__)
    parser.add_argument("--table", action="append", choices=list(DIGESTS), help="default: all ten")
    options = parser.parse_args()
    console, tables = Console(), {}
    for table in options.table or DIGESTS:
        tables[table] = trained(table)
        console.print(f"{table}: {len(tables)} of {len(options.table or DIGESTS)}")
    rows = summary(tables)
    shown = Table(*rows[0])
    for row in rows:
        shown.add_row(*(f"{v:.4f}" if isinstance(v, float) else str(v) for v in row.values()))
    console.print(shown)
    if not options.table:
        payload = {"selection": rows, "trainings": TRAININGS, "tables": tables}
        command = "python -m benchmarks.selection"
        record("selection", payload, command=command, seeds=[0], folder=RESULTS)


if __name__ == "__main__":
    main()
