"""What a more careful default would be worth: ``python -m benchmarks.robust FOLDER``.

Two changes to what ``ALAD()`` makes of a fit, each alone and both together, beside the default and
the nearest neighbours:

* the tightest knots are left out of its memory, as ``leave_out_knots=True`` does with more: a row
  goes that is among the tenth farthest from their crowd, a fifth of all rows, and for that distance
  among the tenth closest to their nearest;
* the doubt fades where a row lies farther out than 19 in 20 of the rows that training did not see.

They are judged on the groups of :mod:`benchmarks.tried`, and on those of KEEL's sets in FOLDER that
:mod:`benchmarks.fresh` leaves alone (the others stay fresh): with clean training rows, and with
5 % of anomalies among them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from rich.console import Console

from alad import KNN
from alad.datasets import DATA_SETS, Split
from alad.estimators._cells import arranged
from alad.estimators._given import Matrix
from alad.estimators._memory import (
    FRIENDS,
    UNIT,
    affordable,
    covering_rows,
    distinct_rows,
    most_compared,
)
from alad.experiments.quality import METRICS
from alad.experiments.record import record
from alad.metrics import detection_metrics
from benchmarks.fresh import Problem, problems
from benchmarks.memories import Refilled, of_crowd
from benchmarks.run import RESULTS
from benchmarks.tried import GROUPS, Groups, Vector, fading, summary

CROWD, FAR, TIGHT = 0.2, 0.1, 0.1  # shares of the rows
LEFT_OVER = 0.05  # of the training rows
COMPARED = 20_000  # training rows, at most, that the nearest neighbours are looked for among
KEEL, KEEL_LEFT_OVER = "keel", "keel-contaminated"
SEED = 0

Table = tuple[str, str, Sequence[Split | Problem]]  # its group, its name, its problems
Vary = Callable[[Split | Problem, int], Iterator[tuple[str, Vector]]]


def of_one_fit(split: Split | Problem, seed: int) -> Iterator[tuple[str, Vector]]:
    """Fit the default once, and change what it makes of it; and the nearest neighbours."""
    yield from variations(Refilled(random_state=seed).fit(split.x_train), split.x_test)
    most = COMPARED if len(split.x_train) > COMPARED else None
    for name, method in {"the fifth neighbour": "largest", "the mean of five": "mean"}.items():
        peer = KNN(method=method, max_rows=most, random_state=seed).fit(split.x_train)
        yield name, -peer.score_samples(split.x_test)


def variations(detector: Refilled, x: Matrix) -> Iterator[tuple[str, Vector]]:
    """Each change alone, and both."""
    rows = detector._scaled(x)
    yield "ALAD()", detector.by("memory", rows)
    yield "a doubt that fades", faded(detector, rows)
    detector.hold(without_tight_knots(kept(detector), detector.seed_))
    yield "no tight knots", detector.by("memory", rows)
    yield "both", faded(detector, rows)


def faded(detector: Refilled, rows: Matrix) -> Vector:
    """The default's score, with less of the doubt far out."""
    local = detector.by("local-distance", rows)
    doubt = detector.by("memory", rows) - local
    score: Vector = local + doubt * fading(detector, detector.by("distance", rows))
    return score


def kept(detector: Refilled) -> Matrix:
    """As many distinct rows as the default keeps."""
    different = distinct_rows(detector.every_)
    most, seed = most_compared(different.shape[1]), detector.seed_
    return covering_rows(different, affordable(different, most, seed), seed)


def without_tight_knots(rows: Matrix, seed: int) -> Matrix:
    """Leave out rows that are very close to each other and far from most: (m, d) to (<= m, d)."""
    if len(rows) <= 1 / TIGHT:
        return rows
    search = arranged(rows, FRIENDS)
    near = search.to_others(FRIENDS).mean(axis=1)
    far = of_crowd(search.rows, search.rows, seed, CROWD)
    unit = UNIT * near.mean()
    tightness = np.log(far + unit) - np.log(near + unit)
    is_far, is_tight = (
        value > np.quantile(value, 1 - share) for value, share in ((far, FAR), (tightness, TIGHT))
    )
    rest: Matrix = search.rows[~(is_far & is_tight)]
    return rest


def with_left_over(problem: Problem, seed: int) -> Problem:
    """The same, with anomalies among the training rows: other ones, or some that are tested on.

    Of the latter half at most are taken, as :mod:`alad.datasets.adbench` does.
    """
    lacking = round(LEFT_OVER / (1 - LEFT_OVER) * len(problem.x_train))
    left, x, y = problem.left, problem.x_test, problem.y_test
    rng = np.random.default_rng(seed)
    if len(left) >= lacking:
        added = left[rng.permutation(len(left))[:lacking]]
    else:
        anomalies = rng.permutation(np.flatnonzero(y))
        taken = anomalies[: min(lacking - len(left), len(anomalies) // 2)]
        added = np.concatenate([left, x[taken]])
        x, y = np.delete(x, taken, axis=0), np.delete(y, taken)
    return Problem(np.concatenate([problem.x_train, added]), x, y, left[:0])


def of_keel(folder: Path, seed: int) -> Iterator[Table]:
    """Give the problems of each set that is not fresh, clean and with left-over anomalies."""
    for path in sorted(folder.glob("*.dat"))[::2]:
        if clean := list(problems(path, seed)):
            yield KEEL, path.stem, clean
            yield KEEL_LEFT_OVER, path.stem, [with_left_over(one, seed) for one in clean]


def of_groups(groups: Groups = GROUPS) -> Iterator[Table]:
    """Give each table of the groups, divided."""
    for group, tables in groups.items():
        for name, protocol, seed in tables:
            data_set = DATA_SETS[name]
            split = data_set.split(data_set.protocols[protocol], seed=seed)
            yield group, f"{name}, {seed}", [split]


def judged(vary: Vary, of: Sequence[Split | Problem], seed: int) -> dict[str, dict[str, float]]:
    """Judge every form on the problems of a table: means."""
    every = [
        {
            name: detection_metrics(one.y_test, score)
            for name, score in vary(one, getattr(one, "seed", seed))
        }
        for one in of
    ]
    return {
        name: {m: float(np.mean([found[name][m] for found in every])) for m in METRICS}
        for name in every[0]
    }


def run(name: str, vary: Vary, tables: Iterable[Table], given: str = " FOLDER") -> None:
    """Judge forms on tables, and store what they give as ``name``, of a command with ``given``."""
    console, seeds = Console(), {SEED}
    fits: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    for group, table, of in tables:
        fits.setdefault(group, {})[table] = found = judged(vary, of, SEED)
        seeds |= {getattr(one, "seed", SEED) for one in of}
        console.print(group, table, {k: f"{v['auroc']:.4f}" for k, v in found.items()})
    payload = {"tried": summary(fits), "fits": fits}
    command = f"python -m benchmarks.{name}{given}"
    record(name, payload, command=command, seeds=sorted(seeds), folder=RESULTS)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.robust", description=__doc__)
    parser.add_argument("folder", type=Path)
    run("robust", of_one_fit, chain(of_keel(parser.parse_args().folder, SEED), of_groups()))


if __name__ == "__main__":
    main()
