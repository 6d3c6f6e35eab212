"""Calibration: the offset is scikit-learn's, and flags the share that was asked for."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from alad.calibration import offset_at_contamination
from alad.errors import InputError


@pytest.mark.parametrize("contamination", [0.01, 0.1, 0.5])
def test_offset_flags_the_share_that_was_asked_for(contamination):
    scores = np.random.default_rng(0).normal(size=1000)
    offset = offset_at_contamination(scores, contamination)
    assert (scores - offset < 0).mean() == pytest.approx(contamination, abs=1e-3)


def test_offset_is_the_isolation_forests():
    x = np.random.default_rng(0).normal(size=(200, 2))
    forest = IsolationForest(n_estimators=20, contamination=0.13, random_state=0).fit(x)
    offset = offset_at_contamination(forest.score_samples(x), 0.13)
    assert offset == pytest.approx(forest.offset_, abs=1e-12)


@pytest.mark.parametrize("contamination", [0, -0.1, 0.51, 5, float("nan")])
def test_contamination_out_of_range_is_refused(contamination):
    with pytest.raises(InputError, match=r"contamination in \(0, 0\.5\]; got"):
        offset_at_contamination([0.0, 1.0], contamination)


@pytest.mark.parametrize("scores", [[], [0.0, float("nan")], [[0.0]]])
def test_bad_scores_are_refused(scores):
    with pytest.raises(InputError, match="at least one finite score"):
        offset_at_contamination(scores, 0.1)
