"""Planted anomalies: each method ranks them above normal rows, far better than before training."""

from __future__ import annotations

import numpy as np
import pytest

from alad import DAGMM, DSEBM, AnoGAN, AutoEncoder, BiGAN
from alad.metrics import detection_metrics

IS_ANOMALY = np.arange(150) >= 100


def plane():
    """Normal rows on a plane of 4 dimensions in 8, strange ones anywhere."""
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(4, 8))
    normal = rng.normal(size=(1000, 4)) @ directions
    return normal[:900], np.vstack([normal[900:], 2 * rng.normal(size=(50, 8))])


def clusters():
    """Normal rows in three clusters, strange ones anywhere between and beyond."""
    rng = np.random.default_rng(0)
    normal = rng.choice(rng.normal(size=(3, 8)), 740) + 0.2 * rng.normal(size=(740, 8))
    strange = normal.std(axis=0) * rng.normal(size=(50, 8))
    return normal[:640], np.vstack([normal[640:], strange])


SHORT = {"epochs": 80, "learning_rate": 1e-3, "ema_decay": 0.99, "random_state": 1}
CASES = {
    "BiGAN": (BiGAN(**SHORT), plane, {"joint-features": 0.85}),
    "AutoEncoder": (AutoEncoder(**SHORT), plane, {"l1": 0.98, "l2": 0.98}),
    "GAN and AnoGAN": (
        AnoGAN(search_steps=200, **SHORT),
        plane,
        {"inversion": 0.98, "density": 0.95, "feature-density": 0.98, "discriminator": 0.95},
    ),
    "DAGMM": (
        DAGMM(epochs=300, batch_size=64, random_state=0),
        clusters,
        {"energy": 0.94, "reconstruction": 0.88},
    ),
    "DSEBM": (DSEBM(epochs=200, random_state=0), plane, {"energy": 0.9, "reconstruction": 0.95}),
}


def aurocs(detector, test, scores):
    return {
        score: detection_metrics(
            IS_ANOMALY, -detector.set_params(anomaly_score=score).score_samples(test)
        )["auroc"]
        for score in scores
    }


@pytest.mark.slow
@pytest.mark.usefixtures("optimised")
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_training_ranks_planted_anomalies_above_normal_rows(case):
    detector, data, least = case
    train, test = data()
    found = aurocs(detector.fit(train), test, least)
    untrained = aurocs(detector.set_params(epochs=0).fit(train), test, least)
    for score in least:
        assert found[score] > least[score]
        assert found[score] > untrained[score] + 0.04
