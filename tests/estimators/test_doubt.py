"""How far the discriminators' doubt is believed: on rows that training did not see."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from alad import ALAD, ALICE, AutoEncoder, BiGAN
from alad.errors import InputError
from alad.estimators import _fitting
from alad.estimators._doubt import MOST, NONE, belief, fitted, forged, held_for_doubt
from alad.estimators._given import Matrix
from alad.training import train

RNG = np.random.default_rng(5)


def dependent(n: int) -> Matrix:
    """Rows whose last columns follow from the first by a rule."""
    signs = RNG.integers(2, size=(n, 3)) * 2.0 - 1
    return np.float32(
        np.hstack([signs, signs[:, :1] * signs[:, 1:2], signs[:, 1:2] * signs[:, 2:]])
    )


def belief_of(detector):
    buffers = detector.weights_["M"][1]
    return tuple(map(float, buffers["slopes"][...])), float(buffers["intercept"][...][0])


def test_a_and_b_are_those_of_a_weighted_logistic_regression():
    real, other = RNG.normal(0.5, 1.5, (40_000, 2)), RNG.normal(-0.5, 1.5, (90_000, 2))
    weight = np.repeat([1 / 40_000, 1 / 90_000], [40_000, 90_000])
    other_way = LogisticRegression(C=1e9, tol=1e-10).fit(
        np.r_[real, other], np.repeat([1, 0], [40_000, 90_000]), sample_weight=weight
    )
    slopes, intercept = other_way.coef_[0], other_way.intercept_[0]
    assert (slopes > 0).all()
    assert (slopes < 1).all()
    found = fitted(real, other)
    assert found.slopes == pytest.approx(slopes, abs=1e-2)
    assert found.intercept == pytest.approx(intercept, abs=1e-2)


def test_a_logit_beyond_all_numbers_does_no_harm():
    real, other = np.array([np.inf, np.nan, 3.0, 2.0]), np.array([-np.inf, -3.0, np.nan, -1e30])
    (a,), b = fitted(real[:, None], other[:, None])
    assert 0 <= a <= 1
    assert np.isfinite(b)


def test_few_rows_prove_little():
    real, other = np.full((10, 1), 2.0), np.full((2000, 1), -2.0)
    (few,), _ = fitted(real, other)
    (many,), _ = fitted(np.tile(real, (100, 1)), other)
    assert 0 < few < 0.5 < many <= 1


@pytest.mark.parametrize("factor", [-1, 0, 100])
def test_a_discriminator_is_never_turned_round_nor_taken_at_more_than_its_word(factor):
    real, other = factor * RNG.normal(1, 1, (50, 1)), factor * RNG.normal(-1, 1, (50, 1))
    (a,), b = fitted(real / 1000, other / 1000) if factor == 100 else fitted(real, other)
    assert 0 <= a <= 1
    if factor <= 0:
        assert (a, b) == (pytest.approx(0), pytest.approx(0, abs=1e-3))


def test_forgeries_are_made_of_each_row_and_repeat():
    held = dependent(30)
    made = forged(held, 3)
    assert len(made) % 30 == 0
    assert len(made) >= 2000
    assert (made == forged(held, 3)).all()
    assert not (made == forged(held, 4)).all()
    for j in range(held.shape[1]):
        assert set(made[:, j]) <= set(held[:, j])


@pytest.mark.parametrize(("n", "held"), [(49, 0), (50, 10), (1000, 200), (10**6, MOST)])
def test_a_fifth_of_the_rows_is_held_out_where_that_says_something(n, held):
    assert held_for_doubt(n) == held


def test_of_many_watched_rows_some_are_looked_at():
    seen = []
    belief(lambda x: (seen.append(len(x)), x)[1], np.zeros((3 * MOST, 2), np.float32), 0)
    assert seen == [MOST, MOST]


def test_without_held_out_rows_nothing_is_believed():
    assert belief(lambda x: x[:, :2], dependent(0), 0) == NONE
    assert belief(lambda x: x[:, :2], dependent(9), 0) == NONE
    assert NONE == ((0, 0), 0)


def test_where_columns_depend_on_each_other_the_doubt_is_believed_and_where_they_do_not_it_is_not():
    a, _ = belief_of(ALAD(epochs=100, random_state=0).fit(dependent(600)))
    assert sum(a) > 0.5
    a, _ = belief_of(ALAD(epochs=200, random_state=0).fit(RNG.normal(size=(100, 5))))
    assert sum(a) < 0.2


@pytest.mark.parametrize("cls", [ALAD, ALICE, BiGAN])
def test_an_untrained_discriminator_is_hardly_believed(cls):
    detector = cls(epochs=0, anomaly_score="memory", random_state=0).fit(dependent(200))
    doubt = _scores(detector, "memory") - _scores(detector, "local-distance")
    assert np.ptp(doubt) < 0.05


def _scores(detector, score):
    return -detector.set_params(anomaly_score=score).score_samples(dependent(50))


def test_rows_that_are_watched_settle_the_doubt_as_well():
    x = dependent(400)
    given = ALAD(epochs=20, random_state=0).fit(x[100:], X_valid=x[:100])
    assert len(given.history_.validation) == 20
    assert all(0 < a <= 1 for a in belief_of(given)[0])
    unwatched = ALAD(epochs=2, random_state=0).fit(x)
    assert not unwatched.history_.validation


@pytest.mark.parametrize(
    ("fraction", "given", "held"),
    [(0, 0, 80), (0.01, 0, 80), (0.2, 0, 80), (0.5, 0, 200), (0.5, 9, 71), (0, 80, 0), (0, 90, 0)],
)
def test_what_few_watched_rows_lack_for_the_doubt_is_held_out_beside_them(fraction, given, held):
    assert ALAD(validation_fraction=fraction)._with_defaults().held_out(400, given) == held
    unsettled = ALAD(validation_fraction=fraction, preset="kdd99")._with_defaults()
    assert unsettled.held_out(400, given) == (0 if given else int(400 * fraction))


@pytest.mark.parametrize(("fraction", "given"), [(0.01, 0), (None, 4)])
def test_few_watched_rows_do_not_switch_the_doubt_off(fraction, given):
    x, watched = dependent(400), dependent(given) if given else None
    detector = ALAD(epochs=20, validation_fraction=fraction, random_state=0)
    detector.fit(x, X_valid=watched)
    assert len(detector.history_.validation) == 20
    assert sum(belief_of(detector)[0]) > 0


def test_what_is_watched_is_not_more_than_was_asked_for(monkeypatch):
    seen = []
    monkeypatch.setattr(
        _fitting, "train", lambda *a, validation, **k: seen.append(validation) or train(*a, **k)
    )
    x = np.float32(RNG.normal(size=(100, 4)))
    ALAD(epochs=0, validation_fraction=0.05, scaling="none").fit(x)
    ALAD(epochs=0, scaling="none").fit(x, X_valid=x[:3] + 1)
    ALAD(epochs=0, scaling="none").fit(x)
    assert [None if rows is None else len(rows) for rows in seen] == [5, 3, None]
    assert np.array_equal(seen[1], x[:3] + 1)


def test_without_a_discriminator_of_rows_nothing_is_held_out():
    x = dependent(200)
    alone = AutoEncoder(epochs=0, anomaly_score="distance", random_state=0)
    assert alone._with_defaults().held_out(len(x)) == 0
    assert belief_of(alone.fit(x)) == NONE
    assert ALAD()._with_defaults().held_out(len(x)) == 40


def test_patience_still_needs_rows_to_watch():
    with pytest.raises(InputError, match="Expected validation rows, because patience is set"):
        ALAD(epochs=2, patience=1).fit(dependent(200))


def test_the_memory_keeps_held_out_rows_too():
    x = np.float32(RNG.normal(size=(200, 4)))
    assert ALAD(epochs=0, random_state=0).fit(x).players_.memory == 200
    watched = ALAD(epochs=0, validation_fraction=0.3, random_state=0).fit(x)
    assert watched.players_.memory == 200


@pytest.mark.parametrize("given", [4, 100])
def test_the_memory_keeps_no_rows_that_are_given_to_watch_with(given):
    x = np.float32(RNG.normal(size=(200, 4)))
    detector = ALAD(epochs=0, scaling="none", random_state=0)
    detector.fit(x, X_valid=np.float32(RNG.normal(9, 1, size=(given, 4))))
    assert detector.players_.memory == 200
    assert np.abs(detector._kept_rows()).max() < 6
