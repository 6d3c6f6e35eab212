"""Result files of made-up scores, for what reads them: two classes, some kinds of rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from alad.experiments import results
from alad.experiments.measure import measured, pictured
from alad.experiments.registry import METHODS, ONLY
from alad.experiments.results import Job

Y = np.arange(300) >= 240
KINDS = np.where(Y, "normal", np.where(np.arange(300) % 3 == 0, "smurf <b>", "neptune"))


def a_run(job: Job, seed: int) -> tuple[dict, dict]:
    scores, pictures = {}, {}
    for i, score in enumerate(job.method.scores or (ONLY,)):
        rng = np.random.default_rng([seed, i])
        a = rng.normal(size=300) + (3 - 0.5 * i) * Y
        scores[score] = measured(Y, a, 0.2) | {"rows": 300, "seconds": 0.01}
        pictures[score] = pictured(Y, KINDS, a, 0.2)
    curve = {"epochs": [1, 2], "losses": {"D": [3.0, 2.0]}, "validation": [1.0, 0.5], "seconds": 1}
    run = {
        "seed": seed,
        "split_seed": 42,
        "fingerprint": "f",
        "code": "c0de",
        "git": {"commit": "abc1234", "dirty": False},
        "scores": scores,
        "training": curve if job.method.is_trained else None,
        "fit_seconds": 1.0,
    }
    return run, pictures


def write(folder: Path, method: str, *, data_set="kdd99", protocol="paper", seeds=3, scale=1.0):
    """Write one result file, as the bench does."""
    job = Job(METHODS[method], data_set, protocol, False, scale)
    made = [a_run(job, seed) for seed in job.seeds(range(seeds))]
    return results.write(folder, job, [run for run, _ in made], made[0][1])
