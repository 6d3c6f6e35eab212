"""What each part of ``ALAD()`` is worth, in one run: ``python -m benchmarks.ablation``.

On ADBench's ten tables, one-class, three divisions of each: the default; the default with one of
its parts left out; the paper's ALAD (with standard scaling and a rate of 2e-4, for by its own it
would stay as it began on so few rows); and the paper's with one of the parts added. What needs no
other training is judged by the same fit.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any
from unittest import mock

import numpy as np
from rich.console import Console

from alad.datasets import Split
from alad.datasets.adbench import DIGESTS
from alad.estimators._doubt import Belief
from alad.estimators._given import Matrix
from alad.experiments.panels import PAPER
from alad.experiments.quality import METRICS
from alad.experiments.record import record
from benchmarks.memories import Refilled
from benchmarks.run import RESULTS
from benchmarks.tried import Vector, judged

PROTOCOL, SEEDS = "one-class", (0, 1, 2)
DEFAULT, PAPERS = "ALAD()", "the paper's"
FEW = 1e-9  # rows for each column: no table has fewer
AT_ITS_WORD = Belief((1, 1), 0)


class WithoutDzz(Refilled):
    """The default with ALICE's games."""

    games = ("xz", "xx")


class WithoutDxx(Refilled):
    """The default without pairs of rows."""

    games = ("xz", "zz")


class WithoutBoth(Refilled):
    """The default with BiGAN's game."""

    games = ("xz",)


OTHERS = {
    "no exchanged columns": lambda: Refilled(exchange=False),
    "no D_zz": WithoutDzz,
    "no D_xx": WithoutDxx,
    "neither D_zz nor D_xx": WithoutBoth,
    "standard scaling": lambda: Refilled(scaling="standard"),
    "no averaged weights": lambda: Refilled(ema_decay=0.0),
    "no training": lambda: Refilled(epochs=0),
}
ADDED: dict[str, dict[str, Any]] = {
    "exchanged columns": {"exchange": True},
    "the default's scaling": {"scaling": "log-standard"},
    "the default's networks and schedule": {
        "preset": "tabular",
        "learning_rate": None,
        "exchange": False,
    },
}


def of_one_split(split: Split, seed: int) -> Iterator[tuple[str, Vector]]:
    """Give what the default says of the test rows, and what every other form does."""
    default = Refilled(random_state=seed).fit(split.x_train)
    yield from of_the_same_fit(default, default._scaled(split.x_test))
    for name, make in OTHERS.items():
        other = make().set_params(anomaly_score="memory", random_state=seed).fit(split.x_train)
        yield f"{DEFAULT}, {name}", -other.score_samples(split.x_test)
    yield from of_the_papers(split, seed)


def of_the_same_fit(detector: Refilled, x: Matrix) -> Iterator[tuple[str, Vector]]:
    """Leave out of the score what no training rests on."""
    score, local = detector.by("memory", x), detector.by("local-distance", x)
    far = detector.by("distance", x)
    yield DEFAULT, score
    yield f"{DEFAULT}, no doubt", local
    yield f"{DEFAULT}, no locality", far + score - local
    yield f"{DEFAULT}, neither", far
    yield f"{DEFAULT}, no memory but features", detector.by("features", x)
    own, memory = "alad.estimators._memory", detector.every_
    with mock.patch(f"{own}.FLOOR", 0.0):
        detector.hold(memory)
    yield f"{DEFAULT}, no floor", detector.by("memory", x)
    with mock.patch(f"{own}.ENOUGH", FEW):
        detector.hold(memory)
    yield f"{DEFAULT}, few rows treated as many", detector.by("memory", x)
    detector.hold(memory, AT_ITS_WORD)
    yield f"{DEFAULT}, a doubt taken at its word", detector.by("memory", x)


def of_the_papers(split: Split, seed: int) -> Iterator[tuple[str, Vector]]:
    """Add a part at a time to the paper's ALAD, judged by its own score and by the memory's."""
    for name, settings in ({"": {}} | ADDED).items():
        detector = Refilled(**{**PAPER, **settings}, random_state=seed).fit(split.x_train)
        x, form = detector._scaled(split.x_test), f"{PAPERS}, {name}" if name else PAPERS
        yield form, detector.by("features", x)
        if not name:
            yield f"{form}, a memory's distance", detector.by("distance", x)
            yield f"{form}, a memory's local distance", detector.by("local-distance", x)
        yield f"{form}, {'a memory' if not name else 'and a memory'}", detector.by("memory", x)


def summary(fits: Mapping[str, Mapping[str, Mapping[str, float]]]) -> dict[str, Any]:
    """Means over tables and divisions, beside the form that a part is taken from or added to.

    ``difference`` has the mean of what a form has more than that one, and ``below`` on how many
    tables it has less, by the mean of the divisions.
    """
    names = next(iter(fits.values()))
    tables = sorted({place.split(",")[0] for place in fits})
    by_table = {
        name: {
            m: np.array(
                [
                    np.mean([fit[name][m] for p, fit in fits.items() if p.split(",")[0] == table])
                    for table in tables
                ]
            )
            for m in METRICS
        }
        for name in names
    }
    found = {}
    for name, of in by_table.items():
        base = by_table[DEFAULT if name.startswith(DEFAULT) else PAPERS]
        found[name] = {
            metric: {
                "mean": float(of[metric].mean()),
                "difference": float((of[metric] - base[metric]).mean()),
                "below": int((of[metric] < base[metric]).sum()),
            }
            for metric in METRICS
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ablation", description=__doc__)
    parser.parse_args()
    console, fits = Console(), {}
    for name in DIGESTS:
        for seed in SEEDS:
            found = judged(of_one_split, name, PROTOCOL, seed)
            fits[f"{name}, {seed}"] = found
            console.print(name, seed, {k: f"{v['auroc']:.4f}" for k, v in found.items()})
    payload = {"ablation": summary(fits), "fits": fits, "tables": len(DIGESTS)}
    command = "python -m benchmarks.ablation"
    record("ablation", payload, command=command, seeds=list(SEEDS), folder=RESULTS)


if __name__ == "__main__":
    main()
