"""DSEBM's two scores from its weights, by hand."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from alad import DSEBM
from alad.estimators._programs import weights_by_name
from tests.by_hand import softplus
from tests.estimators.small import NEW, X, fitted


def by_hand(x):
    """The energy of rows, and the length of its gradient."""
    w = {k: v.astype(np.float64) for k, v in weights_by_name(fitted(DSEBM).weights_).items()}
    h, slopes = x, []
    for i in range(2):
        a = h @ w[f"N.h.blocks.{i}.dense.kernels.0"] + w[f"N.h.blocks.{i}.dense.bias"]
        h = softplus(a)
        slopes.append(1 / (1 + np.exp(-a)))
    up = np.ones_like(h)
    for i in (1, 0):
        up = (up * slopes[i]) @ w[f"N.h.blocks.{i}.dense.kernels.0"].T
    energy = ((x - w["N.b"]) ** 2).sum(axis=1) / 2 - h.sum(axis=1)
    return {"energy": energy, "reconstruction": np.linalg.norm(x - w["N.b"] - up, axis=1)}


@pytest.mark.parametrize("score", ["energy", "reconstruction"])
def test_the_score_is_the_formula(score):
    detector = copy.copy(fitted(DSEBM)).set_params(anomaly_score=score)
    x = (NEW - X.mean(axis=0)) / X.std(axis=0)
    np.testing.assert_allclose(-detector.score_samples(NEW), by_hand(x)[score], rtol=1e-4)


def test_the_score_is_the_length_of_what_the_reconstruction_leaves():
    x = (NEW - X.mean(axis=0)) / X.std(axis=0)
    left = np.linalg.norm(x - fitted(DSEBM).reconstruct(NEW), axis=1)
    np.testing.assert_allclose(left, by_hand(x)["reconstruction"], rtol=1e-4)
