"""Scikit-learn's own checks of an estimator, every one of them, on every detector."""

from __future__ import annotations

from unittest import SkipTest

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from alad import (
    ALAD,
    ALICE,
    DAGMM,
    DSEBM,
    GAN,
    KNN,
    LOF,
    OCSVM,
    PCA,
    AnoGAN,
    AutoEncoder,
    BiGAN,
    IsolationForest,
    Mahalanobis,
)
from alad.estimators import DETECTORS

# Training compiles a program for each shape of table, minutes over all checks. All detectors of
# networks train by one loop: "make test" has ALAD train, of several players, and DSEBM, of one, and
# GAN, DAGMM, ALICE and BiGAN do all but that, as ALAD with the paper's preset does; "make slow" has
# the rest. The autoencoder is ALAD with other class variables, AnoGAN is GAN with another score.
LATER = [
    ALICE(epochs=1, batch_size=16),
    BiGAN(epochs=1, batch_size=16),
    AutoEncoder(epochs=1, batch_size=16),
    GAN(epochs=1, batch_size=16),
    AnoGAN(epochs=0, search_steps=2),  # it trains as GAN does
    DAGMM(epochs=1, batch_size=16),
]
NOW = [
    ALAD(epochs=1, batch_size=16),
    ALAD(preset="kdd99", epochs=0),
    ALICE(epochs=0),
    BiGAN(epochs=0),
    DSEBM(epochs=1, batch_size=16),
    GAN(epochs=0),
    DAGMM(epochs=0),
    Mahalanobis(),
    OCSVM(),
    IsolationForest(n_estimators=20),
    KNN(),
    LOF(),
    PCA(),
]

# Checks that a detector may skip or fail, each with its reason.
FAILS: dict[str, str] = {}
SKIPS = {
    "check_array_api_input": "array-API input is an experiment of scikit-learn's, off by default",
}


def test_every_detector_is_checked():
    now, later = ({type(detector) for detector in those} for those in (NOW, LATER))
    assert now | {AutoEncoder, AnoGAN} == now | later == set(DETECTORS.values())


@parametrize_with_checks(NOW, expected_failed_checks=lambda estimator: FAILS)
def test_scikit_learn_check(estimator, check):
    passes(estimator, check)


@pytest.mark.slow
@parametrize_with_checks(LATER, expected_failed_checks=lambda estimator: FAILS)
def test_scikit_learn_check_that_takes_longer(estimator, check):
    passes(estimator, check)


def passes(estimator, check):
    try:
        check(estimator)
    except SkipTest as skipped:
        name = check.func.__name__
        if name not in SKIPS:
            raise AssertionError(f"{name} was skipped without a written reason") from skipped
        pytest.skip(SKIPS[name])
