"""Time alad and its peers against each other: ``python -m benchmarks.run [RACE]``.

All contestants of a race run in one process, in turn, round after round, so that a busy moment
of the machine falls on all of them. Data are standard normal with the shape of KDD99's training
set: the speed of a network does not depend on the values (that of a tree or of kNN may, a
little). Results go to ``benchmarks/results/<race>.json``.
"""

from __future__ import annotations

import argparse
import atexit
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import jax
import numpy as np
from rich.console import Console
from rich.table import Table

from alad.experiments.record import record
from alad.training import cores
from benchmarks.flops import step_flops
from benchmarks.tables import figure

ROWS, COLUMNS = 238_000, 121
FEW_ROWS = 5_000
SCALE_ROWS = 10_000_000
THREADS = sorted({1, cores()})
RESULTS = Path(__file__).parent / "results"

Contestants = dict[str, Callable[[], float]]


@dataclass(frozen=True)
class Race:
    """Contestants, each a call that returns one measurement, and what goes with the results.

    The first contestant is the one that the others are compared with; ``by_kind``, those whose
    names are alike up to the comma are compared with the first of them.
    """

    unit: str
    scale: float  # of what is shown, to what was measured
    digits: int
    more_is_better: bool
    contestants: Contestants
    facts: dict[str, Any] = field(default_factory=dict)
    ratio: str = "times slower"  # what the comparison with the first one is called
    by_kind: bool = False

    def first_of(self, name: str) -> str:
        """The contestant that one is compared with."""
        kind = name.split(",")[0] + "," if self.by_kind else ""
        return next(other for other in self.contestants if other.startswith(kind))


def step_race(steps: int, beside: str | None = None) -> Race:
    """Seconds per training step of the KDD99 preset, batch 50, on the processor.

    ``beside`` is another Python that takes part, with a JAX of its own.
    """
    from benchmarks import alad_peer, pyod_peer, torch_step
    from benchmarks.beside import Beside

    data = normal_rows(ROWS)
    contestants: Contestants = {
        "alad, 1 seed": partial(alad_peer.time_steps, steps, data),
        "alad, 10 seeds, each": partial(alad_peer.time_steps, steps, data, 10),
    }
    if beside is not None:
        other = Beside(beside, steps)
        contestants[f"alad, 1 seed, {other.name}"] = partial(other.time_steps, 1)
        contestants[f"alad, 10 seeds, each, {other.name}"] = partial(other.time_steps, 10)
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


def parts_race(steps: int) -> Race:
    """What each choice in the step is worth: the same with it undone; and what it cannot lack."""
    from benchmarks import alad_peer, parts, products

    data = normal_rows(steps * alad_peer.BATCH)
    contestants: Contestants = {
        name: partial(parts.Variant(undone).time_steps, steps, data)
        for name, undone in parts.CHOICES.items()
    }
    contestants["its matrix products alone"] = partial(products.seconds_of_products, steps)
    contestants["its Adam and averages alone"] = partial(products.seconds_of_adam, steps)
    contestants["floor: FLOPs / matmul"] = floor_seconds
    return Race("ms/step", 1e3, 2, False, contestants, {"flops_per_step": step_flops()})


def scoring_race(steps: int) -> Race:
    """Rows scored per second on the processor; ``steps`` has no meaning here."""
    from benchmarks import alad_peer, pyod_peer

    X = normal_rows(ROWS)
    files = alad_peer.ScoringOfFiles(scratch())
    contestants: Contestants = {
        "alad, float32 matrix": partial(alad_peer.time_scoring, X),
        "alad score, Parquet to Parquet": files.rows_per_second,
    }
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


def default_race(steps: int) -> Race:
    """Rows that ``ALAD()`` scores a second beside kNN; ``steps`` has no meaning here."""
    from benchmarks import default

    facts = {"fit_50k_s": default.fit_seconds(), "model_mb": default.megabytes()}
    contestants: Contestants = {
        "ALAD()": partial(default.rows_per_second, "ALAD"),
        "k nearest neighbours": partial(default.rows_per_second, "KNN"),
    }
    return Race("rows/s", 1, 0, True, contestants, facts)


def neighbours_race(steps: int) -> Race:
    """What each choice in the search of ``ALAD()`` is worth; ``steps`` has no meaning here."""
    from benchmarks import neighbours

    contestants: Contestants = {
        f"{kind}, {name}": partial(neighbours.Variant(undone).rows_per_second, kind)
        for kind in neighbours.KINDS
        for name, undone in neighbours.CHOICES.items()
    }
    return Race("rows/s", 1, 0, True, contestants, by_kind=True)


def methods_race(steps: int) -> Race:
    """Seconds to score 1,000 rows, every method; ``steps`` has no meaning here."""
    from benchmarks import methods, torch_search

    contestants: Contestants = {
        name: partial(methods.seconds_per_1000, name) for name in methods.CONTESTANTS
    }
    contestants["AnoGAN, one row at a time, compiled"] = methods.row_by_row
    contestants["AnoGAN, one row at a time, PyTorch eager"] = torch_search.seconds_per_1000
    return Race("ms/1,000 rows", 1e3, 2, False, contestants)


def convolutions_race(steps: int) -> Race:
    """Seconds for a convolution with its gradients; ``steps`` has no meaning here."""
    from benchmarks import pictures

    contestants: Contestants = {
        f"{layer}, {form}": partial(pictures.time_convolution, form, layer)
        for layers in (pictures.CONVOLUTIONS, pictures.TRANSPOSED)
        for layer in layers
        for form, (_, own) in pictures.FORMS.items()
        if layer in own
    }
    return Race("ms", 1e3, 1, False, contestants)


def pictures_race(steps: int) -> Race:
    """Seconds per training step of the CIFAR-10 preset, batch 32, on the processor."""
    from benchmarks import pictures, torch_pictures

    few = max(steps // 50, 2)
    contestants: Contestants = {"alad, 1 seed": partial(pictures.time_steps, few)}
    for threads in THREADS:
        contestants[f"PyTorch eager, {counted(threads)}"] = partial(
            torch_pictures.time_steps, few, pictures.pictures(1000), threads
        )
    return Race("s/step", 1, 2, False, contestants)


def gpu_pictures_race(steps: int) -> Race:
    """Seconds per training step of the CIFAR-10 preset on the accelerator."""
    from benchmarks import pictures, torch_pictures

    peer = partial(torch_pictures.time_steps, steps, pictures.pictures(5000), device="cuda")
    contestants: Contestants = {
        "alad, 1 seed": partial(pictures.time_steps, steps),
        "alad, bfloat16, 1 seed": partial(pictures.time_steps, steps, "bfloat16"),
        "PyTorch eager": peer,
    }
    facts = {"device": jax.devices()[0].device_kind, "batch": pictures.BATCH}
    return Race("ms/step", 1e3, 2, False, contestants, facts)


def memory_race(steps: int) -> Race:
    """The most memory that ``alad score`` held, whatever the length of the table."""
    from benchmarks import alad_peer

    files = alad_peer.ScoringOfFiles(scratch())
    contestants: Contestants = {
        f"alad score, {copies * files.frame.height:,} rows": partial(files.peak_bytes, copies)
        for copies in (1, 4, 16)
    }
    return Race("MiB", 2**-20, 0, False, contestants, ratio="times as much")


def scale_race(steps: int, rows: int = SCALE_ROWS) -> Race:
    """Rows a second and peak memory, Parquet to Parquet; ``steps`` has no meaning here."""
    from benchmarks.scale import Scale

    files = Scale(scratch(), rows)
    contestants: Contestants = {
        name: partial(measure, name)
        for name, measure in {
            "alad score, preset kdd99": partial(files.alad, preset="kdd99"),
            "alad score, ALAD()": partial(files.alad, preset="tabular"),
            "alad score --fdr 0.05, ALAD()": partial(files.with_promise, rule=("--fdr", 0.05)),
            "IsolationForest of scikit-learn": files.forest,
            "polars, reading and writing alone": files.polars,
        }.items()
    }
    return Race("rows/s", 1, 0, True, contestants, {"rows": files.rows, "peak_mib": files.peak})


def fits_race(steps: int, rows: int = SCALE_ROWS) -> Race:
    """Rows a second and peak memory of fits that stream; ``steps`` has no meaning here."""
    from benchmarks.scale import Scale

    peak: dict[str, list[float]] = {}
    contestants: Contestants = {}
    for count in (rows // 4, rows):
        name = f"alad fit, {count:,} rows"
        contestants[name] = partial(Scale(scratch(), count, peak).fit, name)
    return Race("rows/s", 1, 0, True, contestants, {"peak_mib": peak})


def start_race(steps: int) -> Race:
    """Seconds of commands on a small table; ``steps`` has no meaning here."""
    from benchmarks.start import Start

    files = Start(scratch())
    contestants: Contestants = {
        "alad score": partial(files.score, keep=False),
        "alad score, what was compiled kept": partial(files.score, keep=True),
        "alad fit": partial(files.fit, keep=False),
        "alad fit, what was compiled kept": partial(files.fit, keep=True),
        "Isolation Forest, fit and score": files.forest,
    }
    return Race("s", 1, 1, False, contestants)


def gpu_race(steps: int) -> Race:
    """Seconds per training step on the accelerator; needs CUDA builds of JAX and PyTorch."""
    from benchmarks import alad_peer, torch_step

    data = normal_rows(ROWS)
    on_gpu = partial(torch_step.time_steps, steps, data, device="cuda")
    contestants: Contestants = {
        "alad, 1 seed": partial(alad_peer.time_steps, steps, data),
        "alad, 10 seeds, each": partial(alad_peer.time_steps, steps, data, 10),
        "PyTorch eager": on_gpu,
        "PyTorch compiled": partial(on_gpu, compiled=True),
        "floor: FLOPs / matmul": floor_seconds,
    }
    facts = {"flops_per_step": step_flops(), "device": jax.devices()[0].device_kind}
    return Race("ms/step", 1e3, 2, False, contestants, facts)


RACES: Mapping[str, Callable[[int], Race]] = {
    "step": step_race,
    "parts": parts_race,
    "scoring": scoring_race,
    "memory": memory_race,
    "scale": scale_race,
    "fits": fits_race,
    "start": start_race,
    "default": default_race,
    "neighbours": neighbours_race,
    "methods": methods_race,
    "convolutions": convolutions_race,
    "pictures": pictures_race,
    "gpu": gpu_race,
    "gpu-pictures": gpu_pictures_race,
}


def scratch() -> Path:
    """Give a folder for tables that is removed when the program ends."""
    folder = TemporaryDirectory()
    atexit.register(folder.cleanup)
    return Path(folder.name)


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
    summary = {}
    for name, values in measured.items():
        ratio = medians[name] / medians[race.first_of(name)]
        summary[name] = {
            "median": medians[name],
            "min": min(values),
            "max": max(values),
            "ratio": 1 / ratio if race.more_is_better else ratio,
            "rounds": values,
        }
    return summary


def table(title: str, race: Race, summary: Mapping[str, Mapping[str, Any]]) -> Table:
    shown = Table(title=title)
    shown.add_column("contestant")
    for column in (f"median {race.unit}", "min", "max", race.ratio):
        shown.add_column(column, justify="right")
    for name, row in summary.items():
        numbers = [figure(row[key] * race.scale, race.digits) for key in ("median", "min", "max")]
        shown.add_row(name, *numbers, figure(row["ratio"], 2))
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.run", description="Time alad and its peers."
    )
    parser.add_argument("race", choices=RACES, nargs="?", help="default: all but gpu")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=500, help="training steps a measurement")
    parser.add_argument(
        "--without", metavar="CONTESTANT", action="append", default=[], help="leave this one out"
    )
    parser.add_argument("--rows", type=int, default=SCALE_ROWS, help="of the races scale and fits")
    parser.add_argument(
        "--beside", metavar="PYTHON", help="of the race step: another Python, with its own JAX"
    )
    parser.add_argument("--dry", action="store_true", help="print only, store nothing")
    options = parser.parse_args()
    for name in [options.race] if options.race else [name for name in RACES if "gpu" not in name]:
        hold(
            name,
            options.rounds,
            options.steps,
            options.without,
            store=not options.dry,
            rows=options.rows,
            beside=options.beside,
        )


def hold(
    name: str,
    rounds: int,
    steps: int,
    without: Sequence[str],
    *,
    store: bool,
    rows: int = SCALE_ROWS,
    beside: str | None = None,
) -> None:
    """Run one race, print its table and store its result."""
    load = os.getloadavg()[0]
    sized = {"scale": scale_race, "fits": fits_race}
    if name in sized:
        race = sized[name](steps, rows)
    elif name == "step":
        race = step_race(steps, beside)
    else:
        race = RACES[name](steps)
    if unknown := set(without) - set(race.contestants):
        raise SystemExit(f"Expected contestants of {', '.join(race.contestants)}; got {unknown}.")
    for contestant in without:
        del race.contestants[contestant]
    summary = summarise(race, run(race, rounds))
    Console().print(table(name, race, summary))
    if store:
        command = f"python -m benchmarks.run {name} --rounds {rounds} --steps {steps}"
        command += f" --rows {rows}" if name in sized else ""
        command += " --beside PYTHON" if beside else ""
        command += "".join(f" --without '{contestant}'" for contestant in without)
        payload = {
            "unit": race.unit,
            "scale": race.scale,
            "digits": race.digits,
            "ratio": race.ratio,
            "rounds": rounds,
            "load_before": load,
            **race.facts,
            "contestants": summary,
        }
        stored = f"{name}-beside" if beside else name
        record(stored, payload, command=command, seeds=[0], folder=RESULTS)


if __name__ == "__main__":
    main()
