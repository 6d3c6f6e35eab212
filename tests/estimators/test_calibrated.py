"""``calibrate``, ``p_values`` and ``predict(X, fdr)`` of every detector, kept with the model."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from alad import ALAD, KNN, Mahalanobis, load
from alad.calibration import benjamini_hochberg, conformal_p_values
from alad.errors import InputError, ModelFormatError
from alad.estimators import DETECTORS
from alad.io import read_model, write_model
from tests.estimators.pictures import SMALL, dots, stripes
from tests.estimators.small import FRAME, NEW, NEW_FRAME, RNG, X, fitted

MORE = RNG.normal(2, 3, size=(50, 5))
OF = {"array": (MORE, NEW), "frame": (FRAME, NEW_FRAME)}


def calibrated(cls, table="array"):
    return deepcopy(fitted(cls, table)).calibrate(OF[table][0])


@pytest.mark.parametrize("cls", DETECTORS.values())
@pytest.mark.parametrize("table", OF)
def test_every_detector_gives_p_values_that_survive_saving(cls, table, tmp_path):
    known, new = OF[table]
    detector = calibrated(cls, table)
    p = detector.p_values(new)
    by_hand = conformal_p_values(-detector.score_samples(known), -detector.score_samples(new))
    np.testing.assert_array_equal(p, by_hand)
    flagged = detector.predict(new, fdr=0.5)
    np.testing.assert_array_equal(flagged == -1, benjamini_hochberg(p, 0.5))
    np.testing.assert_array_equal(detector.predict(new), fitted(cls, table).predict(new))
    detector.save(tmp_path / "m")
    loaded = load(tmp_path / "m")
    np.testing.assert_array_equal(loaded.p_values(new), p)
    assert loaded.calibration_.facts == detector.calibration_.facts
    np.testing.assert_array_equal(loaded.calibration_.rows, detector.calibration_.rows)


def test_rows_are_kept_as_the_encoder_gives_them():
    detector = calibrated(Mahalanobis, "frame")
    np.testing.assert_array_equal(detector.calibration_.rows, detector.encoder_.transform(FRAME)[0])
    kept = calibrated(Mahalanobis).calibration_.rows
    np.testing.assert_array_equal(kept, MORE)  # to all digits


def test_without_a_calibration_it_says_what_to_do():
    detector = fitted(KNN)
    assert detector.calibration_ is None
    for judged in (detector.p_values, lambda x: detector.predict(x, fdr=0.1)):
        with pytest.raises(InputError, match=r"calibrate was not called since fit\. Call calib"):
            judged(NEW)


def test_another_fit_forgets_it():
    detector = Mahalanobis().fit(X).calibrate(MORE)
    assert detector.fit(X).calibration_ is None
    with pytest.raises(NotFittedError):
        Mahalanobis().calibrate(X)
    with pytest.raises(NotFittedError):
        Mahalanobis().p_values(X)


def test_scores_of_another_kind_need_another_calibration():
    detector = calibrated(ALAD)
    detector.set_params(contamination=0.2, anomaly_score="l1")
    with pytest.raises(InputError, match=r"settings of the calibration; anomaly_score was set"):
        detector.p_values(NEW)
    assert len(detector.calibrate(MORE).p_values(NEW)) == len(NEW)


@pytest.mark.parametrize("fdr", [0, 1, -1, "0.1"])
def test_level_out_of_range_is_refused(fdr):
    with pytest.raises(InputError, match="false discovery rate between 0 and 1"):
        calibrated(Mahalanobis).predict(NEW, fdr=fdr)


def test_other_columns_are_refused():
    with pytest.raises(InputError, match="X has 4 features"):
        deepcopy(fitted(Mahalanobis)).calibrate(MORE[:, :4])


def test_a_setting_that_is_younger_than_the_calibration_changes_nothing():
    detector = calibrated(KNN)
    before = detector.p_values(NEW)
    del detector.calibration_.facts["parameters"]["method"]  # as if there had been none
    np.testing.assert_array_equal(detector.p_values(NEW), before)
    detector.set_params(k=3)
    with pytest.raises(InputError, match=r"settings of the calibration; k was set since"):
        detector.p_values(NEW)


def test_pictures_are_not_kept(monkeypatch, tmp_path):
    monkeypatch.setitem(ALAD.presets, "pictures", SMALL)
    detector = ALAD(preset="pictures", epochs=0, random_state=0).fit(stripes(16))
    detector.calibrate(stripes(20, seed=1))
    assert detector.calibration_.rows.shape == (0, 64)
    detector.save(tmp_path / "m")
    np.testing.assert_array_equal(
        load(tmp_path / "m").p_values(dots(5)), detector.p_values(dots(5))
    )


@pytest.mark.parametrize("missing", ["scores", "rows"])
def test_a_model_with_half_a_calibration_is_refused(tmp_path, missing):
    calibrated(Mahalanobis).save(tmp_path / "whole")
    whole = read_model(tmp_path / "whole")
    arrays = {k: v for k, v in whole.arrays.items() if k != f"calibration/{missing}"}
    facts = {k: v for k, v in whole.facts.items() if k != "weights_sha256"}
    write_model(tmp_path / "half", replace(whole, facts=facts, arrays=arrays))
    with pytest.raises(ModelFormatError, match=f"KeyError: '{missing}'"):
        load(tmp_path / "half")


@pytest.mark.parametrize("told", [["rows"], {"parameters": 3}])
def test_a_model_whose_calibration_states_no_facts_is_refused(told, tmp_path):
    calibrated(Mahalanobis).save(tmp_path / "whole")
    whole = read_model(tmp_path / "whole")
    facts = {k: v for k, v in whole.facts.items() if k != "weights_sha256"}
    write_model(tmp_path / "odd", replace(whole, facts=facts | {"calibration": told}))
    with pytest.raises(ModelFormatError, match="Expected calibration scores"):
        load(tmp_path / "odd")


def test_a_model_from_before_has_none(tmp_path):
    fitted(Mahalanobis).save(tmp_path / "new")
    whole = read_model(tmp_path / "new")
    facts = {k: v for k, v in whole.facts.items() if k not in ("weights_sha256", "calibration")}
    write_model(tmp_path / "old", replace(whole, facts=facts))
    assert load(tmp_path / "old").calibration_ is None
