"""Detectors and settings in words: all of them have some."""

from __future__ import annotations

import pytest

from alad.estimators import DETECTORS
from alad.report.words import METHODS, SETTINGS, UNSAID, method, settings_in_words, trained_on

CLASSES = list(DETECTORS.values()) if isinstance(DETECTORS, dict) else list(DETECTORS)


@pytest.mark.parametrize("detector", CLASSES, ids=lambda d: d.__name__)
def test_every_detector_and_every_setting_has_words(detector):
    assert detector.__name__ in METHODS
    assert set(detector().get_params()) <= {*SETTINGS, *UNSAID}
    assert settings_in_words(detector().get_params())


def test_settings_that_are_names_or_numbers():
    said = settings_in_words({"gamma": "scale", "max_samples": 256, "scaling": "none", "new": 3})
    assert said == "columns as they are, 256 rows for each tree, kernel width “scale”, new 3"


def test_one_of_something_is_no_plural():
    said = settings_in_words({"epochs": 1, "patience": 1, "k": 1, "n_estimators": 1000})
    assert said == "1 epoch, an end after 1 epoch without progress, 1 neighbour, 1,000 trees"


def test_what_is_not_known_is_not_said():
    assert settings_in_words({"leave_out_knots": False, "random_state": 3}) == (
        "all as they are by default"
    )
    assert method("Oracle") == "Oracle"
    assert trained_on(None) is None


def test_settings_of_a_damaged_model_stand_as_they_are():
    said = settings_in_words({"contamination": "x", "epochs": [3], "scaling": None})
    assert said == "contamination x, epochs [3]"
