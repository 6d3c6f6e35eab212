"""Detectors of pictures: the face, files, and that they learn."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from alad import ALAD, ALICE, DSEBM, GAN, AutoEncoder, BiGAN, InputError, load
from alad.estimators import _fitting
from alad.metrics import detection_metrics
from alad.training import Checkpoint
from tests.estimators.pictures import SIDE, SMALL, dots, stripes

X = stripes(16)
SLOW = pytest.mark.slow


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setitem(ALAD.presets, "pictures", SMALL)


@pytest.mark.parametrize("cls", [ALAD, DSEBM])
def test_scores_do_not_depend_on_neighbours_and_survive_the_disk(cls, small, tmp_path):
    detector = cls(preset="pictures", epochs=1, batch_size=8, random_state=0).fit(X)
    assert (detector.n_features_in_, detector.picture_shape_) == (SIDE * SIDE, (SIDE, SIDE, 1))
    new = dots(40, seed=1)  # more than a block
    scores = detector.score_samples(new)
    assert np.array_equal(scores, detector.score_samples(new))
    assert np.array_equal(scores[7:9], detector.score_samples(new[7:9]))
    assert np.array_equal(scores[7:9], detector.score_samples(new[7:9, ..., None].astype(float)))
    detector.save(tmp_path / "m")
    read = load(tmp_path / "m")
    assert read.picture_shape_ == (SIDE, SIDE, 1)
    assert np.array_equal(scores, read.score_samples(new))


def test_blocks_of_every_size_judge_alike_as_users_compile_them(optimised, monkeypatch):
    monkeypatch.setitem(ALAD.presets, "pictures", SMALL)
    detector = ALAD(preset="pictures", random_state=0, epochs=0).fit(stripes(16, side=16))
    new = dots(140, seed=1, side=16)  # more than one call
    scores = detector.score_samples(new)
    for part in (slice(0, 1), slice(30, 34), slice(100, 140)):
        assert np.array_equal(scores[part], detector.score_samples(new[part]))


def test_same_seed_same_scores_and_another_seed_others(small):
    def scores(seed):
        return ALAD(preset="pictures", random_state=seed).fit(X).score_samples(X)

    assert np.array_equal(scores(1), scores(1))
    assert not np.array_equal(scores(1), scores(2))


# The others are ALAD with games left out, and each is a program to compile.
@pytest.mark.parametrize(
    "cls", [pytest.param(cls, marks=SLOW) for cls in (ALICE, BiGAN, AutoEncoder)]
)
def test_relatives_take_pictures_too(cls, small):
    detector = cls(preset="pictures", random_state=0).fit(np.repeat(X[..., None], 3, axis=-1))
    assert np.isfinite(detector.offset_)
    assert detector.predict(np.repeat(X[..., None], 3, axis=-1)).shape == (16,)


def test_pictures_go_to_z_and_back(small):
    detector = ALAD(preset="pictures", random_state=0).fit(X)
    z = detector.encode(X)
    assert z.shape == (16, 4)
    expected = detector.reconstruct(X)
    assert expected.shape == (16, SIDE, SIDE, 1)
    assert np.abs(expected).max() <= 1
    np.testing.assert_allclose(detector.generate(z), expected, atol=1e-5)
    with pytest.raises(InputError, match=r"shape \(n, 4\), at least one; got \(16, 3\)"):
        detector.generate(z[:, :3])
    with pytest.raises(InputError, match=r"got \(0, 4\)"):
        detector.generate(z[:0])


def test_other_pictures_than_at_fit_are_refused(small):
    detector = ALAD(preset="pictures", random_state=0).fit(X)
    with pytest.raises(InputError, match=r"= \(8, 8, 1\), as at fit; got \(9, 9, 1\)"):
        detector.score_samples(np.zeros((2, 9, 9), np.uint8))
    with pytest.raises(InputError, match="Expected pictures"):
        detector.score_samples(np.zeros((2, 64), np.uint8))
    with pytest.raises(InputError, match="at least 2 rows"):
        ALAD(preset="pictures").fit(X[:1])


def test_a_scaling_for_tables_is_refused():
    message = "'scaling' parameter of ALAD must be one of 'pixels' or None. Got 'minmax' instead"
    with pytest.raises(InputError, match=message):
        ALAD(preset="pictures", scaling="minmax").fit(X)


def test_pictures_for_a_table_are_told_of_the_preset():
    with pytest.raises(InputError, match="pictures go to networks with preset='pictures'"):
        ALAD().fit(X)
    with pytest.raises(InputError, match="'preset' parameter of GAN must be one of 'tabular'"):
        GAN(preset="pictures").fit(X)


def test_a_killed_training_goes_on_exactly(small, tmp_path, monkeypatch):
    monkeypatch.setattr(_fitting, "Checkpoint", partial(Checkpoint, every=0))

    def fit(**kwargs):
        return ALAD(preset="pictures", epochs=3, random_state=0).fit(X, **kwargs)

    class Killed(Exception):
        pass

    def kill(progress):
        if progress.epoch == 3:
            raise Killed

    whole = fit().score_samples(X)
    path = tmp_path / "c.safetensors"
    with pytest.raises(Killed):
        fit(checkpoint=path, report=kill)
    assert path.exists()
    assert np.array_equal(whole, fit(checkpoint=path).score_samples(X))


@pytest.mark.parametrize("score", ["features", "l1"])
def test_stripes_are_told_from_dots(score, optimised, learned):
    """By training: networks as they were drawn tell them too, but not as well."""
    test, y = np.concatenate([stripes(60, 1), dots(60, 2)]), np.arange(120) >= 60
    trained, untrained = (
        detection_metrics(y, -detector.set_params(anomaly_score=score).score_samples(test))["auroc"]
        for detector in learned
    )
    assert trained >= 0.97
    assert untrained < trained - 0.05


@pytest.fixture(scope="module")
def learned():
    """ALAD trained on stripes, and the same networks before that."""
    import jax

    jax.config.update("jax_disable_most_optimizations", False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ALAD.presets, "pictures", SMALL)
        of = {"preset": "pictures", "learning_rate": 1e-3, "batch_size": 32, "random_state": 0}
        both = [ALAD(**of, epochs=epochs).fit(stripes(640)) for epochs in (60, 0)]
        jax.config.update("jax_disable_most_optimizations", True)
        yield both
