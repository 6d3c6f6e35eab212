"""Time alad and its peers against each other: ``python -m benchmarks.run [step|scoring|gpu]``.

All contestants of a race run in one process, in turn, round after round, so that a busy moment
of the machine falls on all of them. Data are standard normal with the shape of KDD99's training
set: the speed of a network does not depend on the values (that of a tree or of kNN may, a
little). Results go to ``benchmarks/results/<race>.json``.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import jax
import numpy as np
from rich.console import Console
from rich.table import Table

from alad.experiments.record import cores, record
from benchmarks.flops import step_flops

ROWS, COLUMNS = 238_000, 121
FEW_ROWS = 5_000
THREADS = sorted({1, cores() or 1})
RESULTS = Path(__file__).parent / "results"

Contestants = dict[str, Callable[[], float]]


@dataclass(frozen=True)
class Race:
    """Contestants, each a call that returns one measurement, and what goes with the results.

    The first contestant is the one that the others are compared with.
    """

    unit: str
    scale: float
    digits: int
    more_is_better: bool
    contestants: Contestants
    facts: dict[str, Any] = field(default_factory=dict)


def step_race(steps: int) -> Race:
    """Seconds per training step of the KDD99 preset, batch 50, on the processor."""
    from benchmarks import pyod_peer, torch_step

    data = normal_rows(ROWS)
    contestants: Contestants = {}
    for threads in THREADS:
        contestants[f"PyTorch eager, {counted(threads)}"] = partial(
            torch_step.time_steps, steps, data, threads
        )
    # One thread: two gain it less than 5 % on idle cores, and suffer more on busy ones.
    contestants[f"PyOD ALAD, {FEW_ROWS:,} rows"] = partial(
        pyod_peer.time_pyod_steps, steps // 2, data[:FEW_ROWS], 1
    )
    contestants[f"PyOD ALAD, {ROWS:,} rows"] = partial(
        pyod_peer.time_pyod_steps, max(steps // 20, 5), data, 1
    )
    contestants["floor: FLOPs / matmul"] = floor_seconds
    return Race("ms/step", 1e3, 2, False, contestants, {"flops_per_step": step_flops()})


def scoring_race(steps: int) -> Race:
    """Rows scored per second on the processor; ``steps`` has no meaning here."""
    from benchmarks import pyod_peer

    X = normal_rows(ROWS)
    contestants: Contestants = {}
    for threads in THREADS:
        contestants[f"PyOD ALAD, {counted(threads)}"] = partial(
            pyod_peer.time_pyod_scoring, X, threads
        )
    for jobs in THREADS:
        contestants[f"IsolationForest, {counted(jobs)}"] = partial(
            pyod_peer.time_iforest_scoring, X, jobs
        )
    contestants["kNN of 10,000 rows, all cores"] = partial(pyod_peer.time_knn_scoring, X[:20_000])
    facts = {"iforest_fit_10k_s": pyod_peer.time_iforest_fit(X)}
    return Race("rows/s", 1, 0, True, contestants, facts)


def gpu_race(steps: int) -> Race:
    """Seconds per training step on the accelerator; needs CUDA builds of JAX and PyTorch."""
    from benchmarks import torch_step

    on_gpu = partial(torch_step.time_steps, steps, normal_rows(ROWS), device="cuda")
    contestants: Contestants = {
        "PyTorch eager": on_gpu,
        "PyTorch compiled": partial(on_gpu, compiled=True),
        "floor: FLOPs / matmul": floor_seconds,
    }
    facts = {"flops_per_step": step_flops(), "device": jax.devices()[0].device_kind}
    return Race("ms/step", 1e3, 2, False, contestants, facts)


RACES: Mapping[str, Callable[[int], Race]] = {
    "step": step_race,
    "scoring": scoring_race,
    "gpu": gpu_race,
}


def normal_rows(rows: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((rows, COLUMNS), dtype=np.float32)


def counted(threads: int) -> str:
    return "1 thread" if threads == 1 else f"{threads} threads"


def floor_seconds() -> float:
    """Time that a step's matrix products would take at the speed of one large product."""
    return step_flops() / matmul_flops_per_second()


def matmul_flops_per_second(n: int = 2048, repeats: int = 5) -> float:
    """Speed of JAX's float32 product of two n x n matrices: the best of a few."""
    product = jax.jit(jax.numpy.matmul)
    a = jax.random.normal(jax.random.key(0), (n, n))
    product(a, a).block_until_ready()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        product(a, a).block_until_ready()
        times.append(time.perf_counter() - start)
    return 2 * n**3 / min(times)


def run(race: Race, rounds: int) -> dict[str, list[float]]:
    """Every contestant's measurements, one a round, taken in turn."""
    measured: dict[str, list[float]] = {name: [] for name in race.contestants}
    for _ in range(rounds):
        for name, measure in race.contestants.items():
            measured[name].append(measure())
    return measured


def summarise(race: Race, measured: Mapping[str, list[float]]) -> dict[str, dict[str, Any]]:
    """Median, extremes and how many times slower than the first contestant."""
    medians = {name: median(values) for name, values in measured.items()}
    first = next(iter(medians.values()))
    return {
        name: {
            "median": medians[name],
            "min": min(values),
            "max": max(values),
            "times_slower": first / medians[name] if race.more_is_better else medians[name] / first,
            "rounds": values,
        }
        for name, values in measured.items()
    }


def table(title: str, race: Race, summary: Mapping[str, Mapping[str, Any]]) -> Table:
    shown = Table(title=title)
    shown.add_column("contestant")
    for column in (f"median {race.unit}", "min", "max", "times slower"):
        shown.add_column(column, justify="right")
    for name, row in summary.items():
        numbers = [f"{row[key] * race.scale:,.{race.digits}f}" for key in ("median", "min", "max")]
        shown.add_row(name, *numbers, f"{row['times_slower']:.2f}")
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.run", description="Time alad and its peers."
    )
    parser.add_argument("race", choices=RACES, nargs="?", help="default: step, then scoring")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=500, help="training steps a measurement")
    parser.add_argument("--dry", action="store_true", help="print only, store nothing")
    options = parser.parse_args()
    for name in [options.race] if options.race else ["step", "scoring"]:
        hold(name, options.rounds, options.steps, store=not options.dry)


def hold(name: str, rounds: int, steps: int, *, store: bool) -> None:
    """Run one race, print its table and store its result."""
    load = os.getloadavg()[0]
    race = RACES[name](steps)
    summary = summarise(race, run(race, rounds))
    Console().print(table(name, race, summary))
    if store:
        command = f"python -m benchmarks.run {name} --rounds {rounds} --steps {steps}"
        unit = "rows per second" if race.more_is_better else "seconds per step"
        payload = {"unit": unit, "load_before": load, **race.facts, "contestants": summary}
        record(name, payload, command=command, seeds=[0], folder=RESULTS)


if __name__ == "__main__":
    main()
