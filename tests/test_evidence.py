"""What is stored of decisions and reasons was measured with the scores of today."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import evidence

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"
RESTING = ("conformal", "reasons", "streams", "triage")


@pytest.fixture(scope="module")
def today():
    return json.loads(json.dumps(evidence.fingerprint()))


@pytest.mark.parametrize("name", RESTING)
def test_a_result_is_of_the_scores_of_today(name, today):
    stored = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))
    others = evidence.differs(stored["payload"]["evidence"], today)
    assert not others, f"of other {others} than today's: run {stored['command']} again"


@pytest.mark.parametrize("changes", [{"learning_rate": 5e-4}, {"random_state": 1}])
def test_another_training_is_noticed(today, changes, monkeypatch):
    """As are other settings, which are compared themselves."""
    alad = evidence.ALAD

    def changed(**settings):
        return alad(**({**settings, **changes} if settings else {}))

    monkeypatch.setattr(evidence, "ALAD", changed)
    assert {"ALAD", "ALAD, features"} <= set(evidence.differs(today, evidence.fingerprint()))


def test_the_last_rows_are_the_strangest(today):
    for scores in today["scores"].values():
        assert np.mean(scores[-3:]) > np.median(scores[:-3])
    kinds = evidence.made()["kind"]
    assert kinds[-1] not in kinds[:-1]
