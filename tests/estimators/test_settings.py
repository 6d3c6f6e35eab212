"""Every kind of wrong setting gets its sentence, before anything is trained."""

from __future__ import annotations

import math
from fractions import Fraction

import jax
import numpy as np
import polars as pl
import pytest

from alad import ALAD, ALICE, DAGMM, DSEBM, GAN, AnoGAN, AutoEncoder, BiGAN, Mahalanobis, load
from alad.errors import InputError
from alad.estimators import DETECTORS, Stream, _fitting, fit_side_by_side
from alad.estimators._doubt import held_for_doubt
from alad.networks import PRESETS
from alad.preprocessing.scaling import fit_scaler
from tests.estimators.small import NETWORKS, NEW, N, X, fitted

DISTANCES = "'distance', 'local-distance'"
EVERY_PRESET = "one of 'tabular', 'kdd99', 'arrhythmia', 'pictures', 'cifar10', 'svhn'"
WRONG = [
    ("epochs", -1, "an int of at least 0 or None"),
    ("epochs", 1.5, "an int of at least 0 or None"),
    ("epochs", True, "an int of at least 0 or None"),
    ("batch_size", 0, "an int of at least 1 or None"),
    ("latent_dim", "3", "an int of at least 1 or None"),
    ("patience", -1, "an int of at least 0 or None"),
    ("learning_rate", 0, "a number in (0, 1] or None"),
    ("learning_rate", 1.1, "a number in (0, 1] or None"),
    ("learning_rate", math.nan, "a number in (0, 1] or None"),
    ("learning_rate", False, "a number in (0, 1] or None"),
    ("ema_decay", 1, "a number in [0, 1) or None"),
    ("ema_decay", -0.1, "a number in [0, 1) or None"),
    ("validation_fraction", 1.0, "a number in [0, 1) or None"),
    ("validation_fraction", "half", "a number in [0, 1) or None"),
    ("contamination", 0.0, "a number in (0, 0.5]"),
    ("contamination", 0.51, "a number in (0, 0.5]"),
    ("contamination", None, "a number in (0, 0.5]"),
    ("preset", "tabula", EVERY_PRESET),
    ("preset", None, EVERY_PRESET),
    (
        "anomaly_score",
        "l3",
        "one of 'features', 'logits', 'l1', 'l2', 'joint-features', 'joint-logits', "
        "'distance', 'local-distance', 'memory' or None",
    ),
    ("scaling", "max", "one of 'none', 'minmax', 'standard', 'log-standard' or None"),
    ("spectral_norm", 1, "True or False or None"),
    ("precision", "float16", "one of 'float32', 'bfloat16'"),
    ("precision", None, "one of 'float32', 'bfloat16'"),
    ("verbose", "yes", "True or False"),
]


@pytest.mark.parametrize(("name", "value", "words"), WRONG)
def test_a_wrong_setting_is_named_with_what_it_must_be(name, value, words):
    with pytest.raises(InputError) as caught:
        ALAD(**{name: value}).fit(X)
    want = f"The '{name}' parameter of ALAD must be {words}. Got {value!r} instead."
    assert str(caught.value) == want


WRONG_FOR_OTHERS = [
    (GAN, "search_steps", -1, "an int of at least 0"),
    (GAN, "search_steps", None, "an int of at least 0"),
    (GAN, "search_step_size", 0, "a number in (0, inf)"),
    (GAN, "search_step_size", math.inf, "a number in (0, inf)"),
    (AnoGAN, "search_restarts", 0, "an int of at least 1 and at most 2048"),
    (AnoGAN, "search_restarts", 2049, "an int of at least 1 and at most 2048"),
    (AnoGAN, "feature_weight", 1.1, "a number in [0, 1]"),
    (AnoGAN, "latent_dim", 0, "an int of at least 1 or None"),
    (DAGMM, "anomaly_score", "l1", "one of 'energy', 'reconstruction' or None"),
    (DAGMM, "precision", "bfloat16", "one of 'float32'"),
    (GAN, "precision", "half", "one of 'float32', 'bfloat16'"),
    (DSEBM, "anomaly_score", "l1", "one of 'energy', 'reconstruction' or None"),
    (
        GAN,
        "anomaly_score",
        "energy",
        "one of 'density', 'feature-density', 'discriminator', 'inversion' or None",
    ),
    *((cls, "preset", "mnist", EVERY_PRESET) for cls in NETWORKS if "pictures" in cls.presets),
    *(
        (cls, "preset", "cifar10", "one of 'tabular', 'kdd99', 'arrhythmia'")
        for cls in NETWORKS
        if "pictures" not in cls.presets
    ),
]


@pytest.mark.parametrize(("cls", "name", "value", "words"), WRONG_FOR_OTHERS)
def test_the_other_methods_wrong_settings_are_named_too(cls, name, value, words):
    with pytest.raises(InputError) as caught:
        cls(**{name: value}).fit(X)
    want = f"The '{name}' parameter of {cls.__name__} must be {words}. Got {value!r} instead."
    assert str(caught.value) == want


def test_each_detector_is_called_by_its_name():
    for cls in DETECTORS.values():
        with pytest.raises(InputError, match=f"parameter of {cls.__name__} must be"):
            cls(contamination=2).fit(X)
    with pytest.raises(InputError, match="'scaling' parameter of Mahalanobis must be one of"):
        Mahalanobis(scaling=None).fit(X)


@pytest.mark.parametrize(
    ("random_state", "message"),
    [(-1, "at least 0"), (2**32, "at most 4294967295"), ("seed", "an int or None"), (1.5, "int")],
)
@pytest.mark.parametrize("cls", [ALAD, Mahalanobis])
def test_a_wrong_seed_is_refused(cls, random_state, message):
    with pytest.raises(InputError, match=message):
        cls(random_state=random_state).fit(X)


def test_pictures_have_no_columns_to_exchange():
    with pytest.raises(InputError, match="Expected no exchange with pictures"):
        ALAD(preset="pictures", exchange=True).fit(np.zeros((4, 8, 8), np.uint8))


def test_a_stream_of_rows_is_no_picture():
    stream = Stream(lambda: [pl.DataFrame(X)], N, folder=".")
    with pytest.raises(InputError, match="Expected pictures for the preset 'pictures'"):
        ALAD(preset="pictures").fit(stream)
    with pytest.raises(InputError, match="validation rows that are held in memory"):
        BiGAN().fit(X, X_valid=stream)


def test_no_detector_is_none_to_fit():
    with pytest.raises(InputError, match="at least one detector"):
        fit_side_by_side([], X)


def test_networks_refuse_a_forked_child(tmp_path, monkeypatch):
    """Of a process in which they computed: JAX would wait there for ever."""
    detector = fitted(BiGAN)
    detector.save(tmp_path / "m")
    monkeypatch.setattr("os.getpid", lambda: -1)
    for ask in (lambda: load(tmp_path / "m"), lambda: BiGAN().fit(X)):
        with pytest.raises(InputError, match=r"a process of its own .*; .* by spawn"):
            ask()
    with pytest.raises(InputError, match="a process of its own for networks"):
        detector.score_samples(NEW)


def test_networks_count_in_float32(tmp_path):
    fitted(BiGAN).save(tmp_path / "m")
    with jax.enable_x64(True):
        with pytest.raises(InputError, match=r"^Expected JAX .* jax_enable_x64 is on"):
            load(tmp_path / "m")
        with pytest.raises(InputError, match="jax_enable_x64 is on"):
            BiGAN().fit(X)
        with pytest.raises(InputError, match="jax_enable_x64 is on"):
            fitted(BiGAN).score_samples(NEW)


def test_patience_needs_rows_to_watch():
    for fraction in (None, 0.0, 0.01):  # a hundredth of 64 rows is none
        with pytest.raises(InputError, match="Expected validation rows, because patience is set"):
            ALAD(patience=3, validation_fraction=fraction).fit(X)


@pytest.mark.parametrize(
    ("cls", "score", "possible"),
    [
        (BiGAN, "features", f"'l1', 'l2', 'joint-features', 'joint-logits', {DISTANCES}, 'memory'"),
        (BiGAN, "logits", f"'l1', 'l2', 'joint-features', 'joint-logits', {DISTANCES}, 'memory'"),
        (AutoEncoder, "features", f"'l1', 'l2', {DISTANCES}"),
        (AutoEncoder, "joint-logits", f"'l1', 'l2', {DISTANCES}"),
    ],
)
def test_a_score_of_a_game_that_is_not_played_is_refused(cls, score, possible):
    message = rf"looks at D_x., which {cls.__name__} does not have\. Choose one of {possible}\."
    with pytest.raises(InputError, match=message):
        cls(anomaly_score=score).fit(X)


# ------------------------------------------------------------------------- what training is told


class Told(Exception):
    """Carries what ``train`` was called with."""


@pytest.fixture
def asked_of_training(monkeypatch):
    """Fit a detector up to where training begins; returns what training was asked for."""

    def spy(build, moves, rows, **others):
        raise Told({"build": build, "moves": moves, "rows": rows, **others})

    monkeypatch.setattr(_fitting, "train", spy)

    def ask(detector, X=X, **others):
        with pytest.raises(Told) as caught:
            detector.fit(X, **others)
        return caught.value.args[0]

    return ask


@pytest.mark.parametrize(("cls", "preset"), [(c, preset) for c in NETWORKS for preset in PRESETS])
def test_a_setting_left_open_is_the_presets(asked_of_training, cls, preset):
    p = cls.presets[preset]
    asked = asked_of_training(cls(preset=preset, random_state=3))
    settings, players = asked["settings"], asked["build"]
    assert (settings.learning_rate, settings.batch_size) == (p.learning_rate, p.batch_size)
    assert (settings.beta1, settings.beta2, settings.ema_decay) == (0.5, 0.999, p.ema_decay)
    assert (settings.patience, asked["validation"], asked["checkpoint"]) == (None, None, None)
    assert (players.architecture, players.data_dim) == (p.architecture_for(5), 5)
    for name in {"latent_dim", "spectral_norm"} & set(vars(players)):
        assert getattr(players, name) == getattr(p, name)
    held = held_for_doubt(N) if (cls, preset) == (ALAD, "tabular") else 0
    steps = max(1, (N - held) // min(p.batch_size, N - held))
    assert settings.epochs == max(p.epochs, math.ceil(p.min_steps / steps))
    assert asked["moves"] == cls(preset=preset)._moves()
    assert asked["seeds"] == [3]
    assert asked["rows"].dtype == np.float32
    want = fit_scaler(p.scaling, X, None).transform(X)
    want = want[np.random.default_rng(3).permutation(N)[held:]] if held else want
    np.testing.assert_allclose(asked["rows"], want, rtol=1e-5, atol=1e-6)


def test_a_setting_that_is_given_is_used(asked_of_training):
    given = {
        "epochs": 7,
        "batch_size": 8,
        "learning_rate": 0.5,
        "ema_decay": 0.0,
        "patience": 2,
        "latent_dim": 4,
        "spectral_norm": False,
    }
    asked = asked_of_training(ALAD(**given, validation_fraction=0.25))
    for name in ("epochs", "batch_size", "learning_rate", "ema_decay", "patience"):
        assert getattr(asked["settings"], name) == given[name]
    assert (asked["build"].latent_dim, asked["build"].spectral_norm) == (4, False)


@pytest.mark.parametrize(
    ("settings", "epochs"),
    [
        ({}, 2000),  # one step an epoch: 52 rows, 12 being held out, in batches of 64
        ({"batch_size": 10}, 400),  # five steps an epoch
        ({"batch_size": 10, "anomaly_score": "l1"}, 334),  # six of 64 rows; 2000 / 6, rounded up
        ({"batch_size": 500}, 2000),
        ({"epochs": 3}, 3),
        ({"epochs": 0}, 0),
        ({"preset": "kdd99"}, 100),
        ({"preset": "arrhythmia"}, 1000),
    ],
)
def test_small_tables_get_more_epochs_unless_told(asked_of_training, settings, epochs):
    assert asked_of_training(ALAD(**settings))["settings"].epochs == epochs


def test_large_tables_get_the_presets_epochs(asked_of_training):
    assert asked_of_training(ALAD(), np.tile(X, (600, 1)))["settings"].epochs == 4


def ordered(rows):
    return rows[np.lexsort(rows.T)]


@pytest.mark.parametrize("cls", [ALAD, ALICE])
def test_rows_are_held_out_by_the_seed_and_never_trained_on(asked_of_training, cls):
    def parts(seed):
        detector = cls(validation_fraction=0.3, random_state=seed, scaling="none")
        asked = asked_of_training(detector)
        return asked["rows"], asked["validation"]

    rows, watched = parts(0)
    assert (len(rows), len(watched)) == (N - int(0.3 * N), int(0.3 * N))
    assert np.array_equal(ordered(np.vstack([rows, watched])), ordered(X.astype(np.float32)))
    assert all(np.array_equal(a, b) for a, b in zip((rows, watched), parts(0), strict=True))
    assert not np.array_equal(watched, parts(1)[1])


def test_rows_to_watch_may_be_given_and_are_scaled_like_the_others(asked_of_training):
    asked = asked_of_training(ALAD(validation_fraction=0.3), X_valid=X[:15] + 1)
    assert len(asked["rows"]) == N
    want = (X[:15] + 1 - X.mean(axis=0)) / X.std(axis=0)
    np.testing.assert_allclose(asked["validation"], want, rtol=1e-4, atol=1e-5)
    with pytest.raises(InputError, match="expecting 5 features"):
        ALAD().fit(X, X_valid=X[:, :3])


@pytest.mark.parametrize("preset", [["tabular"], None, {}])
def test_a_preset_that_is_no_word_is_refused(preset):
    with pytest.raises(InputError, match=r"The 'preset' parameter of ALAD must be one of"):
        ALAD(preset=preset).fit(X)


def test_a_fraction_is_no_contamination():
    with pytest.raises(InputError, match=r"The 'contamination' parameter .* a number in"):
        Mahalanobis(contamination=Fraction(1, 100)).fit(X)


def test_another_preset_after_fit_does_not_judge():
    detector = ALAD(epochs=0, random_state=0).fit(X)
    detector.set_params(preset="kdd99")
    with pytest.raises(InputError, match="Expected the preset of the fit, 'tabular'; it was set"):
        detector.score_samples(NEW)
    assert np.isfinite(detector.fit(X).score_samples(NEW)).all()


@pytest.mark.parametrize("z", [[["x"]], [[1.0], [1.0, 2.0]], [[math.nan] * 32]])
def test_latent_vectors_are_finite_numbers(z):
    with pytest.raises(InputError, match="Expected latent vectors of"):
        ALAD(epochs=0, random_state=0).fit(X).generate(z)


@pytest.mark.parametrize("cls", [ALAD, DSEBM])
def test_a_row_so_far_out_that_scores_overflow_does_not_end_a_fit(cls):
    far = X.copy()
    far[0] = 1e25
    detector = cls(epochs=0, scaling="none", random_state=0).fit(far)
    assert detector.score_samples(far).argmin() == 0
