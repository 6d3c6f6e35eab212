"""The martingale grows under a shift, and under none as seldom as Ville says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import kstest

from alad.calibration import exchangeability, martingale
from alad.calibration.exchangeability import successive_p_values
from alad.errors import InputError


@pytest.mark.parametrize("n", [1, 5, 60])
def test_the_martingale_is_the_integral(n):
    p = np.random.default_rng(n).random(n)

    def integral(p):
        return quad(lambda e: np.prod(e * p ** (e - 1)), 0, 1)[0]

    by_hand = (integral(p) + integral(1 - p)) / 2
    assert np.exp(martingale(p)[-1]) == pytest.approx(by_hand, rel=1e-6)


def test_extreme_p_values_give_numbers():
    for p in (np.zeros(5000), np.ones(5000), np.full(5000, 0.5)):
        assert not np.isnan(martingale(p)).any()
    assert martingale(np.full(5000, 0.5)).max() < 0
    assert martingale(np.full(5000, 1e-9))[-1] > 1000


def test_under_no_shift_it_seldom_grows():
    """Ville: the maximum reaches 20 with a probability of at most 1/20."""
    rng = np.random.default_rng(0)
    reached = 0
    for seed in range(300):
        scores = rng.normal(size=200)
        reached += martingale(successive_p_values(scores[:50], scores[50:], seed)).max() > np.log(
            20
        )
    assert reached <= 15 + 3 * np.sqrt(15)


def test_successive_p_values_are_uniform_with_ties():
    scores = np.random.default_rng(1).integers(0, 4, 3000).astype(float)
    p = successive_p_values(scores[:100], scores[100:], 0)
    assert kstest(p, "uniform").pvalue > 0.01
    assert abs(np.corrcoef(p[1:], p[:-1])[0, 1]) < 0.06


@pytest.mark.parametrize("shift", [1.0, -1.0])
def test_a_shift_up_or_down_is_seen_by_both(shift):
    rng = np.random.default_rng(2)
    verdict = exchangeability(rng.normal(size=500), rng.normal(shift, size=300))
    assert not verdict.holds
    assert verdict.martingale_maximum > 3
    assert verdict.martingale_p < 1e-3
    assert 0 <= verdict.martingale_row < 300
    assert verdict.ks_statistic == pytest.approx(0.38, abs=0.1)
    assert "by the martingale and the Kolmogorov-Smirnov test" in verdict.statement


def test_the_row_by_which_the_martingale_says_no_is_told():
    rng = np.random.default_rng(3)
    known, new = rng.normal(size=500), rng.normal(size=300) + 2 * (np.arange(300) >= 100)
    wealth = martingale(successive_p_values(known, new, 7))
    verdict = exchangeability(known, new, level=0.02, seed=7)
    assert verdict.martingale_stop == np.flatnonzero(wealth >= np.log(100))[0] > 100
    assert exchangeability(known, rng.normal(size=300)).martingale_stop is None


def test_scores_that_draw_together_are_seen_by_kolmogorov_smirnov():
    rng = np.random.default_rng(3)
    verdict = exchangeability(rng.normal(size=500), rng.normal(0, 0.3, size=300))
    assert not verdict.holds
    assert verdict.statement.endswith("by the Kolmogorov-Smirnov test.")


def test_one_row_alone_proves_little():
    verdict = exchangeability(np.arange(150.0), np.array([999.0]))
    assert verdict.ks_p == pytest.approx(2 / 151)  # as far out as the first or the last
    assert verdict.holds


def test_the_verdict_errs_at_most_at_its_level():
    rng = np.random.default_rng(4)
    said_no = sum(
        not exchangeability(s[:100], s[100:], level=0.1, seed=i).holds
        for i, s in enumerate(rng.normal(size=(200, 220)))
    )
    assert said_no <= 20 + 3 * np.sqrt(20)


@pytest.mark.parametrize("n", [60, 400])
def test_how_large_a_difference_it_takes_is_told(n):
    known = np.arange(500) / 500
    needed = exchangeability(known, known[:n]).ks_needed
    for share, says_no in ((0.85, False), (1.15, True)):  # n values moved up by as much
        moved = (np.arange(n) + 0.5) / n + share * needed
        verdict = exchangeability(known, moved, level=0.01)
        assert verdict.ks_statistic == pytest.approx(share * needed, abs=0.02)
        assert (verdict.ks_p <= 0.005) is says_no


@pytest.mark.parametrize("n", [1, 2, 3, 7, 30])
def test_of_few_rows_it_is_exact(n):
    known = np.arange(1000.0)
    needed = exchangeability(known, known[:n]).ks_needed
    for share, says_no in ((needed, True), (needed - 0.01, False)):
        beyond = np.full(n, np.ceil(share * 1000) - 0.5)  # as many of the known lie below
        verdict = exchangeability(known, beyond)
        assert verdict.ks_statistic == pytest.approx(max(share, 1 - share), abs=1e-3)
        assert share < 0.5 or (verdict.ks_p <= 0.005) is says_no
    assert exchangeability(known[:300], [9.0]).ks_needed is None


def test_a_verdict_is_json_and_seeded():
    scores = np.zeros(40)
    one, same = (exchangeability(scores, scores, seed=5).to_json() for _ in range(2))
    assert one == same
    assert one["rows"] == one["calibration_rows"] == 40
    assert one["martingale_row"] >= -1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], [1.0]), "calibration scores"),
        (([1.0], []), "scores as at least one"),
        (([1.0], [np.inf]), "NaN or infinite"),
        (([1.0], np.ma.array([1.0], mask=[1])), "NaN or infinite"),
    ],
)
def test_bad_scores_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        exchangeability(*arguments)


@pytest.mark.parametrize("level", [0, 1, None])
def test_bad_level_is_refused(level):
    with pytest.raises(InputError, match="a level between 0 and 1"):
        exchangeability([1.0], [1.0], level=level)
