"""Run the methods behind some tables: what is stored is skipped, what was stopped goes on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from alad.datasets import DATA_SETS, Split
from alad.errors import InputError
from alad.estimators import (
    DETECTORS,
    AbstractDetector,
    AdversarialDetector,
    NetworkDetector,
    fit_side_by_side,
)
from alad.experiments import results
from alad.experiments.measure import measured, pictured
from alad.experiments.record import commit
from alad.experiments.registry import ONLY, Method
from alad.experiments.results import Job, Run, Stored
from alad.training import Report, of_seeds, seeds_at_once

SPLIT_SEED = 42  # as in the released code; the runs differ in the model's seed
CURVE = 100  # points of a training curve that are kept

KEEP = ", --other-code to keep it because the change did not move the numbers"

Tell = Callable[[str, float | None], None]


@dataclass(frozen=True)
class Bench:
    """Where and how results are made.

    Parameters
    ----------
    folder : Path
        The result files.
    work : Path
        Checkpoints of trainings that are not finished, and trained models.
    tell : callable
        Told in words what comes next.
    progress : callable
        Told of the training that runs.
    refresh : bool
        Make results of other code, settings or data anew; otherwise they are refused.
    other_code : bool
        Take results of other code for as good as those of this one; runs say which is whose.
    """

    folder: Path
    work: Path
    tell: Tell
    progress: Report | None = None
    refresh: bool = False
    other_code: bool = False

    def run(self, jobs: Sequence[Job], seeds: Sequence[int]) -> None:
        """Make every run that is not stored yet.

        Raises
        ------
        InputError
            A stored result was made with something else, and ``refresh`` is off.
        """
        for job in jobs:
            _ = job.code  # of the code that runs, and kept: it may be edited meanwhile
        stored = {job.name: self._stored(job) for job in jobs}  # before anything runs
        spent: list[float] = []  # on each job that was made
        to_make = sum(bool(_missing(job, seeds, stored[job.name])) for job in jobs)
        for number, job in enumerate(jobs, 1):
            known = stored[job.name]
            missing = _missing(job, seeds, known)
            place = f"[{number}/{len(jobs)}] {job.name}"
            if missing:
                # As if jobs took alike, which they do not: better than nothing.
                left = sum(spent) / len(spent) * (to_make - len(spent)) if spent else None
                self.tell(f"{place}: seeds {', '.join(map(str, missing))}", left)
                began = time.monotonic()
                self._make(job, missing, known)
                spent.append(time.monotonic() - began)
            else:
                self.tell(f"{place}: stored", None)

    def _stored(self, job: Job) -> Stored | None:
        stored = results.read(self.folder, job)
        other = [] if stored is None else results.differences(job, stored)
        if self.other_code:
            other = [name for name in other if name != results.CODE]
        if not other:
            return stored
        if self.refresh:
            return None
        same = " and ".join(name.replace("_", " ") for name in other)
        raise InputError(
            f"Expected {job.name}.json to come from the same {same} as now; it does not. "
            f"Give --refresh to make it anew{KEEP if other == [results.CODE] else ''}, or another "
            "folder for results."
        )

    def _make(self, job: Job, seeds: Sequence[int], known: Stored | None) -> None:
        runs = [] if known is None else list(known.runs)
        pictures = {} if known is None else known.content["payload"]["pictures"]
        done = 0
        for group in _groups(job, seeds):
            seed = group[0] if job.fresh_splits else SPLIT_SEED
            split = as_taken(job.method, _split(job.data_set, job.protocol, seed))
            _check_data(job, split, [] if known is None else known.runs)
            began = time.monotonic()
            report = of_seeds(self.progress, group, done, len(seeds))
            detectors = self._fitted(job, group, split, report)
            seconds = time.monotonic() - began
            for detector in detectors:
                run, drawn = _judged(job, detector, split)
                runs.append({**run, "fit_seconds": seconds / len(detectors)})
                pictures = pictures or drawn
            results.write(self.folder, job, runs, pictures)
            self._checkpoint(job, group).unlink(missing_ok=True)
            done += len(group)

    def _fitted(
        self, job: Job, seeds: Sequence[int], split: Split, report: Report | None
    ) -> Sequence[AbstractDetector]:
        cls = DETECTORS[job.method.detector]
        settings = job.method.settings_for(job.data_set, job.epochs_scale)
        detectors = [cls(random_state=seed, **settings) for seed in seeds]
        if not issubclass(cls, NetworkDetector):
            return [detector.fit(split.x_train) for detector in detectors]
        fit_side_by_side(
            detectors,
            split.x_train,
            X_valid=split.x_valid if len(split.x_valid) else None,
            checkpoint=self._checkpoint(job, seeds),
            report=report,
        )
        for detector in detectors:
            if detector.seed_ == 0 or not job.is_of_pictures:  # whose models are large
                detector.save(self.work / job.name / f"seed-{detector.seed_}")
        return detectors

    def _checkpoint(self, job: Job, seeds: Sequence[int]) -> Path:
        """Where a training is kept; one of other code or settings is not gone on with."""
        name = f"training-{'-'.join(map(str, seeds))}-{job.digest}.safetensors"
        return self.work / job.name / name


def _check_data(job: Job, split: Split, runs: Sequence[Run]) -> None:
    """Refuse to add to runs on other data: a data set may be at hand in more than one form."""
    for run in runs:
        if run["split_seed"] == split.seed and run["fingerprint"] != split.fingerprint:
            raise InputError(
                f"Expected the data of {job.name}.json"
                + (f" ({run['source']})" if "source" in run else "")
                + "; found other data"
                + (f" ({split.source})" if split.source else "")
                + ". Point ALAD_DATA at the same files, or give another folder for results."
            )


def _missing(job: Job, seeds: Sequence[int], known: Stored | None) -> list[int]:
    """The seeds of a job that are not stored."""
    return [seed for seed in job.seeds(seeds) if known is None or seed not in known.seeds]


def _groups(job: Job, seeds: Sequence[int]) -> Iterator[Sequence[int]]:
    """Deal the seeds into groups that are fitted at once: on one split, as many as pay."""
    together = issubclass(DETECTORS[job.method.detector], NetworkDetector) and not job.fresh_splits
    size = seeds_at_once(len(seeds), pictures=job.is_of_pictures) if together else 1
    for start in range(0, len(seeds), size):
        yield seeds[start : start + size]


@lru_cache(maxsize=1)
def _split(data_set: str, protocol: str, seed: int) -> Split:
    known = DATA_SETS[data_set]
    return known.split(known.protocols[protocol], seed=seed)


def as_taken(method: Method, split: Split) -> Split:
    """Give a split as the detector takes it: to one of tables a picture is a row of numbers."""
    if split.x_train.ndim == 2 or issubclass(DETECTORS[method.detector], NetworkDetector):
        return split
    rows = {name: getattr(split, name) for name in ("x_train", "x_valid", "x_test")}
    width = math.prod(split.x_train.shape[1:])
    rows = {name: x.reshape(len(x), width).astype(np.float32) for name, x in rows.items()}
    if method.components is not None:
        found = PCA(method.components, random_state=SPLIT_SEED).fit(rows["x_train"])
        rows = {name: found.transform(x).astype(np.float32) for name, x in rows.items()}
    return replace(split, **rows)


def _judged(job: Job, detector: AbstractDetector, split: Split) -> tuple[Run, dict[str, Any]]:
    """Score the test rows in every way, and look at the labels."""
    scores, pictures = {}, {}
    for score, rows, a, seconds in _scored(job, detector, split):
        y, flagged = split.y_test[rows], split.protocol.flagged
        scores[score] = measured(y, a, flagged) | {"rows": len(rows), "seconds": seconds}
        pictures[score] = pictured(y, split.kind_test[rows], a, flagged)
    run = {
        "seed": detector.seed_,
        "split_seed": split.seed,
        "fingerprint": split.fingerprint,
        "code": job.code,
        "git": commit(),
        "scores": scores,
        "training": _curves(detector),
    }
    if split.source:
        run["source"] = split.source
    return run, pictures


def _scored(
    job: Job, detector: AbstractDetector, split: Split
) -> Iterator[tuple[str, NDArray[np.int64], NDArray[Any], float]]:
    """Give each score's name, the test rows that it is asked of, A of these, and the seconds.

    Scores of pictures come from one pass, whose seconds are those of each.
    """
    names = job.method.scores or (ONLY,)
    if job.is_of_pictures and isinstance(detector, AdversarialDetector):
        detector.several_scores(split.x_test[:1], names)  # compiles what is for one block
        began = time.monotonic()
        found = detector.several_scores(split.x_test, names)
        seconds = time.monotonic() - began
        yield from ((name, np.arange(len(a)), a, seconds) for name, a in found.items())
        return
    for name in names:
        rows = _test_rows(split, job.method.test_rows.get(name))
        if name != ONLY:
            detector.set_params(anomaly_score=name)
        detector.score_samples(split.x_test[rows[:1]])  # compiles what is compiled for one block
        began = time.monotonic()
        a = -detector.score_samples(split.x_test[rows])
        yield name, rows, a, time.monotonic() - began


def _test_rows(split: Split, limit: int | None) -> NDArray[np.int64]:
    n = len(split.x_test)
    if limit is None or limit >= n:
        return np.arange(n)
    return np.sort(np.random.default_rng(split.seed).choice(n, limit, replace=False))


def _curves(detector: AbstractDetector) -> dict[str, Any] | None:
    """Give the training curves of a network, thinned to what a picture can show."""
    history = getattr(detector, "history_", None)
    if history is None or history.epochs == 0:
        return None
    kept = np.unique(np.linspace(0, history.epochs - 1, CURVE).round().astype(int))
    return {
        "epochs": (kept + 1).tolist(),
        "losses": {p: [rows[i][0] for i in kept] for p, rows in history.losses.items()},
        "validation": [history.validation[i][0] for i in kept] if history.validation else [],
        "seconds": sum(history.seconds),
    }
