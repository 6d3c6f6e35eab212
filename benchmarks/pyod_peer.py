"""Peers from outside: PyOD's ALAD, and two shallow detectors of scikit-learn.

PyOD's ALAD is no like-for-like peer in what it computes (its cycle pairs, its score and its
dropout while scoring differ from the paper); here only its speed counts. One of its "epochs" is
one gradient step, before which it shuffles the whole matrix: the cost of a step grows with the
number of rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import joblib
import numpy as np
from pyod.models.alad import ALAD
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import NearestNeighbors

from benchmarks.torch_step import BATCH, Z_DIM, torch_threads

# The KDD99 preset, as near as PyOD's options come: D_xz has no branches there, and 128-128 costs
# a third fewer multiplications than the paper's.
KDD_LIKE: dict[str, Any] = {
    "enc_layers": [64],
    "dec_layers": [64, 128],
    "disc_xz_layers": [128, 128],
    "disc_xx_layers": [128],
    "disc_zz_layers": [32],
    "latent_dim": Z_DIM,
    "batch_size": BATCH,
    "learning_rate_gen": 1e-5,
    "learning_rate_disc": 1e-5,
    "device": "cpu",
}
WARM_UP = 5
FIT_ROWS = 10_000


class Stopwatch(ALAD):
    """PyOD's ALAD that notes when each gradient step begins, and does not score after the fit."""

    def fit(self, X: np.ndarray, y: None = None, noise_std: float = 0.1) -> Stopwatch:
        self.began: list[float] = []
        return super().fit(X, y, noise_std)

    def train_step(self, data: tuple[np.ndarray, np.ndarray]) -> None:
        self.began.append(time.perf_counter())
        super().train_step(data)

    def get_outlier_scores(self, X_norm: np.ndarray) -> np.ndarray:
        return np.zeros(len(X_norm))


def time_pyod_steps(n_steps: int, data: np.ndarray, threads: int | None = None) -> float:
    """Seconds per gradient step of PyOD's ALAD, the shuffle before each included."""
    detector = Stopwatch(epochs=WARM_UP + n_steps + 1, **KDD_LIKE)
    with torch_threads(threads):
        detector.fit(data)
    return (detector.began[-1] - detector.began[WARM_UP]) / n_steps


def time_pyod_scoring(X: np.ndarray, threads: int | None = None) -> float:
    """Rows per second of PyOD's ALAD; the weights do not matter, so it trains for one step."""
    detector = ALAD(epochs=1, **KDD_LIKE).fit(X[:FIT_ROWS])
    with torch_threads(threads):
        return rows_per_second(detector.decision_function, X)


def time_iforest_fit(X: np.ndarray) -> float:
    """Seconds to fit an isolation forest of 100 trees on the first 10,000 rows."""
    start = time.perf_counter()
    IsolationForest(random_state=0).fit(X[:FIT_ROWS])
    return time.perf_counter() - start


def time_iforest_scoring(X: np.ndarray, jobs: int = 1) -> float:
    """Rows per second of an isolation forest, its trees shared among ``jobs`` threads."""
    forest = IsolationForest(random_state=0).fit(X[:FIT_ROWS])
    # score_samples ignores the estimator's n_jobs and takes it from the context.
    with joblib.parallel_config("threading", n_jobs=jobs):
        return rows_per_second(forest.score_samples, X)


def time_knn_scoring(X: np.ndarray, neighbours: int = 5) -> float:
    """Rows per second of the distance to the nearest of 10,000 rows, on every core."""
    index = NearestNeighbors(n_neighbors=neighbours, n_jobs=-1).fit(X[:FIT_ROWS])
    return rows_per_second(lambda rows: index.kneighbors(rows)[0].mean(axis=1), X)


def rows_per_second(score: Callable[[np.ndarray], np.ndarray], X: np.ndarray) -> float:
    """Speed of one call of ``score`` on all of X, after a short one to warm up."""
    score(X[:1000])
    start = time.perf_counter()
    score(X)
    return len(X) / (time.perf_counter() - start)
