"""What is stored of decisions and reasons was measured with the scores of today."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.evidence import fingerprint, made

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"
RESTING = ("conformal", "reasons", "streams", "triage")
AS_ROUNDED = 0.02  # few steps, on whatever processor


@pytest.fixture(scope="module")
def today():
    return json.loads(json.dumps(fingerprint()))


@pytest.mark.parametrize("name", RESTING)
def test_a_result_is_of_the_scores_of_today(name, today):
    stored = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))
    then = stored["payload"]["evidence"]
    again = f"{name}.json is of other scores than today's: run {stored['command']} again"
    assert then["settings"] == today["settings"], again
    assert then["scores"].keys() == today["scores"].keys(), again
    for detector, scores in today["scores"].items():
        assert alike(then["scores"][detector], scores), f"{again} ({detector})"
    assert alike(then["reasons"], today["reasons"]), again


def alike(one, other):
    return np.shape(one) == np.shape(other) and np.allclose(one, other, AS_ROUNDED, AS_ROUNDED)


def test_other_scores_are_noticed(today):
    scores = today["scores"]["ALAD"]
    assert alike(scores, [0.999 * score for score in scores])
    assert not alike(scores, [1.05 * score for score in scores])
    assert not alike(scores, scores[:-1])


def test_the_last_rows_are_the_strangest(today):
    for scores in today["scores"].values():
        assert np.mean(scores[-3:]) > np.median(scores[:-3])
    assert made()["kind"][-1] not in made()["kind"][:-1]
