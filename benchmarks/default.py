"""What ``ALAD()`` costs beside k nearest neighbours, on one table too large for either to like."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from alad import ALAD, KNN
from alad.estimators import AbstractDetector

TRAINED, COLUMNS = 200_000, 40
FITTED = 50_000  # rows that the time of a fit is taken with
SCORED = {"ALAD": 50_000, "KNN": 2_000}
KINDS = {"ALAD": ALAD, "KNN": KNN}


@cache
def rows(n: int) -> np.ndarray:
    """Rows of columns that depend on each other, with heavy tails in some."""
    rng = np.random.default_rng(n)
    x = rng.normal(size=(n, 8)) @ np.random.default_rng(0).normal(size=(8, COLUMNS))
    x += 0.3 * rng.normal(size=x.shape)
    x[:, :5] = np.exp(x[:, :5])
    return x.astype(np.float32)


@cache
def fitted(name: str) -> AbstractDetector:
    """The detector, fitted once."""
    return KINDS[name](random_state=0).fit(rows(TRAINED))


def rows_per_second(name: str) -> float:
    """Rows scored a second, after a fit on all training rows and one call to warm up."""
    detector, x = fitted(name), rows(SCORED[name])
    detector.score_samples(x)
    began = time.perf_counter()
    detector.score_samples(x)
    return len(x) / (time.perf_counter() - began)


def fit_seconds() -> float:
    """Seconds of a fit on 50,000 rows, compiling included."""
    began = time.perf_counter()
    ALAD(random_state=0).fit(rows(FITTED))
    return time.perf_counter() - began


def megabytes() -> float:
    """Size of the saved model."""
    with TemporaryDirectory() as folder:
        fitted("ALAD").save(Path(folder) / "model")
        files = (Path(folder) / "model").rglob("*")
        return sum(file.stat().st_size for file in files if file.is_file()) / 1e6
