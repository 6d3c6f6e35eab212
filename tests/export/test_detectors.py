"""Exported models in onnxruntime, beside the detectors that they were made from."""

from __future__ import annotations

import copy
import json

import numpy as np
import onnx
import polars as pl
import pytest
from sklearn.exceptions import NotFittedError

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
    AutoEncoder,
    BiGAN,
    InputError,
    IsolationForest,
    Mahalanobis,
)
from alad.export import compare, to_onnx
from alad.export.agreement import feeds, is_by_column, run, session
from alad.scores import NEEDS, SCORES
from tests.estimators.pictures import SMALL, dots, stripes
from tests.estimators.small import FRAME, NEW, NEW_FRAME, X, fitted

FAR = 1000 * NEW  # beyond what fit saw
ROUNDING = 1e-5  # single precision leaves 1e-7 of a score, DAGMM's matrices some 1e-6

SHALLOW = [(cls, None) for cls in (Mahalanobis, PCA, KNN, OCSVM, IsolationForest)]
ADVERSARIAL = [
    (cls, score)
    for cls in (ALAD, ALICE, BiGAN, AutoEncoder)
    for score in SCORES
    if NEEDS.get(score) in (None, *cls.games)
]
OTHERS = [(DAGMM, "energy"), (DAGMM, "reconstruction"), (DSEBM, "energy")]


def judging(cls, score=None, table="frame"):
    """A detector that was fitted once for all of its scores, set to one of them."""
    if cls not in (ALAD, ALICE, BiGAN, AutoEncoder):
        detector = copy.copy(fitted(cls, table))
    else:
        detector = copy.copy(fitted(cls, table, anomaly_score="distance"))
    return detector if score is None else detector.set_params(anomaly_score=score)


def agreement(detector, *parts, **how):
    return compare(to_onnx(detector, **how).SerializeToString(), detector, parts)


def outputs(detector, rows, **how):
    running = session(to_onnx(detector, **how).SerializeToString())
    return run(running, feeds(detector, rows, is_by_column(running)))


@pytest.mark.parametrize(("cls", "score"), SHALLOW + ADVERSARIAL + OTHERS)
def test_columns_by_name_with_gaps_and_unseen_categories(cls, score):
    found = agreement(judging(cls, score), FRAME, NEW_FRAME)
    assert found.rows == len(FRAME) + len(NEW_FRAME)
    assert found.largest < ROUNDING
    assert found.verdicts == 0


def test_the_mean_distance_of_neighbours():
    assert agreement(KNN(method="mean").fit(X), X, NEW).largest < ROUNDING


@pytest.mark.parametrize(("cls", "score"), [*SHALLOW, (ALAD, "memory")])
def test_features_and_arrays(cls, score):
    by_feature = agreement(judging(cls, score), NEW_FRAME, inputs="features")
    assert by_feature.largest < ROUNDING
    of_array = agreement(judging(cls, score, "array"), X, NEW, FAR)
    assert of_array.largest < ROUNDING
    assert of_array.verdicts == 0


@pytest.mark.parametrize("scaling", ["none", "minmax", "standard", "log-standard"])
@pytest.mark.filterwarnings("ignore::alad.errors.UnlikeFitWarning")
def test_every_scaling_far_beyond_the_training_rows(scaling):
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "bytes": np.exp(rng.normal(8, 3, 300)),
            "large": 1.7e9 + rng.integers(0, 1000, 300),
            "up": rng.random(300) > 0.5,
            "kind": rng.choice(["a", "b"], 300),
        }
    )
    far = frame.with_columns(bytes=-frame["bytes"], large=pl.lit(3e38), up=None, kind=pl.lit("c"))
    found = agreement(Mahalanobis(scaling=scaling).fit(frame), frame, far)
    assert found.largest < 1e-12


def test_an_array_keeps_its_double_precision():
    x = np.c_[1.7e9 + np.arange(200.0) / 64, np.arange(200.0) % 7]  # apart by less than a float32
    assert agreement(Mahalanobis().fit(x), x).largest < 1e-9


def test_the_papers_networks():
    settings = {"spectral_norm": True, "scaling": "standard", "anomaly_score": "joint-features"}
    detector = ALAD(preset="kdd99", epochs=0, random_state=0, **settings).fit(X)
    assert agreement(detector, X, NEW).largest < ROUNDING


def test_a_memory_of_few_rows_squashes_and_knows_its_own_rows():
    rng = np.random.default_rng(0)
    x = np.exp(rng.normal(size=(150, 60)))  # fewer than ten rows a column
    detector = ALAD(epochs=0, anomaly_score="local-distance", random_state=0).fit(x)
    assert agreement(detector, x, np.exp(rng.normal(size=(50, 60)))).largest < ROUNDING


@pytest.mark.parametrize(("cls", "side", "channels"), [(ALAD, 9, 3), (DSEBM, 12, 1)])
def test_pictures(cls, side, channels, monkeypatch):
    monkeypatch.setitem(ALAD.presets, "pictures", SMALL)
    x = np.repeat(stripes(16, side=side)[..., None], channels, axis=-1)
    new = np.repeat(dots(5, side=side)[..., None], channels, axis=-1)
    detector = cls(preset="pictures", epochs=0, batch_size=8, random_state=0).fit(x)
    assert agreement(detector, x, new).largest < ROUNDING


def test_one_row_is_judged_as_among_many():
    detector = judging(ALAD, "memory")
    many = outputs(detector, FRAME)
    for row in (0, 5, 63):
        one = outputs(detector, FRAME[row])
        assert one["anomaly_score"].shape == one["is_anomaly"].shape == (1,)
        np.testing.assert_allclose(one["anomaly_score"], many["anomaly_score"][[row]], rtol=1e-6)


def test_a_row_exactly_at_the_threshold_is_no_anomaly():
    detector = judging(ALAD, "memory")
    scores = -detector.score_samples(FRAME)
    for place in (3, 40):
        detector.offset_ = -scores[place]
        flags = outputs(detector, FRAME)["is_anomaly"]
        assert not flags[place]
        assert np.array_equal(flags, scores > scores[place])
    detector.offset_ = -(scores.max() - 1e-3)
    assert outputs(detector, FRAME)["is_anomaly"].sum() == (scores == scores.max()).sum()


def test_p_values_count_kept_scores_that_are_at_least_as_large():
    detector = judging(KNN, table="array")
    for m in (1, 2, 7, 8, 64):
        kept = detector.calibrate(X[:m]).calibration_.scores
        rows = np.concatenate([X, NEW, FAR])
        scores = -detector.score_samples(rows)
        expected = (1 + (kept >= scores[:, None]).sum(axis=1)) / (m + 1)
        assert np.array_equal(outputs(detector, rows)["p_value"], expected)


def test_a_score_that_overflows_is_the_largest_number():
    detector = ALAD(epochs=0, anomaly_score="l2", scaling="none", random_state=0).fit(X)
    rows = np.full((2, 5), 3e38)
    assert outputs(detector, rows)["anomaly_score"].tolist() == [np.finfo(np.float32).max] * 2
    assert (-detector.score_samples(rows)).tolist() == [np.finfo(np.float32).max] * 2


def test_what_the_file_says_of_itself():
    detector = judging(ALAD, "memory")
    model = to_onnx(detector, facts={"model_sha256": "abc"})
    onnx.checker.check_model(model, full_check=True)
    told = {fact.key: fact.value for fact in model.metadata_props}
    assert json.loads(told["columns"]) == ["size", "proto"]
    assert json.loads(told["feature_names"]) == list(detector.encoder_.feature_names)
    assert float(told["threshold"]) == -detector.offset_
    assert (told["detector"], told["anomaly_score"]) == ("ALAD", "memory")
    assert (told["missing_text"], told["inputs"]) == ("<missing>", "columns")
    assert (told["alad"], told["model_sha256"]) == (model.producer_version, "abc")


def test_the_same_detector_gives_the_same_file():
    detector = judging(ALAD, "memory")
    assert to_onnx(detector).SerializeToString() == to_onnx(detector).SerializeToString()


@pytest.mark.parametrize("name", ["x", "a b, 'c'", "größe", "/mul.3", "/constant.0", "0"])
def test_columns_of_any_name(name):
    frame = FRAME.rename({"size": name})
    assert agreement(Mahalanobis().fit(frame), frame).largest < ROUNDING


@pytest.mark.parametrize("name", ["anomaly_score", "is_anomaly", "p_value", ""])
def test_a_column_that_is_named_as_a_result_is_refused(name):
    detector = Mahalanobis().fit(FRAME.rename({"size": name}))
    with pytest.raises(InputError, match="other names than anomaly_score"):
        to_onnx(detector)
    assert to_onnx(detector, inputs="features")


@pytest.mark.parametrize(
    ("cls", "score", "what"),
    [
        (LOF, None, "LOF"),
        (GAN, "discriminator", "GAN with the score 'discriminator'"),
        (DSEBM, "reconstruction", "DSEBM with the score 'reconstruction'"),
    ],
)
def test_others_are_refused_by_name(cls, score, what):
    with pytest.raises(InputError, match=f"can be exported: ALAD, .* got {what}"):
        to_onnx(judging(cls, score, "array"))


def test_inputs_are_held_against_the_detector():
    with pytest.raises(InputError, match="fitted on an array"):
        to_onnx(fitted(Mahalanobis, "array"), inputs="columns")
    with pytest.raises(InputError, match="'columns' or 'features'; got 'rows'"):
        to_onnx(fitted(Mahalanobis, "array"), inputs="rows")
    with pytest.raises(NotFittedError):
        to_onnx(Mahalanobis())
