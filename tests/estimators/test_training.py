"""Training as seen from a detector: seeds, averages, patience, checkpoints, many at once."""

from __future__ import annotations

from functools import partial

import jax.numpy as jnp
import numpy as np
import pytest

from alad import ALAD, ALICE, DAGMM, DSEBM, GAN, AnoGAN, AutoEncoder, BiGAN
from alad.errors import DivergedError, InputError
from alad.estimators import _fitting, fit_side_by_side
from alad.training import Checkpoint, Move
from tests.estimators.small import FRAME, NETWORKS, NEW, X, equal, fitted, leaves, new


def test_a_detector_remembers_how_training_went():
    history = fitted(ALAD).history_
    assert (history.epochs, history.seeds, history.validation) == (1, (0,), [])
    assert set(history.losses) == {"A", "D"}
    assert np.isfinite([history.losses[player] for player in "AD"]).all()


PLAYERS = {
    **dict.fromkeys(("ALAD", "ALICE", "BiGAN"), "DA"),
    **dict.fromkeys(("GAN", "AnoGAN"), "DG"),
    **dict.fromkeys(("DAGMM", "DSEBM"), "N"),
    "AutoEncoder": "A",
}


@pytest.mark.parametrize("cls", NETWORKS)
def test_each_players_loss_is_recorded_and_all_its_weights_are_moved(cls):
    assert set(fitted(cls).history_.losses) == set(PLAYERS[cls.__name__])
    for player in PLAYERS[cls.__name__]:
        after, before = (fitted(cls, epochs=n).weights_[player][0] for n in (1, 0))
        assert len(leaves(after)) >= 3
        assert not any(map(np.array_equal, leaves(after), leaves(before)))


def test_an_autoencoder_has_no_discriminator():
    assert leaves(fitted(AutoEncoder).weights_["D"]) == []


@pytest.mark.parametrize("cls", NETWORKS)
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(cls):
    # What ``fitted`` shares may have been compiled with other options, by a test long before.
    once, again, other = (new(cls).set_params(random_state=seed).fit(X) for seed in (0, 0, 1))
    assert equal(again.weights_, once.weights_)
    assert np.array_equal(again.score_samples(NEW), once.score_samples(NEW))
    assert not np.array_equal(other.score_samples(NEW), once.score_samples(NEW))


def test_a_seed_that_was_drawn_can_be_given_again():
    def draw(random_state):
        return new(BiGAN).set_params(random_state=random_state).fit(X)

    drawn, again = draw(np.random.RandomState(3)), draw(np.random.RandomState(3))
    assert drawn.seed_ == again.seed_
    assert draw(None).seed_ != draw(None).seed_
    assert equal(draw(drawn.seed_).weights_, drawn.weights_)
    assert equal(draw(np.int64(drawn.seed_)).weights_, drawn.weights_)


def test_the_average_can_be_switched_off():
    averaged, last = fitted(BiGAN), fitted(BiGAN, ema_decay=0.0)
    untrained = fitted(BiGAN, epochs=0)
    # It trains the same. Two programs, though: on AVX2 they round the last bit otherwise.
    for player, losses in last.history_.losses.items():
        np.testing.assert_allclose(averaged.history_.losses[player], losses, rtol=3e-7)

    def way(detector):  # from the newborn weights
        pairs = zip(leaves(detector.weights_["A"]), leaves(untrained.weights_["A"]), strict=True)
        return np.concatenate([(a - b).ravel() for a, b in pairs])

    # Four steps at decay 0.995: the average has gone about a hundredth of the way.
    share = np.linalg.norm(way(averaged)) / np.linalg.norm(way(last))
    assert 0.005 < share < 0.02


def test_no_epochs_leave_the_networks_untrained():
    untrained = fitted(BiGAN, epochs=0)
    assert untrained.history_.epochs == 0
    assert (untrained.predict(X) == -1).sum() == 1
    assert not np.array_equal(untrained.score_samples(NEW), fitted(BiGAN).score_samples(NEW))


# ------------------------------------------------------------------------- rows to watch


FAST = {"learning_rate": 0.02, "ema_decay": 0.5}
WATCHED = X[:20] + np.random.default_rng(0).normal(size=(20, 5))


def test_patience_restores_the_best_weights_and_stops():
    patient = new(BiGAN, epochs=60, patience=1, **FAST).fit(X, X_valid=WATCHED)
    curve = [row[0] for row in patient.history_.validation]
    best = int(np.argmin(curve)) + 1
    assert len(curve) == best + 2 < 60
    to_the_best = new(BiGAN, epochs=best, **FAST).fit(X, X_valid=WATCHED)
    assert equal(patient.weights_, to_the_best.weights_)
    # The curve is the mean anomaly score of these rows, under the weights that scoring uses.
    np.testing.assert_allclose(-patient.score_samples(WATCHED).mean(), min(curve), rtol=1e-5)


def test_a_share_of_the_rows_may_be_held_out():
    rows = np.vstack([X, WATCHED[:16]])  # 80 rows, of which 64 are left
    detector = new(BiGAN, validation_fraction=0.2).fit(rows)
    assert len(detector.history_.validation) == detector.history_.epochs == 1
    assert detector.rows_at_fit_ == 80
    again = new(BiGAN, validation_fraction=0.2).fit(rows)
    assert again.history_.validation == detector.history_.validation


def test_watching_changes_nothing_without_patience():
    watched = new(BiGAN).fit(X, X_valid=WATCHED)
    assert equal(watched.weights_, fitted(BiGAN).weights_)


def test_rows_to_watch_may_be_as_many_as_are_scored_at_once():
    history = new(BiGAN).fit(X, X_valid=np.resize(X, (4096, 5))).history_
    np.testing.assert_allclose(
        history.validation, [[-fitted(BiGAN).score_samples(X).mean()]], rtol=1e-4
    )


def test_rows_to_watch_may_be_a_frame():
    detector = new(BiGAN).fit(FRAME, X_valid=FRAME[:7])
    want = -detector.score_samples(FRAME[:7]).mean()
    np.testing.assert_allclose(detector.history_.validation, [[want]], rtol=1e-5)


# ------------------------------------------------------------------------- progress, divergence


def test_verbose_says_on_standard_error_how_it_goes(capsys):
    new(BiGAN, epochs=2, verbose=True).fit(X)
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("epoch 1/2, losses D ")
    assert lines[1].endswith(", 0 s left")


def test_a_report_is_called():
    told = []
    new(BiGAN, epochs=2).fit(X, report=told.append)
    assert [(p.epoch, p.step, p.steps) for p in told] == [(1, 4, 8), (2, 8, 8)]


def test_divergence_is_told(monkeypatch):
    def broken(networks, rows, key):
        return jnp.nan * networks["D"]["xz"].logit.bias[...].sum()

    monkeypatch.setattr(BiGAN, "_moves", lambda self: (Move("D", broken), Move("A", broken)))
    with pytest.raises(DivergedError, match="player 'D' is nan in epoch 1, step 1, seed 0"):
        new(BiGAN).fit(X)


# ------------------------------------------------------------------------- checkpoints


class Stop(Exception):
    """What the tests interrupt a training with."""


def stop_at(epoch):
    def report(progress):
        if progress.epoch == epoch:
            raise Stop

    return report


@pytest.fixture
def started(tmp_path, monkeypatch):
    """A training of four epochs with patience, cut off in the third."""
    monkeypatch.setattr(_fitting, "Checkpoint", partial(Checkpoint, every=0))
    file, game = tmp_path / "run", dict(epochs=4, patience=9, **FAST)
    with pytest.raises(Stop):
        new(BiGAN, **game).fit(X, X_valid=WATCHED, checkpoint=file, report=stop_at(3))
    return file, game


def test_a_training_goes_on_exactly(started):
    file, game = started
    told = []
    resumed = new(BiGAN, **game).fit(X, X_valid=WATCHED, checkpoint=file, report=told.append)
    assert [p.epoch for p in told] == [3, 4]
    whole = new(BiGAN, **game).fit(X, X_valid=WATCHED)
    assert equal(resumed.weights_, whole.weights_)
    assert resumed.history_.losses == whole.history_.losses


@pytest.mark.parametrize("cls", [ALAD, AutoEncoder, GAN, AnoGAN, DAGMM, DSEBM])
def test_every_detectors_training_goes_on_exactly(cls, tmp_path, monkeypatch):
    monkeypatch.setattr(_fitting, "Checkpoint", partial(Checkpoint, every=0))
    whole, cut = (new(cls, epochs=3, patience=9) for _ in "wc")
    with pytest.raises(Stop):
        cut.fit(X, X_valid=WATCHED, checkpoint=tmp_path / "run", report=stop_at(2))
    told = []
    cut.fit(X, X_valid=WATCHED, checkpoint=tmp_path / "run", report=told.append)
    assert [p.epoch for p in told] == [2, 3]
    assert equal(cut.weights_, whole.fit(X, X_valid=WATCHED).weights_)
    assert np.array_equal(cut.score_samples(NEW), whole.score_samples(NEW))


@pytest.mark.parametrize("cls", [GAN, AnoGAN])
def test_the_search_is_not_what_training_is_watched_by(cls):
    watched = new(cls, anomaly_score="inversion").fit(X, X_valid=WATCHED)
    density = watched.set_params(anomaly_score="density").score_samples(WATCHED)
    np.testing.assert_allclose(watched.history_.validation, [[-density.mean()]], rtol=1e-4)


@pytest.mark.parametrize(
    ("settings", "rows", "watched"),
    [
        ({"epochs": 5}, X, WATCHED),
        ({"random_state": 1}, X, WATCHED),
        ({"anomaly_score": "l2"}, X, WATCHED),
        ({"scaling": "minmax"}, X, WATCHED),
        ({"exchange": False}, X, WATCHED),
        ({}, X + np.eye(64, 5), WATCHED),
        ({}, X, WATCHED + 1),
    ],
    ids=["epochs", "seed", "score", "scaling", "losses", "rows", "rows to watch"],
)
def test_the_checkpoint_of_another_training_is_refused(started, settings, rows, watched):
    file, game = started
    before = file.read_bytes()
    with pytest.raises(InputError, match="belongs to another run"):
        new(BiGAN, **game).set_params(**settings).fit(rows, X_valid=watched, checkpoint=file)
    assert file.read_bytes() == before


# ------------------------------------------------------------------------- many at once


@pytest.mark.parametrize("cls", NETWORKS)
def test_side_by_side_each_is_as_if_alone(cls):
    all_rows = {"anomaly_score": "features"} if cls is ALAD else {}  # none is held out
    detectors = [new(cls, **all_rows).set_params(random_state=seed) for seed in (0, 1, 2)]
    assert fit_side_by_side(detectors, X) == detectors
    assert [d.seed_ for d in detectors] == [0, 1, 2]
    assert [d.history_.seeds for d in detectors] == [(0,), (1,), (2,)]
    for detector, seed in zip(detectors, (0, 1, 2), strict=True):
        alone = new(cls, **all_rows).set_params(random_state=seed).fit(X)
        np.testing.assert_allclose(detector.score_samples(NEW), alone.score_samples(NEW), rtol=1e-4)
        assert detector.offset_ == pytest.approx(alone.offset_, rel=1e-4)
    assert len({d.offset_ for d in detectors}) == 3


def test_side_by_side_an_earlier_fit_is_forgotten():
    detectors = [new(BiGAN).set_params(random_state=seed) for seed in (0, 1)]
    fit_side_by_side(detectors, FRAME)
    assert [d.feature_names_in_.tolist() for d in detectors] == [["size", "proto"]] * 2
    fit_side_by_side(detectors, X)
    assert not any(hasattr(d, "feature_names_in_") for d in detectors)
    assert [d.n_features_in_ for d in detectors] == [5, 5]


@pytest.mark.parametrize(
    "detectors",
    [[ALAD(), ALICE()], [ALAD(epochs=1), ALAD(epochs=2)], [ALAD(), ALAD(contamination=0.2)]],
)
def test_side_by_side_unlike_detectors_are_refused(detectors):
    with pytest.raises(InputError, match="Expected detectors that differ in random_state alone"):
        fit_side_by_side(detectors, X)
