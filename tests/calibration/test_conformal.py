"""p-values and Benjamini-Hochberg: values by hand, scipy's answer, and what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import false_discovery_control, kstest

from alad.calibration import (
    Calibration,
    at_false_discovery_rate,
    benjamini_hochberg,
    conformal_p_values,
    fewest_discoveries,
    randomised_p_values,
)
from alad.errors import InputError, ModelFormatError

RNG = np.random.default_rng(0)


def test_p_values_by_hand_ties_count_against_the_row():
    p = conformal_p_values([4.0, 1.0, 2.0, 2.0], [0.0, 2.0, 3.0, 4.0, 5.0])
    assert p.tolist() == [1.0, 4 / 5, 2 / 5, 2 / 5, 1 / 5]


def test_equal_weights_are_no_weights():
    known, new = RNG.normal(size=50), RNG.normal(size=20)
    weighted = conformal_p_values(known, new, np.full(50, 3.0), np.full(20, 3.0))
    np.testing.assert_allclose(weighted, conformal_p_values(known, new))


def test_weights_by_the_formula():
    known, new = RNG.integers(0, 9, 40).astype(float), RNG.integers(0, 9, 15).astype(float)
    w, v = RNG.uniform(0, 2, 40), RNG.uniform(0.1, 2, 15)
    by_hand = [(w[known >= a].sum() + one) / (w.sum() + one) for a, one in zip(new, v, strict=True)]
    np.testing.assert_allclose(conformal_p_values(known, new, w, v), by_hand)


def test_weights_put_right_what_covariate_shift_spoils():
    """Scores grow with x; normal test rows have another distribution of x than calibration rows."""
    rng = np.random.default_rng(1)

    def below(weighted):
        hits = []
        for _ in range(300):
            x, new = rng.normal(size=300), rng.normal(0.7, size=20)
            w, v = (np.exp(0.7 * x), np.exp(0.7 * new)) if weighted else (None, None)
            hits.append((conformal_p_values(x, new, w, v) <= 0.1).mean())
        return np.mean(hits)

    assert below(weighted=False) > 0.2
    assert below(weighted=True) == pytest.approx(0.1, abs=0.015)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], [1.0]), "calibration scores as at least one finite number"),
        (([1.0], [np.nan]), "scores as at least one finite number"),
        (([1.0], [[1.0]]), r"got shape \(1, 1\)"),
        (([1.0], [1.0], [1.0]), "weights of calibration rows and of test rows together"),
        (([1.0], [1.0], None, [1.0]), "Give both or neither"),
        (([1.0], [1.0], [-1.0], [1.0]), "weights as 1 numbers of at least 0"),
        (([1.0], [1.0], [1.0, 2.0], [1.0]), "got 2, the least"),
        (([1.0], [1.0], [1.0], [0.0]), "test_weights above 0"),
    ],
)
def test_bad_input_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        conformal_p_values(*arguments)


def test_p_values_of_normal_rows_are_uniform_however_many_tie():
    rng = np.random.default_rng(2)
    for draw in (lambda n: rng.normal(size=n), lambda n: rng.integers(0, 3, n)):
        one_each = [randomised_p_values(draw(50), draw(1), seed)[0] for seed in range(800)]
        assert kstest(one_each, "uniform").pvalue > 0.01
        p = [conformal_p_values(draw(50), draw(1))[0] for _ in range(800)]
        for t in (0.05, 0.1, 0.5):
            assert np.mean(np.array(p) <= t) <= t + 3 * np.sqrt(t / 800)


# ------------------------------------------------------------------- Benjamini-Hochberg


@pytest.mark.parametrize("level", [0.01, 0.05, 0.2])
def test_benjamini_hochberg_is_scipys(level):
    for seed in range(20):
        p = np.random.default_rng(seed).beta(0.5, 2, size=60)
        assert np.array_equal(benjamini_hochberg(p, level), false_discovery_control(p) <= level)


def test_benjamini_hochberg_by_hand():
    p = [0.01, 0.04, 0.03, 0.005, 0.9]  # 0.005 <= .01, 0.01 <= .02, 0.03 <= .03, 0.04 <= .04
    assert benjamini_hochberg(p, 0.05).tolist() == [True, True, True, True, False]
    assert not benjamini_hochberg([0.06, 0.9], 0.05).any()


@pytest.mark.parametrize("level", [0, 1, -0.1, 2, np.nan, "0.1", True])
def test_level_out_of_range_is_refused(level):
    with pytest.raises(InputError, match="false discovery rate between 0 and 1"):
        benjamini_hochberg([0.5], level)


@pytest.mark.parametrize("p", [[1.1], [-0.1]])
def test_what_is_no_p_value_is_refused(p):
    with pytest.raises(InputError, match=r"p-values in \[0, 1\]"):
        benjamini_hochberg(p, 0.1)


@pytest.mark.parametrize("level", [0.03, 0.05, 0.1, 0.5])
def test_counts_are_enough_for_benjamini_hochberg(level):
    for seed in range(30):
        rng = np.random.default_rng(seed)
        calibration = Calibration.of(rng.integers(0, 40, 99))  # with ties
        new = np.append(rng.integers(0, 40, 60), rng.integers(35, 60, 20))
        counts = np.bincount(calibration.above(new), minlength=100)
        decision = at_false_discovery_rate(calibration, counts, level)
        by_rows = benjamini_hochberg(calibration.p_values(new), level)
        assert np.array_equal(new > decision.threshold, by_rows)


def test_the_false_discovery_rate_holds_on_average():
    """Normal rows and shifted ones: mean FDP within 3 standard errors of pi_0 times the level."""
    rng = np.random.default_rng(3)
    fdp, power = [], []
    for _ in range(400):
        known, normal, strange = rng.normal(size=500), rng.normal(size=180), rng.normal(4, 1, 20)
        flagged = benjamini_hochberg(conformal_p_values(known, np.r_[normal, strange]), 0.1)
        fdp.append(flagged[:180].sum() / max(flagged.sum(), 1))
        power.append(flagged[180:].mean())
    assert np.mean(fdp) <= 0.09 + 3 * np.std(fdp) / 20
    assert np.mean(power) > 0.7


def test_too_few_calibration_rows_are_counted():
    assert fewest_discoveries(m=19, n=20, level=0.05) == 20
    assert fewest_discoveries(m=18, n=20, level=0.05) is None
    assert fewest_discoveries(m=399, n=20, level=0.05) == 1
    for m, n in ((99, 100), (49, 30)):
        k, calibration = fewest_discoveries(m, n, 0.1), Calibration.of(np.arange(m))
        for beyond in (k - 1, k):
            p = calibration.p_values(np.r_[np.full(beyond, m + 1.0), np.full(n - beyond, -1.0)])
            assert benjamini_hochberg(p, 0.1).any() == (beyond == k)


# ----------------------------------------------------------------------------- Calibration


def test_largest_is_where_p_values_fall_to_a_level():
    calibration = Calibration.of([3.0, 1.0, 2.0, 2.0])
    new = np.array([0.5, 1.0, 2.0, 2.5, 3.0, 4.0])
    for k in range(5):
        flagged = calibration.p_values(new) <= k / 5 + 1e-12
        assert np.array_equal(new > calibration.largest(k), flagged)
    assert calibration.smallest_p == 0.2


@pytest.mark.parametrize(
    ("f", "dtype", "kept"),
    [
        (3, np.float32, 4096),
        (1024, np.float32, 256),
        (3, np.float64, 4096),
        (1024, np.float64, 128),
    ],
)
def test_rows_are_drawn_by_the_seed_within_bounds(f, dtype, kept):
    rows = np.arange(5000 * f, dtype=dtype).reshape(5000, f)
    one, same, other = (Calibration.of(np.zeros(5000), rows, seed=s) for s in (1, 1, 2))
    assert one.rows.shape == (kept, f)
    assert one.rows.dtype == dtype
    assert np.array_equal(one.rows, same.rows)
    assert not np.array_equal(one.rows, other.rows)
    assert (np.diff(one.rows[:, 0]) > 0).all()


def test_rows_beyond_float32_stay_finite():
    assert np.isfinite(Calibration.of([1.0], [[1e300]]).rows).all()


def test_rows_without_their_scores_are_refused():
    with pytest.raises(InputError, match="a score for each of 2 rows; got 1"):
        Calibration.of([1.0], [[1.0], [2.0]])


@pytest.mark.parametrize(
    "change",
    [
        {"scores": np.array([2.0, 1.0])},
        {"scores": np.array([1.0, np.nan])},
        {"scores": np.zeros(0)},
        {"scores": np.zeros(2, np.float32)},
        {"scores": np.zeros((2, 1))},
        {"rows": np.zeros((2, 4), np.float32)},
        {"rows": np.full((2, 3), np.inf, np.float32)},
        {"rows": np.zeros((2, 3), np.int64)},
    ],
)
def test_damaged_arrays_are_refused(change):
    arrays = Calibration.of([1.0, 2.0], np.zeros((2, 3))).to_arrays()
    assert len(Calibration.from_arrays({}, arrays, 3).rows) == 2
    with pytest.raises(ModelFormatError, match="Expected calibration scores"):
        Calibration.from_arrays({}, arrays | change, 3)


def test_what_is_no_number_is_no_score():
    calibration = Calibration.of([1.0, 2.0, 3.0])
    with pytest.raises(InputError, match="Expected scores that are numbers; got 1 that are NaN"):
        calibration.p_values([np.nan, 1.0])
    for wrong in (Calibration.of, lambda p: benjamini_hochberg(p, 0.1), calibration.p_values):
        with pytest.raises(InputError, match="as numbers; got something else"):
            wrong(["a"])
    assert calibration.p_values([np.inf, -np.inf]).tolist() == [0.25, 1.0]
