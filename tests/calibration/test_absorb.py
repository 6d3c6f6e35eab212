"""What a new calibration would take in, and how much of it chance allows."""

from __future__ import annotations

import numpy as np
import pytest

from alad.calibration import Calibration, absorbed
from alad.calibration.absorb import DRAWS, _allowed, _drawn, _ranks
from alad.errors import InputError


def test_exchangeable_rows_are_allowed_as_often_as_the_level_says():
    rng = np.random.default_rng(0)
    refused = sum(
        not absorbed(Calibration.of(rng.normal(size=300)), rng.normal(size=200), level=0.1).allowed
        for _ in range(300)
    )
    assert refused <= 30 + 3 * np.sqrt(30)


@pytest.mark.parametrize("attack", [8, 60])
def test_an_attack_is_counted_and_little_else(attack):
    rng = np.random.default_rng(1)
    calibration = Calibration.of(rng.normal(size=2000))
    found = absorbed(calibration, np.append(rng.normal(size=1000), rng.normal(9, 1, attack)))
    assert not found.allowed
    assert attack <= found.suspicious <= attack + 15
    assert found.to_json()["tiers"][0]["rows"] >= attack


def test_a_shift_is_seen_in_the_widest_tier():
    rng = np.random.default_rng(2)
    calibration = Calibration.of(rng.normal(size=2000))
    found = absorbed(calibration, rng.normal(0.6, 1, size=1000))
    assert not found.allowed
    assert found.tiers[-1].too_many
    assert found.tiers[-1].expected == pytest.approx(100, abs=0.5)


def test_only_a_tier_of_too_many_rows_is_suspicious():
    """A few more in the widest tier, and as many as usual in those above it."""
    m = 5000
    calibration = Calibration.of(np.arange(m, dtype=float))
    within = absorbed(calibration, np.arange(m, dtype=float))
    more = within.tiers[-1].allowed - within.tiers[-1].rows + 5
    found = absorbed(calibration, np.append(np.arange(m), np.full(more, m * 0.93))[more:])
    crowded = [tier.too_many for tier in found.tiers]
    assert crowded == [False] * (len(crowded) - 1) + [True]
    assert found.threshold == found.tiers[-1].above
    assert found.share_above == found.tier.share > 0.09


def test_a_crowd_just_out_of_the_ordinary_is_seen():
    """A scan, each packet of which is as rare as one normal row in twenty."""
    rng = np.random.default_rng(3)
    calibration = Calibration.of(rng.normal(size=2000))
    scan = rng.uniform(1.4, 2.2, 300)
    found = absorbed(calibration, np.append(rng.normal(size=1000), scan))
    assert not found.allowed
    assert found.suspicious >= 300


def found(m, n, attack, level=0.05):
    """How often, of 100 times, an attack of so many rows is found among n, by m calibration rows.

    A third of its rows lie below the highest of the calibration.
    """
    rng = np.random.default_rng(4)
    times = 0
    for _ in range(100):
        calibration = Calibration.of(rng.normal(size=m))
        rows = np.append(rng.normal(size=n - attack), rng.normal(3.5, 1, attack))
        times += not absorbed(calibration, rows, level=level).allowed
    return times


def test_a_small_attack_is_found_by_few_calibration_rows():
    """40 rows of 5,000 by a tenth of 9,000: the highest score alone would allow 34 of them."""
    assert found(909, 5000, 40) >= 75
    assert found(909, 5000, 0) <= 12
    beyond = Calibration.of(rows := np.random.default_rng(6).normal(size=909))
    assert not absorbed(beyond, [*rows, *np.full(4071, rows.min()), *np.full(20, 9.0)]).allowed
    assert found(5000, 5000, 40) == 100


@pytest.mark.parametrize("level", [0.01, 0.05])
@pytest.mark.parametrize(("m", "n"), [(909, 5000), (5000, 900)])
def test_the_level_is_that_of_all_tiers_together(m, n, level):
    counts = _drawn(n, m, _ranks(m), seed=1)
    allowed = _allowed(n, m, _ranks(m), level)
    false = np.any([x > most for x, most in zip(counts, allowed, strict=True)], axis=0).mean()
    assert 0.6 * level < false < level + 3 * np.sqrt(2 * level / DRAWS)


def test_counts_are_drawn_as_they_come():
    rng = np.random.default_rng(5)
    m, n, ranks = 30, 50, [1, 3]
    scores = np.sort(rng.normal(size=(DRAWS, m)))[:, ::-1]
    new = rng.normal(size=(DRAWS, n))
    for k, drawn in zip(ranks, _drawn(n, m, ranks), strict=True):
        seen = (new > scores[:, k - 1 : k]).sum(axis=1)
        assert drawn.mean() == pytest.approx(seen.mean(), rel=0.05)
        assert drawn.std() == pytest.approx(seen.std(), rel=0.05)


def test_few_calibration_rows_have_one_tier():
    found = absorbed(Calibration.of([1.0, 2.0]), [0.0, 1.5])
    assert len(found.tiers) == 1
    assert found.allowed
    assert found.suspicious == 0


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="scores as at least one finite number"):
        absorbed(Calibration.of([1.0]), [])
    with pytest.raises(InputError, match="a level between 0 and 1"):
        absorbed(Calibration.of([1.0]), [1.0], level=1)
