"""Every method's scoring time on KDDCup99, and AnoGAN's search as it is done elsewhere: row by row.

Networks are untrained: the time does not depend on the weights. Those that keep training rows
(OC-SVM, kNN) keep 10,000, as many as the registry's OC-SVM.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

import jax
import numpy as np

from alad.datasets import DATA_SETS
from alad.estimators import DETECTORS, AbstractDetector

FIT_ROWS = 10_000
ROWS = {"quick": 50_000, "slow": 4_000}  # scored at once, the slow ones fewer
KEPT: dict[str, Any] = {"preset": "kdd99", "epochs": 0}

CONTESTANTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "ALAD": ("ALAD", KEPT, "quick"),
    "ALAD()": ("ALAD", {"epochs": 0}, "quick"),
    "ALICE": ("ALICE", KEPT, "quick"),
    "BiGAN, joint features": ("BiGAN", KEPT, "quick"),
    "BiGAN, joint logits": ("BiGAN", {**KEPT, "anomaly_score": "joint-logits"}, "quick"),
    "BiGAN, reconstruction": ("BiGAN", {**KEPT, "anomaly_score": "l1"}, "quick"),
    "AnoGAN, 500 steps": ("AnoGAN", KEPT, "slow"),
    "GAN, density of samples": ("GAN", KEPT, "quick"),
    "GAN, density of their features": (
        "GAN",
        {**KEPT, "anomaly_score": "feature-density"},
        "quick",
    ),
    "GAN, discriminator": ("GAN", {**KEPT, "anomaly_score": "discriminator"}, "quick"),
    "DAGMM": ("DAGMM", KEPT, "quick"),
    "DSEBM-e": ("DSEBM", KEPT, "quick"),
    "DSEBM-r": ("DSEBM", {**KEPT, "anomaly_score": "reconstruction"}, "quick"),
    "Autoencoder": ("AutoEncoder", KEPT, "quick"),
    "OC-SVM": ("OCSVM", {"nu": 0.2}, "quick"),
    "Isolation Forest": ("IsolationForest", {}, "quick"),
    "PCA": ("PCA", {}, "quick"),
    "Mahalanobis distance": ("Mahalanobis", {}, "quick"),
    "k nearest neighbours": ("KNN", {}, "quick"),
    "LOF": ("LOF", {}, "quick"),
}


@lru_cache(maxsize=1)
def rows() -> tuple[np.ndarray, np.ndarray]:
    """Rows to fit and rows to score, of the paper's split."""
    kdd99 = DATA_SETS["kdd99"]
    split = kdd99.split(kdd99.protocols["paper"], seed=42)
    return split.x_train[:FIT_ROWS], split.x_test


@lru_cache(maxsize=len(CONTESTANTS))
def fitted(name: str) -> AbstractDetector:
    """The contestant, fitted once."""
    detector, settings, _ = CONTESTANTS[name]
    return DETECTORS[detector](random_state=0, **settings).fit(rows()[0])


def seconds_per_1000(name: str) -> float:
    """Seconds for 1,000 of many rows that are scored in one call, after one to warm up."""
    detector, x = fitted(name), rows()[1][: ROWS[CONTESTANTS[name][2]]]
    detector.score_samples(x)
    began = time.perf_counter()
    detector.score_samples(x)
    return (time.perf_counter() - began) / len(x) * 1000


@lru_cache(maxsize=1)
def _one_row_search() -> Any:
    """The same search compiled for a single row, on all cores: what a loop over rows would call."""
    from alad.training import alive, blueprints

    detector: Any = fitted("AnoGAN, 500 steps")
    plans, judge = blueprints(detector.players_), detector._judge("inversion")

    def search(weights: Any, x: jax.Array) -> jax.Array:
        networks = {name: alive(plans[name], *own) for name, own in weights.items()}
        return judge(networks, x)

    return detector, jax.jit(search)


def row_by_row(count: int = 20) -> float:
    """Seconds for 1,000 rows, from a few that are searched one after the other."""
    detector, search = _one_row_search()
    x = detector.scaler_.transform(rows()[1][: count + 1]).astype(np.float32)
    search(detector.weights_, x[:1]).block_until_ready()
    began = time.perf_counter()
    for i in range(1, count + 1):
        search(detector.weights_, x[i : i + 1]).block_until_ready()
    return (time.perf_counter() - began) / count * 1000
